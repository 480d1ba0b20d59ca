"""Write: the structure set of a copy, with its contours, its images' UIDs and what of the source still holds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from medaug_cli.core.encoded import EncodedFile
from medaug_cli.core.errors import SampleError
from medaug_cli.formats.dicom.codes import PROCESSING_EQUIPMENT
from medaug_cli.formats.dicom.derive import OWN_OF_A_SERIES, derivation_text, describe_series
from medaug_cli.formats.dicom.elements import encoded_element
from medaug_cli.formats.dicom.encoding import write_object
from medaug_cli.formats.dicom.header import MALFORMED, number, text, values
from medaug_cli.formats.dicom.mirror import REGION_CODES, swap_region, swap_sides
from medaug_cli.formats.dicom.rtstruct.contours import Row, as_text, hash_contours, is_planar
from medaug_cli.formats.dicom.rtstruct.references import References
from medaug_cli.formats.dicom.template import shallow_copy
from medaug_cli.formats.dicom.uids import derived_frame, derived_object_uids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medaug_cli.core.marks import Contour, Contours
    from medaug_cli.core.sample import Derivation, Loaded
    from medaug_cli.formats.dicom.rtstruct.read import StructureTemplate

_REGIONS = "StructureSetROISequence"
_LONGEST_SH, _LONGEST_ST = 16, 1024
_OWN = OWN_OF_A_SERIES | {0x30060006}  # StructureSetDescription
_REMADE = "contours rasterised, resampled and outlined again"
_OF_AN_APPROVAL = ("ReviewDate", "ReviewTime", "ReviewerName")
_MADE_ANEW = Row("CLOSED_PLANAR")
# Of the source's images or its place: volumes and planes that the copy's regions no longer have.
_OF_THE_SOURCE = ("ROIVolume", "ROIDateTime", "DefinitionSourceSequence", "SourcePixelPlanesCharacteristicsSequence")


def encode_structures(content: Contours, like: Loaded, target: str, derivation: Derivation) -> EncodedFile:
    """Return the structure set of a copy, which refers to the copy's images; raises SampleError."""
    template: StructureTemplate = like.template
    references = References(template, derivation)
    try:
        header = _make_header(content, template, derivation, references)
    except MALFORMED as error:
        message = f"{template.file}: an element cannot be decoded; its bytes break its VR"
        raise SampleError("bad_header", message) from error
    data = write_object(header, template.file, derivation, _OWN)
    uids = {"sop_instance": str(header.SOPInstanceUID), "series_instance": str(header.SeriesInstanceUID)}
    return EncodedFile(target, (data,), partial(hash_contours, content), "float64", uids)


def _make_header(
    content: Contours, template: StructureTemplate, derivation: Derivation, references: References
) -> Dataset:
    header, file = shallow_copy(template.header), template.file
    uids = derived_object_uids(
        text(header, "SeriesInstanceUID", file), text(header, "SOPInstanceUID", file), derivation
    )
    frame = references.frame_of_reference or _own_frame(header, file, derivation)
    header.PredecessorStructureSetSequence = Items([_predecessor(header)])
    header.SOPInstanceUID, header.SeriesInstanceUID = uids["sop_instance"], uids["series_instance"]
    if "FrameOfReferenceUID" in header:
        header.FrameOfReferenceUID = frame
    _describe(header, file, content, derivation)
    header.ReferencedFrameOfReferenceSequence = references.sequence(frame)
    header.StructureSetROISequence = Items(_regions(header, file, content, derivation, frame))
    header.ROIContourSequence = Items(_outlined(header, template, content, references))
    if derivation.swap_laterality:
        swap_sides(header, file)
        if "RTROIObservationsSequence" in header:
            header.RTROIObservationsSequence = Items(_observed(header, file, content))
    return header


def _own_frame(header: Dataset, file: str, derivation: Derivation) -> str:
    """Return the frame of reference that the copy of the source's own becomes."""
    found = (text(item, "ReferencedFrameOfReferenceUID", file) for item in values(header, _REGIONS, file))
    return derived_frame(next(filter(None, found), ""), derivation)


def _predecessor(header: Dataset) -> Dataset:
    """Return an item that names the source, from which this structure set was made (PS3.3 C.8.8.5)."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    return item


def _describe(header: Dataset, file: str, content: Contours, derivation: Derivation) -> None:
    """Say how the copy was made, and that nobody has approved it."""
    describe_series(header, file, derivation, made_by=PROCESSING_EQUIPMENT)
    suffix = f" aug {derivation.copy}"
    label = text(header, "StructureSetLabel", file)[: _LONGEST_SH - len(suffix)]
    header.StructureSetLabel = f"{label}{suffix}".strip()
    words = derivation_text(derivation)
    header.StructureSetDescription = (f"{_REMADE}; {words}" if content.remade else words)[:_LONGEST_ST]
    if "ApprovalStatus" in header:
        header.ApprovalStatus = "UNAPPROVED"
    for keyword in _OF_AN_APPROVAL:
        if keyword in header:
            del header[keyword]


def _regions(header: Dataset, file: str, content: Contours, derivation: Derivation, frame: str) -> Iterator[Dataset]:
    """Yield the items of StructureSetROISequence: names and frame of reference of the copy, its sides swapped."""
    for source in values(header, _REGIONS, file):
        item, roi = shallow_copy(source), int(number(source, "ROINumber", file))
        item.ROIName = content.names[roi]
        item.ReferencedFrameOfReferenceUID = frame
        for keyword in _OF_THE_SOURCE if derivation.moved else ():
            if keyword in item:
                del item[keyword]
        if content.remade:
            item.ROIGenerationDescription = _REMADE
        if derivation.swap_laterality and roi not in content.exchanged:
            swap_region(item, file, REGION_CODES)
        yield item


def _observed(header: Dataset, file: str, content: Contours) -> Iterator[Dataset]:
    """Yield the items of RTROIObservationsSequence with the sides of what was mirrored in its place."""
    for source in values(header, "RTROIObservationsSequence", file):
        item = shallow_copy(source)
        if int(number(source, "ReferencedROINumber", file, -1)) not in content.exchanged:
            swap_region(item, file, REGION_CODES)
        yield item


def _outlined(
    header: Dataset, template: StructureTemplate, content: Contours, references: References
) -> Iterator[Dataset]:
    """Yield the items of ROIContourSequence; a region without contours keeps its colour alone."""
    by_region: dict[int, list[Contour]] = {}
    for contour in content.contours:
        by_region.setdefault(contour.region, []).append(contour)
    listed = [shallow_copy(item) for item in values(header, "ROIContourSequence", template.file)]
    known = {int(number(item, "ReferencedROINumber", template.file)) for item in listed}
    for roi in by_region.keys() - known:  # outlined by the region that it changed places with
        item = Dataset()
        item.ReferencedROINumber = roi
        listed.append(item)
    for item in listed:
        roi = int(number(item, "ReferencedROINumber", template.file))
        made = [_contour_item(one, template, references) for one in by_region.pop(roi, ())]
        if made:
            item.ContourSequence = Items(made)
        yield item


def _contour_item(contour: Contour, template: StructureTemplate, references: References) -> Dataset:
    row = _MADE_ANEW if contour.row < 0 else template.rows[contour.row]
    item = Dataset()
    images = references.of_plane(contour.points_mm)
    if images is not None:
        item.ContourImageSequence = images
    bent = row.kind == "OPEN_PLANAR" and not is_planar(contour.points_mm)
    item.ContourGeometricType = "OPEN_NONPLANAR" if bent else row.kind
    if row.slab_mm:
        item.ContourSlabThickness = row.slab_mm
    if row.number:
        item.ContourNumber = row.number
    item.NumberOfContourPoints = len(contour.points_mm)
    data = encoded_element("ContourData", "DS", (as_text(contour.points_mm),))
    item[data.tag] = data
    return item
