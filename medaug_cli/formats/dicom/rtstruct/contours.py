"""Contours: the outlines in a structure set, checked, and their coordinates as text (DICOM PS3.3 C.8.8.6)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Contour
from medaug_cli.formats.dicom.header import MALFORMED, number, text, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.marks import Contours

CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
_KINDS = CLOSED | {"POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"}
_DECIMALS = 4  # of a mm; what is read and written is rounded alike
_FARTHEST_MM = 1e5
_MOST_OFF_PLANE_MM = 0.5
_FEWEST_CLOSED = 3  # of fewer points no area can be made


@dataclass(frozen=True)
class Row:
    """What a file says of one contour beside its points."""

    kind: str
    number: str = ""
    slab_mm: str = ""


def parse_contours(header: Dataset, names: Mapping[int, str], file: str) -> Iterator[tuple[Contour, Row]]:
    """Yield the contours of `header`, whose regions are `names`. Raises SampleError for one that is not sound."""
    row = 0
    for region in values(header, "ROIContourSequence", file):
        roi = int(number(region, "ReferencedROINumber", file))
        for item in values(region, "ContourSequence", file):
            if roi not in names:
                raise SampleError("bad_contour", f"{file}: contours of ROI {roi}, which StructureSetROISequence lacks")
            kind = text(item, "ContourGeometricType", file)
            points = _parse_points(item, f"{file}: contour {row + 1}, of ROI {roi}")
            closed = kind in CLOSED and len(points) >= _FEWEST_CLOSED
            _check(kind, points, f"{file}: contour {row + 1}, of ROI {roi}")
            words = Row(kind, text(item, "ContourNumber", file), text(item, "ContourSlabThickness", file))
            yield Contour(points, roi, row, closed), words
            row += 1


def _parse_points(item: Dataset, place: str) -> Array64:
    try:
        # As it stands in the file: an object for each of a million decimal strings takes seconds.
        found: Any = item.get_item("ContourData").value if "ContourData" in item else b""
        parts = found.strip(b" \0").split(b"\\") if isinstance(found, bytes) else list(found or ())
        flat = np.array(parts, dtype=np.float64)
    except MALFORMED as error:
        raise SampleError("bad_contour", f"{place}: ContourData holds something other than numbers") from error
    if not flat.size or flat.size % 3:
        raise SampleError("bad_contour", f"{place}: ContourData has {flat.size} values; allowed: three a point")
    if not (np.abs(flat) <= _FARTHEST_MM).all():
        raise SampleError("bad_contour", f"{place}: a coordinate is not finite, or beyond {_FARTHEST_MM:g} mm")
    return np.asarray(np.round(flat, _DECIMALS).reshape(-1, 3))


def _check(kind: str, points: Array64, place: str) -> None:
    if kind not in _KINDS:
        raise SampleError("bad_contour", f"{place}: its ContourGeometricType is none of {', '.join(sorted(_KINDS))}")
    if kind == "POINT" and len(points) != 1:
        raise SampleError("bad_contour", f"{place}: {len(points)} points for a POINT; allowed: 1")
    off = _off_plane(points) if kind in CLOSED else 0.0
    if off > _MOST_OFF_PLANE_MM:
        raise SampleError(
            "bad_contour", f"{place}: {off:.3g} mm off its own plane; {_MOST_OFF_PLANE_MM} mm are allowed"
        )


def _off_plane(points: Array64) -> float:
    """Return how far a point lies off the plane that fits all of them best."""
    centred = points - points.mean(axis=0)
    normal = np.linalg.eigh(centred.T @ centred)[1][:, 0]
    return float(np.abs(centred @ normal).max())


def is_planar(points_mm: Array64) -> bool:
    """Say whether the points lie in one plane, as the planar types demand."""
    return _off_plane(points_mm) <= _MOST_OFF_PLANE_MM


def as_text(points_mm: Array64) -> bytes:
    """Return ContourData of `points_mm`, each number no longer than the 16 characters of VR DS."""
    flat = np.round(points_mm, _DECIMALS).ravel() + 0.0  # -0 becomes 0
    return b"\\".join(b"%.4f" % value for value in flat.tolist())


def hash_contours(contours: Contours) -> str:
    """Return the hash of regions, their names and the points of their contours as a file holds them."""
    made = hashlib.sha256(repr(sorted(contours.names.items())).encode())
    for contour in contours.contours:
        made.update(f"{contour.region} {contour.closed} {len(contour.points_mm)}".encode())
        made.update((np.round(contour.points_mm, _DECIMALS) + 0.0).astype("<f8").tobytes())
    return made.hexdigest()
