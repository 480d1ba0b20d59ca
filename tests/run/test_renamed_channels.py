"""Names that only the dataset gives: where they change, copies that went by them are made anew, under other ids."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import records_of, run_here, save_image, save_label, save_recipe, voxel_hashes

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.manifest import Record

CHANNELS, LABELS = {"0": "T1", "1": "T2"}, {"background": 0, "left": 1, "right": 2}
RECIPE = """\
version: 1
steps:
  - flip: {axes: [LR], p: 1, swap_labels: [[left, right]]}
  - gaussian_noise: {sigma: 0.05}
"""


def describe(dataset: Path, channels: dict[str, str], labels: dict[str, int]) -> None:
    """Write an nnU-Net dataset.json."""
    about = {"channel_names": channels, "labels": labels, "numTraining": 1, "file_ending": ".nii.gz"}
    (dataset / "dataset.json").write_text(json.dumps(about))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for number in range(2):
        save_image(tmp_path / "data" / "imagesTr" / f"case01_{number:04d}.nii.gz", seed=number + 1)
    save_label(tmp_path / "data" / "labelsTr" / "case01.nii.gz")
    describe(tmp_path / "data", CHANNELS, LABELS)
    return tmp_path / "data"


def run_again(dataset: Path, tmp_path: Path) -> tuple[int, Record]:
    """Run; return how many copies were made and the only record."""
    tally, _ = run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert (record.status, record.message) == ("ok", "")
    return tally.done, record


@pytest.mark.parametrize(
    ("channels", "labels"),
    [
        ({"0": "T2", "1": "T1"}, LABELS),
        ({"0": "CT", "1": "T2"}, LABELS),
        (CHANNELS, {"background": 0, "left": 2, "right": 1}),
        (CHANNELS, {"background": 0, "left": 1, "right": 3}),
    ],
    ids=["channels exchanged", "another modality", "labels exchanged", "another value"],
)
@pytest.mark.parametrize("touched", [False, True])
def test_a_copy_by_other_names_is_made_anew(
    channels: dict[str, str], labels: dict[str, int], touched: bool, dataset: Path, tmp_path: Path
) -> None:
    _, before = run_again(dataset, tmp_path)
    describe(dataset, channels, labels)
    if touched:  # so that times tell nothing and the hashes are asked
        os.utime(dataset / "imagesTr" / "case01_0000.nii.gz", (1, 1))
    done, after = run_again(dataset, tmp_path)
    assert done == 1
    assert after.output_id != before.output_id
    fresh, _ = run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, tmp_path / "fresh")
    assert fresh.done == 1
    assert voxel_hashes(tmp_path / "out") == voxel_hashes(tmp_path / "fresh")


@pytest.mark.parametrize("touched", [False, True])
def test_a_copy_by_the_same_names_stands(touched: bool, dataset: Path, tmp_path: Path) -> None:
    _, before = run_again(dataset, tmp_path)
    describe(dataset, CHANNELS, dict(reversed(LABELS.items())))
    if touched:
        os.utime(dataset / "imagesTr" / "case01_0000.nii.gz", (1, 1))
    done, after = run_again(dataset, tmp_path)
    assert (done, after.output_id) == (0, before.output_id)
