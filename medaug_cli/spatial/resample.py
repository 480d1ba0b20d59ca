"""Resampling: one pass through a mapping for images and label maps; whole-voxel moves are exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medaug_cli.core.lazy import np, sitk
from medaug_cli.spatial.bspline import SplineGrid

if TYPE_CHECKING:
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import AnyArray, Array64
    from medaug_cli.spatial.mapping import Mapping, Part

_WHOLE = 1e-6  # a shift this near to a whole voxel is one
_WIDE = ("int64", "uint64")  # ITK takes label values through double, which loses them beyond 2**53


def resample(
    array: AnyArray, source: Geometry, output: Geometry, mapping: Mapping, interpolation: str, fill: float | None
) -> AnyArray:
    """Return `array` (z, y, x) on grid `source`, pulled through `mapping` onto grid `output`, in its own dtype.

    `fill` is the value outside the field of view, None the nearest voxel's.
    """
    stages = mapping.stages(output, source)
    only = stages[0] if len(stages) == 1 else None
    if fill is not None and only is not None and not isinstance(only, SplineGrid) and _is_whole(only):
        return _permute(array, np.rint(only).astype(int), output.size, fill)
    return _resample_sitk(array, stages, output.size, interpolation, fill)


def resample_labels(
    array: AnyArray, source: Geometry, output: Geometry, mapping: Mapping, interpolation: str
) -> AnyArray:
    """Return label map `array` pulled through `mapping`; its dtype stays and no new value appears.

    Outside the field of view stands 0, or the nearest voxel's label where the map has no 0.
    """
    fill = 0.0 if (array == 0).any() else None
    if array.dtype.name not in _WIDE and array.dtype.kind in "iu":
        return resample(array, source, output, mapping, interpolation, fill)
    labels, dense = np.unique(array, return_inverse=True)
    zero = float(np.searchsorted(labels, 0)) if fill is not None else None
    narrow = dense.reshape(array.shape).astype(np.int32)
    return np.asarray(labels[resample(narrow, source, output, mapping, interpolation, zero)])


def outside_fraction(source: Geometry, output: Geometry, mapping: Mapping) -> float:
    """Return the share of the output grid that comes from outside the source grid, from a lattice of 16³ voxels."""
    ticks = [np.unique(np.linspace(0, n - 1, 16).round()) for n in output.size]
    index = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, 3)
    points = mapping.pull(index @ output.affine[:3, :3].T + output.affine[:3, 3])
    found = (points - source.affine[:3, 3]) @ np.linalg.inv(source.affine[:3, :3]).T
    outside = ((found < -0.5 - _WHOLE) | (found > np.array(source.size) - 0.5 + _WHOLE)).any(axis=1)
    return float(outside.mean())


def _is_whole(matrix: Array64) -> bool:
    """Say whether a matrix between indices moves every voxel onto a voxel."""
    linear = np.abs(np.rint(matrix[:3, :3]))
    whole = np.abs(matrix - np.rint(matrix)).max() < _WHOLE
    return bool(whole and (linear.sum(axis=0) == 1).all() and (linear.sum(axis=1) == 1).all())


def _permute(array: AnyArray, matrix: Any, size: tuple[int, int, int], fill: float) -> AnyArray:
    """Return the voxels at source index `matrix` @ output index; exact, whatever the interpolation."""
    x_of, signs, shifts = (np.abs(matrix[:3, :3]).argmax(axis=1), matrix[:3, :3].sum(axis=1), matrix[:3, 3])
    moved = array.transpose(2, 1, 0).transpose(np.argsort(x_of))
    result = np.full(size[::-1], fill, dtype=array.dtype)
    target, origin = [slice(0, 0)] * 3, [slice(0, 0)] * 3
    for axis in range(3):
        count, out, sign, shift = array.shape[2 - axis], int(x_of[axis]), int(signs[axis]), int(shifts[axis])
        first = max(0, -shift if sign > 0 else shift - count + 1)
        last = min(size[out] - 1, count - 1 - shift if sign > 0 else shift)
        if last < first:
            return result
        begin, end = sign * first + shift, sign * last + shift
        target[out] = slice(first, last + 1)
        origin[out] = slice(begin, end + 1) if sign > 0 else slice(begin, end - 1 if end else None, -1)
    result.transpose(2, 1, 0)[tuple(target)] = moved[tuple(origin)]
    return result


def _resample_sitk(
    array: AnyArray, stages: tuple[Part, ...], size: tuple[int, int, int], interpolation: str, fill: float | None
) -> AnyArray:
    interpolators = {
        "linear": sitk.sitkLinear,
        "bspline": sitk.sitkBSpline,
        "nearest": sitk.sitkNearestNeighbor,
        "label_linear": sitk.sitkLabelLinear,
    }
    chain = sitk.CompositeTransform(3)
    for stage in reversed(stages):  # ITK applies what was added last first
        chain.AddTransform(stage.to_sitk() if isinstance(stage, SplineGrid) else _affine_to_sitk(stage))
    filter_ = sitk.ResampleImageFilter()
    filter_.SetSize(size)
    filter_.SetTransform(chain)
    filter_.SetInterpolator(interpolators[interpolation])
    filter_.SetDefaultPixelValue(0.0 if fill is None else fill)
    filter_.SetUseNearestNeighborExtrapolator(fill is None)
    return np.asarray(sitk.GetArrayFromImage(filter_.Execute(sitk.GetImageFromArray(array))))


def _affine_to_sitk(matrix: Array64) -> sitk.AffineTransform:
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform
