"""Values: what is stored becomes intensities or labels, and goes back unchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import nibabel as nib
import numpy as np
import pytest

from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.sample import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.sample import Loaded
    from tests.formats.nifti.fixtures import Encode, Read, Save

INTEGERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]
TYPES = [*INTEGERS, "float32", "float64"]
COUNT = np.arange(24).reshape(4, 3, 2)  # (x, y, z)


def load(path: Path) -> Any:
    """Open `path` with nibabel."""
    return nib.load(path)


def stored_in(path: Path) -> Any:
    """Return the unscaled voxels by nibabel."""
    return np.asanyarray(load(path).dataobj.get_unscaled())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("role", ["image", "label"])
def test_every_type_in_both_byte_orders_goes_through_unchanged(
    save: Save, read: Read, encode: Encode, order: Literal["<", ">"], dtype: str, role: str
) -> None:
    path = save("a.nii", COUNT.astype(dtype), nib.nifti1.Nifti1Header(endianness=order))
    loaded = read("a.nii", role=role)
    (file,) = encode(loaded, "b.nii")
    assert np.array_equal(loaded.content.array.reshape(2, 3, 4).T, COUNT)
    assert np.array_equal(stored_in(path.with_name("b.nii")), COUNT)
    assert load(path.with_name("b.nii")).get_data_dtype() == np.dtype(dtype).newbyteorder(order)
    assert file.voxel_sha256 == loaded.entries[0].voxel_sha256 == read("b.nii").entries[0].voxel_sha256
    assert file.dtype == dtype


def with_first_voxel(loaded: Loaded, value: float) -> Loaded:
    """Return `loaded` as steps hand it on, float32, its first voxel changed."""
    array = loaded.content.array.astype(np.float32)
    array[0, 0, 0, 0] = value
    return replace(loaded, content=replace(loaded.content, array=array))


@pytest.mark.parametrize(
    ("stored", "held"),
    [("uint8", "uint8"), (">i2", "int16"), ("int32", "float32"), ("float32", "float32"), ("float64", "float32")],
)
def test_intensities_are_held_by_component_z_y_x_short_integers_as_they_are_and_all_else_as_float32(
    save: Save, read: Read, stored: str, held: str
) -> None:
    volumes = np.arange(4 * 3 * 2 * 5).reshape(4, 3, 2, 5).astype(stored)
    save("a.nii", volumes)
    array = read("a.nii").content.array
    assert (array.dtype, array.shape) == (np.dtype(held), (5, 2, 3, 4))
    assert array.flags.c_contiguous
    assert array[3, 1, 2, 0] == volumes[0, 2, 1, 3]


@pytest.mark.parametrize("dtype", INTEGERS[2:])
def test_the_largest_labels_of_a_type_survive(save: Save, read: Read, encode: Encode, dtype: str) -> None:
    labels = np.full((4, 3, 2), np.iinfo(dtype).max, dtype)
    labels[0] = 0
    path = save("a.nii", labels)
    loaded = read("a.nii", role="label")
    encode(loaded, "b.nii.gz")
    assert loaded.content.array.dtype == dtype
    assert np.array_equal(stored_in(path.with_name("b.nii.gz")), labels)


def test_whole_float_labels_stay_float_and_others_are_refused(save: Save, read: Read) -> None:
    save("whole.nii", COUNT.astype(np.float32))
    save("probability.nii", (COUNT / 23).astype(np.float32))
    save("void.nii", np.where(COUNT == 3, np.nan, COUNT).astype(np.float32))
    assert read("whole.nii", role="label").content.array.dtype == np.float32
    for name in ("probability.nii", "void.nii"):
        with pytest.raises(SampleError, match=r"^label_not_integer:"):
            read(name, role="label")


def test_a_mask_that_was_saved_scaled_is_read_whole_and_stored_as_it_was(
    save: Save, read: Read, encode: Encode
) -> None:
    """0 and 255 with slope 1/255, as nibabel saves a float mask under a uint8 header."""
    mask = np.where(COUNT > 11, 255, 0).astype(np.uint8)
    path = save("a.nii", mask, scl_slope=1 / 255, scl_inter=0)
    loaded = read("a.nii", role="label")
    encode(loaded, "b.nii")
    assert np.array_equal(loaded.content.array.T, COUNT > 11)
    assert np.array_equal(stored_in(path.with_name("b.nii")), mask)


def test_scaled_labels_that_are_not_whole_or_cannot_be_stored_are_refused(
    save: Save, read: Read, encode: Encode
) -> None:
    save("half.nii", COUNT.astype(np.uint8), scl_slope=0.5)
    with pytest.raises(SampleError, match=r"^label_not_integer:"):
        read("half.nii", role="label")
    save("odd.nii", COUNT.astype(np.uint8), scl_slope=2, scl_inter=1)
    loaded = read("odd.nii", role="label")
    with pytest.raises(SampleError, match=r"^label_not_representable:"):
        encode(loaded, "b.nii", content=LabelMap(loaded.content.array * 0, loaded.content.geometry))


@pytest.mark.parametrize("slope", [0.0, np.nan, np.inf])
def test_a_slope_of_0_nan_or_inf_scales_nothing_whatever_the_intercept(save: Save, read: Read, slope: float) -> None:
    save("a.nii", COUNT.astype(np.int16), scl_slope=slope, scl_inter=100)
    assert np.array_equal(read("a.nii").content.array[0].T, COUNT)


def test_scaled_integers_are_read_scaled_and_stored_with_the_same_scaling(
    save: Save, read: Read, encode: Encode
) -> None:
    """Stored 7 at slope 0.5 from 100 is 103.5; 103.7 is nearest to 103.5 again, 1e6 is clipped at 32767."""
    path = save("a.nii", COUNT.astype(np.int16), scl_slope=0.5, scl_inter=100)
    loaded = read("a.nii")
    assert loaded.content.array[0, 1, 0, 1] == 100 + 0.5 * COUNT[1, 0, 1]
    array = loaded.content.array.copy()
    array[0, 0, 0, :] = [103.7, 103.8, 1e6, -1e6]
    (file,) = encode(loaded, "b.nii", content=Volume(array, loaded.content.geometry))
    copy = load(path.with_name("b.nii"))
    assert stored_in(path.with_name("b.nii"))[:, 0, 0].tolist() == [7, 8, 32767, -32768]
    assert (copy.dataobj.slope, copy.dataobj.inter) == (0.5, 100)
    assert file.clipped == 2


@pytest.mark.parametrize(("value", "stored", "clipped"), [(0.5, 0, 0), (1.5, 2, 0), (254.6, 255, 0), (300.6, 255, 1)])
def test_integers_are_rounded_once_and_clipped_never_wrapped(
    save: Save, read: Read, encode: Encode, value: float, stored: int, clipped: int
) -> None:
    path = save("a.nii", COUNT.astype(np.uint8))
    loaded = with_first_voxel(read("a.nii"), value)
    (file,) = encode(loaded, "b.nii")
    assert stored_in(path.with_name("b.nii"))[0, 0, 0] == stored
    assert file.clipped == clipped


@pytest.mark.parametrize("dtype", INTEGERS[4:])
def test_wide_integers_are_clipped_to_a_value_that_the_type_holds(
    save: Save, read: Read, encode: Encode, dtype: str
) -> None:
    path = save("a.nii", COUNT.astype(dtype))
    loaded = with_first_voxel(read("a.nii"), 1e30)
    assert encode(loaded, "b.nii")[0].clipped == 1
    assert stored_in(path.with_name("b.nii"))[0, 0, 0] == pytest.approx(np.iinfo(dtype).max, rel=1e-15)


def test_an_integer_type_is_never_given_nan(save: Save, read: Read, encode: Encode) -> None:
    save("a.nii", COUNT.astype(np.int16))
    loaded = with_first_voxel(read("a.nii"), np.nan)
    with pytest.raises(SampleError, match=r"^not_finite:"):
        encode(loaded, "b.nii")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_and_inf_are_void_filled_with_the_least_finite_value_and_put_back(
    save: Save, read: Read, encode: Encode, dtype: str, name: str
) -> None:
    voxels = COUNT.astype(dtype) + 5
    voxels[0, 0, 0], voxels[1, 0, 0], voxels[2, 0, 0] = np.nan, np.inf, -np.inf
    path = save("plain.nii", voxels)
    encode(read("plain.nii"), name)
    loaded = read(name)
    assert isinstance(loaded.content, Volume)
    void = loaded.content.void
    assert void is not None
    assert np.argwhere(void).tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 2]]
    assert loaded.content.array[0, 0, 0, :3].tolist() == [6, 6, 6]  # the voxel of 5 is void itself
    assert not loaded.content.grows
    encode(loaded, "same.nii")
    assert np.array_equal(stored_in(path.with_name("same.nii")), voxels, equal_nan=True)
    encode(loaded, "moved.nii", content=replace(loaded.content, void=void[:, :, ::-1]), moved=True)
    moved = stored_in(path.with_name("moved.nii"))
    assert np.isnan(moved[1:, 0, 0]).all()
    assert np.isfinite(moved[0]).all()


def test_a_voxel_without_value_in_one_volume_is_void_and_the_others_keep_theirs(
    save: Save, read: Read, encode: Encode
) -> None:
    voxels = np.arange(48, dtype=np.float32).reshape(4, 3, 2, 2)
    voxels[1, 1, 1, 0] = np.nan
    path = save("a.nii", voxels)
    loaded = read("a.nii")
    assert loaded.content.array[:, 1, 1, 1].tolist() == [0, voxels[1, 1, 1, 1]]
    encode(loaded, "b.nii")
    assert np.array_equal(stored_in(path.with_name("b.nii")), voxels, equal_nan=True)


def test_an_image_without_any_finite_value_is_all_void_and_zero(save: Save, read: Read) -> None:
    save("a.nii", np.full((4, 3, 2), np.nan, np.float32))
    content = read("a.nii").content
    assert isinstance(content, Volume)
    assert content.void is not None
    assert content.void.all()
    assert not content.array.any()


@pytest.mark.parametrize(("code", "colours"), [(128, 3), (2304, 4)])
def test_colours_are_components_and_are_stored_side_by_side_again(
    save: Save, read: Read, encode: Encode, code: int, colours: int
) -> None:
    """The samples of a voxel lie next to each other: red, green, blue of voxel 0 are the first three bytes."""
    samples = np.arange(24 * colours, dtype=np.uint8).reshape(4 * colours, 3, 2, order="F")
    path = save("a.nii", samples, datatype=code, bitpix=8 * colours, dim=[3, 4, 3, 2, 1, 1, 1, 1])
    loaded = read("a.nii")
    (file,) = encode(loaded, "b.nii")
    assert loaded.content.array[:, 0, 0, 0].tolist() == list(range(colours))
    assert file.data[352:] == path.read_bytes()[352:]
    assert load(path.with_name("b.nii")).get_data_dtype() == load(path).get_data_dtype()
    assert file.voxel_sha256 == loaded.entries[0].voxel_sha256


@pytest.mark.parametrize("value", [2, -1, 255])
def test_components_of_labels_are_0_and_1_or_shares(save: Save, read: Read, value: int) -> None:
    save("a.nii", np.full((4, 3, 2, 5), value, np.int16))
    with pytest.raises(SampleError, match=r"^label_components:"):
        read("a.nii", role="label")


def test_a_label_beyond_the_type_of_the_file_is_refused(save: Save, read: Read, encode: Encode) -> None:
    save("a.nii", COUNT.astype(np.uint8))
    loaded = read("a.nii", role="label")
    with pytest.raises(SampleError, match=r"^label_not_representable:"):
        encode(loaded, "b.nii", content=LabelMap(np.full((2, 3, 4), 256, np.int32), loaded.content.geometry))


@pytest.mark.parametrize(
    ("low", "high", "window"),
    [(-160, 240, (40, 400)), (0, 0, None), (5, 5, None), (9, 1, None), (0, np.inf, None), (np.nan, 1, None)],
)
def test_the_display_range_of_the_header_is_the_window(
    save: Save, read: Read, low: float, high: float, window: tuple[float, float] | None
) -> None:
    save("a.nii", COUNT.astype("int16"), cal_min=low, cal_max=high)
    assert read("a.nii").window == window


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16"])
def test_float32_that_a_recipe_asks_for_has_the_byte_order_of_the_header(
    save: Save, read: Read, encode: Encode, order: str, dtype: str
) -> None:
    voxels = np.arange(24, dtype=dtype).reshape(4, 3, 2)
    path = save("a.nii", voxels, nib.nifti1.Nifti1Header(endianness=order))
    (written,) = encode(read("a.nii"), "b.nii", dtype="float32")
    copy = load(path.with_name("b.nii"))
    assert copy.header.endianness == order
    assert np.array_equal(np.asanyarray(copy.dataobj), voxels.astype(np.float32))
    assert {entry.voxel_sha256 for entry in read("b.nii").entries} == {written.voxel_sha256}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_float32_that_a_recipe_asks_for_is_scaled_beside_a_voxel_without_value_too(
    save: Save, read: Read, encode: Encode, dtype: str
) -> None:
    voxels = np.full((2, 2, 2, 2), 5, dtype)
    voxels[0, 0, 0, 0] = np.nan
    path = save("a.nii", voxels, scl_slope=2, scl_inter=1)
    encode(read("a.nii"), "b.nii", dtype="float32")
    copy = np.asanyarray(load(path.with_name("b.nii")).dataobj)
    assert np.isnan(copy[0, 0, 0, 0])
    assert np.unique(copy[..., 1]).tolist() == [11]


def test_a_value_beyond_float32_is_inf_where_a_recipe_asks_for_float32(save: Save, read: Read, encode: Encode) -> None:
    voxels = np.full((2, 2, 2), 5, "float64")
    voxels[0, 0, 0] = 1e300
    path = save("a.nii", voxels)
    encode(read("a.nii"), "b.nii", dtype="float32")
    assert np.asanyarray(load(path.with_name("b.nii")).dataobj)[:, 0, 0].tolist() == [np.inf, 5]
