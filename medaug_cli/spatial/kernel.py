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

from medaug_cli.spatial.bspline import EDGE, ORDER, SplineGrid, cell_weights
from medaug_cli.spatial.pictures import are_colours, is_projected, sample_projected
from medaug_cli.spatial.positions import deform, locate_affine, locate_aligned, project, transform
from medaug_cli.spatial.projection import Projection
from medaug_cli.spatial.sampling import make_scratch, sample_label_linear, sample_linear, sample_nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medaug_cli.core.arrays import AnyArray, Array64
    from medaug_cli.spatial.mapping import Part

_BLOCK = 1 << 14  # positions that are sampled while they are in the cache
_ALIGNED = 1e-9


@dataclass(frozen=True, eq=False)
class Task:
    """One array (z, y, x) to be sampled; `fill` None extends the edge. `result` has the output's shape."""

    array: AnyArray
    interpolation: str
    fill: float | None
    result: AnyArray


def sample_all(tasks: Sequence[Task], stages: tuple[Part, ...], size: tuple[int, int, int]) -> None:
    """Sample every task at the positions that `stages` give for the output grid of `size` (x, y, z)."""
    colours = _colours(tasks) if is_projected(stages) else []
    if colours:
        arrays, results = [task.array for task in colours], [task.result for task in colours]
        sample_projected(arrays, stages, size, colours[0].fill, results)
    _sample_blocks([task for task in tasks if task not in colours], stages, size)


def _colours(tasks: Sequence[Task]) -> list[Task]:
    """Return the three tasks that are an 8-bit colour picture, if there are just such three."""
    bytewise = [task for task in tasks if task.interpolation == "linear" and task.array.dtype == np.uint8]
    alike = len({task.fill for task in bytewise}) == 1 and all(one.result.dtype == np.float32 for one in bytewise)
    return bytewise if alike and are_colours([task.array for task in bytewise]) else []


def _sample_blocks(tasks: Sequence[Task], stages: tuple[Part, ...], size: tuple[int, int, int]) -> None:
    """Sample every task block by block, whatever the stages."""
    if not tasks:
        return
    locate = _aligned_locator(stages, size) or _general_locator(stages, size)
    rows = max(1, _BLOCK // size[0])
    positions = np.empty((3, rows * size[0]))
    total = size[1] * size[2]
    flats = [task.result.reshape(total * size[0]) for task in tasks]
    scratches = [make_scratch(task.array, size[0]) for task in tasks]
    for first in range(0, total, rows):
        count = min(rows, total - first) * size[0]
        here = positions if count == positions.shape[1] else np.empty((3, count))
        locate(first, here)
        for task, flat, scratch in zip(tasks, flats, scratches, strict=True):
            _sample(task, here, flat[first * size[0] : first * size[0] + count], scratch)


def _sample(task: Task, positions: Array64, target: AnyArray, scratch: tuple[AnyArray, ...]) -> None:
    extend, fill = task.fill is None, target.dtype.type(task.fill or 0)
    match task.interpolation:
        case "linear":
            sample_linear(task.array, positions, np.float32(fill), extend, target, scratch)
        case "nearest":
            sample_nearest(task.array, positions, fill, extend, target, scratch)
        case _:
            sample_label_linear(task.array, positions, fill, extend, target)


def _aligned_locator(stages: tuple[Part, ...], size: tuple[int, int, int]) -> Any:
    """Return the fast way to positions: a B-spline along the output's axes and one matrix; None for other chains."""
    if len(stages) != 3 or not isinstance(spline := stages[1], SplineGrid):  # noqa: PLR2004
        return None
    before, after = stages[0], stages[2]
    if isinstance(before, SplineGrid | Projection) or isinstance(after, SplineGrid | Projection):
        return None
    scales, shifts = before.diagonal()[:3], before[:3, 3]
    if np.abs(before[:3, :3] - np.diag(scales)).max() > _ALIGNED:
        return None
    near_identity = np.abs(before - np.eye(4)).max() <= _ALIGNED
    bases = tuple(
        np.arange(n, dtype=float) if near_identity else scales[axis] * np.arange(n) + shifts[axis]
        for axis, n in enumerate(size)
    )
    tables = _make_tables(spline, bases)

    def locate(first: int, positions: Array64) -> None:
        locate_aligned(first, tables, positions)
        transform(positions, after)

    return locate


def _make_tables(spline: SplineGrid, bases: tuple[Array64, ...]) -> tuple[AnyArray, ...]:
    """Return what `locate_aligned` wants of a B-spline, `bases` the positions of voxels along x, y, z in its grid."""
    (starts_x, along_x), (starts_y, along_y), (starts_z, along_z) = (
        _table(spline, axis, base) for axis, base in enumerate(bases)
    )
    ends = np.append(np.flatnonzero(np.diff(starts_x)) + 1, len(starts_x))  # of runs that share their control points
    layers = np.ascontiguousarray(spline.four_wide().transpose(2, 1, 3, 0))  # (k, j, 3, i)
    k, j, _, i = layers.shape
    return (
        layers.reshape(k, -1),
        np.array((starts_x[ends - 1], np.append(0, ends[:-1]), ends)),
        np.ascontiguousarray(np.vstack((along_x.T, bases[0]))),
        np.column_stack((along_y, bases[1], starts_y)),
        np.column_stack((along_z, bases[2], starts_z)),
        np.empty((j, 3 * i)),
        np.empty((3, i)),
    )


def _table(spline: SplineGrid, axis: int, index: Array64) -> tuple[Any, Array64]:
    """Return for each position along `axis` its first control point and the weights of four, 0 outside the domain."""
    cells = (index + EDGE) / spline.cell_voxels[axis]
    first, weights, _ = cell_weights(cells, spline.mesh[axis], spline.order)
    weights[(cells < 0) | (cells > spline.mesh[axis])] = 0.0
    return first, np.pad(weights, ((0, 0), (0, ORDER - spline.order)))


def _general_locator(stages: tuple[Part, ...], size: tuple[int, int, int]) -> Any:
    """Return the way to positions through any chain: the stages one after another, block by block."""
    movers = [_make_mover(stage) for stage in stages[1:]]

    def locate(first: int, positions: Array64) -> None:
        locate_affine(first, size, stages[0], positions)
        for move in movers:
            move(positions)

    return locate


def _make_mover(stage: Part) -> Callable[[Array64], None]:
    """Return what moves positions (3, n) by one stage in place."""
    if isinstance(stage, SplineGrid):
        coefficients, mesh, cubic = stage.four_wide(), np.array(stage.mesh), stage.order == ORDER
        return lambda positions: deform(positions, coefficients, stage.cell_voxels, mesh, cubic)
    if isinstance(stage, Projection):
        return lambda positions: project(positions[stage.axes[0]], positions[stage.axes[1]], stage.homography)
    return lambda positions: transform(positions, stage)
