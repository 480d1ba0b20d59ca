"""Compiled loops over voxels: linear, nearest and label-linear sampling as ITK does it, to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled

_HALF = 0.5


@compiled
def _is_inside(x: float, y: float, z: float, shape: Any) -> bool:
    """Say whether a position lies within half a voxel of the array (z, y, x)."""
    return (
        x >= -_HALF
        and y >= -_HALF
        and z >= -_HALF
        and x < shape[2] - _HALF
        and y < shape[1] - _HALF
        and z < shape[0] - _HALF
    )


@compiled
def _linear_at(array: Any, x: float, y: float, z: float, fill: Any, extend: bool) -> Any:
    """Return the trilinear value of `array` (z, y, x) at any position; beyond the edge the outer voxel stands."""
    if not extend and not _is_inside(x, y, z, array.shape):
        return fill
    nz, ny, nx = array.shape
    x, y, z = min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0), min(max(z, 0.0), nz - 1.0)
    i, j, k = int(x), int(y), int(z)
    i1, j1, k1 = min(i + 1, nx - 1), min(j + 1, ny - 1), min(k + 1, nz - 1)
    u, v, w = np.float32(x - i), np.float32(y - j), np.float32(z - k)
    c000, c001 = np.float32(array[k, j, i]), np.float32(array[k, j, i1])
    c010, c011 = np.float32(array[k, j1, i]), np.float32(array[k, j1, i1])
    c100, c101 = np.float32(array[k1, j, i]), np.float32(array[k1, j, i1])
    c110, c111 = np.float32(array[k1, j1, i]), np.float32(array[k1, j1, i1])
    c00, c01 = c000 + u * (c001 - c000), c010 + u * (c011 - c010)
    c10, c11 = c100 + u * (c101 - c100), c110 + u * (c111 - c110)
    c0, c1 = c00 + v * (c01 - c00), c10 + v * (c11 - c10)
    return c0 + w * (c1 - c0)


@compiled
def _linear_within(flat: Any, ny: int, nx: int, x: float, y: float, z: float) -> Any:
    """Return the trilinear value at a position whose eight neighbours lie in the array, given flat."""
    i, j, k = int(x), int(y), int(z)
    u, v, w = np.float32(x - i), np.float32(y - j), np.float32(z - k)
    at = np.uint64((k * ny + j) * nx + i)  # unsigned: no test for negative indices
    right, below, behind = np.uint64(1), np.uint64(nx), np.uint64(nx * ny)
    c000, c001 = np.float32(flat[at]), np.float32(flat[at + right])
    c010, c011 = np.float32(flat[at + below]), np.float32(flat[at + below + right])
    at += behind
    c100, c101 = np.float32(flat[at]), np.float32(flat[at + right])
    c110, c111 = np.float32(flat[at + below]), np.float32(flat[at + below + right])
    c00, c01 = c000 + u * (c001 - c000), c010 + u * (c011 - c010)
    c10, c11 = c100 + u * (c101 - c100), c110 + u * (c111 - c110)
    c0, c1 = c00 + v * (c01 - c00), c10 + v * (c11 - c10)
    return c0 + w * (c1 - c0)


@compiled
def _bilinear_within(flat: Any, nx: int, x: float, y: float) -> Any:
    """Return the bilinear value of one plane at a position whose four neighbours lie in it."""
    i, j = int(x), int(y)
    u, v = np.float32(x - i), np.float32(y - j)
    at = np.uint64(j * nx + i)
    right, below = np.uint64(1), np.uint64(nx)
    c00, c01 = np.float32(flat[at]), np.float32(flat[at + right])
    c10, c11 = np.float32(flat[at + below]), np.float32(flat[at + below + right])
    c0, c1 = c00 + u * (c01 - c00), c10 + u * (c11 - c10)
    return c0 + v * (c1 - c0)


@compiled
def _run_within(start: Any, step: Any, low: Any, high: Any, count: int) -> Any:
    """Return the first and the end of the x for which low <= start + step · x < high on all three axes."""
    first, end = 0, count
    for axis in range(3):
        if step[axis] == 0.0:
            if not low[axis] <= start[axis] < high[axis]:
                return 0, 0
            continue
        one, other = (low[axis] - start[axis]) / step[axis], (high[axis] - start[axis]) / step[axis]
        least, most = min(one, other), max(one, other)
        first = max(first, int(min(max(least - 1, 0.0), float(count))))
        end = min(end, int(min(max(most + 2, 0.0), float(count))))
    # Rounding is monotone in x, so sound ends make a sound run.
    while first < end and not _is_within(start, step, first, low, high):
        first += 1
    while first < end and not _is_within(start, step, end - 1, low, high):
        end -= 1
    return first, end


@compiled
def _is_within(start: Any, step: Any, x: int, low: Any, high: Any) -> bool:
    for axis in range(3):
        position = start[axis] + step[axis] * x
        if not low[axis] <= position < high[axis]:
            return False
    return True


@compiled
def affine_linear(array: Any, matrix: Any, fill: Any, extend: bool, target: Any) -> None:
    """Write linear values of `array` (z, y, x) at the positions that `matrix` (4, 4) gives for `target` (z, y, x).

    Each row is cut into the run whose neighbours all lie in the array, which needs no test, and the rest.
    """
    nz, ny, nx = array.shape
    flat = array.reshape(-1)
    plane = nz == 1
    low = np.zeros(3)
    high = np.array((nx - 1.0, ny - 1.0, nz - 1.0))
    if plane:
        low[2], high[2] = -_HALF, _HALF
    step, start = matrix[:3, 0].copy(), np.empty(3)
    dx, dy, dz = step[0], step[1], step[2]
    for z in range(target.shape[0]):
        for y in range(target.shape[1]):
            row = target[z, y]
            for axis in range(3):
                start[axis] = matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]
            px, py, pz = start[0], start[1], start[2]
            first, end = _run_within(start, step, low, high, len(row))
            for x in range(first):
                row[x] = _linear_at(array, px + dx * x, py + dy * x, pz + dz * x, fill, extend)
            if plane:
                for x in range(first, end):
                    row[x] = _bilinear_within(flat, nx, px + dx * x, py + dy * x)
            else:
                for x in range(first, end):
                    row[x] = _linear_within(flat, ny, nx, px + dx * x, py + dy * x, pz + dz * x)
            for x in range(end, len(row)):
                row[x] = _linear_at(array, px + dx * x, py + dy * x, pz + dz * x, fill, extend)


@compiled
def affine_nearest(array: Any, matrix: Any, fill: Any, extend: bool, target: Any) -> None:
    """Write the values of the voxels of `array` (z, y, x) nearest to the positions that `matrix` (4, 4) gives."""
    nz, ny, nx = array.shape
    flat = array.reshape(-1)
    low, high = np.full(3, -_HALF), np.array((nx - _HALF, ny - _HALF, nz - _HALF))
    step, start = matrix[:3, 0].copy(), np.empty(3)
    dx, dy, dz = step[0], step[1], step[2]
    for z in range(target.shape[0]):
        for y in range(target.shape[1]):
            row = target[z, y]
            for axis in range(3):
                start[axis] = matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]
            px, py, pz = start[0], start[1], start[2]
            first, end = _run_within(start, step, low, high, len(row))
            for x in range(first, end):
                i, j, k = int(px + dx * x + _HALF), int(py + dy * x + _HALF), int(pz + dz * x + _HALF)
                row[x] = flat[np.uint64((k * ny + j) * nx + i)]
            for part in range(2):
                for x in range(0 if part == 0 else end, first if part == 0 else len(row)):
                    row[x] = _nearest_at(array, px + dx * x, py + dy * x, pz + dz * x, fill, extend)


@compiled
def _nearest_at(array: Any, x: float, y: float, z: float, fill: Any, extend: bool) -> Any:
    """Return the voxel of `array` (z, y, x) nearest to any position; halves round up."""
    nz, ny, nx = array.shape
    if not _is_inside(x, y, z, array.shape):
        if not extend:
            return fill
        x, y, z = min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0), min(max(z, 0.0), nz - 1.0)
    return array[int(z + _HALF), int(y + _HALF), int(x + _HALF)]


@compiled
def sample_linear(array: Any, positions: Any, fill: Any, extend: bool, target: Any) -> None:
    """Write linear values of `array` (z, y, x) at `positions` (n, 3)."""
    nz, ny, nx = array.shape
    flat = array.reshape(-1)
    for n in range(len(positions)):
        x, y, z = positions[n, 0], positions[n, 1], positions[n, 2]
        if x >= 0.0 and y >= 0.0 and z >= 0.0 and x < nx - 1 and y < ny - 1 and z < nz - 1:
            target[n] = _linear_within(flat, ny, nx, x, y, z)
        elif nz == 1 and x >= 0.0 and y >= 0.0 and x < nx - 1 and y < ny - 1 and -_HALF <= z < _HALF:
            target[n] = _bilinear_within(flat, nx, x, y)
        else:
            target[n] = _linear_at(array, x, y, z, fill, extend)


@compiled
def sample_nearest(array: Any, positions: Any, fill: Any, extend: bool, target: Any) -> None:
    """Write the values of the voxels of `array` (z, y, x) nearest to `positions` (n, 3)."""
    for n in range(len(positions)):
        target[n] = _nearest_at(array, positions[n, 0], positions[n, 1], positions[n, 2], fill, extend)


@compiled
def sample_label_linear(array: Any, positions: Any, fill: Any, extend: bool, target: Any) -> None:
    """Write the label with the largest linear weight, the smaller one of equals (itk::LabelImageGenericInterpolate)."""
    nz, ny, nx = array.shape
    labels = np.empty(8, array.dtype)
    sums = np.empty(8)
    for n in range(len(positions)):
        x, y, z = positions[n, 0], positions[n, 1], positions[n, 2]
        if not extend and not _is_inside(x, y, z, array.shape):
            target[n] = fill
            continue
        x, y, z = min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0), min(max(z, 0.0), nz - 1.0)
        i, j, k = int(x), int(y), int(z)
        found = 0
        for corner in range(8):
            a, b, c = corner & 1, corner >> 1 & 1, corner >> 2 & 1
            weight = (x - i if a else 1 - x + i) * (y - j if b else 1 - y + j) * (z - k if c else 1 - z + k)
            label = array[min(k + c, nz - 1), min(j + b, ny - 1), min(i + a, nx - 1)]
            for m in range(found):
                if labels[m] == label:
                    sums[m] += weight
                    break
            else:
                labels[found], sums[found] = label, weight
                found += 1
        best = 0
        for m in range(1, found):
            if sums[m] > sums[best] or (sums[m] == sums[best] and labels[m] < labels[best]):
                best = m
        target[n] = labels[best]
