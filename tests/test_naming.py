"""Names of copies in every layout."""

from __future__ import annotations

import posixpath

import pytest

from medaug_cli.core.sample import Sample, Source
from medaug_cli.naming import copy_paths


def names(layout: str, sample_id: str, *files: str, copy: int = 1, file_format: str = "nifti") -> list[str]:
    """Return the name of the copy of each file of a sample whose sources have one file each."""
    sources = tuple(Source("image", str(number), file_format, (file,)) for number, file in enumerate(files))
    sample = Sample(sample_id, layout, sources)
    return [path for source in sources for path in copy_paths(sample, source, copy)]


def test_a_plain_image_gets_its_copy_beside_it() -> None:
    assert names("nifti", "case01", "case01.nii.gz") == ["case01_aug0001.nii.gz"]


def test_the_copy_of_a_case_is_a_case_of_its_own_with_the_same_words_after_it() -> None:
    assert names("nifti", "a/case01", "a/case01_T1w.nii.gz", "a/case01_FLAIR.nii.gz", "a/case01_lesion.nii.gz") == [
        "a/case01_aug0001_T1w.nii.gz",
        "a/case01_aug0001_FLAIR.nii.gz",
        "a/case01_aug0001_lesion.nii.gz",
    ]


def test_image_and_label_in_two_folders_keep_theirs() -> None:
    assert names("nifti", "case01", "images/case01.nii.gz", "labels/case01.nii.gz") == [
        "images/case01_aug0001.nii.gz",
        "labels/case01_aug0001.nii.gz",
    ]


def test_files_named_by_channel_in_the_folder_of_a_case_are_marked_each() -> None:
    assert names("nifti", "case01", "case01/t1.nii.gz", "case01/seg.nii.gz") == [
        "case01/t1_aug0001.nii.gz",
        "case01/seg_aug0001.nii.gz",
    ]


def test_nnunet_channels_keep_their_place() -> None:
    assert names(
        "nnunet", "case01", "imagesTr/case01_0000.nii.gz", "imagesTr/case01_0001.nii.gz", "labelsTr/case01.nii.gz"
    ) == [
        "imagesTr/case01_aug0001_0000.nii.gz",
        "imagesTr/case01_aug0001_0001.nii.gz",
        "labelsTr/case01_aug0001.nii.gz",
    ]


def test_a_case_whose_name_starts_like_another_is_not_cut() -> None:
    assert names("nnunet", "case_1", "imagesTr/case_1_0000.nii.gz", "labelsTr/case_1.nii.gz") == [
        "imagesTr/case_1_aug0001_0000.nii.gz",
        "labelsTr/case_1_aug0001.nii.gz",
    ]
    assert names("nifti", "case1", "case1.nii.gz", "case10_seg.nii.gz")[1] != "case1_aug00010_seg.nii.gz"


@pytest.mark.parametrize(
    ("source", "copy"),
    [
        ("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_desc-aug0001_T1w.nii.gz"),
        ("sub-01/ses-2/anat/sub-01_ses-2_T1w.nii", "sub-01/ses-2/anat/sub-01_ses-2_desc-aug0001_T1w.nii"),
        ("derivatives/lesions/sub-01/anat/sub-01_dseg.nii.gz", "sub-01/anat/sub-01_desc-aug0001_dseg.nii.gz"),
        ("sub-01/anat/sub-01_desc-brain_mask.nii.gz", "sub-01/anat/sub-01_desc-brainaug0001_mask.nii.gz"),
    ],
)
def test_a_bids_copy_is_a_derivative_with_its_number_in_desc(source: str, copy: str) -> None:
    assert names("bids", "sub-01", source) == [f"derivatives/medaug/{copy}"]


def test_a_dicom_series_gets_a_folder_beside_its_own_with_the_same_file_names() -> None:
    source = Source("image", "image", "dicom", ("p1/CT/0001.dcm", "p1/CT/0002.dcm"))
    assert copy_paths(Sample("p1/CT", "dicom", (source,)), source, 12) == (
        "p1/CT_aug0012/0001.dcm",
        "p1/CT_aug0012/0002.dcm",
    )


def test_dicom_files_at_the_top_of_the_dataset_go_to_a_folder_of_their_own() -> None:
    assert names("dicom", "chest", "chest.dcm", file_format="dicom") == ["aug0001/chest.dcm"]


@pytest.mark.parametrize(
    "name", ["a b.nii.gz", "-x.nii", "100%.nii.gz", "été.nii.gz", "脑.nii", "a'b\".nii.gz", "a\nb.nii"]
)
def test_a_name_keeps_its_signs(name: str) -> None:
    stem, suffix = name.split(".nii")
    assert names("nifti", stem, name) == [f"{stem}_aug0001.nii{suffix}"]


@pytest.mark.parametrize("name", ["case.hdr", "case.img", "case.nii", "case.nii.gz", "case.NII.GZ"])
def test_a_suffix_stays_as_it_is_written(name: str) -> None:
    assert names("nifti", "case", name) == [name.replace("case", "case_aug0001")]


def test_copies_of_one_file_never_share_a_name_and_sort_in_order() -> None:
    paths = [names("nifti", "case", "case.nii.gz", copy=copy)[0] for copy in range(1, 101)]
    assert sorted(set(paths)) == paths


def test_a_copy_stays_in_the_folder_of_its_source() -> None:
    (path,) = names("nifti", "deep/er/case", "deep/er/case.nii.gz")
    assert posixpath.dirname(path) == "deep/er"
