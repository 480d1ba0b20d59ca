"""Datasets that bear canaries: in every attribute of the profile's table, at every depth."""

from __future__ import annotations

from typing import Any

from dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c import ALL_TAGS
from formats.dicom.datasets import image, placed, ramp
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from medaug_cli.core.privacy import Privacy

KEY = "0123456789abcdef-key"


TEXT, DATE, TIME, NUMBER, ROOT = "XYZZYCANARY", "18010203", "235959.424242", "424242", "1.2.826.4242424242"

SIGNS = (b"XYZZYCANARY", b"18010203", b"235959.424242", b"424242", b"4242424242")

VALUES: dict[str, Any] = {
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC", "PN", "AE", "CS"), TEXT),
    "DA": DATE,
    "DT": f"{DATE}235959.424242",
    "TM": TIME,
    "AS": "424Y",
    "DS": NUMBER,
    "IS": NUMBER,
    "UI": ROOT,
    "UR": f"urn:{TEXT}",
    "OB": b"XYZZYCANARY ",
    "UN": b"XYZZYCANARY ",
    "US": 4242,
}


# What has its own meaning for the pixels or must be there to be read as an image.
STRUCTURE = {"SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "ConcatenationUID"}

PRIVACY = Privacy(KEY)


def planted(depth: int = 1) -> Dataset:
    """Return a dataset of every attribute of the table, each with a canary.

    Sequences hold a name, and those that are not simply dropped the whole table again.
    """
    made = Dataset()
    for numbers in ALL_TAGS:
        if len(numbers) != 2 or keyword_for_tag(Tag(*numbers)) in STRUCTURE or numbers[0] <= 2:
            continue
        tag = Tag(*numbers)
        try:
            vr = dictionary_VR(tag)
        except KeyError:
            vr = "LO"
        if vr == "SQ":
            walked = depth and keyword_for_tag(tag) in {"ReferencedImageSequence", "SourceImageSequence"}
            made.add_new(tag, "SQ", Sequence([planted(depth - 1) if walked else named()]))
        else:
            made.add_new(tag, vr, VALUES[vr])
    return made


def named() -> Dataset:
    made = Dataset()
    made.PersonName, made.TextValue = TEXT, TEXT
    return made


def bearer(**more: Any) -> Dataset:
    """Return a CT slice that bears canaries at top level, nested in sequences the table does not name, and private."""
    header = image(ramp(), **placed(), **more)
    header.update({element.tag: element for element in planted()})
    held = planted(0)
    held.update({element.tag: element for element in private().values()})
    header.AnatomicRegionSequence = Sequence([held])
    header.ContributingEquipmentSequence = Sequence([planted(0)])
    header.update({element.tag: element for element in private().values()})
    return header


def private() -> Dataset:
    made = Dataset()
    block = made.private_block(0x0019, "XYZZYCANARY MAKER", create=True)
    block.add_new(0x01, "LO", TEXT)
    made.add_new(0x00191002, "SQ", Sequence([planted(0)]))
    return made
