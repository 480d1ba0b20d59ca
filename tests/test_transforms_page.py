"""docs/transforms.md is what the classes say, and every step has its picture."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk  # noqa: N813  as its own documentation does

from medaug_cli.transforms import step_names

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "transforms.md").read_text(encoding="utf-8")
MOST_BYTES = 6_000_000
ADVICE = "run `python docs/make_transforms.py`, which makes docs/transforms.md and its pictures from the classes"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("make_transforms", DOCS / "make_transforms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_the_one_that_the_classes_make() -> None:
    assert script().page_text() == PAGE, ADVICE


def test_the_page_has_a_section_for_every_step() -> None:
    assert sorted(re.findall(r"^### (\w+)$", PAGE, flags=re.MULTILINE)) == list(step_names()), ADVICE


@pytest.mark.parametrize("name", step_names())
def test_a_step_has_a_picture_of_the_source_and_its_results(name: str) -> None:
    assert f"(transforms/{name}.jpg)" in PAGE, ADVICE
    width, height = sitk.ReadImage(DOCS / "transforms" / f"{name}.jpg").GetSize()
    assert width > 1.5 * height, ADVICE


def test_there_is_no_picture_of_anything_else() -> None:
    assert {path.stem for path in (DOCS / "transforms").iterdir()} == set(step_names()), ADVICE


def test_all_pictures_together_are_small() -> None:
    pictures = [path for ending in ("png", "jpg") for path in DOCS.rglob(f"*.{ending}")]
    assert sum(path.stat().st_size for path in pictures) < MOST_BYTES


def test_a_picture_is_what_the_script_draws() -> None:
    """Of one step, by the means of blocks of 8 x 8, which JPEG keeps."""
    strip = script().draw_strip("gamma")
    kept = sitk.GetArrayFromImage(sitk.ReadImage(DOCS / "transforms" / "gamma.jpg"))
    assert strip.shape == kept.shape, ADVICE
    rows, columns = (8 * (length // 8) for length in strip.shape[:2])
    means = [
        picture[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8, 3).astype(float).mean(axis=(1, 3, 4))
        for picture in (strip, kept)
    ]
    assert abs(means[0] - means[1]).mean() < 1, ADVICE


def test_the_index_of_the_docs_names_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", index)) == pages
