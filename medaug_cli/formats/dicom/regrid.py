"""Regrid: which source slices the slices of a new grid come from, and what of their headers still holds."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.header import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.geometry import Geometry

_ON_A_SLICE = 0.01  # of the distance between slices
# Of one moment or one exposure: no longer true of a slice between two others. Emptied, since some are type 2.
_OF_ONE_SLICE = (
    *("AcquisitionTime", "AcquisitionDateTime", "TriggerTime", "TemporalPositionIdentifier", "TemporalPositionIndex"),
    *("ExposureTime", "XRayTubeCurrent", "Exposure", "ExposureInuAs", "ExposureTimeInuS", "XRayTubeCurrentInuA"),
    *("CTDIvol", "TablePosition", "ContentTime"),
)
# Of the whole field of view, or of the detector about it.
_OF_THE_FIELD = (
    *("ReconstructionDiameter", "FieldOfViewDimensions", "FieldOfViewOrigin", "FieldOfViewRotation"),
    *("FieldOfViewHorizontalFlip", "ReconstructionTargetCenterPatient", "PixelSpacingSequence"),
)
_EMPTIED_OF_THE_FIELD = ("HorizontalFieldOfView", "ImageCenterPointCoordinatesSequence")  # type 2 of OP and SM
_COUNTS = ("NumberOfSlices", "ImagesInAcquisition")  # the first is type 1 of PET


@dataclass(frozen=True)
class Slice:
    """One slice of a copy: the source slice `nearest` to it, and the `neighbours` that its voxels come from.

    `number` counts the slices of a new grid from 1; it is 0 where the grid is the source's, which keeps its numbers.
    """

    nearest: int
    neighbours: tuple[int, ...]
    number: int = 0


def place_slices(old: Geometry, new: Geometry) -> tuple[Slice, ...]:
    """Return the slices of `new` by where their middles lie between those of `old`."""
    if new.same_grid(old):
        return tuple(Slice(index, (index,)) for index in range(old.size[2]))
    x, y, z = new.size
    middles = np.array([((x - 1) / 2, (y - 1) / 2, k, 1.0) for k in range(z)])
    along = (middles @ (np.linalg.inv(old.affine) @ new.affine).T)[:, 2]
    return tuple(_between(float(position), old.size[2], k + 1) for k, position in enumerate(along))


def _between(position: float, count: int, number: int) -> Slice:
    last = count - 1
    nearest = min(max(round(position), 0), last)
    if abs(position - nearest) <= _ON_A_SLICE:
        return Slice(nearest, (nearest,), number)
    below = min(max(int(np.floor(position)), 0), last)
    return Slice(nearest, tuple(sorted({below, min(max(below + 1, 0), last)})), number)


def are_interpolated(slices: Sequence[Slice]) -> bool:
    """Say whether a slice lies between source slices, or two come from the same one."""
    nearest = {one.nearest for one in slices}
    return len(nearest) < len(slices) or any(len(one.neighbours) > 1 for one in slices)


def name_slices(targets: Sequence[str], slices: Sequence[Slice]) -> list[str]:
    """Return a path for each of `slices`: the `targets` themselves where they are as many, as when replayed.

    Otherwise each gets the path of its nearest source slice, or where that is taken one made of it.
    """
    if len(targets) == len(slices):
        return list(targets)
    names: list[str] = []
    for one in slices:
        stem, suffix = posixpath.splitext(targets[one.nearest])
        taken = targets[one.nearest] in names
        names.append(f"{stem}_slice{one.number:04d}{suffix}" if taken else targets[one.nearest])
    return names


def renew_header(
    header: Dataset, slices: Sequence[Slice], index: int, file: str, *, single: bool, before: int = 0
) -> None:
    """Make `header` one of `slices` of a new grid: its number, the counts, and nothing of what held for one slice.

    A `single` image keeps its number: its series may hold others. So many slices of it come `before` these.
    """
    if not single:
        header.InstanceNumber = before + slices[index].number
        if "ImageIndex" in header:
            header.ImageIndex = before + slices[index].number
        for keyword in _COUNTS:
            if values(header, keyword, file):
                setattr(header, keyword, len(slices))
    _forget_field(header)
    if are_interpolated(slices):
        for keyword in _OF_ONE_SLICE:
            if keyword in header:
                setattr(header, keyword, None)


def _forget_field(header: Dataset) -> None:
    for keyword in _OF_THE_FIELD:
        if keyword in header:
            del header[keyword]
    for keyword in _EMPTIED_OF_THE_FIELD:
        if keyword in header:
            setattr(header, keyword, None)
