"""Mirror: left and right in a header when the picture is turned round (DICOM PS3.3 C.7.6.1.1.1, C.8.11.4.1.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.sequence import Sequence as Items

from medaug_cli.formats.dicom.header import text, values
from medaug_cli.formats.dicom.template import shallow_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

    from medaug_cli.core.sample import Derivation
    from medaug_cli.formats.dicom.instance import Instance

_UNTURNED = ((0, 1), (1, 1), (2, 1))
_OPPOSITE = str.maketrans("LRAPHF", "RLPAFH")
_OTHER_SIDE = str.maketrans("LR", "RL")
_SIDE_KEYWORDS = ("Laterality", "ImageLaterality", "FrameLaterality")
_SIDES = {
    ("G-A100", "SRT"): ("G-A101", "SRT", "Left"),
    ("G-A101", "SRT"): ("G-A100", "SRT", "Right"),
    ("24028007", "SCT"): ("7771000", "SCT", "Left"),
    ("7771000", "SCT"): ("24028007", "SCT", "Right"),
}
_REGION_CODES = ("RTROIIdentificationCodeSequence", "SegmentedPropertyTypeCodeSequence")
_TYPE_MODIFIERS = ("SegmentedPropertyTypeModifierCodeSequence", "AnatomicRegionModifierSequence")
_NAMES_A_SIDE = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_PROPERTY = "SegmentedPropertyTypeCodeSequence"
_MODIFIERS = (
    *("AnatomicRegionModifierSequence", "PrimaryAnatomicStructureModifierSequence"),
    "SegmentedPropertyTypeModifierCodeSequence",
)
_DETECTOR = (
    "FieldOfViewHorizontalFlip",
    "FieldOfViewRotation",
    "FieldOfViewOrigin",
)  # about a detector that never saw this picture


def turn_header(header: Dataset, instance: Instance, derivation: Derivation) -> None:
    """Make the sides that `header` names those of the copy.

    A picture placed in the patient keeps its PatientOrientation, which says how its grid lies and not what it shows.
    """
    if derivation.swap_laterality:
        swap_sides(header, instance.file)
    if derivation.swap_laterality or derivation.turn != _UNTURNED:
        for keyword in _DETECTOR:
            if keyword in header:
                del header[keyword]
        if not instance.in_patient and any(instance.letters):
            header.PatientOrientation = list(turn_letters(instance.letters, derivation))


def turn_letters(letters: tuple[str, str], derivation: Derivation) -> tuple[str, str]:
    """Return PatientOrientation (row, column) of the copy: `P`, `FL` mirrored along its rows is `A`, `FR`."""
    turned = []
    for axis, sign in derivation.turn[:2]:
        named = letters[axis] if axis < len(letters) else ""
        named = named if sign > 0 else named.translate(_OPPOSITE)
        turned.append(named.translate(_OTHER_SIDE) if derivation.swap_laterality else named)
    return turned[0], turned[1]


def swap_sides(header: Dataset, file: str) -> None:
    """Exchange left and right in what `header`, or an item of it, says of the part that it shows."""
    for keyword in _SIDE_KEYWORDS:
        side = text(header, keyword, file)
        if side in {"L", "R"}:
            setattr(header, keyword, side.translate(_OTHER_SIDE))
    _replace_items(header, "AnatomicRegionSequence", file, lambda region: _swap_modifiers(region, file))
    _replace_items(header, "PrimaryAnatomicStructureSequence", file, lambda region: _swap_modifiers(region, file))


def swap_region(item: Dataset, file: str) -> None:
    """Exchange left and right in what `item` says of a labelled region, whose name does not change with it.

    A code that holds the side itself ("Left kidney") has no counterpart that could be looked up here, and goes.
    """
    swap_sides(item, file)
    for keyword in _REGION_CODES:
        codes = [
            code for code in values(item, keyword, file) if not _NAMES_A_SIDE.search(text(code, "CodeMeaning", file))
        ]
        if keyword in item and len(codes) < len(values(item, keyword, file)):
            if codes:
                setattr(item, keyword, Items(codes))
            else:
                del item[keyword]
        _replace_items(item, keyword, file, lambda code: _swap_type_modifiers(code, file))


def _swap_type_modifiers(code: Dataset, file: str) -> None:
    for keyword in _TYPE_MODIFIERS:
        _replace_items(code, keyword, file, lambda modifier: _swap_code(modifier, file))


def swap_segment(segment: Dataset, file: str) -> bool:
    """Exchange left and right in the description of a segment (PS3.3 C.8.20.2); say whether it names a side."""
    before = _sides_of(segment, file)
    for region in ("AnatomicRegionSequence", "PrimaryAnatomicStructureSequence", _PROPERTY):
        _replace_items(segment, region, file, lambda item: _swap_modifiers(item, file))
    return bool(before)


def _sides_of(segment: Dataset, file: str) -> list[tuple[str, str]]:
    """Return the codes for left and right among the modifiers of what `segment` shows."""
    regions = ("AnatomicRegionSequence", "PrimaryAnatomicStructureSequence", _PROPERTY)
    items = [item for region in regions for item in values(segment, region, file)]
    modifiers = [modifier for item in items for keyword in _MODIFIERS for modifier in values(item, keyword, file)]
    codes = [(text(one, "CodeValue", file), text(one, "CodingSchemeDesignator", file)) for one in modifiers]
    return [code for code in codes if code in _SIDES]


def _swap_modifiers(region: Dataset, file: str) -> None:
    for keyword in _MODIFIERS:
        _replace_items(region, keyword, file, lambda modifier: _swap_code(modifier, file))


def _swap_code(modifier: Dataset, file: str) -> None:
    code = (text(modifier, "CodeValue", file), text(modifier, "CodingSchemeDesignator", file))
    if code in _SIDES:
        modifier.CodeValue, modifier.CodingSchemeDesignator, modifier.CodeMeaning = _SIDES[code]


def _replace_items(header: Dataset, keyword: str, file: str, change: Callable[[Dataset], None]) -> None:
    """Put changed copies of its items into sequence `keyword`; those there belong to the source's header."""
    items = values(header, keyword, file)
    if not items:
        return
    copies = [shallow_copy(item) for item in items]
    for item in copies:
        change(item)
    setattr(header, keyword, Items(copies))
