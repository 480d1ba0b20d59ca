"""Real images: read, written and held against readers that know nothing of medaug."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
from witnesses import dicom_errors, realdata, to_nifti

from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import Loaded, Volume
from tests.formats.dicom.datasets import UNCHANGED, encode, find, load, publish

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.sample import Derivation

CHANGED = replace(
    UNCHANGED,
    moved=True,
    intensity_changed=True,
    swap_laterality=True,
    turn=((0, -1), (1, 1), (2, 1)),
    steps=(("flip", ("113085", "DCM", "Spatial resampling")), ("gamma", ("gamma", "99MEDAUG", "Gamma"))),
)
SERIES = [
    ("sts025_dicom", "CT", "image"),
    ("sts025_dicom", "MR_T1", "image"),
    ("sts025_dicom", "PET", "image"),
    ("mr_oblique_20",),
    ("ct_seg_dcmqi", "ct-3slice"),
    ("compressed", "compressed"),
    ("compressed", "compressed_j2k"),
    ("compressed", "compressed_jpeg"),
    ("compressed", "compressed_jpegls"),
    ("compressed", "compressed_rle"),
]
SINGLE = ["RG3_J2KR", "RG3_J2KI", "RG1_J2KI", "MR2_J2KI", "MR-SIEMENS-DICOM-WithOverlays"]


def read_or_skip(root: Path, name: str | None = None) -> Loaded:
    """Read the only volume under `root` (or that called `name`); skip where its codec is not installed."""
    images = [volume for volume in find(root).volumes if volume.role == "image"]
    volumes = [volume for volume in images if name is None or volume.name == name]
    assert len(volumes) == 1
    try:
        return load(root, volumes[0])
    except SampleError as error:
        if error.reason == "codec_missing":
            pytest.skip(str(error))
        raise


def assert_round_trip(loaded: Loaded, tmp_path: Path) -> None:
    """Assert that an unchanged copy stores what its source stores, as pydicom reads both."""
    files = encode(loaded)
    publish(files, tmp_path)
    again = load(tmp_path)
    assert [entry.voxel_sha256 for entry in again.entries] == [entry.voxel_sha256 for entry in loaded.entries]
    assert [file.voxel_sha256 for file in files] == [entry.voxel_sha256 for entry in again.entries]
    assert sum(file.clipped for file in files) == 0


@pytest.mark.parametrize("parts", SERIES, ids="/".join)
def test_a_series_comes_back_as_it_was_stored(parts: tuple[str, ...], tmp_path: Path) -> None:
    assert_round_trip(read_or_skip(realdata(*parts)), tmp_path)


@pytest.mark.parametrize("name", SINGLE)
def test_a_single_image_comes_back_as_it_was_stored(name: str, tmp_path: Path) -> None:
    assert_round_trip(read_or_skip(realdata("single"), name), tmp_path)


def test_all_encodings_of_one_series_hold_the_same_voxels() -> None:
    arrays = []
    for name in ("compressed", "compressed_j2k", "compressed_jpeg", "compressed_jpegls", "compressed_rle"):
        content = read_or_skip(realdata("compressed", name)).content
        assert isinstance(content, Volume)
        arrays.append(content.array)
    assert all(np.array_equal(arrays[0], array) for array in arrays)


def test_the_slices_of_a_pet_series_have_47_slopes_and_the_values_of_its_nifti_twin() -> None:
    loaded = read_or_skip(realdata("sts025_dicom", "PET", "image"))
    assert len({template.storage.slope for template in loaded.template}) == 47
    assert isinstance(loaded.content, Volume)
    twin = nib.load(realdata("sts025_nifti") / "PET_image.nii.gz").get_fdata()
    assert np.allclose(np.sort(loaded.content.array.ravel()), np.sort(twin.ravel()), atol=1e-3)


@pytest.mark.parametrize("parts", SERIES[:4], ids="/".join)
def test_dcm2niix_makes_the_same_image_of_source_and_copy(parts: tuple[str, ...], tmp_path: Path) -> None:
    folder = realdata(*parts)
    publish(encode(read_or_skip(folder)), tmp_path / "copy")
    source, copy = to_nifti(folder, tmp_path / "a"), to_nifti(tmp_path / "copy", tmp_path / "b")
    assert np.array_equal(source.affine, copy.affine)
    assert np.array_equal(source.get_fdata(), copy.get_fdata())


@pytest.mark.parametrize("parts", SERIES[:4], ids="/".join)
def test_grid_and_values_are_those_that_dcm2niix_finds(parts: tuple[str, ...], tmp_path: Path) -> None:
    """dcm2niix turns rows round and speaks RAS; its step between slices is the first, ours the mean (0.07 mm apart)."""
    content = read_or_skip(folder := realdata(*parts)).content
    assert isinstance(content, Volume)
    theirs = to_nifti(folder, tmp_path / "nifti")
    turned = np.diag([1.0, -1.0, 1.0, 1.0])
    turned[1, 3] = content.geometry.size[1] - 1
    ours = np.diag([-1.0, -1.0, 1.0, 1.0]) @ content.geometry.affine @ turned
    assert np.abs(ours - theirs.affine)[:, [0, 1, 3]].max() < 1e-4
    assert np.abs(ours - theirs.affine)[:, 2].max() < 0.08
    array = content.array[0].transpose(2, 1, 0)[:, ::-1]
    valid = ~content.void.transpose(2, 1, 0)[:, ::-1] if content.void is not None else np.ones(array.shape, bool)
    assert np.allclose(array[valid], theirs.get_fdata()[valid], rtol=1e-6)


def test_rounded_steps_of_an_oblique_series_are_a_regular_grid_that_ends_where_the_last_slice_lies() -> None:
    """20 slices, steps 6.96 to 7.07 mm."""
    loaded = read_or_skip(realdata("mr_oblique_20"))
    assert loaded.irregular == ""
    last = loaded.template[-1].instance.position_mm
    assert np.abs((loaded.content.geometry.affine @ (0, 0, 19, 1))[:3] - last).max() < 0.1


@pytest.mark.parametrize("derivation", [UNCHANGED, CHANGED], ids=["unchanged", "changed"])
@pytest.mark.parametrize("parts", [*SERIES[:3], *SERIES[4:6]], ids="/".join)
def test_dciodvfy_finds_no_error_in_a_copy_that_its_source_has_not(
    parts: tuple[str, ...], derivation: Derivation, tmp_path: Path
) -> None:
    root = realdata(*parts)
    loaded = read_or_skip(root)
    publish(encode(loaded, derivation)[:2], tmp_path)
    for file in loaded.source.files[:2]:
        assert dicom_errors(tmp_path / file) <= dicom_errors(root / file)


@pytest.mark.parametrize("derivation", [UNCHANGED, CHANGED], ids=["unchanged", "changed"])
@pytest.mark.parametrize(("folder", "name"), [("ct_seg_highdicom", "dx_image"), *(("single", name) for name in SINGLE)])
def test_dciodvfy_finds_no_new_error_in_a_single_image(
    folder: str, name: str, derivation: Derivation, tmp_path: Path
) -> None:
    root = realdata(folder)
    loaded = read_or_skip(root, name)
    publish(encode(loaded, derivation), tmp_path)
    assert dicom_errors(tmp_path / f"{name}.dcm") <= dicom_errors(root / f"{name}.dcm")


def test_a_lossy_source_that_does_not_say_so_is_marked_in_the_copy(tmp_path: Path) -> None:
    loaded = read_or_skip(realdata("single"), "RG3_J2KI")
    (made,) = publish(encode(loaded), tmp_path)
    assert made.LossyImageCompression == "01"


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("gantrytilting/001", ["gantry_tilt: the slices are stacked 14.0 degrees"]),
        ("notavolume/001", ["duplicate_position"]),
        ("sliceincrement/001", ["missing_slices: gap of 10.0 mm between slices 3 and 4 where 5.0 mm is usual"]),
        ("sliceincrement/002", ["gantry_tilt", "missing_slices: gap of 1.5 mm between slices 3 and 4"]),
        ("slicecount/001", [""]),
        ("sliceorientation/001", ["", ""]),
    ],
)
def test_a_series_that_is_no_volume_says_why(folder: str, said: list[str]) -> None:
    """Two orientations under one series UID are two volumes; two slices are few, but a volume."""
    volumes = find(realdata("bad_geometry", *folder.split("/"))).volumes
    assert not any(volume.problem for volume in volumes)
    if len(said) == len(volumes):
        assert all(volume.irregular.startswith(text) for volume, text in zip(volumes, said, strict=True))
        assert [bool(volume.irregular) for volume in volumes] == [bool(text) for text in said]
    else:
        assert all(text in volumes[0].irregular for text in said)


def test_every_file_of_the_collection_is_a_volume_or_has_a_reason() -> None:
    """Nothing is lost and nothing is read that would be mangled."""
    root = realdata()
    found = find(root)
    named = {volume.name: volume.problem[0] if volume.problem else "" for volume in found.volumes}
    assert named["totalseg/example_ct_dicom"] == "blank_uid"
    assert named["single/eCT_Supplemental"] == ""
    problems = {file: volume.problem[0] for volume in found.volumes if volume.problem for file in volume.files}
    assert problems["single/emri_small.dcm"] == "bad_header"  # its functional groups are not there
    assert named["single/OBXXXX1A_2frame"] == ""
    assert named["ct_seg_highdicom/dx_image"] == ""
    labels = [volume.files[0] for volume in found.volumes if volume.role == "label"]
    assert {f"sts025_dicom/{name}/mask/RS.dcm" for name in ("CT", "MR_T1", "PET")} <= set(labels)
    assert named["ct_seg_dcmqi/sparse-labelmap-noppv"] == "duplicate_uid"  # and -ppv5
    assert named["ct_seg_dcmqi/liver"] == ""
    for volume in found.volumes:
        if not volume.problem and volume.role == "image":
            assert load(root, volume).content.geometry == volume.geometry
