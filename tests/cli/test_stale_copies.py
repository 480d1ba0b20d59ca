"""Copies of another recipe or seed: kept, replaced, and never lost without being made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import RECIPE, copies_below, here, run_here, run_serially, save_recipe, state_of, voxel_hashes

from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("change", [("seed: 7", "seed: 8"), ("0.05]", "0.04]")], ids=["seed", "step"])
def test_5_for_a_root_made_by_another_recipe_or_seed_until_stale_copies_are_replaced(
    recipe: Path, dataset: Path, tmp_path: Path, change: tuple[str, str]
) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)
    before = voxel_hashes(root)
    other = save_recipe(tmp_path / "other.yaml", RECIPE.replace(*change))
    code, _, said = run_serially(other, dataset, "-o", root)
    assert (code, "--overwrite stale" in said, voxel_hashes(root) == before) == (5, True, True)
    code, last, _ = run_serially(other, dataset, "-o", root, "--overwrite", "stale")
    assert (code, "4 copies made" in last) == (0, True)
    assert set(voxel_hashes(root)) == set(before)
    assert voxel_hashes(root) != before
    assert verify_root(root, None, None) == (8, [])


@pytest.mark.parametrize("mode", ["stale", "all"])
def test_stale_copies_that_the_new_recipe_does_not_make_are_gone_for_good(
    recipe: Path, dataset: Path, tmp_path: Path, mode: str
) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)
    other = save_recipe(tmp_path / "other.yaml", RECIPE.replace("seed: 7", "seed: 8").replace("copies: 2", "copies: 1"))
    run_here(other, dataset, root, overwrite=mode)
    expected = {f"case0{case}_aug0001{part}.nii.gz" for case in (1, 2) for part in ("", "_seg")}
    assert copies_below(root) == set(voxel_hashes(root)) == expected
    tally, _ = run_here(other, dataset, root, only="case01")
    assert (tally.done, tally.kept) == (0, 1)
    assert verify_root(root, None, None) == (4, [])


@pytest.mark.parametrize("mode", ["stale", "all"])
@pytest.mark.parametrize("flags", [("--only", "case01"), ("--limit", "1")], ids=["only", "limit"])
def test_2_where_stale_copies_would_go_that_are_not_made_again(
    recipe: Path, dataset: Path, tmp_path: Path, mode: str, flags: tuple[str, str]
) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)
    before = state_of(root)
    other = save_recipe(tmp_path / "other.yaml", RECIPE.replace("seed: 7", "seed: 8"))
    code, _, said = run_serially(other, dataset, "-o", root, "--overwrite", mode, *flags)
    planned, _, told = here("plan", other, dataset, "-o", root, "--overwrite", mode, *flags)
    assert (code, planned) == (2, 2)
    assert all("2 of them of samples that --only or --limit leaves out" in text for text in (said, told))
    assert state_of(root) == before


def test_stale_copies_of_the_chosen_samples_alone_are_replaced(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root, only="case01")
    other = save_recipe(tmp_path / "other.yaml", RECIPE.replace("seed: 7", "seed: 8"))
    tally, _ = run_here(other, dataset, root, overwrite="stale", only="case01")
    assert (tally.done, tally.kept) == (2, 0)


def test_overwrite_all_makes_every_copy_again_with_the_same_voxels(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)
    before = voxel_hashes(root)
    code, last, _ = run_serially(recipe, dataset, "-o", root, "--overwrite", "all")
    assert (code, "4 copies made, 0 already valid" in last) == (0, True)
    assert voxel_hashes(root) == before
