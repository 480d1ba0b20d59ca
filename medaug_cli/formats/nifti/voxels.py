"""Voxels as read: stored values to float32 intensities or exact labels, and what the writer needs to go back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.lazy import np
from medaug_cli.core.sample import Volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medaug_cli.core.arrays import AnyArray, BoolArray, FloatArray
    from medaug_cli.formats.nifti.header import NiftiHeader

_SHORT_BYTES = 2
_RGB, _RGBA = 3, 4
_EXACT_FLOAT64 = 2**53
# A mask of 0 and 1 that was saved scaled comes back as 0.99999 with its float32 slope.
_SCALED_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Template:
    """What a copy takes from its source: header, stored values (…, n) under `void` (z, y, x), and of the sidecar."""

    header: NiftiHeader
    void: BoolArray | None = None
    void_stored: AnyArray | None = None
    sidecar: Mapping[str, Any] = field(default_factory=dict)


def to_volume(stored: AnyArray, header: NiftiHeader) -> tuple[Volume, Template]:
    """Return intensities with the scaling of the header applied; takes over `stored` where it is float32.

    Voxels that are not finite in any component are void and filled with the minimum of their component.
    """
    components = np.moveaxis(stored, -1, 0) if header.colours else stored
    array = scale(components, header).reshape(header.components, *header.size[::-1])  # where it has Inf it is void
    finite = np.isfinite(array) if header.dtype.kind == "f" or header.is_scaled else None
    if finite is None or finite.all():
        colours = len(array) if header.colours else 0  # of a series in time, no picture's components are neighbours
        rgb, alpha = colours in (_RGB, _RGBA), colours == _RGBA
        return Volume(array, header.geometry, rgb=rgb, alpha=alpha), Template(header)
    void = np.asarray(~finite.all(axis=0))
    template = Template(header, void, stored[..., void])  # before the fill, which may write into `stored`
    _fill(array, finite)
    return Volume(array, header.geometry, void=void), template


def to_label_map(name: str, stored: AnyArray, header: NiftiHeader) -> tuple[LabelMap, Template]:
    """Return labels in the type of the file, native byte order; int64 where an integer type is scaled.

    Raises SampleError: `label_not_integer`, or `unsupported_dtype` for colours.
    """
    if header.components > 1:
        raise SampleError("unsupported_dtype", f"{name}: {header.components} components a voxel; a label map has one")
    labels = _scale_labels(stored, header) if header.is_scaled else stored
    if labels.dtype.kind == "f" and (header.dtype.kind != "f" or not _all_whole(labels)):
        raise SampleError(
            "label_not_integer",
            f"{name}: values that are not whole; if they are shares of 1, name the label in dataset.soft_labels",
        )
    native = np.require(labels, labels.dtype.newbyteorder("="), ("C", "A", "W"))
    return LabelMap(native, header.geometry), Template(header)


def _scale_labels(stored: AnyArray, header: NiftiHeader) -> AnyArray:
    """Return `stored` times slope plus intercept: int64 for an integer type, float64 where that is not exact.

    What the rounding of a float32 slope left is rounded away.
    """
    labels = stored * np.float64(header.slope) + header.intercept
    if header.dtype.kind == "f":
        return labels
    whole = np.rint(labels)
    exact = np.abs(labels - whole).max() <= _SCALED_TOLERANCE and np.abs(whole).max() <= _EXACT_FLOAT64
    return whole.astype(np.int64) if exact else labels


def scale(stored: AnyArray, header: NiftiHeader) -> AnyArray:
    """Return `stored` as float32, times slope plus intercept; `stored` itself only where nothing is to be done.

    Integers of 8 and 16 bits that need no scaling stay what they are. What float32 cannot hold becomes Inf.
    """
    if not header.is_scaled and header.dtype.kind in "iu" and header.dtype.itemsize <= _SHORT_BYTES:
        return np.require(stored, header.dtype.newbyteorder("="), ("C", "A"))
    with np.errstate(over="ignore"):
        if not header.is_scaled:
            return np.require(stored, np.float32, ("C", "A", "W"))
        array = stored.astype(np.float32, order="C")
        array *= np.float32(header.slope)
        array += np.float32(header.intercept)
        return array


def _fill(array: FloatArray, finite: BoolArray) -> None:
    """Give voxels that are not finite the minimum of the finite ones of their component; 0 where none is."""
    for component, known in zip(array, finite, strict=True):
        component[~known] = component.min(where=known, initial=np.inf) if known.any() else 0.0


def _all_whole(labels: AnyArray) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(np.isfinite(labels).all() and (np.rint(labels) == labels).all())
