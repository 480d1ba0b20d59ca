"""Where a run writes in each layout, by real runs alongside the originals."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from datasets_for_runs import PROJECT, run_here, save_dataset, save_image, save_label, save_recipe, state_of

from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = "version: 1\nsteps: [gamma]\n"
OWN = {"medaug-manifest.jsonl", "SHA256SUMS"}


def new_files(tmp_path: Path, dataset: Path) -> set[str]:
    """Run twice alongside the originals; return the files that are new, of which the second run made none."""
    before, recipe = set(state_of(dataset)), save_recipe(tmp_path / "recipe.yaml", RECIPE)
    run_here(recipe, dataset, dataset)
    made = set(state_of(dataset)) - before
    tally, _ = run_here(recipe, dataset, dataset)
    assert (tally.total, set(state_of(dataset)) - before) == (0, made)
    assert verify_root(dataset, None, dataset)[1] == []
    assert made >= OWN
    return made - OWN


def test_nifti_beside_its_source(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset" / "sub", cases=1).parent
    assert new_files(tmp_path, dataset) == {"sub/case01_aug0001.nii.gz", "sub/case01_aug0001_seg.nii.gz"}


def test_nnunet_channels_keep_their_place(tmp_path: Path) -> None:
    dataset = tmp_path / "Dataset001_Brain"
    for channel in ("0000", "0001"):
        save_image(dataset / "imagesTr" / f"case01_{channel}.nii.gz")
    save_label(dataset / "labelsTr" / "case01.nii.gz")
    save_image(dataset / "imagesTs" / "case02_0000.nii.gz")
    description = {
        "channel_names": {"0": "T1", "1": "T2"},
        "labels": {"background": 0, "lesion": 1},
        "numTraining": 1,
        "file_ending": ".nii.gz",
    }
    (dataset / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    assert new_files(tmp_path, dataset) == {
        "imagesTr/case01_aug0001_0000.nii.gz",
        "imagesTr/case01_aug0001_0001.nii.gz",
        "labelsTr/case01_aug0001.nii.gz",
    }


def test_bids_as_a_derivative_that_describes_itself(tmp_path: Path) -> None:
    dataset = tmp_path / "bids"
    save_image(dataset / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    (dataset / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.9.0"}', encoding="utf-8")
    assert new_files(tmp_path, dataset) == {
        "derivatives/medaug/dataset_description.json",
        "derivatives/medaug/sub-01/anat/sub-01_desc-aug0001_T1w.nii.gz",
    }
    text = (dataset / "derivatives" / "medaug" / "dataset_description.json").read_text(encoding="utf-8")
    described = json.loads(text)
    assert (described["DatasetType"], described["GeneratedBy"][0]["Name"]) == ("derivative", "medaug")


def test_a_dicom_series_in_a_folder_beside_its_own(tmp_path: Path) -> None:
    dataset = shutil.copytree(PROJECT / "sample_data" / "ct", tmp_path / "dataset")
    assert new_files(tmp_path, dataset) == {f"abdomen_aug0001/{number:04d}.dcm" for number in range(1, 11)}


def test_a_dicom_file_at_the_top_in_a_folder_of_its_copy(tmp_path: Path) -> None:
    dataset = shutil.copytree(PROJECT / "sample_data" / "xray", tmp_path / "dataset")
    assert new_files(tmp_path, dataset) == {"aug0001/chest_pa.dcm"}


def test_the_tree_is_mirrored_in_output(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset" / "a" / "b", cases=1).parents[1]
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, tmp_path / "root")
    assert set(state_of(tmp_path / "root")) - OWN == {"a/b/case01_aug0001.nii.gz", "a/b/case01_aug0001_seg.nii.gz"}
