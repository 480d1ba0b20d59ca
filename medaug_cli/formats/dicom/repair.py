"""Repair: UIDs that a careless tool blanked, made again from file meta information and content; on request alone.

What is made is the same in every process and every run (DICOM PS3.5 9.1 asks a UID to be unique, not to be old).
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement
from pydicom.tag import Tag
from pydicom.uid import generate_uid

from medaug_cli.formats.dicom.classes import CROSS_SECTIONS, MODALITIES
from medaug_cli.formats.dicom.header import file_meta, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

_STUDY = ("PatientID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber")
_SERIES = ("Modality", "SeriesNumber", "SeriesDate", "SeriesTime", "SeriesDescription")
REPAIR_TAGS = [*_STUDY, *_SERIES]
"""Attributes that tell studies and series apart where their UIDs do not."""


def fill_uids(header: Dataset, file: str, read_bytes: Callable[[], bytes]) -> tuple[str, ...]:
    """Give `header` the UIDs that are blank in it, and return their keywords. Raises SampleError, OSError.

    Class and instance come from the file meta information, else the instance from a hash of the file; study and
    series from what else names them: files of one series must lie in one folder, and where PatientID is blank, too,
    those of one study. A class that nothing tells stays blank.
    """
    made: list[str] = []

    def fill(keyword: str, make: Callable[[], str]) -> str:
        found = text(header, keyword, file)
        if found or not (uid := make()):
            return found
        # A new element: the one there may have another VR, as its value has none.
        header[keyword] = DataElement(Tag(keyword), "UI", uid)
        made.append(keyword)
        return uid

    meta, folder = file_meta(header), str(PurePosixPath(file).parent)
    sop_class = fill("SOPClassUID", lambda: text(meta, "MediaStorageSOPClassUID", file))
    fill(
        "SOPInstanceUID",
        lambda: text(meta, "MediaStorageSOPInstanceUID", file) or _uid(hashlib.sha256(read_bytes()).hexdigest()),
    )
    words = [text(header, keyword, file) for keyword in _STUDY]
    study = fill("StudyInstanceUID", lambda: _uid("study", *words, "" if words[0] else folder))
    words = [text(header, keyword, file) for keyword in _SERIES]
    series = fill("SeriesInstanceUID", lambda: _uid("series", study, *words, folder))
    if MODALITIES.get(sop_class) in CROSS_SECTIONS:
        fill("FrameOfReferenceUID", lambda: _uid("frame", series))
    return tuple(made)


def _uid(*words: str) -> str:
    return str(generate_uid(entropy_srcs=["medaug repair", *(f"{len(word)}:{word}" for word in words)]))
