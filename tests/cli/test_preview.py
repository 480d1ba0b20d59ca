"""`medaug preview`: the copies of a run on one sheet, and nothing else written."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  as its own documentation does
from datasets_for_runs import RECIPE, damage, here, run_here, save_case, save_dataset, save_recipe, state_of

from medaug_cli.preview import describe_program, load_previewed, preview_copies, say
from medaug_cli.program import draw_program, scene_of
from medaug_cli.recipe import load_recipe

if TYPE_CHECKING:
    from pathlib import Path

SOMETIMES = "version: 1\nseed: 3\nsteps: [{flip: {axes: [LR], p: 0.5, swap_labels: [[left, right]]}}]\n"


def preview(*arguments: str | Path) -> tuple[int, str]:
    """Call the command in this process; return exit code and what it said."""
    code, *said = here("preview", *arguments)
    return code, "".join(said)


class Page(HTMLParser):
    """What a page holds: its tags, its attributes, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for key, value in attrs if key in ("src", "href", "srcset", "data")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_voxels_are_those_that_a_run_writes(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    path = save_recipe(tmp_path / "recipe.yaml", RECIPE)
    run_here(path, dataset, tmp_path / "root")
    recipe = load_recipe(path)
    orders, sample = load_previewed(recipe, dataset, "case02")
    for made in preview_copies(orders, sample, 2):
        assert made.copy is not None
        stem = tmp_path / "root" / f"case02_aug{made.number:04d}"
        image = np.asarray(nib.load(f"{stem}.nii.gz").dataobj).T
        label = np.asarray(nib.load(f"{stem}_seg.nii.gz").dataobj).T
        assert np.array_equal(np.rint(next(iter(made.copy.images.values())).array[0]), image)
        assert np.array_equal(made.copy.labels["label"].array, label)


def test_nothing_but_the_sheet_is_written(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    recipe = save_recipe(tmp_path / "recipe.yaml")
    before = state_of(tmp_path)
    code, said = preview(recipe, dataset, "-o", tmp_path / "sheet.png", "--copies", "3")
    assert (code, said) == (0, f"{tmp_path / 'sheet.png'}: case01 and 3 copies\n")
    (tmp_path / "sheet.png").unlink()
    assert state_of(tmp_path) == before
    assert not (dataset / ".medaug").exists()


def test_a_sheet_shows_source_and_copies_in_a_png_that_others_read(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    recipe = save_recipe(tmp_path / "recipe.yaml")
    sizes = []
    for copies in (2, 5):
        preview(recipe, dataset, "-o", tmp_path / f"{copies}.png", "--copies", copies)
        image = sitk.ReadImage(tmp_path / f"{copies}.png")
        assert image.GetNumberOfComponentsPerPixel() == 3
        sizes.append(image.GetSize())
    assert sizes[0][0] == sizes[1][0]  # three columns each
    assert sizes[1][1] > 1.5 * sizes[0][1]  # one row, two rows


def test_a_page_is_one_file_without_scripts_and_tells_what_was_drawn(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    path = save_recipe(tmp_path / "recipe.yaml")
    assert preview(path, dataset, "-o", tmp_path / "sheet.html", "--copies", "2")[0] == 0
    page = Page((tmp_path / "sheet.html").read_text(encoding="utf-8"))
    assert {"script", "link", "iframe"} & set(page.tags) == set()
    assert len(page.sources) == page.tags.count("img") == 3
    for source in page.sources:
        assert base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True).startswith(b"\x89PNG")
    recipe = load_recipe(path)
    _, sample = load_previewed(recipe, dataset, None)
    for number in (1, 2):
        for name, numbers in describe_program(draw_program(recipe.steps, scene_of(sample, 7, number))):
            assert name in page.text
            assert numbers in page.text
    assert re.search(r"sigma 0\.0\d+", page.text)


def test_names_are_escaped_in_a_page(tmp_path: Path) -> None:
    save_case(tmp_path / "dataset", "<b>&x")
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE + "name: <script>alert(1)</script>\n")
    preview(recipe, tmp_path / "dataset", "-o", tmp_path / "sheet.html", "--copies", "1")
    page = Page((tmp_path / "sheet.html").read_text(encoding="utf-8"))
    assert {"script", "b"} & set(page.tags) == set()
    assert "<b>&x; recipe <script>alert(1)</script>" in page.text


def test_the_seed_of_the_command_goes_before_that_of_the_recipe(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    recipe = save_recipe(tmp_path / "recipe.yaml")  # seed 7
    for name, arguments in {"a": [], "b": ["--seed", "7"], "c": ["--seed", "8"]}.items():
        preview(recipe, dataset, "-o", tmp_path / f"{name}.png", "--copies", "1", *arguments)
    one, same, other = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert one == same != other


def test_an_unknown_sample_is_answered_with_the_nearest(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=12)
    code, said = preview(save_recipe(tmp_path / "r.yaml"), dataset, "--sample", "case1", "-o", tmp_path / "a.png")
    assert code == 4
    assert said.startswith("no sample is called case1; the nearest of 12: case1")
    assert len(said.split(": ")[1].split(", ")) == 5
    assert not (tmp_path / "a.png").exists()


def test_a_sample_that_the_table_keeps_out_is_not_shown(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    (dataset / "split.csv").write_text("case,split\ncase01,train\ncase02,test\n", encoding="utf-8")
    recipe = save_recipe(tmp_path / "r.yaml", RECIPE + "dataset: {table: split.csv}\n")
    code, said = preview(recipe, dataset, "--sample", "case02", "-o", tmp_path / "a.png")
    assert (code, said.partition(":")[0]) == (4, "sample case02 is not augmented")


def test_a_damaged_sample_is_told_by_its_reason(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    damage(dataset / "case01.nii.gz")
    recipe = save_recipe(tmp_path / "recipe.yaml")
    code, said = preview(recipe, dataset, "--sample", "case01", "-o", tmp_path / "a.png")
    assert (code, said.partition(":")[0]) == (3, "truncated")


def test_control_signs_of_a_name_never_reach_the_terminal(tmp_path: Path) -> None:
    save_case(tmp_path / "dataset", "a\x1b[31mb\n")
    recipe, target = save_recipe(tmp_path / "r.yaml", SOMETIMES), tmp_path / "\x1b]0;c.html"
    code, said = preview(recipe, tmp_path / "dataset", "-o", target)
    assert code == 3
    assert [sign for sign in said if not sign.isprintable() and sign != "\n"] == []
    assert r"a\x1b[31mb\n and 8 copies" in said


def test_a_copy_that_cannot_be_made_stands_there_with_its_reason(tmp_path: Path) -> None:
    """The labels have no names, so that the copies that are mirrored cannot swap left and right."""
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    code, said = preview(save_recipe(tmp_path / "r.yaml", SOMETIMES), dataset, "-o", tmp_path / "a.html")
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    failed = page.text.count("not made: unknown_label")
    assert code == 3
    assert 0 < failed < 8
    assert f"8 copies, {failed} of them could not be made" in said


@pytest.mark.parametrize("name", ["sheet.jpg", "sheet", "sheet.nii.gz"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    code, said = preview(save_recipe(tmp_path / "r.yaml"), tmp_path, "-o", tmp_path / name)
    assert (code, "name it .png or .html" in said) == (2, True)


@pytest.mark.parametrize("name", ["sheet.png", "sheet.html"])
def test_an_older_sheet_is_replaced_and_any_other_file_is_left_alone(tmp_path: Path, name: str) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    recipe, target = save_recipe(tmp_path / "recipe.yaml"), tmp_path / name
    for seed in ("1", "2"):
        assert preview(recipe, dataset, "-o", target, "--copies", "1", "--seed", seed)[0] == 0
    foreign = b"\x89PNG\r\n\x1a\n of somebody else" if name.endswith("png") else b"<!doctype html><p>mine"
    target.write_bytes(foreign)
    code, said = preview(recipe, dataset, "-o", target)
    assert (code, said) == (5, f"{target}: exists and is no sheet of medaug's; name another file")
    assert target.read_bytes() == foreign


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-0.36149, "-0.361"),
        (True, "yes"),
        ({"LR": 1.5, "AP": 2}, "LR 1.5, AP 2"),
        ([1, 2.25, "a"], "1, 2.25, a"),
        ([[1, 2, 3], [4, 5, 6, 7]], "(7 values)"),
        ([{"gamma": {"log_gamma": 0.1}, "blur": {"sigma": 1}}] * 4, "(8 values)"),
    ],
)
def test_values_are_said_in_short(value: object, said: str) -> None:
    assert say(value) == said
