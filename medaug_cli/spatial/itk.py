"""SimpleITK's resampler: the reference that the compiled kernel is held to, and the engine for cubic intensities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np, sitk
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.spatial.mapping import Mapping
from medaug_cli.spatial.projection import Projection

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray, Array64
    from medaug_cli.spatial.mapping import Part

_WIDE = ("int64", "uint64")  # ITK takes values through double, which loses them beyond 2**53


def resample_sitk(
    array: AnyArray, stages: tuple[Part, ...], size: tuple[int, int, int], interpolation: str, fill: float | None
) -> AnyArray:
    """Return `array` (z, y, x) at the indices that `stages` give for an output of `size` (x, y, z), in its own dtype.

    Runs on indices (spacing 1, origin 0), so that a sheared grid is no obstacle. `fill` None extends the edge.
    """
    if fill is None and interpolation in ("linear", "bspline"):
        return _extend_along_edge(array, stages, size, interpolation)
    if array.dtype.name in _WIDE or (array.dtype.kind == "f" and interpolation == "label_linear"):
        return _resample_by_rank(array, stages, size, interpolation, fill)
    if interpolation == "bspline" and 2 in array.shape:  # noqa: PLR2004  as _resample_two_slices says
        return _resample_two_slices(array, stages, size, fill)
    interpolators = {
        "linear": sitk.sitkLinear,
        "bspline": sitk.sitkBSpline,
        "nearest": sitk.sitkNearestNeighbor,
        "label_linear": sitk.sitkLabelLinear,
    }
    chain = sitk.CompositeTransform(3)
    for stage in reversed(_itk_stages(stages, size)):  # ITK applies what was added last first
        chain.AddTransform(stage)
    resampler = sitk.ResampleImageFilter()
    resampler.SetNumberOfThreads(1)  # joblib's and loky's caps do not reach ITK
    resampler.SetSize(size)
    resampler.SetTransform(chain)
    resampler.SetInterpolator(interpolators[interpolation])
    resampler.SetDefaultPixelValue(0.0 if fill is None else fill)
    resampler.SetUseNearestNeighborExtrapolator(fill is None)
    return np.asarray(sitk.GetArrayFromImage(resampler.Execute(sitk.GetImageFromArray(array))))


def _extend_along_edge(
    array: AnyArray, stages: tuple[Part, ...], size: tuple[int, int, int], interpolation: str
) -> AnyArray:
    """Resample, and take what lies outside from the compiled kernel, which interpolates along the edge.

    ITK would take the nearest voxel there.
    """
    from medaug_cli.spatial.kernel import Task, sample_all  # noqa: PLC0415  numba takes half a second to import

    within = resample_sitk(array, stages, size, interpolation, 0.0)
    inside = resample_sitk(np.ones(array.shape, np.uint8), stages, size, "nearest", 0.0)
    beyond = np.empty(size[::-1], np.float32)
    sample_all([Task(np.ascontiguousarray(array), "linear", None, beyond)], stages, size)
    return np.where(inside, within, beyond.astype(within.dtype))


def _resample_two_slices(
    array: AnyArray, stages: tuple[Part, ...], size: tuple[int, int, int], fill: float | None
) -> AnyArray:
    """Resample with cubic splines an array that has two voxels along an axis.

    ITK's spline mirrors its coefficients once and reads beyond the buffer behind the second of two. Four voxels that
    continue the mirror have the same spline; what lies outside the two is taken from a plain resampling.
    """
    mirrored = np.pad(array, [(0, 2 * (count == 2)) for count in array.shape], mode="reflect")  # noqa: PLR2004  as said above
    smooth = resample_sitk(mirrored, stages, size, "bspline", fill)
    inside = resample_sitk(np.ones(array.shape, np.uint8), stages, size, "nearest", 0.0)
    return np.where(inside, smooth, resample_sitk(array, stages, size, "nearest", fill))


def _resample_by_rank(
    array: AnyArray, stages: tuple[Part, ...], size: tuple[int, int, int], interpolation: str, fill: float | None
) -> AnyArray:
    """Resample labels that ITK cannot hold by their rank among the labels of the map, and `fill`."""
    labels, ranks = np.unique(np.append(array, array.dtype.type(fill or 0)), return_inverse=True)
    narrow = ranks[:-1].reshape(array.shape).astype(np.int32)
    moved = resample_sitk(narrow, stages, size, interpolation, None if fill is None else float(ranks[-1]))
    return np.asarray(labels[moved])


def _itk_stages(stages: tuple[Part, ...], size: tuple[int, int, int]) -> list[sitk.Transform]:
    """Return the transform of each stage; of all at once, as displacements, where one is a projection, which ITK lacks.

    The displacements take as much memory as three volumes in double precision.
    """
    plain = [stage for stage in stages if not isinstance(stage, Projection)]
    if len(plain) == len(stages):
        return [stage.to_sitk() if isinstance(stage, SplineGrid) else _affine_to_sitk(stage) for stage in plain]
    z, y, x = np.indices(size[::-1], dtype=np.float64)
    index = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    kinds = (SplineGrid, Projection)
    chain = Mapping(tuple(stage.on_indices() if isinstance(stage, kinds) else stage for stage in stages))
    moved = (chain.pull(index) - index).reshape(*size[::-1], 3)
    return [sitk.DisplacementFieldTransform(sitk.GetImageFromArray(moved, isVector=True))]


def _affine_to_sitk(matrix: Array64) -> sitk.AffineTransform:
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform
