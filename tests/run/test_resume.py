"""Running again: what is valid is kept, what is missing or changed is made, and nothing else is touched."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import (
    OBLIQUE,
    PROJECT,
    RECIPE,
    copies_below,
    records_of,
    run_here,
    save_case,
    save_dataset,
    save_image,
    save_label,
    save_recipe,
    state_of,
    voxel_hashes,
)

from medaug_cli.root import read_root
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Place:
    """A dataset of two cases, its recipe and a ROOT that holds its four copies."""

    def __init__(self, folder: Path) -> None:
        self.dataset = save_dataset(folder / "dataset", cases=2)
        self.recipe = save_recipe(folder / "recipe.yaml")
        self.root = folder / "root"
        self.again()

    def again(self, recipe: str = RECIPE, **options: object) -> tuple[int, int, int]:
        """Run; return how many copies were made, kept and failed."""
        save_recipe(self.recipe, recipe)
        tally, _ = run_here(self.recipe, self.dataset, self.root, **options)
        return tally.done, tally.kept, tally.failed

    def outputs(self) -> dict[str, tuple[bytes, int]]:
        return {path: found for path, found in state_of(self.root).items() if path.endswith(".nii.gz")}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_second_run_makes_nothing_and_rewrites_no_output(place: Place) -> None:
    before, manifest = place.outputs(), (place.root / "medaug-manifest.jsonl").read_bytes()
    assert place.again() == (0, 4, 0)
    assert place.outputs() == before
    assert (place.root / "medaug-manifest.jsonl").read_bytes() == manifest


def test_more_copies_add_only_the_new_ones(place: Place) -> None:
    before = place.outputs()
    assert place.again(RECIPE.replace("copies: 2", "copies: 3")) == (2, 4, 0)
    assert {path: place.outputs()[path] for path in before} == before
    assert copies_below(place.root) - set(before) == {
        f"case0{case}_aug0003{part}.nii.gz" for case in (1, 2) for part in ("", "_seg")
    }


def test_fewer_copies_remove_none(place: Place) -> None:
    before = place.outputs()
    assert place.again(RECIPE.replace("copies: 2", "copies: 1")) == (0, 2, 0)
    assert place.outputs() == before
    assert verify_root(place.root, None, None) == (8, [])


def test_a_new_case_adds_only_its_own_copies(place: Place) -> None:
    before = voxel_hashes(place.root)
    save_case(place.dataset, "case00", seed=9)
    assert place.again() == (2, 4, 0)
    assert {path: voxel_hashes(place.root)[path] for path in before} == before


def test_a_case_that_is_gone_keeps_its_copies_and_records(place: Place) -> None:
    (place.dataset / "case01.nii.gz").unlink()
    (place.dataset / "case01_seg.nii.gz").unlink()
    assert place.again() == (0, 2, 0)
    assert verify_root(place.root, None, None) == (8, [])


def test_a_source_that_was_only_touched_is_known_again_by_its_hash(place: Place) -> None:
    for path in place.dataset.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert place.again() == (0, 4, 0)


@pytest.mark.parametrize(
    ("case", "change"),
    [
        ("voxels", lambda folder: save_image(folder / "case01.nii.gz", seed=42)),
        (
            "grid",
            lambda folder: save_image(
                folder / "case01.nii.gz",
                seed=1,
                affine=OBLIQUE @ [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1e-6], [0, 0, 0, 1]],
            ),
        ),
        ("header", lambda folder: save_image(folder / "case01.nii.gz", seed=1, descrip="other header")),
    ],
    ids=["voxels", "grid", "header"],
)
def test_a_changed_source_is_done_again(place: Place, case: str, change: Callable[[Path], None]) -> None:
    before = voxel_hashes(place.root)
    change(place.dataset)
    assert place.again() == (2, 2, 0)
    after = voxel_hashes(place.root)
    assert {path: after[path] for path in after if path.startswith("case02")} == {
        path: before[path] for path in before if path.startswith("case02")
    }
    assert (before == after) == (case == "header")
    assert verify_root(place.root, None, place.dataset)[1] == []


def test_a_changed_mask_is_done_again_with_its_image(place: Place) -> None:
    save_label(place.dataset / "case01_seg.nii.gz", affine=OBLIQUE, size=(14, 12, 6))
    assert place.again() == (0, 4, 0)  # the same bytes
    raw = (place.dataset / "case01_seg.nii.gz").read_bytes()
    (place.dataset / "case01_seg.nii.gz").write_bytes(raw[:4] + b"\1" + raw[5:])  # the time in the gzip header
    assert place.again() == (2, 2, 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\xff"),
        lambda path: path.write_bytes(b""),
    ],
    ids=["deleted", "truncated", "changed", "emptied"],
)
@pytest.mark.parametrize("name", ["case02_aug0001.nii.gz", "case02_aug0001_seg.nii.gz"])
def test_an_output_that_is_not_as_it_was_is_made_again(
    place: Place, spoil: Callable[[Path], object], name: str
) -> None:
    before = voxel_hashes(place.root)
    spoil(place.root / name)
    assert place.again() == (1, 3, 0)
    assert voxel_hashes(place.root) == before
    assert verify_root(place.root, None, None) == (8, [])


def test_an_output_that_was_only_touched_is_kept(place: Place) -> None:
    os.utime(place.root / "case01_aug0001.nii.gz", (1, 1))
    assert place.again() == (0, 4, 0)


def test_another_name_or_compression_keeps_the_copies(place: Place) -> None:
    assert place.again(RECIPE + "name: another\noutput: {compression: small}\n") == (0, 4, 0)


def test_other_label_names_of_the_dataset_make_the_copies_again(tmp_path: Path) -> None:
    """The recipe's digest does not know the names that nnU-Net's dataset.json brings along, and swap_labels does."""
    dataset = tmp_path / "Dataset001_Kidney"
    save_image(dataset / "imagesTr" / "k1_0000.nii.gz")
    save_label(dataset / "labelsTr" / "k1.nii.gz")
    recipe = save_recipe(
        tmp_path / "recipe.yaml",
        "version: 1\nsteps: [{flip: {axes: [LR], p: 1, swap_labels: [[left, right]]}}]\n",
    )
    description = {"channel_names": {"0": "CT"}, "numTraining": 1, "file_ending": ".nii.gz"}
    found = []
    for labels in ({"left": 1, "right": 2, "cyst": 3}, {"left": 1, "right": 3, "cyst": 2}):
        text = json.dumps({**description, "labels": {"background": 0, **labels}})
        (dataset / "dataset.json").write_text(text, encoding="utf-8")
        tally, _ = run_here(recipe, dataset, tmp_path / "root")
        found.append((tally.done, records_of(tmp_path / "root")[0].labels["label"]))
    # Two blocks of 3 x 5 x 3 and 4 x 5 x 3 voxels: 1 and 2 change places, or 1 becomes 3.
    assert found[0] == (1, {"1": (45, 60), "2": (60, 45)})
    assert found[1] == (1, {"1": (45, 0), "2": (60, 60), "3": (0, 45)})


def test_the_journal_may_end_in_half_a_line(place: Place) -> None:
    journal = place.root / ".medaug" / "journal.jsonl"
    raw = journal.read_bytes()
    journal.write_bytes(raw[:-100])
    before = voxel_hashes(place.root)
    (place.root / ".medaug" / "begun.txt").write_text(
        "".join(f'"{path}"\n' for path in sorted(before)), encoding="utf-8"
    )
    assert place.again() == (1, 3, 0)
    assert voxel_hashes(place.root) == before
    assert verify_root(place.root, None, None) == (8, [])


def test_looking_at_a_root_never_changes_the_journal_of_a_run_that_goes_on(place: Place) -> None:
    journal = place.root / ".medaug" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-100])
    before = journal.read_bytes()
    assert len(read_root(place.root).standings) == 3
    assert journal.read_bytes() == before


@pytest.mark.parametrize("sample", ["ct", "xray", "mammo"])
def test_dicom_copies_are_kept_and_extended_too(tmp_path: Path, sample: str) -> None:
    dataset = shutil.copytree(PROJECT / "sample_data" / sample, tmp_path / "dataset")
    recipe = save_recipe(tmp_path / "recipe.yaml", "version: 1\nsteps: [gamma]\n")
    counts = []
    for copies in (1, 1, 2):
        save_recipe(recipe, f"version: 1\ncopies: {copies}\nsteps: [gamma]\n")
        tally, _ = run_here(recipe, dataset, dataset)
        counts.append((tally.done, tally.kept, tally.failed))
    assert counts == [(1, 0, 0), (0, 1, 0), (1, 1, 0)]
    assert verify_root(dataset, None, dataset)[1] == []
