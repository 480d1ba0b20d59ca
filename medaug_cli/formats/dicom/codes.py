"""Codes: items of code sequences (DICOM PS3.3 8.8) and those this package writes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from medaug_cli.formats.dicom.elements import encode_item, encoded_element

if TYPE_CHECKING:
    from pydicom.dataelem import RawDataElement

SOURCE_FOR_PROCESSING = ("121322", "DCM", "Source image for image processing operation")
ACQUISITION_EQUIPMENT = ("109101", "DCM", "Acquisition Equipment")
PROCESSING_EQUIPMENT = ("109102", "DCM", "Processing Equipment")
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
