"""Place: position, orientation and spacing of a slice on a grid that is not its source's (PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from pydicom.sequence import Sequence as Items
from pydicom.valuerep import format_number_as_ds

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.header import numbers, values
from medaug_cli.formats.dicom.template import shallow_copy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom.dataset import Dataset

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.formats.dicom.instance import Instance

_STRAIGHT = 1 - 1e-4
_SAME_STEP_MM = 1e-4
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_OF_A_DETECTOR = ("FieldOfViewDimensions", "ZoomFactor", "ZoomCenter")
_FINEST_ASPECT = 1000  # the largest number that a ratio is written with


def place_slice(header: Dataset, instance: Instance, old: Geometry, geometry: Geometry, index: int) -> None:
    """Write where slice `index` of `geometry`, which takes the place of `old`, lies into `header`.

    A slice keeps its thickness, which need not be the distance to the next one, unless that distance changes.

    Raises SampleError where the slices would not be stacked along their normal, which DICOM slices of CT must be.
    """
    header.Rows, header.Columns = geometry.size[1], geometry.size[0]
    x_ratio, y_ratio = (geometry.spacing_mm[axis] / old.spacing_mm[axis] for axis in (0, 1))
    for keyword in _SPACINGS:  # each by its ratio: that at the detector differs from that in the patient
        found = numbers(header, keyword, instance.file, 2)
        if found is not None:
            setattr(header, keyword, _as_ds((found[0] * y_ratio, found[1] * x_ratio)))
    _set_aspect(header, instance, geometry)
    if not instance.in_patient:
        _move_corners(header, instance, old, geometry)
        return
    row, column, step = np.array(geometry.direction).reshape(3, 3).T
    if abs(np.cross(row, column) @ step) < _STRAIGHT:
        raise SampleError("not_supported", f"{instance.file}: a sheared grid cannot be written as DICOM slices")
    header.ImageOrientationPatient = _as_ds((*row, *column))
    position = (geometry.affine @ (0, 0, index, 1))[:3]
    header.ImagePositionPatient = _as_ds(position)
    if "SliceLocation" in header:  # along the normal, from the world's origin: its own zero is unspecified
        header.SliceLocation = _as_ds((position @ step,))[0]
    z_mm = geometry.spacing_mm[2]
    if abs(z_mm - old.spacing_mm[2]) > _SAME_STEP_MM:
        header.SliceThickness = _as_ds((z_mm,))[0]
        if "SpacingBetweenSlices" in header:
            header.SpacingBetweenSlices = _as_ds((z_mm,))[0]


def _move_corners(header: Dataset, instance: Instance, old: Geometry, geometry: Geometry) -> None:
    """Let the places that `header` names move from the first pixel of `old` to that of `geometry`.

    Detectors of NM have one each (PS3.3 C.8.4.11), and other pictures may have one that medaug makes no use of. Where
    the size of pixels or the plane is not known it goes, as does what an NM detector saw and how it was magnified.
    """
    by_mm = np.array(geometry.origin_mm) - old.origin_mm
    known = instance.spacing_mm is not None and geometry.direction == old.direction
    detectors = [shallow_copy(detector) for detector in values(header, "DetectorInformationSequence", instance.file)]
    if detectors:
        header.DetectorInformationSequence = Items(detectors)
    for about in (header, *detectors):
        if "ImagePositionPatient" in about:
            corner = numbers(about, "ImagePositionPatient", instance.file, 3)
            plane = numbers(about, "ImageOrientationPatient", instance.file, 6)
            there = known and corner is not None and plane is not None
            moved = np.array(corner) + by_mm[:2] @ np.array(plane).reshape(2, 3) if there else None
            about.ImagePositionPatient = None if moved is None else _as_ds(moved)
    for detector in detectors:
        for keyword in _OF_A_DETECTOR:
            if keyword in detector:
                del detector[keyword]


def _set_aspect(header: Dataset, instance: Instance, geometry: Geometry) -> None:
    """Say how high pixels are for their width, which a header does where no spacing does (PS3.3 C.7.6.3.1.7)."""
    if "PixelAspectRatio" in header:
        del header.PixelAspectRatio
    x, y, _ = geometry.spacing_mm
    ratio = Fraction(y / x).limit_denominator(_FINEST_ASPECT)
    if instance.spacing_mm is None and ratio != 1:
        header.PixelAspectRatio = [str(max(ratio.numerator, 1)), str(ratio.denominator)]


def _as_ds(values: Iterable[float]) -> list[str]:
    return [format_number_as_ds(float(value) + 0.0) for value in values]
