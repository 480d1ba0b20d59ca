"""Voxels as written: intensities and labels back to the type, scaling and order in which the file stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np, storing

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray, FloatArray
    from medaug_cli.core.label_maps import LabelMap
    from medaug_cli.core.sample import Volume
    from medaug_cli.formats.nifti.header import NiftiHeader
    from medaug_cli.formats.nifti.voxels import Template

_EXACT_BYTES = 2  # integers so wide are exact in float32


def store_volume(name: str, volume: Volume, template: Template, *, moved: bool) -> tuple[AnyArray, int]:
    """Return (the voxels of `volume` as the file of `template` stores them, how many were clipped).

    Raises SampleError `not_finite` where an integer type would have to hold NaN.
    """
    header = template.header
    shape = (header.components, *volume.geometry.size[::-1])
    if volume.array.shape != shape:
        message = f"array {volume.array.shape} for a file of {shape}"
        raise ValueError(message)
    if header.dtype.kind == "f":
        stored, clipped = _store_floats(volume, header), 0
        _put_back_void(stored, volume, template, moved=moved)
    else:
        stored, clipped = _store_integers(name, volume.array, header)
    if header.colours:
        return np.ascontiguousarray(np.moveaxis(stored, 0, -1)), clipped
    return (stored if header.components > 1 else stored[0]), clipped


def store_labels(name: str, labels: LabelMap, header: NiftiHeader) -> AnyArray:
    """Return `labels` in the type and scaling of the file; raises SampleError where one cannot be stored exactly."""
    with np.errstate(invalid="ignore", over="ignore"):
        if header.is_scaled:
            unscaled = (labels.array - np.float64(header.intercept)) / header.slope
            stored: AnyArray = np.rint(unscaled).astype(header.dtype)
            exact = np.array_equal(np.rint(stored * np.float64(header.slope) + header.intercept), labels.array)
        else:
            stored = np.ascontiguousarray(labels.array, dtype=header.dtype)
            exact = labels.array.dtype == header.dtype or np.array_equal(stored, labels.array)
    if not exact:
        raise SampleError(
            "label_not_representable", f"{name}: the source stores labels as {header.dtype_name}, which cannot hold all"
        )
    return stored


def _store_floats(volume: Volume, header: NiftiHeader) -> AnyArray:
    """Return the array of `volume` unscaled; itself where nothing is to be changed in it."""
    if not header.is_scaled:
        return volume.array.astype(header.dtype, copy=volume.void is not None)
    return ((volume.array - np.float64(header.intercept)) / header.slope).astype(header.dtype)


def _put_back_void(stored: AnyArray, volume: Volume, template: Template, *, moved: bool) -> None:
    """Write NaN where nothing was measured, or exactly what stood there if nothing has moved."""
    if volume.void is None:
        return
    stays = not moved and template.void is not None and np.array_equal(volume.void, template.void)
    stored[:, volume.void] = template.void_stored if stays else np.nan


def _store_integers(name: str, array: AnyArray, header: NiftiHeader) -> tuple[AnyArray, int]:
    """Return `array` unscaled, rounded once and clipped to the range of the type; itself where it is of that type."""
    if not header.is_scaled and array.dtype == header.dtype.newbyteorder("="):
        return np.ascontiguousarray(array, header.dtype), 0
    stored = np.empty(array.shape, header.dtype)
    exact = not header.is_scaled and header.dtype.itemsize <= _EXACT_BYTES
    if exact and header.dtype.isnative and array.dtype == np.float32:
        clipped, finite = storing.store_rounded(array, stored, *_float_range(header.dtype))
    else:
        clipped, finite = _store_by_slices(array, stored, header)
    if not finite:
        raise SampleError("not_finite", f"{name}: NaN or Inf, which {header.dtype_name} cannot hold")
    return stored, clipped


def _store_by_slices(array: FloatArray, stored: AnyArray, header: NiftiHeader) -> tuple[int, bool]:
    """Fill `stored`, slice by slice to stay in cache; return how many were clipped and whether all are finite."""
    low, high = _float_range(header.dtype)
    clipped = 0
    for source, target in zip(array.reshape(-1, *array.shape[2:]), stored.reshape(-1, *array.shape[2:]), strict=True):
        values = _unscale(source, header)
        least, most = values.min(), values.max()
        if not np.isfinite(least + most):
            return clipped, False
        if least < low or most > high:
            clipped += int(np.count_nonzero((values < low) | (values > high)))
            np.clip(values, low, high, out=values)
        target[...] = values
    return clipped, True


def _unscale(values: FloatArray, header: NiftiHeader) -> AnyArray:
    """Return `values` (y, x) as whole stored numbers, in float64, since float32 could round them."""
    unscaled = values.astype(np.float64)
    if header.is_scaled:
        unscaled -= header.intercept
        unscaled /= header.slope
    return np.rint(unscaled, out=unscaled)


def _float_range(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the range of an integer type, its upper end a float that the type holds."""
    info = np.iinfo(dtype)
    high = float(info.max)
    return float(info.min), high if int(high) <= info.max else float(np.nextafter(high, 0.0))
