"""Posterize and solarize against TorchVision's values for 8-bit images, and on ranges of their own."""

from __future__ import annotations

import numpy as np
import pytest
from builders import change, make_step

EVERY_LEVEL = np.arange(256, dtype=np.float32)


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterize_keeps_the_highest_bits_of_8(bits: int) -> None:
    """TorchVision: image & -int(2 ** (8 - bits))."""
    mask = 256 - 2 ** (8 - bits)
    after = change(make_step("posterize", bits=bits), EVERY_LEVEL, eight_bit=True)
    assert np.array_equal(after, EVERY_LEVEL.astype(int) & mask)


def test_posterize_divides_the_range_of_other_images() -> None:
    """From -100 to 100 in four levels: -100, -50, 0, 50."""
    after = change(make_step("posterize", bits=2), [-100, -51, -50, -1, 0, 49, 50, 100])
    assert after.tolist() == [-100, -100, -50, -50, 0, 0, 50, 50]


def test_a_constant_image_keeps_its_value() -> None:
    assert change(make_step("posterize", bits=1), [7, 7]).tolist() == [7, 7]
    assert change(make_step("solarize", threshold=2), [7, 7]).tolist() == [7, 7]


@pytest.mark.parametrize("threshold", [0, 100, 128, 255])
def test_solarize_turns_8_bit_intensities_about_255(threshold: int) -> None:
    """TorchVision: torch.where(image >= threshold, 255 - image, image)."""
    step = make_step("solarize", threshold=threshold, relative_to="none")
    after = change(step, EVERY_LEVEL, eight_bit=True)
    assert np.array_equal(after, np.where(threshold <= EVERY_LEVEL, 255 - EVERY_LEVEL, EVERY_LEVEL))


def test_solarize_takes_its_threshold_as_a_share_of_the_range() -> None:
    """Half of -100 to 300 is 100; what reaches it is turned about 100: 200 - x."""
    after = change(make_step("solarize", threshold=0.5), [-100, 99, 100, 250, 300])
    assert after.tolist() == [-100, 99, 100, -50, -100]


@pytest.mark.parametrize(("name", "values"), [("posterize", {"bits": 1}), ("solarize", {"threshold": 0.5})])
def test_what_is_not_measured_sets_no_range(name: str, values: dict[str, float]) -> None:
    valid = np.array([True, True, True, False]).reshape(1, 1, 4)
    one, other = (change(make_step(name, **values), [0, 10, 20, odd], valid=valid) for odd in (-2000, 7000))
    assert np.array_equal(one[:3], other[:3])
    assert np.isfinite([one, other]).all()
