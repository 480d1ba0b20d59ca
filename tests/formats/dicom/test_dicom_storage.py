"""Storage: stored integers, real values, padding and slopes, there and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaug_cli.core.sample import Volume
from medaug_cli.formats.dicom.storage import Storage
from tests.formats.dicom.copying import BRIGHTER, MOVED, copy_of, plus
from tests.formats.dicom.datasets import (
    CR,
    DX,
    MR,
    PT,
    UNCHANGED,
    encode,
    image,
    load,
    placed,
    publish,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_values_beyond_bits_stored_are_clipped_and_counted(tmp_path: Path) -> None:
    """12 signed bits hold -2048 to 2047; 2040 + 10 and -2040 + 10 give one clipped voxel."""
    pixels = np.array([[2040, -2040, 0]], np.int16)
    save(image(pixels, BitsStored=12, **placed()), tmp_path / "a.dcm")
    loaded = load(tmp_path)
    (file,) = encode(loaded, UNCHANGED, plus(loaded, 10))
    assert file.clipped == 1
    assert publish([file], tmp_path / "copy")[0].pixel_array.tolist() == [[2047, -2030, 10]]


def test_values_are_rounded_to_the_nearest_and_not_cut() -> None:
    stored, _ = Storage("int16", 16).to_stored(np.array([[-1.6, 1.6, 0.4]], np.float32), None)
    assert stored.tolist() == [[-2, 2, 0]]


@settings(deadline=None)  # the first call compiles
@given(
    dtype=st.sampled_from(["int16", "uint16", "uint8"]),
    slope=st.floats(1e-5, 100),
    intercept=st.integers(-2000, 2000),
    inverted=st.booleans(),
)
def test_every_stored_value_comes_back_from_its_real_value(
    dtype: str, slope: float, intercept: int, *, inverted: bool
) -> None:
    """Intercepts are whole slopes: float32 holds a value only to 1 in 16 million of itself."""
    storage = Storage(dtype, 8 * np.dtype(dtype).itemsize, slope, intercept * slope, inverted)
    every = np.arange(storage.low, storage.high + 1).astype(dtype)[None]
    real = np.empty(every.shape, np.float32)
    storage.fill_real(every, real)
    stored, clipped = storage.to_stored(real, None)
    assert np.array_equal(stored, every)
    assert clipped == 0


@pytest.mark.parametrize(("dtype", "intercept"), [("uint16", -1024), ("int16", 0), ("uint8", 3)])
def test_whole_real_values_come_back_without_fractions_in_between(dtype: str, intercept: int) -> None:
    storage = Storage(dtype, 8 * np.dtype(dtype).itemsize, 1.0, float(intercept))
    every = np.arange(storage.low, min(storage.high, 32767) + 1).astype(dtype)[None]
    assert np.dtype(storage.short_type(every)).kind in "iu"
    real = np.empty(every.shape, storage.short_type(every))
    storage.fill_real(every, real)
    stored, clipped = storage.to_stored(real, None)
    assert np.array_equal(stored, every)
    assert clipped == 0


@pytest.mark.parametrize(
    ("stored", "intercept", "slope", "kind"),
    [
        ([0, 4095], -1024, 1, "int16"),
        ([0, 40000], -1024, 1, "float32"),  # 38976 is beyond int16
        ([0, 40000], 0, 1, "uint16"),
        ([30000, 33000], -1024, 1, "int16"),  # beyond int16 as stored, within it as HU
        ([0, 4095], -1024.5, 1, "float32"),
        ([0, 4095], -1024, 2, "float32"),
    ],
)
def test_whole_real_values_are_held_as_short_integers_and_exactly(
    tmp_path: Path, stored: list[int], intercept: float, slope: float, kind: str
) -> None:
    pixels = np.array([stored], np.uint16)
    save(image(pixels, **placed(RescaleSlope=slope, RescaleIntercept=intercept)), tmp_path / "a.dcm")
    content = load(tmp_path).content
    assert content.array.dtype == kind
    assert content.array.reshape(-1).tolist() == [value * slope + intercept for value in stored]


def test_a_slice_with_fractions_makes_float32_of_all(tmp_path: Path) -> None:
    for k, slope in enumerate((1, 0.5)):
        attributes = placed(k, RescaleSlope=slope, RescaleIntercept=-1000)
        save(image(np.full((2, 2), 101, np.uint16), number=k + 1, **attributes), tmp_path / f"{k}.dcm")
    array = load(tmp_path).content.array
    assert array.dtype == np.float32
    assert array[0, :, 0, 0].tolist() == [-899, -949.5]


def test_padding_is_stamped_again_and_no_measurement_may_have_its_value(tmp_path: Path) -> None:
    """The third pixel would become 0, which means padding here: it is moved to the nearest other value."""
    pixels = np.array([[0, 40, 10]], np.uint16)
    made = copy_of(image(pixels, MR, **placed(PixelPaddingValue=0)), tmp_path, BRIGHTER, -10)
    assert made.pixel_array.tolist() == [[0, 30, 1]]
    assert made.PixelPaddingValue == 0


def test_an_unmoved_padding_range_gets_back_what_stood_there(tmp_path: Path) -> None:
    pixels = np.array([[0, 3, 5, 60]], np.uint16)
    header = image(pixels, CR, Modality="CR", PixelPaddingValue=0, PixelPaddingRangeLimit=5)
    assert copy_of(header, tmp_path).pixel_array.tolist() == [[0, 3, 5, 60]]


def test_void_that_a_mapping_brought_in_is_stamped_with_the_padding_value(tmp_path: Path) -> None:
    save(image(np.array([[5, 6, 7]], np.int16), **placed(PixelPaddingValue=-2000)), tmp_path / "a.dcm")
    loaded = load(tmp_path)
    content = replace(plus(loaded, 0), void=np.array([[[True, False, False]]]))
    (made,) = publish(encode(loaded, MOVED, content), tmp_path / "copy")
    assert made.pixel_array.tolist() == [[-2000, 6, 7]]


def test_monochrome1_is_turned_back(tmp_path: Path) -> None:
    """Brighter by 5 is smaller by 5 in a picture where 0 is white."""
    header = image(np.array([[100, 0, 1023]], np.uint16), DX, BitsStored=10, PhotometricInterpretation="MONOCHROME1")
    made = copy_of(header, tmp_path, BRIGHTER, 5)
    assert made.pixel_array.tolist() == [[95, 0, 1018]]
    assert made.PhotometricInterpretation == "MONOCHROME1"


def test_a_pet_slice_takes_a_steeper_slope_rather_than_clip(tmp_path: Path) -> None:
    """32767 * 0.001 is the most its slope holds; doubled values need a slope of 0.002."""
    header = image(np.array([[32767, 1000]], np.int16), PT, **placed(RescaleSlope=0.001, RescaleIntercept=0))
    save(header, tmp_path / "a.dcm")
    loaded = load(tmp_path)
    assert isinstance(loaded.content, Volume)
    (file,) = encode(loaded, BRIGHTER, replace(loaded.content, array=loaded.content.array * 2))
    (made,) = publish([file], tmp_path / "copy")
    assert file.clipped == 0
    assert float(made.RescaleSlope) == pytest.approx(0.002)
    assert made.pixel_array.tolist() == [[32767, 1000]]
