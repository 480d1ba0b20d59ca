"""Mirror: left and right in a header when the picture is turned round (DICOM PS3.3 C.7.6.1.1.1, C.8.11.4.1.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.sequence import Sequence as Items

from medaug_cli.formats.dicom.header import text, values
from medaug_cli.formats.dicom.template import shallow_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
REGION_CODES = ("RTROIIdentificationCodeSequence", "SegmentedPropertyTypeCodeSequence")
_REGIONS = ("AnatomicRegionSequence", "PrimaryAnatomicStructureSequence")
_SIDE_IN_WORDS = re.compile(r"\b(left|right)\b", re.IGNORECASE)
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
    for keyword in _REGIONS:
        _replace_items(header, keyword, file, lambda region: _swap_modifiers(region, file))


def swap_region(item: Dataset, file: str, may_go: Sequence[str] = ()) -> bool:
    """Exchange left and right in what `item` says of a region or segment (PS3.3 C.8.8.5, C.8.20.2).

    Return whether modifiers named a side. A code that holds the side itself ("Left kidney") has no counterpart that
    could be looked up here, and goes where its sequence `may_go`.
    """
    named = _names_a_side(item, file)
    swap_sides(item, file)
    for keyword in may_go:
        _drop_sided_codes(item, keyword, file)
    for keyword in REGION_CODES:
        _replace_items(item, keyword, file, lambda code: _swap_modifiers(code, file))
    return named


def _drop_sided_codes(item: Dataset, keyword: str, file: str) -> None:
    codes = values(item, keyword, file)
    kept = [code for code in codes if not _SIDE_IN_WORDS.search(text(code, "CodeMeaning", file))]
    if kept and len(kept) < len(codes):
        setattr(item, keyword, Items(kept))
    elif codes and not kept:
        del item[keyword]


def _names_a_side(item: Dataset, file: str) -> bool:
    """Say whether a code for left or right is among the modifiers of what `item` shows."""
    shown = [one for keyword in (*_REGIONS, *REGION_CODES) for one in values(item, keyword, file)]
    modifiers = [modifier for one in shown for keyword in _MODIFIERS for modifier in values(one, keyword, file)]
    return any(_code_of(modifier, file) in _SIDES for modifier in modifiers)


def _code_of(item: Dataset, file: str) -> tuple[str, str]:
    return text(item, "CodeValue", file), text(item, "CodingSchemeDesignator", file)


def _swap_modifiers(region: Dataset, file: str) -> None:
    for keyword in _MODIFIERS:
        _replace_items(region, keyword, file, lambda modifier: _swap_code(modifier, file))


def _swap_code(modifier: Dataset, file: str) -> None:
    code = _code_of(modifier, file)
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
