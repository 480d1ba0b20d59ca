"""Sides: codes and words for left and right, and those for the other side (DICOM PS3.16 CID 244 and others)."""

from __future__ import annotations

import re
from functools import cache

Code = tuple[str, str]

SIDES: dict[Code, tuple[str, str, str]] = {
    (codes[side], scheme): (codes[1 - side], scheme, ("Left", "Right")[1 - side])
    for scheme, codes in (
        ("SCT", ("7771000", "24028007")),
        ("SRT", ("G-A101", "G-A100")),
        ("SNM3", ("G-A101", "G-A100")),
    )
    for side in (0, 1)
}
"""Modifiers that say left or right: (value, scheme) to the code for the other side."""
# SNOMED CT, left and right, of what the context groups that pydicom has name without a side.
PAIRS = (
    ("18639004", "9846003", "kidney"),
    ("44029006", "3341006", "lung"),
    ("8966001", "18944008", "eye"),
)
_SIDE_IN_WORDS = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)  # also in kidney_left2
_KIND = re.compile(r" \([^()]*\)$")  # such as (body structure)
_LONGEST_LO = 64
_VIEW_SIDES = str.maketrans("LR", "RL")
_SIDED_VIEWS = frozenset({"LL", "RL", "LLD", "RLD", "LLO", "RLO", "LAO", "RAO", "LPO", "RPO"})


def names_one_side(words: str) -> bool:
    """Say whether `words` name left or right, and not both."""
    return len({found.lower() for found in _SIDE_IN_WORDS.findall(words)}) == 1


def other_words(words: str) -> str:
    """Return `words` with left and right exchanged, in their own letters."""
    return _SIDE_IN_WORDS.sub(_exchanged, words)


def _exchanged(found: re.Match[str]) -> str:
    word = found[0]
    other = "right" if word.lower() == "left" else "left"
    return other.upper() if word.isupper() else other.capitalize() if word[0].isupper() else other


def other_view(view: str) -> str:
    """Return ViewPosition of the mirrored picture: a left lateral one is a right lateral one."""
    return view[0].translate(_VIEW_SIDES) + view[1:] if view in _SIDED_VIEWS else view


def counterpart(code: Code) -> tuple[str, str] | None:
    """Return value and English meaning of the code for the same on the other side; None where none is known."""
    value, scheme = code
    return _counterparts().get(value) if scheme == "SCT" else None


@cache
def _counterparts() -> dict[str, tuple[str, str]]:
    from pydicom.sr.codedict import codes  # noqa: PLC0415  of 11000 concepts, for few copies

    concepts = codes.SCT.concepts.values()
    known = {code.meaning.lower(): (code.value, _KIND.sub("", code.meaning)[:_LONGEST_LO]) for code in concepts}
    sided = {value: other_words(meaning) for meaning, (value, _) in known.items() if names_one_side(meaning)}
    found = {value: known[meaning] for value, meaning in sided.items() if meaning in known}
    for left, right, organ in PAIRS:
        found |= {left: (right, f"Right {organ}"), right: (left, f"Left {organ}")}
    return found
