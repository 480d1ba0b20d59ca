"""Codes: items of code sequences (DICOM PS3.3 8.8) and those this package writes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_sequence_item
from pydicom.tag import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable

SOURCE_FOR_PROCESSING = ("121322", "DCM", "Source image for image processing operation")
ACQUISITION_EQUIPMENT = ("109101", "DCM", "Acquisition Equipment")
_LONGEST_MEANING = 64  # VR LO


def code_item(code: tuple[str, str, str]) -> Dataset:
    """Return an item for `code`, a (value, scheme, meaning)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code[0], code[1]
    item.CodeMeaning = code[2][:_LONGEST_MEANING]
    return item


@lru_cache(maxsize=64)
def purpose_element(code: tuple[str, str, str]) -> RawDataElement:
    """Return PurposeOfReferenceCodeSequence with one item for `code`."""
    return encoded_element("PurposeOfReferenceCodeSequence", "SQ", (encode_item(code_item(code)),))


def encode_item(item: Dataset) -> bytes:
    """Return `item` as it stands in a sequence of an Explicit VR Little Endian file."""
    with DicomBytesIO() as encoded:
        encoded.is_little_endian, encoded.is_implicit_VR = True, False
        write_sequence_item(encoded, item, ["iso8859"])
        return encoded.getvalue()


def encoded_element(keyword: str, vr: str, parts: Iterable[bytes]) -> RawDataElement:
    """Return element `keyword` with its encoded value, made even: what all slices share is encoded once for all."""
    value = b"".join(parts)
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    return RawDataElement(Tag(keyword), vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=True)
