"""Orientation: which affine a header means, in LPS and mm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaug_cli.core.errors import SampleError
from medaug_cli.formats.nifti import FORMAT
from medaug_cli.formats.nifti.fields import head_of
from medaug_cli.formats.nifti.orientation import read_geometry, swap_ras_lps, write_geometry

if TYPE_CHECKING:
    from tests.formats.nifti.fixtures import Save

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
ELEMENTS = st.lists(st.floats(-300, 300, width=32), min_size=12, max_size=12)
ZEROS = np.zeros((4, 3, 2), np.int16)


def load(path: Path) -> Any:
    """Open `path` with nibabel."""
    return nib.load(path)


@given(ELEMENTS)
def test_ras_to_lps_and_back_is_the_same_affine(elements: list[float]) -> None:
    affine = np.vstack([np.reshape(elements, (3, 4)), [0, 0, 0, 1]])
    assert np.array_equal(swap_ras_lps(swap_ras_lps(affine)), affine)
    assert np.array_equal(swap_ras_lps(affine)[:2], -affine[:2])
    assert np.array_equal(swap_ras_lps(affine)[2:], affine[2:])


@settings(deadline=None)  # a busy machine may take longer than 200 ms
@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    st.lists(st.floats(0.1, 10), min_size=3, max_size=3),
    st.lists(st.floats(-300, 300), min_size=3, max_size=3),
    st.sampled_from([1, -1]),
    st.sampled_from([0, 1]),
)
def test_a_grid_written_and_read_again_is_the_same_grid(
    turn: list[float], zooms: list[float], offset: list[float], handedness: int, sform_code: int
) -> None:
    """Where the source had a qform alone, too, though near a half turn a quaternion cannot hold the grid."""
    header = nib.nifti1.Nifti1Header()
    rotation = nib.eulerangles.euler2mat(*(np.pi * np.array(turn)))
    affine = nib.affines.from_matvec(rotation * zooms * [1, 1, handedness], offset)
    header.set_sform(affine, 1)
    wanted, _ = read_geometry("a.nii", head_of(header), (4, 3, 2))
    header["sform_code"], header["qform_code"] = sform_code, 1
    write_geometry(header, wanted, same_grid=False, moved=False)
    found, _ = read_geometry("a.nii", head_of(header), (4, 3, 2))
    assert np.abs(found.affine - FLIP @ affine).max() < 1e-3
    assert np.abs(found.affine - FLIP @ header.get_best_affine()).max() < 1e-3


def test_an_sform_is_taken_before_a_qform_and_a_difference_is_said(save: Save) -> None:
    header = nib.nifti1.Nifti1Header()
    header.set_sform(np.diag([2.0, 2, 2, 1]), 1)
    header.set_qform(np.diag([1.0, 1, 1, 1]), 1)
    path = save("a.nii", ZEROS, header)
    (volume,) = FORMAT.find(path.parent, ["a.nii"]).volumes
    assert volume.geometry is not None
    assert volume.geometry.spacing_mm == (2, 2, 2)
    assert volume.warnings == ("a.nii: sform and qform differ; the sform is used",)


def test_without_codes_the_grid_is_that_of_nibabel_and_a_warning_says_so(save: Save) -> None:
    path = save("a.nii", ZEROS, pixdim=[1, 2, 3, 4, 0, 0, 0, 0])
    (volume,) = FORMAT.find(path.parent, ["a.nii"]).volumes
    assert volume.geometry is not None
    assert np.array_equal(volume.geometry.affine, FLIP @ load(path).affine)
    assert "orientation unknown" in volume.warnings[0]


@pytest.mark.parametrize(("unit", "factor"), [(0, 1), (1, 1000), (2, 1), (3, 0.001)])
def test_metres_and_microns_become_mm(save: Save, unit: int, factor: float) -> None:
    header = nib.nifti1.Nifti1Header()
    header.set_sform(np.diag([-0.5, -0.5, 0.25, 1]), 1)
    path = save("a.nii", ZEROS, header, xyzt_units=unit | 8)
    (volume,) = FORMAT.find(path.parent, ["a.nii"]).volumes
    assert volume.geometry is not None
    assert volume.geometry.spacing_mm == pytest.approx((0.5 * factor, 0.5 * factor, 0.25 * factor))
    assert bool(volume.warnings) == (unit == 1)  # voxels of half a metre


def test_a_quaternion_that_rounding_made_too_long_is_a_half_turn(save: Save) -> None:
    """Quaternion b = 1.0000001 is one step of float32 above the half turn about x."""
    path = save("a.nii", ZEROS, qform_code=1, quatern_b=np.nextafter(np.float32(1), np.float32(2)))
    (volume,) = FORMAT.find(path.parent, ["a.nii"]).volumes
    assert volume.geometry is not None
    assert volume.geometry.affine[:3, :3] == pytest.approx(np.diag([-1.0, 1, -1]), abs=1e-6)


def test_a_2d_image_with_a_zero_third_axis_gets_one_of_length_1(save: Save) -> None:
    path = save("a.nii", np.zeros((4, 3), np.int16), pixdim=[1, 2, 3, 0, 0, 0, 0, 0])
    (volume,) = FORMAT.find(path.parent, ["a.nii"]).volumes
    assert volume.geometry is not None
    assert volume.geometry.size == (4, 3, 1)
    assert volume.geometry.spacing_mm == (2, 3, 1)


def test_a_sheared_sform_is_held_as_it_is(save: Save) -> None:
    sheared = np.array([[1, 0.3, 0, 5], [0, 1, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1]])
    header = nib.nifti1.Nifti1Header()
    header.set_sform(sheared, 1)
    path = save("a.nii", ZEROS, header)
    (volume,) = FORMAT.find(Path(path.parent), ["a.nii"]).volumes
    assert volume.geometry is not None
    assert volume.geometry.affine == pytest.approx(FLIP @ sheared, abs=1e-6)


@pytest.mark.parametrize("kind", [nib.nifti1.Nifti1Header, nib.nifti2.Nifti2Header])
@pytest.mark.parametrize("order", "<>")
def test_plain_numbers_are_those_that_nibabel_reads(kind: type[nib.nifti1.Nifti1Header], order: str) -> None:
    header = kind(endianness=order)
    for place, field in enumerate(header.keys()):
        if np.issubdtype(header[field].dtype, np.number) and field not in {"sizeof_hdr", "eol_check"}:
            header[field] = np.arange(1, header[field].size + 1).reshape(header[field].shape) + 10 * (place % 11)
    head = head_of(header)
    assert head.version == (2 if kind is nib.nifti2.Nifti2Header else 1)
    for field, value in head.values.items():
        if field not in {"magic", "eol_check"}:
            assert np.array_equal(header[field], value), field
    assert head.to_nibabel() == header


def test_a_huge_axis_is_a_fault_and_no_overflow() -> None:
    header = nib.nifti2.Nifti2Header()
    header["sform_code"], header["srow_x"][0] = 1, 1e200
    with pytest.raises(SampleError, match="singular"):
        read_geometry("a.nii", head_of(header), (4, 3, 2))
