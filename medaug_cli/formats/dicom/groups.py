"""Groups: functional groups of a derived multi-frame image (PS3.3 C.7.6.16.2), shared and of each frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.valuerep import format_number_as_ds

from medaug_cli.formats.dicom.codes import code_item
from medaug_cli.formats.dicom.frames import PER_FRAME, SHARED
from medaug_cli.formats.dicom.header import values
from medaug_cli.formats.dicom.mirror import swap_sides, turn_directions
from medaug_cli.formats.dicom.template import shallow_copy
from medaug_cli.formats.dicom.window import Window, set_window

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import Derivation
    from medaug_cli.formats.dicom.enhanced import MadeFrame
    from medaug_cli.formats.dicom.instance import Instance
    from medaug_cli.formats.dicom.sources import SourceImages
    from medaug_cli.formats.dicom.template import FramesTemplate

_FRAME_TYPES = ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence")
_PLACES = (0x00200032, 0x00209057)  # dimension pointers that count planes: position, and position in the stack
# Of the whole field of view, which an image that is not original need not tell (PS3.3 C.8.15.3.6).
_OF_THE_FIELD = ("ReconstructionDiameter", "ReconstructionFieldOfView", "ReconstructionPixelSpacing")
_UNCHANGED = ("UNCHANGED", "99MEDAUG", "Copy without a change")


@dataclass(frozen=True)
class GroupChanges:
    """What is new in the functional groups of a copy; `geometry` is None where the grid is the source's."""

    image_type: list[str]
    window: Window | None
    derivation: Derivation
    geometry: Geometry | None
    sources: SourceImages


def change_groups(
    header: Dataset, template: FramesTemplate, frames: Sequence[MadeFrame], changes: GroupChanges
) -> None:
    """Put functional groups for `frames` into `header`; those there belong to the source and stay as they are."""
    file = template.instance.file
    shared = shallow_copy(values(header, SHARED, file)[0]) if values(header, SHARED, file) else Dataset()
    sources = values(header, PER_FRAME, file)
    items = [shallow_copy(sources[frame.source]) for frame in frames]
    for item in (shared, *items):
        _change_item(item, template, changes)
    if changes.geometry is not None:
        for item, frame in zip((shared, *items), (None, *frames), strict=True):
            _place(item, frame, changes.geometry, _place_dimensions(header, file), file)
    _name_sources(header, shared, changes)
    _name_evidence(header, template.instance)
    setattr(header, SHARED, Items([shared]))
    setattr(header, PER_FRAME, Items(items))


def _change_item(item: Dataset, template: FramesTemplate, changes: GroupChanges) -> None:
    """Change one item in place: frame type, window, side, and what no longer holds."""
    file = template.instance.file
    for group in _FRAME_TYPES:
        for about in _own(item, group, file):
            about.FrameType = changes.image_type
    if changes.window is not None:
        for about in _own(item, "FrameVOILUTSequence", file):
            set_window(about, template, changes.window)
    _turn_item(item, changes.derivation, file)
    gone = ("DerivationImageSequence", *(("ReferencedImageSequence",) if changes.derivation.moved else ()))
    for keyword in gone:
        if keyword in item:
            del item[keyword]


def _turn_item(item: Dataset, derivation: Derivation, file: str) -> None:
    if derivation.swap_laterality:
        for about in _own(item, "FrameAnatomySequence", file):
            swap_sides(about, file, required=True)
    if derivation.moved:
        for about in (*_own(item, "MRDiffusionSequence", file), *_own(item, "MRFOVGeometrySequence", file)):
            turn_directions(about, derivation, file, column="COLUMN")


def _own(item: Dataset, group: str, file: str) -> list[Dataset]:
    """Return copies of the items of functional group `group`, which `item` has from now on."""
    found = values(item, group, file)
    if not found:
        return []
    copies = [shallow_copy(one) for one in found]
    setattr(item, group, Items(copies))
    return copies


def _name_sources(header: Dataset, shared: Dataset, changes: GroupChanges) -> None:
    """Move what was done and to what from `header`, whose class has no place for it, into the shared groups."""
    made = Dataset()
    made.DerivationDescription = header.DerivationDescription
    codes = [code for _, code in changes.derivation.steps] or [_UNCHANGED]
    made.DerivationCodeSequence = Items([code_item(code) for code in codes])
    changes.sources.name_all(made)
    shared.DerivationImageSequence = Items([made])
    for keyword in ("DerivationDescription", "DerivationCodeSequence", "SourceImageSequence"):
        if keyword in header:
            del header[keyword]


def _name_evidence(header: Dataset, instance: Instance) -> None:
    """Say in `header` to which series and study the source belongs (PS3.3 C.8.13.2)."""
    image, series, study = Dataset(), Dataset(), Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = instance.sop_class, instance.sop_instance
    series.SeriesInstanceUID, series.ReferencedSOPSequence = instance.series, Items([image])
    study.StudyInstanceUID, study.ReferencedSeriesSequence = instance.study, Items([series])
    header.SourceImageEvidenceSequence = Items([study])


def _place_dimensions(header: Dataset, file: str) -> list[int]:
    """Return which of the dimension indices count planes."""
    items = values(header, "DimensionIndexSequence", file)
    return [number for number, item in enumerate(items) if item.get("DimensionIndexPointer") in _PLACES]


def _place(item: Dataset, frame: MadeFrame | None, geometry: Geometry, counted: Sequence[int], file: str) -> None:
    """Write the place of a `frame` on `geometry` into its item; None is the shared one, which has none of its own."""
    x_mm, y_mm, z_mm = geometry.spacing_mm
    for about in _own(item, "PixelMeasuresSequence", file):
        about.PixelSpacing = _as_ds((y_mm, x_mm))
        about.SliceThickness = _as_ds((z_mm,))[0]
        if "SpacingBetweenSlices" in about:
            about.SpacingBetweenSlices = _as_ds((z_mm,))[0]
    for about in _own(item, "CTReconstructionSequence", file):
        for keyword in _OF_THE_FIELD:
            if keyword in about:
                del about[keyword]
    directions = geometry.direction
    for about in _own(item, "PlaneOrientationSequence", file):
        about.ImageOrientationPatient = _as_ds((*directions[0::3], *directions[1::3]))
    if frame is None:
        return
    for about in _own(item, "PlanePositionSequence", file):
        about.ImagePositionPatient = _as_ds((geometry.affine @ (0, 0, frame.slice, 1))[:3])
    for about in _own(item, "FrameContentSequence", file):
        _count_plane(about, frame.slice + 1, counted, file)


def _count_plane(about: Dataset, plane: int, counted: Sequence[int], file: str) -> None:
    if "InStackPositionNumber" in about:
        about.InStackPositionNumber = plane
    indices = values(about, "DimensionIndexValues", file)
    for number in counted:
        if number < len(indices):
            indices[number] = plane
    if indices:
        about.DimensionIndexValues = indices


def _as_ds(numbers: Iterable[float]) -> list[str]:
    return [format_number_as_ds(float(value) + 0.0) for value in numbers]
