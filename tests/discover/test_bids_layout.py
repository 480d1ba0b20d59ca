"""BIDS: raw images with the label maps of the derivatives, by the entities in their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medaug_cli.core.errors import RecipeError
from medaug_cli.discover import DatasetQuery, discover

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.discover import Inventory
    from tests.discover.conftest import WriteNifti


def discover_bids(root: Path, query: DatasetQuery | None = None) -> Inventory:
    (root / "dataset_description.json").write_text('{"Name": "test", "BIDSVersion": "1.10.0"}')
    return discover(root, query or DatasetQuery())


def reasons(inventory: Inventory) -> dict[str, str]:
    return {path: reason for path, reason, _ in inventory.left_alone if reason != "other_file"}


def test_each_raw_image_is_a_sample_of_its_subject(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz", "sub-02/pet/sub-02_pet.nii.gz")
    inventory = discover_bids(tmp_path)
    assert inventory.layout == "bids"
    assert [(s.id, s.patient, s.modality, s.sources[0].channel) for s in inventory.samples] == [
        ("sub-01/ses-a/anat/sub-01_ses-a_T1w", "01", "MR", "T1w"),
        ("sub-02/pet/sub-02_pet", "02", "PT", "pet"),
    ]


def test_what_is_no_raw_image_is_left_alone_with_its_reason(tmp_path: Path, nifti: WriteNifti) -> None:
    left = {
        "sub-01/dwi/sub-01_dwi.nii.gz": "dwi_not_supported",
        "sub-01/fmap/sub-01_phasediff.nii.gz": "field_map",
        "sub-01/anat/sub-01_mod-T1w_defacemask.nii.gz": "not_an_image",
        "sub-01/anat/sub-02_T1w.nii.gz": "not_bids_name",
        "sourcedata/x.nii.gz": "not_bids_name",
        "derivatives/fs/sub-01/anat/sub-01_label-GM_probseg.nii.gz": "probability_map",
        "derivatives/fs/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz": "derivative",
        "derivatives/fs/sub-01/anat/sub-01_space-MNI152_dseg.nii.gz": "label_without_image",
    }
    nifti("sub-01/anat/sub-01_T1w.nii.gz", "derivatives/medaug/sub-01/anat/sub-01_desc-aug0001_T1w.nii.gz", *left)
    inventory = discover_bids(tmp_path)
    assert [sample.id for sample in inventory.samples] == ["sub-01/anat/sub-01_T1w"]
    assert reasons(inventory) == left


def test_label_maps_of_derivatives_find_the_image_that_shares_their_entities(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("sub-01/anat/sub-01_run-1_T1w.nii.gz", "sub-01/anat/sub-01_run-2_T1w.nii.gz")
    nifti("derivatives/a/sub-01/anat/sub-01_run-2_space-orig_desc-brain_mask.nii.gz")
    nifti("derivatives/b/sub-01/anat/sub-01_run-2_label-lesion_dseg.nii.gz")
    first, second = discover_bids(tmp_path).samples
    assert (first.labels(), first.problem, second.problem) == ((), None, None)
    assert [source.channel for source in second.labels()] == ["brain_mask", "lesion_dseg"]


def test_of_two_images_the_one_on_the_label_s_grid_gets_it(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("sub-01/anat/sub-01_T1w.nii.gz", "derivatives/x/sub-01/anat/sub-01_dseg.nii.gz")
    nifti("sub-01/anat/sub-01_FLAIR.nii.gz", size=(8, 8, 3))
    flair, t1 = discover_bids(tmp_path).samples
    assert (len(flair.labels()), len(t1.labels())) == (0, 1)


def test_a_label_that_fits_two_images_on_one_grid_is_a_problem_until_they_are_channels(
    tmp_path: Path, nifti: WriteNifti
) -> None:
    nifti("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_FLAIR.nii.gz")
    nifti("derivatives/x/sub-01/anat/sub-01_label-lesion_mask.nii.gz")
    problems = [sample.problem for sample in discover_bids(tmp_path).samples]
    assert [problem and problem[0] for problem in problems] == ["ambiguous_image", "ambiguous_image"]
    query = DatasetQuery(images={"t1": "T1w", "flair": "FLAIR"}, labels={"lesion": "label-lesion_mask"})
    (sample,) = discover_bids(tmp_path, query).samples
    assert (sample.id, sample.problem, sample.patient) == ("sub-01", None, "01")
    assert [source.channel for source in sample.sources] == ["t1", "flair", "lesion"]


def test_two_pipelines_that_name_one_label_are_a_problem(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("sub-01/anat/sub-01_T1w.nii.gz")
    nifti("derivatives/a/sub-01/anat/sub-01_dseg.nii.gz", "derivatives/b/sub-01/anat/sub-01_dseg.nii.gz")
    (sample,) = discover_bids(tmp_path).samples
    assert sample.problem is not None
    assert sample.problem[0] == "ambiguous_label"


def test_runs_of_one_channel_are_told_apart_by_an_entity(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("sub-01/anat/sub-01_run-1_T1w.nii.gz", "sub-01/anat/sub-01_run-2_T1w.nii.gz")
    (both,) = discover_bids(tmp_path, DatasetQuery(images={"t1": "T1w"})).samples
    assert both.problem is not None
    assert both.problem[0] == "ambiguous_image"
    (second,) = discover_bids(tmp_path, DatasetQuery(images={"t1": "run-2_T1w"})).samples
    assert (second.problem, second.sources[0].files) == (None, ("sub-01/anat/sub-01_run-2_T1w.nii.gz",))


def test_a_session_without_a_channel_is_a_problem(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("sub-01/anat/sub-01_T1w.nii.gz")
    (sample,) = discover_bids(tmp_path, DatasetQuery(images={"t1": "T1w", "flair": "FLAIR"})).samples
    assert sample.problem == ("missing_channel", "sub-01: no file for image 'flair'; looked for FLAIR in one session")


def test_templates_reach_names_that_bids_does_not_know(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("sub-01/anat/sub-01_T1w.nii.gz", "derivatives/manual/sub-01_tumour.nii.gz")
    query = DatasetQuery(
        images={"t1": "sub-*/anat/{case}_T1w.nii.gz"}, labels={"tumour": "derivatives/manual/{case}_tumour.nii.gz"}
    )
    (sample,) = discover_bids(tmp_path, query).samples
    assert (sample.id, sample.patient, sample.problem) == ("sub-01", "01", None)
    assert sample.labels()[0].files == ("derivatives/manual/sub-01_tumour.nii.gz",)


@pytest.mark.parametrize("pattern", ["T1w w", "iso_T1w", "mask"])
def test_a_pattern_that_names_no_image_is_a_mistake_of_the_recipe(
    tmp_path: Path, nifti: WriteNifti, pattern: str
) -> None:
    nifti("sub-01/anat/sub-01_T1w.nii.gz")
    with pytest.raises(RecipeError, match=r"dataset\.images\.t1"):
        discover_bids(tmp_path, DatasetQuery(images={"t1": pattern}))


def test_participants_tsv_is_read_where_it_has_splits_and_else_may_be_wrong(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("sub-01/anat/sub-01_T1w.nii.gz", "sub-02/anat/sub-02_T1w.nii.gz")
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t40\nsub-02\n")
    assert len(discover_bids(tmp_path).samples) == 2
    (tmp_path / "participants.tsv").write_text("participant_id\tsplit\nsub-01\ttrain\nsub-02\ttest\n")
    inventory = discover_bids(tmp_path)
    assert [sample.id for sample in inventory.samples] == ["sub-01/anat/sub-01_T1w"]
    assert [entry[:2] for entry in inventory.skipped] == [("sub-02/anat/sub-02_T1w", "split_not_augmented")]
