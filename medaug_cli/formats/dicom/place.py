"""Place: position, orientation and spacing of a slice on a grid that is not its source's (PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.valuerep import format_number_as_ds

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom.dataset import Dataset

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.formats.dicom.instance import Instance

_STRAIGHT = 1 - 1e-4


def place_slice(header: Dataset, instance: Instance, geometry: Geometry, index: int) -> None:
    """Write where slice `index` of `geometry` lies into `header`.

    Raises SampleError where the slices would not be stacked along their normal, which DICOM slices of CT must be.
    """
    x_mm, y_mm, z_mm = geometry.spacing_mm
    header.Rows, header.Columns = geometry.size[1], geometry.size[0]
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        if keyword in header:
            setattr(header, keyword, _as_ds((y_mm, x_mm)))
    if not instance.in_patient:
        return
    row, column, step = np.array(geometry.direction).reshape(3, 3).T
    if abs(np.cross(row, column) @ step) < _STRAIGHT:
        raise SampleError("not_supported", f"{instance.file}: a sheared grid cannot be written as DICOM slices")
    header.ImageOrientationPatient = _as_ds((*row, *column))
    header.ImagePositionPatient = _as_ds((geometry.affine @ (0, 0, index, 1))[:3])
    header.SliceThickness = _as_ds((z_mm,))[0]
    if "SpacingBetweenSlices" in header:
        header.SpacingBetweenSlices = _as_ds((z_mm,))[0]
    if "SliceLocation" in header:
        del header.SliceLocation


def _as_ds(values: Iterable[float]) -> list[str]:
    return [format_number_as_ds(float(value) + 0.0) for value in values]
