"""Resampling: everything of a sample through one mapping; whole-voxel moves are exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from medaug_cli.core.lazy import np
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.spatial.itk import resample_sitk
from medaug_cli.spatial.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from medaug_cli.core.arrays import AnyArray, Array64, BoolArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.spatial.mapping import Mapping, Part

Resampler = Literal["kernel", "simpleitk"]
_MOST_VOXELS = 1 << 31  # of a slice; the kernel multiplies by them in 32 bits
_WHOLE = 1e-6  # a shift this near to a whole voxel is one


@dataclass(frozen=True, eq=False)
class Request:
    """One array (z, y, x) on `grid` to be resampled; `fill` None extends the nearest voxel outwards.

    The result has the array's type, or `dtype` where that is given; linear values of an integer type are rounded. It
    lies on the same grid, or on `output`, and is `room` where there is one, an array of that type and size.
    """

    array: AnyArray
    grid: Geometry
    interpolation: str
    fill: float | None
    dtype: DTypeLike | None = None
    output: Geometry | None = None
    room: AnyArray | None = None

    @property
    def target(self) -> Geometry:
        """The grid of the result."""
        return self.grid if self.output is None else self.output

    def empty_result(self) -> AnyArray:
        """Return an array for the result, not yet filled."""
        if self.room is not None:
            return self.room
        return np.empty(self.target.size[::-1], self.dtype or self.array.dtype)


def label_request(array: AnyArray, grid: Geometry, interpolation: str, output: Geometry | None = None) -> Request:
    """Return the request for a label map: outside stands 0, or the nearest label where the map has no 0.

    So no new value can appear.
    """
    return Request(array, grid, interpolation, None if array.all() else 0.0, output=output)


def resample(requests: Sequence[Request], mapping: Mapping, resampler: Resampler = "kernel") -> list[AnyArray]:
    """Return each request's array, pulled through `mapping`, in the type and on the grid that it asks for.

    The compiled kernel finds the positions once for all requests from one grid onto another. Cubic
    intensities, and everything if `resampler` says so, are resampled by SimpleITK.
    """
    results: list[AnyArray | None] = [None] * len(requests)
    grids = dict.fromkeys((request.grid, request.target) for request in requests)
    for pair in grids:
        numbers = [number for number, request in enumerate(requests) if (request.grid, request.target) == pair]
        source, target = pair
        stages = mapping.stages(target, source)
        moved = _resample_on_grid([requests[number] for number in numbers], stages, target.size, resampler)
        for number, array in zip(numbers, moved, strict=True):
            results[number] = array
    return [array for array in results if array is not None]


def _resample_on_grid(
    requests: Sequence[Request], stages: tuple[Part, ...], size: tuple[int, int, int], resampler: Resampler
) -> list[AnyArray]:
    only = stages[0] if len(stages) == 1 else None
    if only is not None and not isinstance(only, SplineGrid | Projection) and _is_whole(only):
        return [_permute(one, np.rint(only).astype(int)) for one in requests]
    fast = [one for one in requests if resampler == "kernel" and _is_for_kernel(one)]
    made = dict(zip(map(id, fast), _run_kernel(fast, stages, size), strict=True))
    return [made[id(one)] if id(one) in made else _resample_slowly(one, stages, size) for one in requests]


def _is_for_kernel(request: Request) -> bool:
    """Say whether the compiled kernel can do it: all but cubic interpolation, up to 2^31 voxels a slice."""
    return request.interpolation != "bspline" and request.array[0].size < _MOST_VOXELS


def _resample_slowly(request: Request, stages: tuple[Part, ...], size: tuple[int, int, int]) -> AnyArray:
    result = request.empty_result()
    rounded = request.interpolation == "linear" and result.dtype.kind in "iu"
    array = request.array.astype(np.float32 if rounded else result.dtype, copy=False)
    made = resample_sitk(array, stages, size, request.interpolation, request.fill)
    result[:] = np.rint(made) if rounded else made
    return result


def _run_kernel(requests: Sequence[Request], stages: tuple[Part, ...], size: tuple[int, int, int]) -> list[AnyArray]:
    if not requests:
        return []
    from medaug_cli.spatial.kernel import Task, sample_all  # noqa: PLC0415  numba takes half a second to import

    tasks = [Task(np.ascontiguousarray(one.array), one.interpolation, one.fill, one.empty_result()) for one in requests]
    sample_all(tasks, stages, size)
    return [task.result for task in tasks]


def outside_fraction(source: Geometry, output: Geometry, mapping: Mapping) -> float:
    """Return the share of the output grid that comes from outside the source grid, from a lattice of 16³ voxels.

    The lattice is the source's: what a step pads around it is outside by intention and does not count.
    """
    ticks = [np.unique(np.linspace(0, n - 1, 16).round()) for n in source.size]
    index = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, 3)
    points = index @ source.affine[:3, :3].T + source.affine[:3, 3]
    seen = points[_is_in(output, points)]
    return float(1 - _is_in(source, mapping.pull(seen)).mean()) if len(seen) else 0.0


def _is_in(grid: Geometry, points_mm: Array64) -> BoolArray:
    """Say of each position (n, 3) whether it lies within half a voxel of `grid`."""
    index = (points_mm - grid.affine[:3, 3]) @ np.linalg.inv(grid.affine[:3, :3]).T
    return np.asarray(((index >= -0.5 - _WHOLE) & (index <= np.array(grid.size) - 0.5 + _WHOLE)).all(axis=1))


def _is_whole(matrix: Array64) -> bool:
    """Say whether a matrix between indices moves every voxel onto a voxel."""
    linear = np.abs(np.rint(matrix[:3, :3]))
    whole = np.abs(matrix - np.rint(matrix)).max() < _WHOLE
    return bool(whole and (linear.sum(axis=0) == 1).all() and (linear.sum(axis=1) == 1).all())


def _permute(request: Request, matrix: Any) -> AnyArray:
    """Return the voxels at source index `matrix` @ output index; exact, whatever the interpolation."""
    array, result = request.array, request.empty_result()
    size = request.target.size
    taken, filled, steps = [slice(None)] * 3, [slice(None)] * 3, matrix[:3, :3].sum(axis=1)
    order = np.abs(matrix[:3, :3]).argmax(axis=0)  # the source axis along each output axis
    for axis in range(3):
        source = int(order[axis])
        step, length = int(steps[source]), array.shape[2 - source]
        index = step * np.arange(size[axis]) + int(matrix[source, 3])
        inside = np.flatnonzero((index >= 0) & (index < length))
        if not inside.size or (request.fill is None and inside.size < size[axis]):
            return _permute_beyond(request, matrix)
        first, last = int(index[inside[0]]), int(index[inside[-1]])
        end: int | None = last + step
        taken[source] = slice(first, end if end is not None and end >= 0 else None, step)
        filled[axis] = slice(int(inside[0]), int(inside[-1]) + 1)
    window = tuple(reversed(filled))
    if result[window].size < result.size:
        result[:] = request.fill
    result[window] = array.transpose(2, 1, 0)[tuple(taken)].transpose(order).transpose(2, 1, 0)
    return result


def _permute_beyond(request: Request, matrix: Any) -> AnyArray:
    """Do the same where the outer voxels are extended, or no voxel is left."""
    array, size = request.array, request.target.size
    x_of, signs, shifts = np.abs(matrix[:3, :3]).argmax(axis=1), matrix[:3, :3].sum(axis=1), matrix[:3, 3]
    picks = []
    for axis in range(3):  # for each source axis the index that every position along its output axis takes
        index = signs[axis] * np.arange(size[x_of[axis]]) + shifts[axis]
        picks.append((np.clip(index, 0, array.shape[2 - axis] - 1), (index >= 0) & (index < array.shape[2 - axis])))
    order = np.argsort(x_of)  # the source axis along each output axis
    moved = array.transpose(2, 1, 0)[np.ix_(*(pick for pick, _ in picks))].transpose(order)
    result = request.empty_result()
    result[:] = moved.transpose(2, 1, 0)
    if request.fill is not None:
        for axis in range(3):
            outside = ~picks[order[axis]][1]
            result[tuple(outside if 2 - n == axis else slice(None) for n in range(3))] = request.fill
    return result
