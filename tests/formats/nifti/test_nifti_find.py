"""Find: one volume a file or pair, by headers alone, and a stable reason for each that cannot be used."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import Source
from medaug_cli.formats import FoundVolume, Limits
from medaug_cli.formats.nifti import FORMAT

if TYPE_CHECKING:
    from tests.formats.nifti.fixtures import Save

VOXELS = np.arange(24, dtype=np.int16).reshape(4, 3, 2)


def find_one(root: Path, *files: str) -> FoundVolume:
    (volume,) = FORMAT.find(root, files).volumes
    return volume


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII", "b.Nii.GZ", "c.hdr", "c.img", "x.dconn.nii"])
def test_files_are_claimed_by_their_suffix_in_any_case(name: str) -> None:
    assert FORMAT.claims(Path(name))


@pytest.mark.parametrize("name", ["a.gz", "nii", "a.nii.bak", "a.json", "._a.nii.gz", "a.dcm"])
def test_other_names_and_appledouble_twins_are_not_claimed(name: str) -> None:
    assert not FORMAT.claims(Path(name))


def test_a_volume_is_named_by_its_path_without_the_suffix_and_stamped(save: Save, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    path = save("sub/a.NII", VOXELS)
    volume = find_one(tmp_path, "sub/a.NII")
    assert (volume.name, volume.files, volume.dtype) == ("sub/a", ("sub/a.NII",), "int16")
    assert volume.stamps == ((path.stat().st_size, path.stat().st_mtime_ns),)
    assert volume.voxels == 24


def test_a_pair_is_one_volume_of_two_files(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(VOXELS, np.eye(4)), tmp_path / "a.img")
    volume = find_one(tmp_path, "a.hdr", "a.img")
    assert volume.files == ("a.hdr", "a.img")
    assert volume.problem is None
    assert len(volume.stamps) == 2


@pytest.mark.parametrize(("file", "missing"), [("a.img", ".hdr"), ("a.hdr", ".img")])
def test_half_a_pair_is_a_problem_that_names_the_other_half(tmp_path: Path, file: str, missing: str) -> None:
    nib.save(nib.Nifti1Pair(VOXELS, np.eye(4)), tmp_path / "a.img")
    problem = find_one(tmp_path, file).problem
    assert problem is not None
    assert problem[0] == "pair_incomplete"
    assert missing in problem[1]


@pytest.mark.parametrize(
    ("shape", "size", "components"),
    [
        ((4, 3), (4, 3, 1), 1),
        ((4, 3, 1, 1), (4, 3, 1), 1),
        ((4, 3, 2, 5), (4, 3, 2), 5),
        ((4, 3, 2, 5, 1), (4, 3, 2), 5),
        ((4, 3, 2, 1, 3), (4, 3, 2), 3),
    ],
)
def test_every_extent_after_z_counts_as_components(
    save: Save, shape: tuple[int, ...], size: tuple[int, int, int], components: int
) -> None:
    volume = find_one(save("a.nii", np.zeros(shape, np.uint8)).parent, "a.nii")
    assert volume.geometry is not None
    assert (volume.geometry.size, volume.components) == (size, components)


@pytest.mark.parametrize(("code", "colours", "name"), [(128, 3, "rgb24"), (2304, 4, "rgba32")])
def test_colours_count_as_components(save: Save, code: int, colours: int, name: str) -> None:
    path = save("a.nii", np.zeros((4 * colours, 3, 2), np.uint8), datatype=code, dim=[3, 4, 3, 2, 1, 1, 1, 1])
    volume = find_one(path.parent, "a.nii")
    assert (volume.components, volume.dtype, volume.problem) == (colours, name, None)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("bad_header", {"sizeof_hdr": 347}),
        ("bad_header", {"dim": [8, 4, 3, 2, 1, 1, 1, 1]}),
        ("bad_header", {"dim": [0, 4, 3, 2, 1, 1, 1, 1]}),
        ("bad_header", {"dim": [3, 4, -3, 2, 1, 1, 1, 1]}),
        ("bad_header", {"dim": [3, 4, 3, 0, 1, 1, 1, 1]}),
        ("bad_header", {"dim": [5, 4, 1, 1, 2, 3, 1, 1]}),
        ("bad_header", {"vox_offset": 0}),
        ("bad_header", {"vox_offset": 348}),
        ("bad_header", {"vox_offset": 360}),
        ("bad_header", {"vox_offset": np.nan}),
        ("bad_header", {"vox_offset": 2.0**25}),
        ("bad_header", {"magic": b"ni1"}),
        ("bad_header", {"scl_slope": 2, "scl_inter": np.inf}),
        ("analyze_not_supported", {"magic": b""}),
        ("cifti_not_supported", {"intent_code": 3001}),
        ("unsupported_intent", {"intent_code": 1006}),
        ("unsupported_dtype", {"datatype": 0}),
        ("unsupported_dtype", {"datatype": 1}),
        ("unsupported_dtype", {"datatype": 32}),
        ("unsupported_dtype", {"datatype": 1536}),
        ("unsupported_dtype", {"datatype": 1792}),
        ("unsupported_dtype", {"datatype": 2048}),
        ("unsupported_dtype", {"datatype": 77}),
        ("bad_affine", {"sform_code": 1}),
        ("bad_affine", {"sform_code": 1, "srow_x": [1, 0, 0, 0], "srow_y": [0, 1, 0, 0], "srow_z": [1, 1, 0, 0]}),
        ("bad_affine", {"sform_code": 1, "srow_x": [np.nan, 0, 0, 0]}),
        ("bad_affine", {"sform_code": 1, "srow_x": [1, 0, 0, np.inf]}),
        ("bad_affine", {"qform_code": 1, "quatern_b": 2}),
        ("bad_affine", {"qform_code": 1, "pixdim": [1, 1, 0, 1, 0, 0, 0, 0]}),
        ("bad_affine", {"qform_code": 1, "pixdim": [1, 1, -1, 1, 0, 0, 0, 0]}),
        ("bad_affine", {"pixdim": [1, 0, 0, 0, 0, 0, 0, 0]}),
        ("truncated", {"dim": [3, 400, 300, 200, 1, 1, 1, 1]}),
        ("too_large", {"dim": [5, 10000, 10000, 10000, 1, 1, 1, 1]}),
    ],
)
def test_what_is_wrong_with_a_header_has_a_reason_when_found_and_when_read(
    save: Save, reason: str, fields: dict[str, object], packed: bool
) -> None:
    path, name = save("a.nii", VOXELS, **fields), "a.nii"
    if packed:
        name = "a.nii.gz"
        path.with_name(name).write_bytes(gzip.compress(path.read_bytes()))
    problem = find_one(path.parent, name).problem
    assert problem is not None
    assert problem[0] == reason
    assert problem[1].startswith(f"{name}: ")
    with pytest.raises(SampleError) as caught:
        FORMAT.read(path.parent, Source("image", "a", "nifti", (name,)), Limits())
    assert caught.value.reason == reason


@pytest.mark.parametrize("length", [0, 7, 80, 2**30, -16])
def test_an_extension_that_passes_the_voxels_is_a_bad_header(save: Save, length: int) -> None:
    path = save("a.nii", VOXELS, vox_offset=384)
    raw = path.read_bytes()
    path.write_bytes(raw[:348] + b"\1\0\0\0" + struct.pack("<ii", length, 6) + bytes(24) + raw[352:])
    assert (find_one(path.parent, "a.nii").problem or ("",))[0] == "bad_header"


@pytest.mark.parametrize(
    ("cut", "reason"), [(0, "truncated"), (100, "truncated"), (360, "truncated"), (399, "truncated")]
)
def test_a_cut_file_is_found_truncated(save: Save, cut: int, reason: str) -> None:
    path = save("a.nii", VOXELS)
    path.write_bytes(path.read_bytes()[:cut])
    assert (find_one(path.parent, "a.nii").problem or ("",))[0] == reason


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_text_named_as_nifti_is_a_bad_header(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<html>404</html>" * 100)
    assert (find_one(tmp_path, name).problem or ("",))[0] == "bad_header"


def test_what_cannot_be_opened_is_a_problem_and_stops_nothing(save: Save) -> None:
    path = save("b.nii", VOXELS)
    gone, whole = FORMAT.find(path.parent, ["a.nii", "b.nii"]).volumes
    assert (gone.problem or ("",))[0] == "unreadable"
    assert whole.problem is None


def test_a_nifti_2_changed_by_a_text_mode_transfer_is_a_bad_header(save: Save) -> None:
    path = save("a.nii", VOXELS, nib.nifti2.Nifti2Header(), eol_check=[10, 0, 26, 10])
    assert (find_one(path.parent, "a.nii").problem or ("",))[0] == "bad_header"


def test_a_header_behind_a_long_gzip_name_is_found(save: Save) -> None:
    """RFC 1952 lets the name of the packed file be as long as it likes; here 9000 bytes."""
    path = save("a.nii", VOXELS)
    packed = gzip.compress(path.read_bytes(), mtime=0)
    named = packed[:3] + b"\x08" + packed[4:10] + b"n" * 9000 + b"\0" + packed[10:]
    path.with_name("a.nii.gz").write_bytes(named)
    assert find_one(path.parent, "a.nii.gz").problem is None


def test_vectors_are_taken_as_channels_and_a_warning_says_so(save: Save) -> None:
    """SimpleITK writes an image of several channels as (x, y, z, 1, channel) with the intent of vectors."""
    path = save("a.nii", np.zeros((4, 3, 2, 1, 3), np.uint8), intent_code=1007)
    volume = find_one(path.parent, "a.nii")
    assert volume.components == 3
    assert "vectors" in volume.warnings[-1]
