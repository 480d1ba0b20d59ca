"""Plain NIfTI folders: images, channels and labels find one another, and ambiguity is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

from medaug_cli.core.errors import DatasetError, RecipeError
from medaug_cli.discover import DatasetQuery, discover

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.sample import Sample
    from tests.discover.conftest import WriteNifti


def files_of(sample: Sample) -> list[tuple[str, str, str]]:
    return [(source.role, source.channel, source.files[0]) for source in sample.sources]


@pytest.mark.parametrize(
    ("image", "label", "case", "channel"),
    [
        ("CT_image.nii.gz", "CT_mask.nii.gz", "CT", "label"),
        ("sub/CT_image.nii.gz", "sub/CT-label.nii.gz", "sub/CT", "label"),
        ("anatomical.nii", "anatomical_label.nii.gz", "anatomical", "label"),
        ("p1.nii.gz", "p1_lesion.nii.gz", "p1", "lesion"),
        ("p1_T1w.nii.gz", "p1_seg.nii.gz", "p1_T1w", "label"),
        ("images/p1.nii.gz", "labels/p1.nii.gz", "images/p1", "label"),
        ("a/images/p1.nii.gz", "a/masks/p1_mask.nii.gz", "a/images/p1", "label"),
        ("p1/image.nii.gz", "p1/label.nii.gz", "p1", "label"),
        ("p1/ct.nii.gz", "p1/segmentation.nii.gz", "p1/ct", "label"),
        ("P1.NII.GZ", "P1_SEG.nii", "P1", "label"),
    ],
)
def test_a_label_finds_its_image_by_name(
    tmp_path: Path, nifti: WriteNifti, image: str, label: str, case: str, channel: str
) -> None:
    for path in (image, label):
        nifti(path.lower())  # nibabel knows suffixes in lower case
        (tmp_path / path.lower()).rename(tmp_path / path)
    (sample,) = discover(tmp_path, DatasetQuery()).samples
    assert (sample.id, sample.problem) == (case, None)
    assert files_of(sample) == [("image", "image", image), ("label", channel, label)]


def test_a_sample_tells_its_voxels_bytes_stamps_and_grid(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii", size=(4, 5, 6, 2))
    nifti("p1_seg.nii")
    (sample,) = discover(tmp_path, DatasetQuery(modality="MR")).samples
    sizes = [(tmp_path / name).stat().st_size for name in ("p1.nii", "p1_seg.nii")]
    assert (sample.voxels, sample.stored_bytes, sample.modality) == (240, sum(sizes), "MR")
    assert sample.sources[0].stamps == ((sizes[0], (tmp_path / "p1.nii").stat().st_mtime_ns),)
    assert sample.geometry is not None
    assert sample.geometry.size == (4, 5, 6)


def test_two_masks_for_one_image_are_a_problem_that_lists_both(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz", "p1_mask.nii.gz", "p1_seg.nii.gz", "p2.nii.gz")
    first, second = discover(tmp_path, DatasetQuery()).samples
    assert first.problem is not None
    assert first.problem[0] == "ambiguous_label"
    assert "p1_mask.nii.gz, p1_seg.nii.gz; say which with dataset.labels" in first.problem[1]
    assert second.problem is None


def test_an_image_compressed_and_not_is_a_problem_that_lists_both(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz", "p1.nii")
    (sample,) = discover(tmp_path, DatasetQuery()).samples
    assert sample.problem is not None
    assert (sample.problem[0], "p1.nii, p1.nii.gz" in sample.problem[1]) == ("ambiguous_image", True)


def test_one_mask_for_two_images_is_a_problem_of_both(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1_T1.nii.gz", "p1_T2.nii.gz", "p1_seg.nii.gz")
    problems = [sample.problem for sample in discover(tmp_path, DatasetQuery()).samples]
    assert [problem and problem[0] for problem in problems] == ["ambiguous_image", "ambiguous_image"]


def test_a_mask_without_image_is_left_alone_with_a_warning(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz", "p2_seg.nii.gz")
    inventory = discover(tmp_path, DatasetQuery())
    assert [entry[:2] for entry in inventory.left_alone] == [("p2_seg.nii.gz", "label_without_image")]
    assert "1 label files have no image" in inventory.warnings[0]


def test_one_mask_beside_many_images_belongs_to_none(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz", "p2.nii.gz", "mask.nii.gz")
    inventory = discover(tmp_path, DatasetQuery())
    assert [sample.problem for sample in inventory.samples] == [None, None]
    assert [entry[:2] for entry in inventory.left_alone] == [("mask.nii.gz", "label_without_image")]


def test_a_mask_of_another_size_is_a_problem_with_both_sizes(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz")
    nifti("p1_seg.nii.gz", size=(4, 5, 7))
    (sample,) = discover(tmp_path, DatasetQuery()).samples
    assert sample.problem is not None
    assert sample.problem[0] == "geometry_mismatch"
    assert "p1_seg.nii.gz: not on the grid of p1.nii.gz: 4 x 5 x 7 voxels where it has 4 x 5 x 6" in sample.problem[1]


def test_a_mask_elsewhere_is_a_problem_with_the_distance_in_mm(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz")
    nifti("p1_seg.nii.gz", shift_mm=2.5)
    (sample,) = discover(tmp_path, DatasetQuery()).samples
    assert sample.problem is not None
    assert "corners lie up to 2.5 mm apart" in sample.problem[1]


@pytest.mark.parametrize(("shift_mm", "usable"), [(0.0005, True), (0.002, False)])
def test_a_micron_of_rounding_is_the_same_grid(
    tmp_path: Path, nifti: WriteNifti, shift_mm: float, *, usable: bool
) -> None:
    nifti("p1.nii.gz")
    nifti("p1_seg.nii.gz", shift_mm=shift_mm)
    assert (discover(tmp_path, DatasetQuery()).samples[0].problem is None) is usable


def test_a_damaged_file_is_a_problem_of_its_own_case_alone(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz", "p2.nii.gz")
    (tmp_path / "p1.nii.gz").write_bytes(b"")
    first, second = discover(tmp_path, DatasetQuery()).samples
    assert first.problem is not None
    assert second.problem is None


def test_a_label_of_several_components_goes_with_its_image(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz")
    nifti("p1_seg.nii.gz", size=(4, 5, 6, 2))
    assert discover(tmp_path, DatasetQuery()).samples[0].problem is None


def test_a_label_of_colours_is_a_problem(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz")
    colours = np.zeros((4, 5, 6), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(colours, np.eye(4)), tmp_path / "p1_seg.nii.gz")
    problem = discover(tmp_path, DatasetQuery()).samples[0].problem
    assert problem is not None
    assert problem[0] == "label_components"


def test_diffusion_series_are_left_alone(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("t1.nii.gz", "dwi.nii.gz")
    (tmp_path / "dwi.bvec").write_text("1 0 0")
    inventory = discover(tmp_path, DatasetQuery())
    assert [sample.id for sample in inventory.samples] == ["t1"]
    assert ("dwi.nii.gz", "dwi_not_supported") in [entry[:2] for entry in inventory.left_alone]


def test_channels_and_labels_come_in_the_order_of_their_templates(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("s/p1_T1w.nii.gz", "s/p1_FLAIR.nii.gz", "s/p1_lesion.nii.gz", "s/p1_other.nii.gz")
    query = DatasetQuery(
        images={"t1": "{case}_T1w.nii.gz", "flair": "{case}_FLAIR.nii.gz"}, labels={"lesion": "{case}_lesion.nii.gz"}
    )
    inventory = discover(tmp_path, query)
    (sample,) = inventory.samples
    assert sample.id == "s/p1"
    assert files_of(sample) == [
        ("image", "t1", "s/p1_T1w.nii.gz"),
        ("image", "flair", "s/p1_FLAIR.nii.gz"),
        ("label", "lesion", "s/p1_lesion.nii.gz"),
    ]
    assert [entry[:2] for entry in inventory.left_alone] == [("s/p1_other.nii.gz", "not_in_template")]


def test_what_a_template_names_must_be_there(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1_T1.nii.gz", "p1_T2.nii.gz", "p2_T1.nii.gz", "p2_seg.nii.gz", "p3_seg.nii.gz")
    query = DatasetQuery(
        images={"t1": "{case}_T1.nii.gz", "t2": "{case}_T2.nii.gz"}, labels={"organ": "{case}_seg.nii.gz"}
    )
    inventory = discover(tmp_path, query)
    assert [sample.problem for sample in inventory.samples] == [
        ("missing_label", "p1: no file for label 'organ'; looked for p1_seg.nii.gz"),
        ("missing_channel", "p2: no file for image 't2'; looked for p2_T2.nii.gz"),
    ]
    assert [entry[:2] for entry in inventory.left_alone] == [("p3_seg.nii.gz", "label_without_image")]


def test_templates_with_folders_hold_from_the_top_and_may_repeat_the_case(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("train/b1/b1_t1.nii.gz", "train/b1/b1_seg.nii.gz", "train/b1/b2_t1.nii.gz", "b3/b3_t1.nii.gz")
    query = DatasetQuery(images={"t1": "train/{case}/{case}_t1.nii.gz"}, labels={"tumour": "*/{case}/{case}_seg.nii*"})
    inventory = discover(tmp_path, query)
    assert [(sample.id, sample.problem) for sample in inventory.samples] == [("b1", None)]
    assert [entry[0] for entry in inventory.left_alone] == ["b3/b3_t1.nii.gz", "train/b1/b2_t1.nii.gz"]


def test_the_more_specific_template_takes_a_file_that_fits_two(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz", "p1_seg.nii.gz")
    query = DatasetQuery(images={"ct": "{case}.nii.gz"}, labels={"organ": "{case}_seg.nii.gz"})
    (sample,) = discover(tmp_path, query).samples
    assert files_of(sample) == [("image", "ct", "p1.nii.gz"), ("label", "organ", "p1_seg.nii.gz")]


def test_two_files_for_one_channel_are_a_problem(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1_lesion_a.nii.gz", "p1_lesion_b.nii.gz", "p1.nii.gz")
    query = DatasetQuery(labels={"lesion": "{case}_lesion_*.nii.gz"})
    (sample,) = discover(tmp_path, query).samples
    assert sample.problem is not None
    assert sample.problem[0] == "ambiguous_label"


def test_channels_on_different_grids_are_a_problem(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1_a.nii.gz")
    nifti("p1_b.nii.gz", shift_mm=1)
    query = DatasetQuery(images={"a": "{case}_a.nii.gz", "b": "{case}_b.nii.gz"})
    problem = discover(tmp_path, query).samples[0].problem
    assert problem is not None
    assert problem[0] == "geometry_mismatch"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("T1.nii.gz", "holds no {case}"),
        ("{case}_{run}.nii.gz", "holds {run}"),
        ("../{case}.nii.gz", "leaves the dataset"),
        ("/data/{case}.nii.gz", "leaves the dataset"),
    ],
)
def test_a_bad_template_is_a_mistake_of_the_recipe(
    tmp_path: Path, nifti: WriteNifti, template: str, message: str
) -> None:
    nifti("p1.nii.gz")
    with pytest.raises(RecipeError, match=r"dataset\.images\.t1") as caught:
        discover(tmp_path, DatasetQuery(images={"t1": template}))
    assert message in str(caught.value)


def test_templates_that_fit_one_file_alike_are_refused(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1_ab.nii.gz")
    with pytest.raises(DatasetError, match=r"dataset\.images\.a and dataset\.images\.b alike"):
        discover(tmp_path, DatasetQuery(images={"a": "{case}_a*.nii.gz", "b": "{case}*ab.nii.gz"}))


def test_real_images_find_their_labels(realdata: Path) -> None:
    samples = [
        sample
        for folder in ("sts025_nifti", "brain_tumour")
        for sample in discover(realdata / folder, DatasetQuery()).samples
    ]
    assert [sample.id for sample in samples] == ["CT", "MR_T1", "PET", "anatomical", "brain1"]
    assert all(sample.problem is None and len(sample.labels()) == 1 for sample in samples)
