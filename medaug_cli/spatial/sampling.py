"""Compiled loops over voxels: linear, nearest and label-linear sampling as ITK does it, to rounding.

Positions come as three rows of doubles (x, y, z). Each row of voxels is cut into the run whose neighbours all lie in
the array and the rest: the run needs no test, and loops without tests use the processor's vector instructions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

_HALF = 0.5


@inner
def _lies_in(x: Any, y: Any, z: Any, low: Any, high: Any) -> Any:
    return (x >= low[0]) & (x < high[0]) & (y >= low[1]) & (y < high[1]) & (z >= low[2]) & (z < high[2])


@inner
def find_run(xs: Any, ys: Any, zs: Any, low: Any, high: Any) -> Any:
    """Return first and end of the positions with low <= position < high; (n, n) where they are no one run."""
    count, inside = len(xs), 0
    for n in range(count):
        inside += _lies_in(xs[n], ys[n], zs[n], low, high)
    if inside == 0:
        return count, count
    first, end = 0, count
    while not _lies_in(xs[first], ys[first], zs[first], low, high):
        first += 1
    while not _lies_in(xs[end - 1], ys[end - 1], zs[end - 1], low, high):
        end -= 1
    return (first, end) if end - first == inside else (count, count)


@inner
def is_inside(x: float, y: float, z: float, shape: Any) -> bool:
    """Say whether a position lies within half a voxel of the array (z, y, x)."""
    return (
        x >= -_HALF
        and y >= -_HALF
        and z >= -_HALF
        and x < shape[2] - _HALF
        and y < shape[1] - _HALF
        and z < shape[0] - _HALF
    )


@inner
def linear_at(array: Any, x: float, y: float, z: float, fill: Any, extend: bool) -> Any:
    """Return the trilinear value of `array` (z, y, x) at any position; beyond the edge the outer voxel stands."""
    if not extend and not is_inside(x, y, z, array.shape):
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


@inner
def _nearest_at(array: Any, x: float, y: float, z: float, fill: Any, extend: bool) -> Any:
    """Return the voxel of `array` (z, y, x) nearest to any position; halves round up."""
    nz, ny, nx = array.shape
    if not is_inside(x, y, z, array.shape):
        if not extend:
            return fill
        x, y, z = min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0), min(max(z, 0.0), nz - 1.0)
    return array[int(z + _HALF), int(y + _HALF), int(x + _HALF)]


@inner
def find_corners(xs: Any, ys: Any, zs: Any, row: float, plane: float, at: Any, u: Any, v: Any, w: Any) -> None:
    """Write for each position the flat index `at` of its lowest neighbour and the linear weights of the upper ones.

    With `plane` 0 every z lies in the only plane.
    """
    for n in range(len(xs)):
        i, j, k = math.floor(xs[n]), math.floor(ys[n]), math.floor(zs[n])
        u[n], v[n], w[n] = np.float32(xs[n] - i), np.float32(ys[n] - j), np.float32(zs[n] - k)
        at[n] = np.int64(k * plane + j * row + i)


@inner
def _find_nearest(xs: Any, ys: Any, zs: Any, row: float, plane: float, at: Any) -> None:
    """Write for each position the flat index `at` of the nearest voxel; halves round up."""
    for n in range(len(xs)):
        i, j, k = math.floor(xs[n] + _HALF), math.floor(ys[n] + _HALF), math.floor(zs[n] + _HALF)
        at[n] = np.int64(k * plane + j * row + i)


@inner
def _take(flat: Any, at: Any, row: Any) -> None:
    for n in range(len(at)):
        row[n] = flat[np.uint64(at[n])]


@inner
def _blend_plane(flat: Any, offset: Any, stride: int, at: Any, corners: Any, u: Any, v: Any, row: Any) -> None:
    """Write the bilinear values of the four neighbours from `at` + `offset` on, in rows `stride` apart.

    They are fetched first, since only a loop that fetches nothing uses vector instructions.
    """
    c00, c01, c10, c11 = corners[0], corners[1], corners[2], corners[3]
    shift, right, below = np.uint64(offset), np.uint64(1), np.uint64(stride)
    for n in range(len(at)):
        here = np.uint64(at[n]) + shift  # unsigned: no test for negative indices
        c00[n], c01[n] = flat[here], flat[here + right]
        c10[n], c11[n] = flat[here + below], flat[here + below + right]
    for n in range(len(at)):
        a0, a1, b0, b1 = np.float32(c00[n]), np.float32(c01[n]), np.float32(c10[n]), np.float32(c11[n])
        c0, c1 = a0 + u[n] * (a1 - a0), b0 + u[n] * (b1 - b0)
        row[n] = c0 + v[n] * (c1 - c0)


@inner
def _blend(low: Any, w: Any, row: Any) -> None:
    """Make of the values of the plane above, in `row`, those between it and the plane below, `low`."""
    for n in range(len(row)):
        row[n] = low[n] + w[n] * (row[n] - low[n])


def make_scratch(array: Any, width: int) -> tuple[Any, ...]:
    """Return what sampling `array` works in, row by row of `width` voxels.

    Indices, four corners of the type of `array`, and four rows of float32.
    """
    return np.empty(width, np.int64), np.empty((4, width), array.dtype), np.empty((4, width), np.float32)


@compiled
def sample_linear(array: Any, positions: Any, fill: Any, extend: bool, target: Any, scratch: Any) -> None:
    """Write linear values of `array` (z, y, x) at `positions` (3, n); `scratch` is that of `make_scratch`."""
    at, corners, weights = scratch
    u, v, w, low = weights[0], weights[1], weights[2], weights[3]
    nz, ny, nx = array.shape
    flat, width, plane = array.reshape(-1), len(at), nx * ny if nz > 1 else 0
    least, most = (0.0, 0.0, 0.0 if plane else -_HALF), (nx - 1.0, ny - 1.0, nz - 1.0 if plane else _HALF)
    for start in range(0, positions.shape[1], width):
        row = target[start : start + width]
        xs, ys = positions[0][start : start + width], positions[1][start : start + width]
        zs = positions[2][start : start + width]
        first, end = find_run(xs, ys, zs, least, most)
        here, run = at[: end - first], row[first:end]
        find_corners(xs[first:end], ys[first:end], zs[first:end], np.float64(nx), np.float64(plane), here, u, v, w)
        if plane:
            _blend_plane(flat, np.int64(0), nx, here, corners, u, v, low)
        _blend_plane(flat, plane, nx, here, corners, u, v, run)
        if plane:
            _blend(low, w, run)
        for n in range(width - len(run)):
            m = n if n < first else n + len(run)
            row[m] = linear_at(array, xs[m], ys[m], zs[m], fill, extend)


@compiled
def sample_nearest(array: Any, positions: Any, fill: Any, extend: bool, target: Any, scratch: Any) -> None:
    """Write the voxels of `array` (z, y, x) nearest to `positions` (3, n), in `scratch`."""
    at = scratch[0]
    nz, ny, nx = array.shape
    flat, width = array.reshape(-1), len(at)
    low, high = (-_HALF, -_HALF, -_HALF), (nx - _HALF, ny - _HALF, nz - _HALF)
    for start in range(0, positions.shape[1], width):
        row = target[start : start + width]
        xs, ys = positions[0][start : start + width], positions[1][start : start + width]
        zs = positions[2][start : start + width]
        first, end = find_run(xs, ys, zs, low, high)
        here = at[: end - first]
        _find_nearest(xs[first:end], ys[first:end], zs[first:end], np.float64(nx), np.float64(nx * ny), here)
        _take(flat, here, row[first:end])
        for n in range(width - len(here)):
            m = n if n < first else n + len(here)
            row[m] = _nearest_at(array, xs[m], ys[m], zs[m], fill, extend)


@compiled
def sample_label_linear(array: Any, positions: Any, fill: Any, extend: bool, target: Any) -> None:
    """Write the label of the largest linear weight, the smaller of equals (itk::LabelImageGenericInterpolate)."""
    nz, ny, nx = array.shape
    labels = np.empty(8, array.dtype)
    sums = np.empty(8)
    xs, ys, zs = positions[0], positions[1], positions[2]
    for n in range(len(xs)):
        x, y, z = xs[n], ys[n], zs[n]
        if not extend and not is_inside(x, y, z, array.shape):
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
