"""DICOM: a sample is a series wherever its files lie, or all series of one frame of reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medaug_cli.core.errors import RecipeError
from medaug_cli.discover import DatasetQuery, discover

if TYPE_CHECKING:
    from pathlib import Path

    from tests.discover.conftest import WriteNifti, WriteSeries


def test_a_series_is_a_sample_of_its_patient(tmp_path: Path, series: WriteSeries) -> None:
    series("CT", "1.2.3")
    (tmp_path / "CT/page.dcm").write_text("<html>please log in</html>")
    inventory = discover(tmp_path, DatasetQuery())
    (sample,) = inventory.samples
    assert (inventory.layout, sample.id, sample.patient, sample.modality) == ("dicom", "CT", "someone", "CT")
    assert (len(sample.sources[0].files), sample.voxels, sample.problem) == (3, 48, None)
    assert [entry[:2] for entry in inventory.left_alone] == [("CT/page.dcm", "other_file")]


def test_series_mixed_in_the_dataset_s_own_folder_are_told_apart(tmp_path: Path, series: WriteSeries) -> None:
    series(".", "1.2.3")
    series(".", "1.2.4")
    samples = discover(tmp_path, DatasetQuery()).samples
    assert [len(sample.sources[0].files) for sample in samples] == [3, 3]
    assert len({sample.id for sample in samples}) == 2


def test_a_single_series_at_the_top_has_an_id(tmp_path: Path, series: WriteSeries) -> None:
    series(".", "1.2.3")
    assert [sample.id for sample in discover(tmp_path, DatasetQuery()).samples] == ["dataset"]


def test_co_registered_series_of_a_study_are_channels_of_one_sample(tmp_path: Path, series: WriteSeries) -> None:
    series("p/a", "1.2.3")
    series("p/b", "1.2.4", slices=4)
    series("p/c", "1.2.5", frame="1.2.9")
    query = DatasetQuery(group="frame_of_reference")
    together, alone = discover(tmp_path, query).samples
    assert (together.id, together.problem) == ("p", None)
    assert [(source.channel, len(source.files)) for source in together.sources] == [("CT1", 3), ("CT2", 4)]
    assert (alone.id, [source.channel for source in alone.sources]) == ("p/c", ["image"])


def test_groups_that_lie_in_one_folder_have_ids_of_their_own(tmp_path: Path, series: WriteSeries) -> None:
    for study in ("1.2.6", "1.2.7"):
        series("flat", f"{study}.1", study=study)
        series("flat", f"{study}.2", study=study)
    samples = discover(tmp_path, DatasetQuery(group="frame_of_reference")).samples
    assert [len(sample.sources) for sample in samples] == [2, 2]
    assert all(sample.id.startswith("flat#") for sample in samples)


def test_templates_of_images_are_refused_since_nothing_would_come_of_them(tmp_path: Path, series: WriteSeries) -> None:
    series("CT", "1.2.3")
    with pytest.raises(RecipeError, match=r"dataset\.images"):
        discover(tmp_path, DatasetQuery(images={"organ": "{case}.dcm"}))


@pytest.mark.parametrize("name", ["masks/CT.nii", "masks/p1/CT.nii", "p1/CT.nii", "masks/p1.nii", "masks/someone.nii"])
def test_a_mask_is_found_by_the_name_of_the_series_its_folders_and_its_patient(
    tmp_path: Path, series: WriteSeries, nifti: WriteNifti, name: str
) -> None:
    series("p1/CT", "1.2.3")
    nifti(name, size=(4, 4, 3))
    template = "masks/{case}.nii" if name.startswith("masks/") else "{case}.nii"
    (sample,) = discover(tmp_path, DatasetQuery(layout="dicom", labels={"organ": template})).samples
    assert [source.files for source in sample.labels()] == [(name,)]
    assert [source.format for source in sample.sources] == ["dicom", "nifti"]


def test_a_mask_that_fits_two_series_alike_is_a_problem_of_both(
    tmp_path: Path, series: WriteSeries, nifti: WriteNifti
) -> None:
    series("p1/CT", "1.2.3")
    series("p1/PET", "1.2.4")
    nifti("masks/p1.nii", size=(4, 4, 3))
    samples = discover(tmp_path, DatasetQuery(layout="dicom", labels={"organ": "masks/{case}.nii"})).samples
    assert [sample.problem and sample.problem[0] for sample in samples] == ["ambiguous_image"] * 2


def test_a_series_without_its_mask_is_a_problem_that_says_where_it_was_looked_for(
    tmp_path: Path, series: WriteSeries
) -> None:
    series("p1/CT", "1.2.3")
    (sample,) = discover(tmp_path, DatasetQuery(labels={"organ": "masks/{case}.nii"})).samples
    assert sample.problem == ("missing_label", "p1/CT: no file for label 'organ'; looked for masks/p1/CT.nii")


@pytest.mark.parametrize("folder", ["/seg", "../seg"])
def test_labels_outside_the_dataset_are_refused(tmp_path: Path, series: WriteSeries, folder: str) -> None:
    series("CT", "1.2.3")
    with pytest.raises(RecipeError, match="leaves the dataset"):
        discover(tmp_path, DatasetQuery(labels={"organ": folder}))


def test_real_series_are_found_each_with_its_structure_set(realdata: Path) -> None:
    inventory = discover(realdata / "sts025_dicom", DatasetQuery())
    assert [(sample.id, sample.modality, len(sample.sources[0].files)) for sample in inventory.samples] == [
        ("CT/image", "CT", 47),
        ("MR_T1/image", "MR", 25),
        ("PET/image", "PT", 47),
    ]
    assert [sample.labels()[0].files for sample in inventory.samples] == [
        (f"{name}/mask/RS.dcm",) for name in ("CT", "MR_T1", "PET")
    ]
    assert inventory.left_alone == ()


def test_real_segmentations_go_with_their_series(realdata: Path) -> None:
    """Two of one UID, of an image that is not there, are listed."""
    inventory = discover(realdata / "ct_seg_dcmqi", DatasetQuery())
    (sample,) = inventory.samples
    assert [(source.role, source.channel) for source in sample.sources] == [
        ("image", "image"),
        ("label", "liver"),
        ("label", "partial_overlaps"),
    ]
    assert [entry[:2] for entry in inventory.left_alone] == [
        ("sparse-labelmap-noppv.dcm", "label_without_image"),
        ("sparse-labelmap-ppv5.dcm", "label_without_image"),
    ]
