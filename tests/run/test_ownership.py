"""Ownership: a ROOT takes copies of one dataset and one recipe, and says what it has where another comes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import (
    medaug,
    run_here,
    save_dataset,
    save_image,
    save_label,
    save_recipe,
    state_of,
    voxel_hashes,
)

from medaug_cli.core.errors import ExitCode, RootError
from medaug_cli.recipe import load_recipe
from medaug_cli.run import Options, run

if TYPE_CHECKING:
    from pathlib import Path


def test_another_dataset_is_refused_and_both_are_named(tmp_path: Path) -> None:
    recipe = save_recipe(tmp_path / "recipe.yaml")
    first, second = save_dataset(tmp_path / "first", cases=1), tmp_path / "second"
    save_image(second / "case01.nii.gz", seed=99)
    save_label(second / "case01_seg.nii.gz")
    run_here(recipe, first, tmp_path / "root")
    before = voxel_hashes(tmp_path / "root")
    for overwrite in ("never", "stale", "all"):
        with pytest.raises(RootError, match="holds copies of another dataset") as caught:
            run_here(recipe, second, tmp_path / "root", overwrite=overwrite)
        assert caught.value.exit_code == ExitCode.BAD_ROOT
        assert f"{first}, not {second};" in str(caught.value)
    assert voxel_hashes(tmp_path / "root") == before


def test_the_log_of_a_run_may_stand_in_its_root_and_nothing_else(tmp_path: Path) -> None:
    recipe, dataset = save_recipe(tmp_path / "recipe.yaml"), save_dataset(tmp_path / "dataset", cases=1)
    root = tmp_path / "root"
    root.mkdir()
    words = ["run", recipe, dataset, "-o", root, "--engine", "serial", "--log-file", root / "medaug.log"]
    (root / "thesis.txt").write_text("years of work")
    done = medaug(*words)
    assert (done.returncode, "holds 1 files or folders" in done.stderr, "such as thesis.txt" in done.stderr) == (
        5,
        True,
        True,
    )
    (root / "thesis.txt").unlink()
    assert medaug(*words).returncode == 0
    assert medaug(*words).returncode == 0


@pytest.mark.parametrize("name", ["SHA256SUMS", "medaug-manifest.jsonl"])
@pytest.mark.parametrize("in_place", [True, False])
def test_a_list_of_hashes_that_stood_there_before_is_not_written_over(
    tmp_path: Path, name: str, in_place: bool
) -> None:
    """Published datasets come with a SHA256SUMS of their own."""
    recipe, dataset = save_recipe(tmp_path / "recipe.yaml"), save_dataset(tmp_path / "dataset", cases=1)
    root = dataset if in_place else tmp_path / "root"
    root.mkdir(exist_ok=True)
    (root / name).write_text("the publisher's own", encoding="utf-8")
    with pytest.raises(RootError, match=name):
        run_here(recipe, dataset, root)
    assert (root / name).read_text(encoding="utf-8") == "the publisher's own"
    (root / name).unlink()
    for _ in range(2):
        run_here(recipe, dataset, root)


def test_a_dataset_that_moved_and_grew_goes_on(tmp_path: Path) -> None:
    recipe = save_recipe(tmp_path / "recipe.yaml")
    run_here(recipe, save_dataset(tmp_path / "first", cases=2), tmp_path / "root")
    shutil.move(tmp_path / "first", tmp_path / "moved")
    tally, _ = run_here(recipe, save_dataset(tmp_path / "moved", cases=3), tmp_path / "root")
    assert (tally.done, tally.kept) == (2, 4)


@pytest.mark.parametrize(("first", "second"), [("kernel", "simpleitk"), ("simpleitk", "kernel")])
def test_copies_of_two_resamplers_never_stand_in_one_root(tmp_path: Path, first: str, second: str) -> None:
    recipe, dataset = save_recipe(tmp_path / "recipe.yaml"), save_dataset(tmp_path / "dataset", cases=1)
    run_here(recipe, dataset, tmp_path / "root", resampler=first)
    assert run_here(recipe, dataset, tmp_path / "root", resampler=first)[0].kept == 2
    with pytest.raises(RootError, match="another --resampler made"):
        run_here(recipe, dataset, tmp_path / "root", resampler=second)
    assert run_here(recipe, dataset, tmp_path / "root", resampler=second, overwrite="stale")[0].done == 2


def test_a_root_that_vanishes_is_not_made_anew(tmp_path: Path) -> None:
    recipe, dataset = save_recipe(tmp_path / "recipe.yaml"), save_dataset(tmp_path / "dataset", cases=2)
    root = tmp_path / "disk" / "root"

    def unplug(event: object) -> None:
        del event
        if root.exists():
            root.rename(tmp_path / "unplugged")

    with pytest.raises(RootError):
        run(load_recipe(recipe), dataset, root, Options(engine="serial"), unplug)
    assert not root.exists()


@pytest.mark.parametrize("depth", ["part", "part/deeper"])
def test_a_part_of_an_augmented_dataset_is_told_who_made_the_copies_in_it(depth: str, tmp_path: Path) -> None:
    dataset, recipe = tmp_path / "dataset", save_recipe(tmp_path / "recipe.yaml")
    save_dataset(dataset / depth, cases=1)
    run_here(recipe, dataset, dataset)
    before = state_of(dataset)
    with pytest.raises(RootError, match="is a copy that a run on") as caught:
        run_here(recipe, dataset / depth, dataset / depth)
    said = str(caught.value)
    assert f"case01_aug0001.nii.gz: is a copy that a run on {dataset} made; run on that folder again" in said
    assert "-o" in said
    assert state_of(dataset) == before


def test_a_part_of_an_augmented_dataset_may_be_augmented_elsewhere(tmp_path: Path) -> None:
    dataset, recipe = tmp_path / "dataset", save_recipe(tmp_path / "recipe.yaml")
    save_dataset(dataset / "part", cases=1)
    save_dataset(dataset / "other", cases=2)
    run_here(recipe, dataset, dataset)
    tally, _ = run_here(recipe, dataset / "part", tmp_path / "out")
    assert (tally.done, tally.failed) == (2, 0)
    tally, _ = run_here(recipe, dataset, dataset, only="part/*")
    assert (tally.done, tally.kept) == (0, 2)
