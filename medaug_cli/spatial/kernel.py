"""The compiled resampler: positions of a block of voxels once, then every image and label map sampled at them.

Follows ITK's ResampleImageFilter to rounding: a position counts as inside from half a voxel before the first voxel
centre to half a voxel behind the last, linear weights are clamped at the edge, nearest rounds halves up. A B-spline
whose grid is that of the output is cheap: its y and z weights are summed up once a row, its x weights once a volume.
Nothing of the size of a displacement field is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled
from medaug_cli.spatial.bspline import EDGE, ORDER, SplineGrid, cell_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.sample import AnyArray, Array64
    from medaug_cli.spatial.mapping import Part

_BLOCK = 1 << 13  # positions that are sampled while they are in the cache
_ALIGNED = 1e-9
_HALF = 0.5


@dataclass(frozen=True, eq=False)
class Task:
    """One array (z, y, x) to be sampled; `fill` None extends the edge. `result` has the output's shape."""

    array: AnyArray
    interpolation: str
    fill: float | None
    result: AnyArray


def sample_all(tasks: Sequence[Task], stages: tuple[Part, ...], size: tuple[int, int, int]) -> None:
    """Sample every task at the positions that `stages` give for the output grid of `size` (x, y, z)."""
    locate = _aligned_locator(stages, size) or _general_locator(stages)
    rows = max(1, _BLOCK // size[0])
    positions = np.empty((rows * size[0], 3))
    total = size[1] * size[2]
    flats = [task.result.reshape(total * size[0]) for task in tasks]
    for first in range(0, total, rows):
        count = min(rows, total - first) * size[0]
        locate(first, size, positions[:count])
        for task, flat in zip(tasks, flats, strict=True):
            _sample(task, positions[:count], flat[first * size[0] : first * size[0] + count])


def _sample(task: Task, positions: Array64, target: AnyArray) -> None:
    extend, fill = task.fill is None, target.dtype.type(task.fill or 0)
    match task.interpolation:
        case "linear":
            _sample_linear(task.array, positions, np.float32(fill), extend, target)
        case "nearest":
            _sample_nearest(task.array, positions, fill, extend, target)
        case _:
            _sample_label_linear(task.array, positions, fill, extend, target)


def _aligned_locator(stages: tuple[Part, ...], size: tuple[int, int, int]) -> Any:
    """Return the fast way to positions: one matrix, or a B-spline on the output's own grid and one matrix."""
    if len(stages) == 1 and not isinstance(stages[0], SplineGrid):
        matrix = stages[0]
        return lambda first, grid, positions: _locate_affine(first, grid, matrix, positions)
    if len(stages) != 3 or not isinstance(spline := stages[1], SplineGrid) or spline.size != size:  # noqa: PLR2004
        return None
    before, after = stages[0], stages[2]
    if isinstance(before, SplineGrid) or isinstance(after, SplineGrid) or np.abs(before - np.eye(4)).max() > _ALIGNED:
        return None
    starts, weights = zip(*(_table(spline, axis, n) for axis, n in enumerate(size)), strict=True)
    coefficients = np.ascontiguousarray(spline.index_coefficients())
    return lambda first, grid, positions: _locate_aligned(first, grid, coefficients, starts, weights, after, positions)


def _table(spline: SplineGrid, axis: int, count: int) -> tuple[Any, Array64]:
    """Return for each voxel along `axis` its first control point and the weights of four."""
    cells = (np.arange(count) + EDGE) / spline.cell_voxels[axis]
    first, weights, _ = cell_weights(cells, spline.coefficients_mm.shape[axis])
    return first, weights


def _general_locator(stages: tuple[Part, ...]) -> Any:
    """Return the way to positions through any chain: the stages one after another, block by block."""

    def locate(first: int, grid: tuple[int, int, int], positions: Array64) -> None:
        _locate_affine(first, grid, stages[0], positions)
        for stage in stages[1:]:
            if isinstance(stage, SplineGrid):
                mesh = np.array(stage.coefficients_mm.shape[:3]) - ORDER
                _deform(positions, stage.index_coefficients(), stage.cell_voxels, mesh)
            else:
                _transform(positions, stage)

    return locate


@compiled
def _locate_affine(first: int, size: Any, matrix: Any, positions: Any) -> None:
    """Write the positions of rows from number `first` on, each of size[0] voxels."""
    nx, ny = size[0], size[1]
    for row in range(len(positions) // nx):
        y, z = (first + row) % ny, (first + row) // ny
        for axis in range(3):
            start = matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]
            for x in range(nx):
                positions[row * nx + x, axis] = start + matrix[axis, 0] * x


@compiled
def _locate_aligned(
    first: int, size: Any, coefficients: Any, starts: Any, weights: Any, matrix: Any, positions: Any
) -> None:
    """Write positions through a B-spline on the output's grid (coefficients (i, j, k, 3) in voxels), then `matrix`."""
    nx, ny = size[0], size[1]
    line = np.empty((coefficients.shape[0], 3))
    for row in range(len(positions) // nx):
        y, z = (first + row) % ny, (first + row) // ny
        line[:] = 0.0
        for b in range(4):
            for c in range(4):
                weight = weights[1][y, b] * weights[2][z, c]
                for i in range(coefficients.shape[0]):
                    for axis in range(3):
                        line[i, axis] += weight * coefficients[i, starts[1][y] + b, starts[2][z] + c, axis]
        for x in range(nx):
            i = starts[0][x]
            w0, w1, w2, w3 = weights[0][x, 0], weights[0][x, 1], weights[0][x, 2], weights[0][x, 3]
            px = x + w0 * line[i, 0] + w1 * line[i + 1, 0] + w2 * line[i + 2, 0] + w3 * line[i + 3, 0]
            py = y + w0 * line[i, 1] + w1 * line[i + 1, 1] + w2 * line[i + 2, 1] + w3 * line[i + 3, 1]
            pz = z + w0 * line[i, 2] + w1 * line[i + 1, 2] + w2 * line[i + 2, 2] + w3 * line[i + 3, 2]
            for axis in range(3):
                positions[row * nx + x, axis] = (
                    matrix[axis, 0] * px + matrix[axis, 1] * py + matrix[axis, 2] * pz + matrix[axis, 3]
                )


@compiled
def _transform(positions: Any, matrix: Any) -> None:
    """Apply `matrix` (4, 4) to `positions` (n, 3) in place."""
    for n in range(len(positions)):
        x, y, z = positions[n, 0], positions[n, 1], positions[n, 2]
        for axis in range(3):
            positions[n, axis] = matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]


@compiled
def _deform(positions: Any, coefficients: Any, cell_voxels: Any, mesh: Any) -> None:
    """Move `positions` (n, 3) by a B-spline in place; outside its domain nothing moves."""
    starts = np.empty(3, np.int64)
    w = np.empty((3, 4))
    for n in range(len(positions)):
        inside = True
        for axis in range(3):
            cell = (positions[n, axis] + EDGE) / cell_voxels[axis]
            if not 0.0 <= cell <= mesh[axis]:
                inside = False
                break
            start = min(int(cell), mesh[axis] - 1)
            t = cell - start
            starts[axis] = start
            w[axis, 0] = (1 - t) * (1 - t) * (1 - t) / 6
            w[axis, 1] = (3 * t * t * t - 6 * t * t + 4) / 6
            w[axis, 2] = (-3 * t * t * t + 3 * t * t + 3 * t + 1) / 6
            w[axis, 3] = t * t * t / 6
        if not inside:
            continue
        moved_x, moved_y, moved_z = 0.0, 0.0, 0.0
        for a in range(4):
            for b in range(4):
                weight = w[0, a] * w[1, b]
                for c in range(4):
                    point = coefficients[starts[0] + a, starts[1] + b, starts[2] + c]
                    moved_x += weight * w[2, c] * point[0]
                    moved_y += weight * w[2, c] * point[1]
                    moved_z += weight * w[2, c] * point[2]
        positions[n, 0] += moved_x
        positions[n, 1] += moved_y
        positions[n, 2] += moved_z


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
def _sample_linear(array: Any, positions: Any, fill: Any, extend: bool, target: Any) -> None:
    """Write trilinear values of `array` (z, y, x) at `positions` (n, 3)."""
    nz, ny, nx = array.shape
    flat = array.reshape(-1)
    for n in range(len(positions)):
        x, y, z = positions[n, 0], positions[n, 1], positions[n, 2]
        if not extend and not _is_inside(x, y, z, array.shape):
            target[n] = fill
            continue
        if x >= 0.0 and y >= 0.0 and z >= 0.0 and x < nx - 1 and y < ny - 1 and z < nz - 1:
            i, j, k = int(x), int(y), int(z)
            right, below, behind = 1, nx, nx * ny
        else:  # at the edge the outer voxel stands for what lies beyond it
            x, y, z = min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0), min(max(z, 0.0), nz - 1.0)
            i, j, k = int(x), int(y), int(z)
            right, below, behind = min(1, nx - 1 - i), min(1, ny - 1 - j) * nx, min(1, nz - 1 - k) * nx * ny
        u, v, w = np.float32(x - i), np.float32(y - j), np.float32(z - k)
        at = np.uint64((k * ny + j) * nx + i)
        dx, dy, dz = np.uint64(right), np.uint64(below), np.uint64(behind)  # unsigned: no test for negative indices
        c000, c001 = np.float32(flat[at]), np.float32(flat[at + dx])
        c010, c011 = np.float32(flat[at + dy]), np.float32(flat[at + dy + dx])
        at += dz
        c100, c101 = np.float32(flat[at]), np.float32(flat[at + dx])
        c110, c111 = np.float32(flat[at + dy]), np.float32(flat[at + dy + dx])
        c00, c01 = c000 + u * (c001 - c000), c010 + u * (c011 - c010)
        c10, c11 = c100 + u * (c101 - c100), c110 + u * (c111 - c110)
        c0, c1 = c00 + v * (c01 - c00), c10 + v * (c11 - c10)
        target[n] = c0 + w * (c1 - c0)


@compiled
def _sample_nearest(array: Any, positions: Any, fill: Any, extend: bool, target: Any) -> None:
    """Write the values of the nearest voxels of `array` (z, y, x) at `positions` (n, 3); halves round up."""
    nz, ny, nx = array.shape
    for n in range(len(positions)):
        x, y, z = positions[n, 0], positions[n, 1], positions[n, 2]
        if not _is_inside(x, y, z, array.shape):
            if not extend:
                target[n] = fill
                continue
            x, y, z = min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0), min(max(z, 0.0), nz - 1.0)
        target[n] = array[int(z + _HALF), int(y + _HALF), int(x + _HALF)]


@compiled
def _sample_label_linear(array: Any, positions: Any, fill: Any, extend: bool, target: Any) -> None:
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
