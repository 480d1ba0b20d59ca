"""Sides: a code for one side becomes that of the same part on the other, as published terminologies have them."""

from __future__ import annotations

import pytest
from pydicom.sr.codedict import codes

from medaug_cli.formats.dicom.sides import PAIRS, counterpart, names_one_side, other_words

PUBLISHED = {
    # HL7 FHIR mCODE, value set of the body sites of Wilms tumours.
    "18639004": "Left kidney structure (body structure)",
    "9846003": "Right kidney structure (body structure)",
    # HL7 CodeX GenomeX, specimens of the examples of genomic reports, one of either side.
    "44029006": "Left lung structure (body structure)",
    "3341006": "Right lung structure (body structure)",
    # IHE PCC Paramedicine Care Summary, value set of target sites of findings of the eye.
    "8966001": "Left eye structure",
    "18944008": "Right eye structure",
}
"""Where the codes that medaug adds to those of the standard's context groups are named, and how."""


def test_every_pair_that_medaug_adds_is_of_a_published_name() -> None:
    assert sorted(code for pair in PAIRS for code in pair[:2]) == sorted(PUBLISHED)
    assert all(PUBLISHED[left].startswith(f"Left {organ} ") for left, _, organ in PAIRS)


def other_codes(*values: str) -> list[str | None]:
    return [found[0] if (found := counterpart((value, "SCT"))) else None for value in values]


@pytest.mark.parametrize(("left", "right", "organ"), PAIRS)
def test_a_pair_is_of_one_part_whichever_side_is_asked(left: str, right: str, organ: str) -> None:
    assert PUBLISHED[right] == other_words(PUBLISHED[left])
    assert counterpart((left, "SCT")) == (right, f"Right {organ}")
    assert counterpart((right, "SCT")) == (left, f"Left {organ}")


def test_a_pair_is_added_only_where_the_context_groups_have_none() -> None:
    known = {code.value for code in codes.SCT.concepts.values()}
    assert not known & set(PUBLISHED)


@pytest.mark.parametrize(
    ("left", "right"),
    [("80248007", "73056007"), ("82471001", "73829009"), ("87878005", "53085002")],  # breast, atrium, ventricle
)
def test_a_pair_of_the_context_groups_is_found_there(left: str, right: str) -> None:
    assert other_codes(left, right) == [right, left]


def test_every_counterpart_has_a_name_that_says_the_other_side() -> None:
    meanings: dict[str, set[str]] = {}
    for code in codes.SCT.concepts.values():
        meanings.setdefault(code.value, set()).add(code.meaning.lower())
    for value, words in meanings.items():
        (other,) = other_codes(value)
        sided = {other_words(one) for one in words if names_one_side(one)}
        assert not other or sided & meanings[other]


def test_a_code_of_another_scheme_has_no_counterpart() -> None:
    assert not counterpart(("18639004", "99LOCAL"))
