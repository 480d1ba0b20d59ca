"""nnU-Net raw: channels by number, labels by name, and never a test case."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from medaug_cli.core.errors import DatasetError, RecipeError
from medaug_cli.discover import DatasetQuery, discover

if TYPE_CHECKING:
    from pathlib import Path

    from tests.discover.conftest import WriteNifti

TWO_CHANNELS = {
    "channel_names": {"0": "T1", "1": "FLAIR"},
    "labels": {"background": 0, "tumour": 1, "whole": [1, 2]},
    "file_ending": ".nii.gz",
}


def describe(folder: Path, content: object) -> None:
    (folder / "dataset.json").write_text(json.dumps(content))


def test_channels_and_labels_of_training_cases_come_together(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("imagesTr/p_1_0000.nii.gz", "imagesTr/p_1_0001.nii.gz", "labelsTr/p_1.nii.gz")
    nifti("imagesTs/p_2_0000.nii.gz", "labelsTr/p_3.nii.gz", "imagesTr/p_1_0000.nii")
    describe(tmp_path, TWO_CHANNELS)
    inventory = discover(tmp_path, DatasetQuery())
    (sample,) = inventory.samples
    assert (inventory.layout, sample.id, sample.modality, sample.problem) == ("nnunet", "p_1", "MR", None)
    assert [(source.channel, source.files[0]) for source in sample.sources] == [
        ("T1", "imagesTr/p_1_0000.nii.gz"),
        ("FLAIR", "imagesTr/p_1_0001.nii.gz"),
        ("label", "labelsTr/p_1.nii.gz"),
    ]
    assert inventory.label_names == {1: "tumour"}
    assert [entry[:2] for entry in inventory.left_alone] == [
        ("dataset.json", "other_file"),
        ("imagesTr/p_1_0000.nii", "not_raw"),
        ("imagesTs/p_2_0000.nii.gz", "test_set"),
        ("labelsTr/p_3.nii.gz", "label_without_image"),
    ]


def test_what_dataset_json_names_must_be_there(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "imagesTr/b_0000.nii.gz", "imagesTr/b_0001.nii.gz")
    nifti("imagesTr/c_0007.nii.gz", "labelsTr/c.nii.gz")
    describe(tmp_path, TWO_CHANNELS)
    assert [sample.problem for sample in discover(tmp_path, DatasetQuery()).samples] == [
        ("missing_channel", "a: no file for image 'FLAIR'; looked for imagesTr/a_0001.nii.gz"),
        ("missing_label", "b: no file for label 'label'; looked for labelsTr/b.nii.gz"),
        ("unknown_channel", "imagesTr/c_0007.nii.gz: dataset.json has no such channel"),
    ]


def test_a_folder_of_datasets_keeps_their_cases_apart(tmp_path: Path, nifti: WriteNifti) -> None:
    for folder in ("Dataset001_A", "Dataset002_B"):
        nifti(f"{folder}/imagesTr/p1_0000.nii.gz", f"{folder}/labelsTr/p1.nii.gz")
        describe(tmp_path / folder, {"channel_names": {"0": "CT"}, "labels": {folder: 1, "liver": 2}})
    inventory = discover(tmp_path, DatasetQuery())
    assert [(sample.id, sample.modality) for sample in inventory.samples] == [
        ("Dataset001_A/p1", "CT"),
        ("Dataset002_B/p1", "CT"),
    ]
    assert inventory.label_names == {2: "liver"}


def test_decathlon_files_without_a_number_are_whole_cases(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("imagesTr/BRATS_0001.nii.gz", size=(4, 5, 6, 2))
    nifti("labelsTr/BRATS_0001.nii.gz")
    describe(tmp_path, {"modality": {"0": "FLAIR", "1": "T1w"}, "labels": {"0": "background", "1": "edema"}})
    inventory = discover(tmp_path, DatasetQuery(label_names={1: "oedema"}))
    (sample,) = inventory.samples
    assert (sample.id, sample.problem, sample.sources[0].channel) == ("BRATS_0001", None, "image")
    assert inventory.label_names == {1: "oedema"}  # the recipe's own


def test_without_dataset_json_all_cases_need_the_same_channels(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("imagesTr/a_0000.nii", "imagesTr/a_0001.nii", "imagesTr/b_0000.nii")
    inventory = discover(tmp_path, DatasetQuery())
    assert [sample.problem and sample.problem[0] for sample in inventory.samples] == [None, "missing_channel"]
    assert inventory.warnings == ("labelsTr: no labels; the images are augmented alone",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"file_ending": ".mha"}, r"file_ending '\.mha'; medaug augments \.nii\.gz and \.nii"),
        ([], "holds no JSON object"),
        ({"channel_names": ["CT"]}, "channel_names must map numbers to names"),
        ({"channel_names": {"9" * 5000: "CT"}}, "channel_names must map numbers to names"),
        ({"labels": ["tumour"]}, "labels must map names to values"),
    ],
)
def test_a_wrong_dataset_json_is_refused(tmp_path: Path, nifti: WriteNifti, content: object, message: str) -> None:
    nifti("imagesTr/a_0000.nii.gz")
    describe(tmp_path, content)
    with pytest.raises(DatasetError, match=message):
        discover(tmp_path, DatasetQuery())


def test_templates_are_refused(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("imagesTr/a_0000.nii.gz")
    with pytest.raises(RecipeError, match=r"dataset\.json names them"):
        discover(tmp_path, DatasetQuery(images={"ct": "{case}_0000.nii.gz"}))
