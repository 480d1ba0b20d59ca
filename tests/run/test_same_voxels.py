"""P3: outputs do not depend on workers, engine, order, place, hash seed, locale, umask or clock."""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from datasets_for_runs import (
    canonical_manifest,
    medaug,
    run_here,
    save_case,
    save_dataset,
    save_recipe,
    state_of,
    voxel_hashes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECIPE = """\
version: 1
seed: 7
copies: 3
dataset: {label_names: {1: left, 2: right}}
steps:
  - flip: {axes: [LR], p: 0.5, swap_labels: [[left, right]]}
  - affine: {rotation_deg: [-10, 10], translation_mm: [-2, 2], scale: [0.9, 1.1], p: 0.8}
  - elastic: {control_points: 5, displacement_mm: [0, 2], p: 0.5}
  - one_of:
      weights: [1, 2]
      steps:
        - gaussian_noise: {sigma: [0.01, 0.05], relative_to: percentile}
        - blur: {sigma_mm: [0.3, 1.0]}
  - gamma
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with recipe.yaml, dataset/ and root/, which a serial run made."""
    folder = tmp_path_factory.mktemp("reference")
    save_dataset(folder / "dataset", cases=3)
    save_recipe(folder / "recipe.yaml", RECIPE)
    run_here(folder / "recipe.yaml", folder / "dataset", folder / "root")
    return folder


def assert_equal_runs(first: Path, second: Path) -> None:
    assert voxel_hashes(first) == voxel_hashes(second) != {}
    assert canonical_manifest(first) == canonical_manifest(second)
    assert (first / "SHA256SUMS").read_bytes() == (second / "SHA256SUMS").read_bytes()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_workers_change_nothing(reference: Path, tmp_path: Path, workers: str) -> None:
    done = medaug(
        "run", reference / "recipe.yaml", reference / "dataset", "-o", tmp_path / "root", "--workers", workers
    )
    assert done.returncode == 0, done.stderr
    assert_equal_runs(reference / "root", tmp_path / "root")


def test_the_order_in_which_the_disk_lists_files_changes_nothing(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.scandir

    class Shuffled:
        """A listing in another order than the disk's."""

        def __init__(self, *arguments: Any) -> None:
            with listed(*arguments) as entries:
                self.entries = list(entries)
            random.Random(len(self.entries)).shuffle(self.entries)

        def __enter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self.entries)

        def __exit__(self, *_: object) -> None: ...

        def __iter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self.entries)

    monkeypatch.setattr(os, "scandir", Shuffled)
    run_here(reference / "recipe.yaml", reference / "dataset", tmp_path / "root")
    assert_equal_runs(reference / "root", tmp_path / "root")


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kolkata"},
        {"PYTHONHASHSEED": "4242", "LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Auckland", "PYTHONUTF8": "0"},
        {"OMP_NUM_THREADS": "3", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "3", "NUMBA_NUM_THREADS": "2"},
    ],
    ids=["hash seed 1", "hash seed 4242", "threads"],
)
def test_hash_seed_locale_time_zone_and_threads_change_nothing(
    reference: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    arguments = ["run", reference / "recipe.yaml", reference / "dataset", "-o", tmp_path / "root"]
    done = medaug(*arguments, "--engine", "serial", **environment)
    assert done.returncode == 0, done.stderr
    assert_equal_runs(reference / "root", tmp_path / "root")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no locale has a say in the names of files")
def test_names_of_files_are_read_alike_in_a_locale_of_another_encoding(tmp_path: Path) -> None:
    save_case(tmp_path / "Köpfe", "Fäll")
    recipe = save_recipe(tmp_path / "recipe.yaml")
    for name, locale in (("one", {}), ("two", {"LC_ALL": "C", "PYTHONUTF8": "0"})):
        words = ["run", recipe, tmp_path / "Köpfe", "-o", tmp_path / name, "--workers", "1"]
        done = medaug(*words, **locale)
        assert done.returncode == 0, done.stderr
    assert_equal_runs(tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_the_umask_changes_no_byte(reference: Path, tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        run_here(reference / "recipe.yaml", reference / "dataset", tmp_path / "root")
    finally:
        os.umask(before)
    assert_equal_runs(reference / "root", tmp_path / "root")


def test_the_place_of_dataset_and_root_changes_nothing(reference: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "another place" / "data"
    shutil.copytree(reference / "dataset", elsewhere)
    for path in elsewhere.iterdir():
        os.utime(path, (86_400, 86_400))  # 2 January 1970
    run_here(reference / "recipe.yaml", elsewhere, tmp_path / "root")
    assert_equal_runs(reference / "root", tmp_path / "root")


def test_a_run_alongside_the_originals_gives_the_same_voxels(reference: Path, tmp_path: Path) -> None:
    shutil.copytree(reference / "dataset", tmp_path / "dataset")
    run_here(reference / "recipe.yaml", tmp_path / "dataset", tmp_path / "dataset")
    assert_equal_runs(reference / "root", tmp_path / "dataset")


def test_a_case_has_the_same_copies_alone_and_among_others(reference: Path, tmp_path: Path) -> None:
    run_here(reference / "recipe.yaml", reference / "dataset", tmp_path / "root", only="case02", limit=1)
    alone = voxel_hashes(tmp_path / "root")
    assert alone == {path: value for path, value in voxel_hashes(reference / "root").items() if "case02" in path}


def test_a_run_that_was_stopped_and_resumed_gives_the_same(reference: Path, tmp_path: Path) -> None:
    arguments = (reference / "recipe.yaml", reference / "dataset", tmp_path / "root")
    stopped = [run_here(*arguments, max_duration_s=0.0)[0].exit_code() for _ in range(3)]
    assert [int(code) for code in stopped] == [8, 8, 0]
    assert_equal_runs(reference / "root", tmp_path / "root")


def test_two_runs_write_the_same_bytes(reference: Path, tmp_path: Path) -> None:
    run_here(reference / "recipe.yaml", reference / "dataset", tmp_path / "root")
    outputs = [
        {path: content for path, (content, _) in state_of(root).items() if path.endswith(".nii.gz")}
        for root in (reference / "root", tmp_path / "root")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 18
