"""Folders: a copy that failed, or was taken back, leaves none that is empty; what holds anything stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import records_of, run_here, save_recipe

from medaug_cli import worker
from medaug_cli.core.errors import ResourceError
from tests.formats.dicom.datasets import image, placed, ramp, save, save_series

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = "version: 1\ncopies: 2\ndataset: {layout: dicom}\nsteps: [gamma]\nchecks: null\n"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Return a sound series, and one whose last slice no copy can be made of: its SeriesNumber is a word."""
    save_series(tmp_path / "data" / "a" / "sound", [ramp(k) for k in range(3)])
    for k in range(3):
        broken = image(ramp(k), number=10 + k, **placed(k), SeriesInstanceUID="1.2.3", StudyInstanceUID="1.2.4")
        if k == 2:
            broken.add_new(0x00200011, "LO", "three")
        save(broken, tmp_path / "data" / "b" / "study" / "broken" / f"{k}.dcm")
    return tmp_path / "data"


def folders_below(root: Path) -> set[str]:
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_dir()}
    return {path for path in found if not path.startswith(".medaug")}


def test_a_copy_that_failed_half_way_leaves_no_folder(dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root)
    assert sorted(record.status for record in records_of(root)) == ["failed", "failed", "ok", "ok"]
    assert folders_below(root) == {"a", "a/sound_aug0001", "a/sound_aug0002"}


def test_in_place_the_folders_of_the_dataset_stay(dataset: Path, tmp_path: Path) -> None:
    (dataset / "b" / "study" / "notes").mkdir()
    before = folders_below(dataset)
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, dataset)
    assert folders_below(dataset) - before == {"a/sound_aug0001", "a/sound_aug0002"}
    assert before <= folders_below(dataset)


def test_a_folder_that_holds_something_else_stays(dataset: Path, tmp_path: Path) -> None:
    root, recipe = tmp_path / "out", save_recipe(tmp_path / "recipe.yaml", RECIPE)
    run_here(recipe, dataset, root)
    (root / "b" / "study" / "broken_aug0001").mkdir(parents=True)
    (root / "b" / "study" / "broken_aug0001" / "notes.txt").write_text("kept")
    run_here(recipe, dataset, root)
    assert (root / "b" / "study" / "broken_aug0001" / "notes.txt").read_text() == "kept"


def test_a_disk_that_is_full_leaves_no_folder(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(files: object) -> object:
        for path, _ in files:  # type: ignore[attr-defined]
            path.parent.mkdir(parents=True, exist_ok=True)
            raise ResourceError("full")

    monkeypatch.setattr(worker, "publish", full)
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, tmp_path / "out")
    assert folders_below(tmp_path / "out") == set()
