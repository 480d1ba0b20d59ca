"""Labels: which images a SEG or an RTSTRUCT belongs to, from its header alone (PS3.3 C.12.4, C.8.8.5, C.7.6.16.2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.formats import FoundVolume
from medaug_cli.formats.dicom.classes import LABELS
from medaug_cli.formats.dicom.frames import PER_FRAME
from medaug_cli.formats.dicom.header import text, values
from medaug_cli.formats.dicom.instance import IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

LABEL_TAGS = (
    *("ReferencedSeriesSequence", "StudiesContainingOtherReferencedInstancesSequence"),
    "ReferencedFrameOfReferenceSequence",
)
_REQUIRED = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")
_FRAMES = "ReferencedFrameOfReferenceSequence"


def parse_label(header: Dataset, file: str, name: str, stamp: tuple[int, int]) -> FoundVolume:
    """Return the label object `file`, and by its UIDs the series and instances that it names.

    Raises SampleError where it has no UIDs of its own.
    """
    blank = [keyword for keyword in _REQUIRED if not text(header, keyword, file)]
    if blank:
        raise SampleError("blank_uid", f"{file}: {', '.join(blank)} blank; export the labels again with their UIDs")
    return FoundVolume(
        format="dicom",
        name=name,
        files=(file,),
        stamps=(stamp,),
        modality=LABELS[text(header, "SOPClassUID", file)],
        patient=text(header, "PatientID", file),
        identifiers=tuple(filter(None, (text(header, keyword, file) for keyword in IDENTIFIERS))),
        study=text(header, "StudyInstanceUID", file),
        series=text(header, "SeriesInstanceUID", file),
        frame_of_reference=_frame_of_reference(header, file),
        role="label",
        instances=(text(header, "SOPInstanceUID", file),),
        refers=tuple(dict.fromkeys(found for found in named_images(header, file) if found)),
    )


def _frame_of_reference(header: Dataset, file: str) -> str:
    """Return the frame of reference of the labels; a structure set names it with its contours."""
    for item in values(header, _FRAMES, file):
        if found := text(item, "FrameOfReferenceUID", file):
            return found
    return text(header, "FrameOfReferenceUID", file)


def named_images(header: Dataset, file: str) -> Iterator[str]:
    """Yield the UIDs of series and instances that `header` names, wherever it does."""
    for study in (header, *values(header, "StudiesContainingOtherReferencedInstancesSequence", file)):
        yield from _of_series(study, "ReferencedSeriesSequence", "ReferencedInstanceSequence", file)
    for frame in values(header, _FRAMES, file):
        for study in values(frame, "RTReferencedStudySequence", file):
            yield from _of_series(study, "RTReferencedSeriesSequence", "ContourImageSequence", file)
    for item in values(header, PER_FRAME, file):
        for made in values(item, "DerivationImageSequence", file):
            for source in values(made, "SourceImageSequence", file):
                yield text(source, "ReferencedSOPInstanceUID", file)


def _of_series(item: Dataset, series_keyword: str, images_keyword: str, file: str) -> Iterator[str]:
    for series in values(item, series_keyword, file):
        yield text(series, "SeriesInstanceUID", file)
        for image in values(series, images_keyword, file):
            yield text(image, "ReferencedSOPInstanceUID", file)
