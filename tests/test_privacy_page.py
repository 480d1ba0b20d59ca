"""The page on privacy names every key, option and kind of place, and says of each what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from medaug_cli.core.privacy import LEAST_KEY_CHARACTERS, LEAST_KEY_VARIETY, MOST_DAYS, NOT_OFFERED, OPTIONS
from medaug_cli.formats import Kind
from medaug_cli.formats.dicom.actions import EDITION
from medaug_cli.recipe.model import PrivacySection

PROJECT = Path(__file__).parents[1]
TEXT = (PROJECT / "docs" / "privacy.md").read_text()


def first_cells(head: str) -> list[str]:
    """Return the names in the first column of the table whose first column is called `head`."""
    table = re.search(rf"^\| {head} \|.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert table is not None
    return re.findall(r"^\| `(\w+)` \|", table[1], re.MULTILINE)


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("key", tuple(PrivacySection.model_fields)),
        ("option", OPTIONS),
        ("not offered", tuple(NOT_OFFERED)),
        ("kind", get_args(Kind)),
    ],
)
def test_each_name_of_the_code_has_its_row_and_no_other_has(head: str, names: tuple[str, ...]) -> None:
    assert sorted(first_cells(head)) == sorted(names)


def test_numbers_and_defaults_are_those_of_the_code() -> None:
    assert f"edition {EDITION}" in TEXT
    assert f"of {LEAST_KEY_CHARACTERS} characters or more, {LEAST_KEY_VARIETY} of them different" in TEXT
    assert f"1 to {MOST_DAYS} days" in TEXT
    section = PrivacySection()
    assert section.deidentify is None
    assert f"default `{section.key_env}`" in TEXT
    assert f"`{section.phi_in_paths}` (default)" in TEXT


@pytest.mark.parametrize("page", ["README.md", "docs/README.md"])
def test_the_page_is_linked(page: str) -> None:
    assert "privacy.md)" in (PROJECT / page).read_text()
