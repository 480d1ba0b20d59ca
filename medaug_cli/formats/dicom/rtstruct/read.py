"""Read: a structure set as contours, and the header to write its copies with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydicom.datadict import keyword_for_tag
from pydicom.sequence import Sequence as Items

from medaug_cli.core.errors import SampleError
from medaug_cli.core.marks import Contours
from medaug_cli.core.sample import Loaded
from medaug_cli.formats.dicom.header import MALFORMED, number, text, values
from medaug_cli.formats.dicom.labels import named_images
from medaug_cli.formats.dicom.rtstruct.contours import Row, hash_contours, parse_contours
from medaug_cli.formats.dicom.template import clean_header, shallow_copy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.sample import FileEntry, Source
    from medaug_cli.formats import Limits

_REQUIRED = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")
_KEPT_OF_A_REGION = ("ReferencedROINumber", "ROIDisplayColor", "RecommendedDisplayCIELabValue")


@dataclass(frozen=True, eq=False)
class StructureTemplate:
    """The header of a structure set without its contours, and what it says of each of those.

    `refers` are the UIDs of the series and instances that it names as its images.
    """

    header: Dataset
    rows: tuple[Row, ...]
    file: str
    refers: frozenset[str]


def read_structures(
    header: Dataset, source: Source, entry: FileEntry, limits: Limits, images: Sequence[Loaded]
) -> Loaded:
    """Return the contours in `header`, read from the file of `entry`; they belong to one of `images`, the sample's.

    Raises SampleError for what cannot be read or moved.
    """
    del limits  # a mask is made of them only on an image's grid
    file = source.files[0]
    _check_uids(header, file)
    names = _names(header, file)
    found = list(parse_contours(header, names, file))
    _check_frames(header, {contour.region for contour, _ in found}, file)
    refers = frozenset(filter(None, named_images(header, file)))
    contours = Contours(tuple(contour for contour, _ in found), names, image=_find_image(images, refers))
    template = StructureTemplate(_clean(header, file), tuple(row for _, row in found), file, refers)
    entry = replace(entry, voxel_sha256=hash_contours(contours), dtype="float64")
    return Loaded(source, contours, (entry,), template, modality="RTSTRUCT")


def _find_image(images: Sequence[Loaded], refers: frozenset[str]) -> str:
    """Return the channel of the image that a structure set names, by an instance or else by its series; "": none."""
    for kind in ("sop_instance", "series_instance"):
        for loaded in images:
            if refers & {entry.uids.get(kind, "") for entry in loaded.entries}:
                return loaded.source.channel
    return ""


def _names(header: Dataset, file: str) -> dict[int, str]:
    """Return the names of the regions by number, in the file's order."""
    items = values(header, "StructureSetROISequence", file)
    numbers = [int(number(item, "ROINumber", file)) for item in items]
    twice = [one for one, count in Counter(numbers).items() if count > 1]
    if twice:
        raise SampleError("bad_header", f"{file}: ROI number {twice[0]} stands for two regions; export it again")
    return {one: text(item, "ROIName", file) for one, item in zip(numbers, items, strict=True)}


def _check_uids(header: Dataset, file: str) -> None:
    blank = [one for one in _REQUIRED if not text(header, one, file)]
    if blank:
        raise SampleError("blank_uid", f"{file}: {', '.join(blank)} blank; export the structures again with their UIDs")


def _check_frames(header: Dataset, outlined: set[int], file: str) -> None:
    """Raise SampleError where contours lie in several frames of reference: one mapping cannot move them all."""
    frames = {
        text(item, "ReferencedFrameOfReferenceUID", file)
        for item in values(header, "StructureSetROISequence", file)
        if int(number(item, "ROINumber", file)) in outlined
    }
    if len(frames) > 1:
        raise SampleError(
            "not_supported", f"{file}: contours in {len(frames)} frames of reference; export one structure set for each"
        )


def _clean(header: Dataset, file: str) -> Dataset:
    """Return the header without contours, references to images, and all that no copy keeps."""
    bare = shallow_copy(header)
    regions = []
    for item in values(header, "ROIContourSequence", file):
        kept = shallow_copy(item)
        for tag in list(kept.keys()):
            if keyword_for_tag(tag) not in _KEPT_OF_A_REGION:
                del kept[tag]
        regions.append(kept)
    if "ROIContourSequence" in header:
        bare.ROIContourSequence = Items(regions)
    if "ReferencedFrameOfReferenceSequence" in header:
        del bare.ReferencedFrameOfReferenceSequence
    try:
        return clean_header(bare)
    except MALFORMED as error:
        raise SampleError("bad_header", f"{file}: an element cannot be decoded; its bytes break its VR") from error
