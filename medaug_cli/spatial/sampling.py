"""Compiled loops over voxels: linear, nearest and label-linear sampling as ITK does it, to rounding.

Positions come as three rows of doubles (x, y, z). Each row of voxels is cut into the run whose neighbours all lie in
the array and the rest: the run needs no test, and loops without tests use the processor's vector instructions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled

_HALF = 0.5


@compiled
def _mark_inside(xs: Any, ys: Any, zs: Any, low: Any, high: Any, marks: Any) -> int:
    """Mark the positions with low <= position < high; return how many there are."""
    x0, y0, z0 = low
    x1, y1, z1 = high
    inside = 0
    for n in range(len(xs)):
        x, y, z = xs[n], ys[n], zs[n]
        mark = (x >= x0) & (x < x1) & (y >= y0) & (y < y1) & (z >= z0) & (z < z1)
        marks[n] = mark
        inside += mark
    return inside


@compiled
def _find_run(xs: Any, ys: Any, zs: Any, low: Any, high: Any, marks: Any) -> Any:
    """Return first and end of the positions with low <= position < high; (n, n) where they are no one run."""
    count = len(xs)
    inside = _mark_inside(xs, ys, zs, low, high, marks)
    if inside == 0:
        return count, count
    first, end = 0, count
    while not marks[first]:
        first += 1
    while not marks[end - 1]:
        end -= 1
    return (first, end) if end - first == inside else (count, count)


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
def _nearest_at(array: Any, x: float, y: float, z: float, fill: Any, extend: bool) -> Any:
    """Return the voxel of `array` (z, y, x) nearest to any position; halves round up."""
    nz, ny, nx = array.shape
    if not _is_inside(x, y, z, array.shape):
        if not extend:
            return fill
        x, y, z = min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0), min(max(z, 0.0), nz - 1.0)
    return array[int(z + _HALF), int(y + _HALF), int(x + _HALF)]


@compiled
def _find_corners(xs: Any, ys: Any, zs: Any, row: float, plane: float, at: Any, u: Any, v: Any, w: Any) -> None:
    """Write for each position the flat index `at` of its lowest neighbour and the linear weights of the upper ones."""
    for n in range(len(xs)):
        i, j, k = math.floor(xs[n]), math.floor(ys[n]), math.floor(zs[n])
        u[n], v[n], w[n] = np.float32(xs[n] - i), np.float32(ys[n] - j), np.float32(zs[n] - k)
        at[n] = np.int64(k * plane + j * row + i)


@compiled
def _find_corners_in_plane(xs: Any, ys: Any, row: float, at: Any, u: Any, v: Any) -> None:
    """Write for each position the flat index `at` of its lowest neighbour in a plane and the linear weights."""
    for n in range(len(xs)):
        i, j = math.floor(xs[n]), math.floor(ys[n])
        u[n], v[n] = np.float32(xs[n] - i), np.float32(ys[n] - j)
        at[n] = np.int64(j * row + i)


@compiled
def _find_nearest(xs: Any, ys: Any, zs: Any, row: float, plane: float, at: Any) -> None:
    """Write for each position the flat index `at` of the nearest voxel; halves round up."""
    for n in range(len(xs)):
        i, j, k = math.floor(xs[n] + _HALF), math.floor(ys[n] + _HALF), math.floor(zs[n] + _HALF)
        at[n] = np.int64(k * plane + j * row + i)


@compiled
def _take(flat: Any, at: Any, row: Any) -> None:
    for n in range(len(at)):
        row[n] = flat[np.uint64(at[n])]


@compiled
def _blend_corners(flat: Any, row_stride: int, plane_stride: int, at: Any, u: Any, v: Any, w: Any, row: Any) -> None:
    """Write the trilinear values of the eight neighbours from `at` on of `flat`."""
    right, below, behind = np.uint64(1), np.uint64(row_stride), np.uint64(plane_stride)
    for n in range(len(at)):
        here = np.uint64(at[n])  # unsigned: no test for negative indices
        c000, c001 = np.float32(flat[here]), np.float32(flat[here + right])
        c010, c011 = np.float32(flat[here + below]), np.float32(flat[here + below + right])
        here += behind
        c100, c101 = np.float32(flat[here]), np.float32(flat[here + right])
        c110, c111 = np.float32(flat[here + below]), np.float32(flat[here + below + right])
        c00, c01 = c000 + u[n] * (c001 - c000), c010 + u[n] * (c011 - c010)
        c10, c11 = c100 + u[n] * (c101 - c100), c110 + u[n] * (c111 - c110)
        c0, c1 = c00 + v[n] * (c01 - c00), c10 + v[n] * (c11 - c10)
        row[n] = c0 + w[n] * (c1 - c0)


@compiled
def _blend_plane(flat: Any, row_stride: int, at: Any, u: Any, v: Any, row: Any) -> None:
    """Write the bilinear values of the four neighbours from `at` on of one plane."""
    right, below = np.uint64(1), np.uint64(row_stride)
    for n in range(len(at)):
        here = np.uint64(at[n])
        c00, c01 = np.float32(flat[here]), np.float32(flat[here + right])
        c10, c11 = np.float32(flat[here + below]), np.float32(flat[here + below + right])
        c0, c1 = c00 + u[n] * (c01 - c00), c10 + u[n] * (c11 - c10)
        row[n] = c0 + v[n] * (c1 - c0)


@compiled
def sample_linear(array: Any, positions: Any, width: int, fill: Any, extend: bool, target: Any) -> None:
    """Write linear values of `array` (z, y, x) at `positions` (3, n), rows of `width` voxels."""
    nz, ny, nx = array.shape
    flat = array.reshape(-1)
    low, high = (0.0, 0.0, 0.0 if nz > 1 else -_HALF), (nx - 1.0, ny - 1.0, nz - 1.0 if nz > 1 else _HALF)
    marks, at = np.empty(width, np.bool_), np.empty(width, np.int64)
    u, v, w = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    for start in range(0, positions.shape[1], width):
        row = target[start : start + width]
        xs, ys = positions[0][start : start + width], positions[1][start : start + width]
        zs = positions[2][start : start + width]
        first, end = _find_run(xs, ys, zs, low, high, marks)
        here, run = at[: end - first], row[first:end]
        if nz == 1:
            _find_corners_in_plane(xs[first:end], ys[first:end], np.float64(nx), here, u, v)
            _blend_plane(flat, nx, here, u, v, run)
        else:
            plane = np.float64(nx * ny)
            _find_corners(xs[first:end], ys[first:end], zs[first:end], np.float64(nx), plane, here, u, v, w)
            _blend_corners(flat, nx, nx * ny, here, u, v, w, run)
        for n in range(first):
            row[n] = _linear_at(array, xs[n], ys[n], zs[n], fill, extend)
        for n in range(end, width):
            row[n] = _linear_at(array, xs[n], ys[n], zs[n], fill, extend)


@compiled
def sample_nearest(array: Any, positions: Any, width: int, fill: Any, extend: bool, target: Any) -> None:
    """Write the voxels of `array` (z, y, x) nearest to `positions` (3, n), rows of `width` voxels."""
    nz, ny, nx = array.shape
    flat = array.reshape(-1)
    low, high = (-_HALF, -_HALF, -_HALF), (nx - _HALF, ny - _HALF, nz - _HALF)
    marks, at = np.empty(width, np.bool_), np.empty(width, np.int64)
    for start in range(0, positions.shape[1], width):
        row = target[start : start + width]
        xs, ys = positions[0][start : start + width], positions[1][start : start + width]
        zs = positions[2][start : start + width]
        first, end = _find_run(xs, ys, zs, low, high, marks)
        here = at[: end - first]
        _find_nearest(xs[first:end], ys[first:end], zs[first:end], np.float64(nx), np.float64(nx * ny), here)
        _take(flat, here, row[first:end])
        for n in range(first):
            row[n] = _nearest_at(array, xs[n], ys[n], zs[n], fill, extend)
        for n in range(end, width):
            row[n] = _nearest_at(array, xs[n], ys[n], zs[n], fill, extend)


@compiled
def sample_label_linear(array: Any, positions: Any, fill: Any, extend: bool, target: Any) -> None:
    """Write the label of the largest linear weight, the smaller of equals (itk::LabelImageGenericInterpolate)."""
    nz, ny, nx = array.shape
    labels = np.empty(8, array.dtype)
    sums = np.empty(8)
    xs, ys, zs = positions[0], positions[1], positions[2]
    for n in range(len(xs)):
        x, y, z = xs[n], ys[n], zs[n]
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
