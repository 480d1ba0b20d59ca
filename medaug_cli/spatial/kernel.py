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
from medaug_cli.spatial.positions import (
    RUN,
    deform,
    follow_affine,
    follow_aligned,
    locate,
    make_corners,
    make_room,
    project,
    relate,
    segment_middles,
    transform,
)
from medaug_cli.spatial.projection import Projection
from medaug_cli.spatial.sampling import choose_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from medaug_cli.core.arrays import AnyArray, Array64
    from medaug_cli.spatial.mapping import Part

    Corners = tuple[AnyArray, AnyArray, AnyArray]
    Block = tuple[int, int, int]  # y and z of its first row, and how many rows it has of each slice
    Strips = tuple[int, int, int]  # where in a flat result the first begins, how far on the next, how long all are
    Sampler = Callable[[Strips, Corners], None]

_BLOCK = 1 << 15  # positions that are sampled while they are in the cache
_DEPTH = 16  # slices of a block
_ALIGNED = 1e-9
_DIGITS = 10


@dataclass(frozen=True, eq=False)
class Task:
    """One array (z, y, x) to be sampled; `fill` None extends the edge. `result` has the output's shape."""

    array: AnyArray
    interpolation: str
    fill: float | None
    result: AnyArray


def sample_all(tasks: Sequence[Task], stages: tuple[Part, ...], size: tuple[int, int, int]) -> None:
    """Sample every task at the positions that `stages` give for the output grid of `size` (x, y, z)."""
    parts = tuple(_settle(stage) if isinstance(stage, np.ndarray) else stage for stage in stages)
    colours = _colours(tasks) if is_projected(parts) else []
    if colours:
        arrays, results = [task.array for task in colours], [task.result for task in colours]
        sample_projected(arrays, parts, size, colours[0].fill, results)
    _sample_blocks([task for task in tasks if task not in colours], parts, size)


def _colours(tasks: Sequence[Task]) -> list[Task]:
    """Return the three tasks that are an 8-bit colour picture, if there are just such three."""
    bytewise = [task for task in tasks if task.interpolation == "linear" and task.array.dtype == np.uint8]
    alike = len({(task.fill, task.result.dtype) for task in bytewise}) == 1
    return bytewise if alike and are_colours([task.array for task in bytewise]) else []


def _sample_blocks(tasks: Sequence[Task], stages: tuple[Part, ...], size: tuple[int, int, int]) -> None:
    """Sample every task block by block, whatever the stages; their arrays all have the same shape."""
    if not tasks:
        return
    shape = tasks[0].array.shape
    follow = _aligned_locator(stages, size) or _affine_locator(stages, size) or _general_locator(stages, size)
    samplers = [_make_sampler(task) for task in tasks]
    nx, ny, _ = size
    rooms: dict[int, Corners] = {}
    for block, depth in _blocks(size):
        y, z, height = block
        count = depth * height * nx
        if count not in rooms:
            rooms[count] = make_corners(count, shape)
        follow(block, shape, rooms[count])
        for sample in samplers:
            sample(((z * ny + y) * nx, ny * nx, height * nx), rooms[count])


def _blocks(size: tuple[int, int, int]) -> Iterator[tuple[Block, int]]:
    """Yield the blocks of an output grid of `size` (x, y, z), and how many slices each has a part of.

    Rows of several slices, since voxels near each other come from voxels near each other, which stay in the cache.
    """
    nx, ny, nz = size
    most = min(_DEPTH, nz)
    height = min(ny, max(1, _BLOCK // (most * nx)))
    for z in range(0, nz, most):
        for y in range(0, ny, height):
            yield (y, z, min(height, ny - y)), min(most, nz - z)


def _make_sampler(task: Task) -> Sampler:
    """Return what samples one task at the corners of a block and writes those strips of its flat result."""
    flat, extend, shape = task.result.reshape(-1), task.fill is None, task.array.shape
    loop, source, room = choose_loop(task.array, task.interpolation)
    fill = (np.float32 if task.interpolation == "linear" else flat.dtype.type)(task.fill or 0)
    return lambda strips, corners: loop(source, shape, corners, fill, extend, flat, strips, room)


def _settle(numbers: Array64) -> Array64:
    """Return `numbers`, of voxels, rounded to 1e-10: what a processor's linear algebra leaves does not reach voxels."""
    return np.ascontiguousarray(np.round(numbers, _DIGITS))


def _affine_locator(stages: tuple[Part, ...], size: tuple[int, int, int]) -> Any:
    """Return the way to positions through one matrix; None for other chains."""
    matrix = stages[0]
    if len(stages) > 1 or isinstance(matrix, SplineGrid | Projection):
        return None
    room = make_room()
    return lambda block, shape, corners: follow_affine(block, size[0], matrix, shape, corners, room)


def _aligned_locator(stages: tuple[Part, ...], size: tuple[int, int, int]) -> Any:
    """Return the fast way to positions: a B-spline along the output's axes and one matrix; None for other chains."""
    if len(stages) != 3 or not isinstance(spline := stages[1], SplineGrid):  # noqa: PLR2004  matrix, spline, matrix
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
    tables, room = _make_tables(spline, bases), make_room()
    return lambda block, shape, corners: follow_aligned(block, tables, after, shape, corners, room)


def _make_tables(spline: SplineGrid, bases: tuple[Array64, ...]) -> tuple[AnyArray, ...]:
    """Return what `follow_aligned` wants of a B-spline, `bases` the positions of voxels along x, y, z in its grid."""
    (starts_x, along_x), (starts_y, along_y), (starts_z, along_z) = (
        _table(spline, axis, base) for axis, base in enumerate(bases)
    )
    ends = np.append(np.flatnonzero(np.diff(starts_x)) + 1, len(starts_x))  # of runs that share their control points
    layers = _settle(spline.four_wide().transpose(2, 1, 3, 0))  # (k, j, 3, i)
    k, j, _, i = layers.shape
    ramp = bases[0] - bases[0][segment_middles(len(bases[0]))]
    layer = np.empty(j * 3 * i)
    return (
        layers.reshape(k, -1),
        np.array((starts_x[ends - 1], np.append(0, ends[:-1]), ends)),
        np.ascontiguousarray(np.pad(np.vstack((along_x.T, ramp)), ((0, 0), (0, RUN))), np.float32),
        np.column_stack((along_y, bases[1], starts_y)),
        np.column_stack((along_z, bases[2], starts_z)),
        bases[0],
        layer,
        layer.reshape(j, 3 * i),
        np.empty(3 * i),
        np.empty((3, len(ramp) + RUN), np.float32),
    )


def _table(spline: SplineGrid, axis: int, index: Array64) -> tuple[Any, Array64]:
    """Return for each position along `axis` its first control point and the weights of four, 0 outside the domain."""
    cells = (index + EDGE) / spline.cell_voxels[axis]
    first, weights, _ = cell_weights(cells, spline.mesh[axis], spline.order)
    weights[(cells < 0) | (cells > spline.mesh[axis])] = 0.0
    return first, np.pad(weights, ((0, 0), (0, ORDER - spline.order)))


def _general_locator(stages: tuple[Part, ...], size: tuple[int, int, int]) -> Any:
    """Return the way to positions through any chain: the stages one after another, block by block."""
    movers, room = [_make_mover(stage) for stage in stages[1:]], make_room()

    def follow(block: Block, shape: tuple[int, ...], corners: Corners) -> None:
        positions = np.empty((3, len(corners[0])))
        locate(block, size[0], stages[0], positions)
        for move in movers:
            move(positions)
        relate(positions, size[0], shape, corners, room)

    return follow


def _make_mover(stage: Part) -> Callable[[Array64], None]:
    """Return what moves positions (3, n) by one stage in place."""
    if isinstance(stage, SplineGrid):
        coefficients, mesh, cubic = _settle(stage.four_wide()), np.array(stage.mesh), stage.order == ORDER
        return lambda positions: deform(positions, coefficients, stage.cell_voxels, mesh, cubic)
    if isinstance(stage, Projection):
        return lambda positions: project(positions[stage.axes[0]], positions[stage.axes[1]], stage.homography)
    return lambda positions: transform(positions, stage)
