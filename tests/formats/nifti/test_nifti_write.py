"""Encode: container, version, byte order and what a header says of its voxels stay; what could identify goes."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest

from medaug_cli import __version__
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.lazy import sitk
from medaug_cli.core.sample import Volume
from medaug_cli.formats.nifti import FORMAT

if TYPE_CHECKING:
    from medaug_cli.core.sample import Loaded
    from tests.formats.nifti.fixtures import Encode, Read, Save

VOXELS = np.arange(24, dtype=np.int16).reshape(4, 3, 2)
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
OBLIQUE = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.1, 0.2, 0.3) * [1.5, 2, 2.5], [-10, 20, -30])


def load(path: Path) -> Any:
    """Open `path` with nibabel."""
    return nib.load(path)


def header_with(version: int = 1, order: str = "<", sform_code: int = 1, qform_code: int = 1) -> Any:
    """Return a header in RAS at OBLIQUE."""
    kind: Any = nib.nifti1.Nifti1Header if version == 1 else nib.nifti2.Nifti2Header
    header = kind(endianness=order)
    header.set_sform(OBLIQUE, sform_code)
    header.set_qform(OBLIQUE, qform_code)
    return header


def cropped(loaded: Loaded) -> Volume:
    """Return the content without its first voxel along x."""
    geometry = loaded.content.geometry
    origin = geometry.affine @ [1, 0, 0, 1]
    inner = replace(geometry, size=(3, 3, 2), origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])))
    return Volume(np.ascontiguousarray(loaded.content.array[..., 1:]), inner)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("targets", [("b.nii",), ("b.nii.gz",), ("b.hdr", "b.img")])
def test_a_copy_has_the_version_and_byte_order_of_its_source_and_the_container_of_its_name(
    save: Save, read: Read, encode: Encode, version: int, order: str, targets: tuple[str, ...]
) -> None:
    path = save("a.nii", VOXELS, header_with(version, order))
    loaded = read("a.nii")
    files = encode(loaded, *targets)
    copy = load(path.with_name(targets[-1]))
    assert isinstance(copy.header, nib.nifti1.Nifti1Header)
    assert (copy.header.sizeof_hdr, copy.header.endianness) == ({1: 348, 2: 540}[version], order)
    assert np.array_equal(np.asanyarray(copy.dataobj), VOXELS)
    assert np.array_equal(copy.affine, load(path).affine)
    again = read(*targets)
    assert [entry.path for entry in again.entries] == list(targets)
    assert {file.voxel_sha256 for file in files} == {entry.voxel_sha256 for entry in (*again.entries, *loaded.entries)}


def test_a_pair_saved_by_nibabel_is_read_and_copied_as_a_pair(tmp_path: Path, read: Read, encode: Encode) -> None:
    nib.save(nib.Nifti1Pair(VOXELS, OBLIQUE), tmp_path / "a.img")
    encode(read("a.hdr", "a.img"), "b.hdr", "b.img")
    assert (tmp_path / "b.img").read_bytes() == (tmp_path / "a.img").read_bytes()
    assert (tmp_path / "b.hdr").stat().st_size == 352


def test_the_bytes_are_equal_from_run_to_run_and_carry_neither_name_nor_time(
    save: Save, read: Read, encode: Encode
) -> None:
    save("a.nii", VOXELS)
    (first,), (second,) = encode(read("a.nii"), "b.nii.gz"), encode(read("a.nii"), "other.nii.gz")
    assert first.data == second.data
    assert first.data[:8] == b"\x1f\x8b\x08\0\0\0\0\0"  # no flags, no time: RFC 1952 2.3
    assert gzip.decompress(first.data)[352:] == VOXELS.tobytes(order="F")


@pytest.mark.parametrize("codes", [(1, 1), (2, 0), (0, 1), (4, 4), (3, 1), (0, 0)])
@pytest.mark.parametrize("moved", [False, True])
def test_on_the_same_grid_the_affine_bytes_stay_and_only_an_atlas_code_that_no_longer_holds_changes(
    save: Save, read: Read, encode: Encode, codes: tuple[int, int], moved: bool
) -> None:
    path = save("a.nii", VOXELS, header_with(sform_code=codes[0], qform_code=codes[1]))
    encode(read("a.nii"), "b.nii", moved=moved)
    before, after = load(path).header, load(path.with_name("b.nii")).header
    fields = [*(f"srow_{a}" for a in "xyz"), *(f"quatern_{a}" for a in "bcd"), *(f"qoffset_{a}" for a in "xyz")]
    for field in [*fields, "pixdim"]:
        assert after[field].tobytes() == before[field].tobytes()
    kept = tuple(2 if moved and code > 2 else code for code in codes)
    assert (int(after["sform_code"]), int(after["qform_code"])) == kept


@pytest.mark.parametrize("codes", [(1, 1), (2, 0), (0, 1), (4, 4), (0, 0)])
@pytest.mark.parametrize("unit", [1, 2, 3])
def test_a_new_grid_is_in_both_forms_in_the_unit_of_the_source(
    save: Save, read: Read, encode: Encode, codes: tuple[int, int], unit: int
) -> None:
    path = save("a.nii", VOXELS, header_with(sform_code=codes[0], qform_code=codes[1]), xyzt_units=unit | 16)
    loaded = read("a.nii")
    (file,) = encode(loaded, "b.nii", content=cropped(loaded))
    copy = load(path.with_name("b.nii"))
    inner = load(path).affine @ nib.affines.from_matvec(np.eye(3), [1, 0, 0])
    assert copy.shape == (3, 3, 2)
    assert copy.header["xyzt_units"] == unit | 16
    assert copy.affine == pytest.approx(inner, abs=1e-5)
    assert copy.header.get_qform() == pytest.approx(inner, abs=1e-4)
    assert copy.header.get_sform() == pytest.approx(inner, abs=1e-5)
    assert (int(copy.header["sform_code"]), int(copy.header["qform_code"])) == ((2, 2) if codes == (0, 0) else codes)
    assert np.array_equal(np.asanyarray(copy.dataobj), VOXELS[1:])
    assert file.voxel_sha256 == read("b.nii").entries[0].voxel_sha256


def test_of_two_forms_that_differ_the_copy_has_the_sform_twice(save: Save, read: Read, encode: Encode) -> None:
    header = header_with()
    header.set_qform(np.eye(4), 1)
    path = save("a.nii", VOXELS, header)
    encode(read("a.nii"), "b.nii")
    copy = load(path.with_name("b.nii"))
    assert np.array_equal(copy.affine, load(path).affine)
    assert copy.header.get_qform() == pytest.approx(copy.affine, abs=1e-5)


def test_a_sheared_grid_is_written_as_sform_and_no_qform_contradicts_it(save: Save, read: Read, encode: Encode) -> None:
    sheared = np.array([[1, 0.3, 0, 5], [0, 1, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1]])
    header = header_with()
    header.set_sform(sheared, 1)
    path = save("a.nii", VOXELS, header)
    loaded = read("a.nii")
    for content in (loaded.content, cropped(loaded)):
        encode(loaded, "b.nii", content=content)
        copy = load(path.with_name("b.nii"))
        assert copy.affine[:3, :3] == pytest.approx(sheared[:3, :3], abs=1e-6)
        assert int(copy.header["qform_code"]) == 0


def test_a_qform_that_cannot_hold_a_grid_near_a_half_turn_leaves_it_to_the_sform(
    save: Save, read: Read, encode: Encode
) -> None:
    """0.02 degrees from a half turn the quaternion's first part is below what float32 leaves over."""
    save("a.nii", VOXELS, header_with(sform_code=0))
    turned = nib.eulerangles.euler2mat(0, 0, np.pi - 3e-4)
    geometry = Geometry.from_affine((400, 300, 2), nib.affines.from_matvec(turned, [1, 2, 3]))
    loaded = read("a.nii")
    encode(loaded, "b.nii", content=Volume(np.zeros((1, 2, 300, 400), np.float32), geometry))
    assert read("b.nii").content.geometry.same_grid(geometry)


@pytest.mark.parametrize("version", [1, 2])
def test_free_text_and_extensions_are_not_copied(save: Save, read: Read, encode: Encode, version: int) -> None:
    fields = {"descrip": b"CANARY", "aux_file": b"CANARY", "intent_name": b"CANARY"}
    fields |= {"db_name": b"CANARY", "data_type": b"CANARY"} if version == 1 else {"unused_str": b"CANARY"}
    start = {1: 348, 2: 540}[version]
    path = save("a.nii", VOXELS, header_with(version), vox_offset=start + 36, **fields)
    raw = path.read_bytes()
    path.write_bytes(raw[:start] + b"\1\0\0\0\x20\0\0\0\6\0\0\0CANARY" + bytes(18) + raw[start + 4 :])
    (file,) = encode(read("a.nii"), "b.nii")
    assert b"CANARY" not in file.data
    copy = load(path.with_name("b.nii"))
    assert bytes(copy.header["descrip"].item()) == f"medaug {__version__}".encode()
    assert not copy.header.extensions
    assert np.array_equal(np.asanyarray(copy.dataobj), VOXELS)


def test_four_dimensions_keep_their_time_axis(save: Save, read: Read, encode: Encode) -> None:
    volumes = np.arange(120, dtype=np.int16).reshape(4, 3, 2, 5)
    path = save("a.nii", volumes, pixdim=[1, 1, 1, 1, 2.5, 0, 0, 0], toffset=0.75, xyzt_units=10)
    encode(read("a.nii"), "b.nii.gz")
    copy = load(path.with_name("b.nii.gz"))
    assert np.array_equal(np.asanyarray(copy.dataobj), volumes)
    assert copy.header.get_zooms() == (1, 1, 1, 2.5)
    assert copy.header["toffset"] == 0.75


def test_a_2d_image_stays_2d(save: Save, read: Read, encode: Encode) -> None:
    path = save("a.nii", VOXELS[..., 0])
    encode(read("a.nii"), "b.nii")
    assert load(path.with_name("b.nii")).shape == (4, 3)


@pytest.mark.parametrize(("changed", "left"), [(False, (5, 900)), (True, (0, 0))])
def test_the_display_range_goes_when_intensities_change(
    save: Save, read: Read, encode: Encode, changed: bool, left: tuple[float, float]
) -> None:
    path = save("a.nii", VOXELS, cal_min=5, cal_max=900)
    encode(read("a.nii"), "b.nii", intensity_changed=changed)
    header = load(path.with_name("b.nii")).header
    assert (header["cal_min"], header["cal_max"]) == left


def test_encoding_directions_turn_with_the_axes_and_slice_timing_goes(save: Save, read: Read, encode: Encode) -> None:
    """Frequency x, phase y, slice z; the copy's x, y, z lie along z, x, y: frequency y, phase z, slice x."""
    header = nib.nifti1.Nifti1Header()
    header.set_dim_info(0, 1, 2)
    path = save("a.nii", VOXELS, header, slice_code=3, slice_end=1, slice_duration=0.1)
    loaded = read("a.nii")
    encode(loaded, "same.nii")
    same = load(path.with_name("same.nii")).header
    assert (same.get_dim_info(), int(same["slice_code"])) == ((0, 1, 2), 3)
    encode(loaded, "turned.nii", moved=True, turn=((2, 1), (0, -1), (1, 1)))
    turned = load(path.with_name("turned.nii")).header
    assert turned.get_dim_info() == (1, 2, 0)
    assert (int(turned["slice_code"]), int(turned["slice_end"]), float(turned["slice_duration"])) == (0, 0, 0.0)


def test_a_label_map_goes_back_to_the_type_of_its_source(save: Save, read: Read, encode: Encode) -> None:
    """A label map that was computed with as int64 goes back as the uint8 it came from."""
    path = save("a.nii", VOXELS.astype(np.uint8))
    loaded = read("a.nii", role="label")
    encode(loaded, "b.nii", content=LabelMap(loaded.content.array.astype(np.int64), loaded.content.geometry))
    assert load(path.with_name("b.nii")).get_data_dtype() == np.uint8


def test_encoding_changes_neither_the_content_nor_the_source_header(save: Save, read: Read, encode: Encode) -> None:
    voxels = VOXELS.astype(np.float32)
    voxels[0, 0, 0] = np.nan
    save("a.nii", voxels, header_with(sform_code=4))
    loaded = read("a.nii")
    array, block = loaded.content.array.copy(), loaded.template.header.fields.binaryblock
    encode(loaded, "b.nii", content=replace(cropped(loaded), void=None), moved=True, intensity_changed=True)
    encode(loaded, "c.nii", moved=True)
    assert np.array_equal(loaded.content.array, array)
    assert loaded.template.header.fields.binaryblock == block


def test_simpleitk_finds_the_same_grid_and_voxels_in_a_copy(save: Save, read: Read, encode: Encode) -> None:
    path = save("a.nii", VOXELS, header_with())
    loaded = read("a.nii")
    encode(loaded, "b.nii.gz")
    image = sitk.ReadImage(str(path.with_name("b.nii.gz")))
    assert np.array_equal(sitk.GetArrayFromImage(image), loaded.content.array[0])
    assert image.GetOrigin() == pytest.approx(loaded.content.geometry.origin_mm, abs=1e-5)
    assert image.GetSpacing() == pytest.approx(loaded.content.geometry.spacing_mm, abs=1e-5)
    assert image.GetDirection() == pytest.approx(loaded.content.geometry.direction, abs=1e-5)


@pytest.mark.parametrize("targets", [("b.nii",), ("b.nii.gz",)])
@pytest.mark.parametrize("version", [1, 2])
def test_niimath_opens_a_copy_and_finds_the_same_voxels(
    save: Save, read: Read, encode: Encode, targets: tuple[str, ...], version: int
) -> None:
    niimath = shutil.which("niimath") or shutil.which("niimath", path=str(Path(sys.executable).parent))
    if niimath is None:
        pytest.skip("niimath is not installed")
    path = save("a.nii", VOXELS, header_with(version))
    encode(read("a.nii"), *targets)
    copy, out = path.with_name(targets[0]), path.with_name("out.nii.gz")
    subprocess.run([niimath, str(copy), "-add", "0", str(out), "-odt", "float"], check=True, capture_output=True)
    assert np.array_equal(load(out).get_fdata(), VOXELS)


def test_every_kind_of_container_is_found_again(save: Save, read: Read, encode: Encode, tmp_path: Path) -> None:
    save("a.nii", VOXELS, header_with())
    loaded = read("a.nii")
    for targets in (("b.nii",), ("c.nii.gz",), ("d.hdr", "d.img")):
        encode(loaded, *targets)
    found = FORMAT.find(tmp_path, ["a.nii", "b.nii", "c.nii.gz", "d.hdr", "d.img"])
    assert [volume.name for volume in found.volumes] == ["a", "b", "c", "d"]
    assert {volume.geometry for volume in found.volumes} == {loaded.content.geometry}
    assert not any(volume.problem or volume.warnings for volume in found.volumes)
