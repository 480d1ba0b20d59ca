"""Codes: items of code sequences (DICOM PS3.3 8.8) and those this package writes."""

from __future__ import annotations

from pydicom.dataset import Dataset

SOURCE_FOR_PROCESSING = ("121322", "DCM", "Source image for image processing operation")
ACQUISITION_EQUIPMENT = ("109101", "DCM", "Acquisition Equipment")
_LONGEST_MEANING = 64  # VR LO


def code_item(code: tuple[str, str, str]) -> Dataset:
    """Return an item for `code`, a (value, scheme, meaning)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code[0], code[1]
    item.CodeMeaning = code[2][:_LONGEST_MEANING]
    return item
