"""Channel misalignment: every channel but the first moves a little."""

from __future__ import annotations

import numpy as np
import pytest
from builders import augment, change, make_sample, make_step, make_volume
from pydantic import ValidationError

from medaug_cli.core.geometry import Geometry
from medaug_cli.step import Scene

GRID = Geometry((24, 22, 20), (1.0, 1.0, 1.5), (5, -8, 3))


def moved(channel: str, array: np.ndarray, **numbers: float) -> np.ndarray:
    """Return `array` as a channel of a sample with the channels t1 and t2."""
    step, changed = make_step("channel_misalignment", **{"rotation_deg": 0, **numbers}), array[None].copy()
    words = ("case", 1, "steps[0]", channel)
    step.apply(changed, Scene(GRID, 1, words, channel=channel, channels=("t1", "t2", "flair")))
    return changed[0]


def spot() -> np.ndarray:
    array = np.zeros(GRID.size[::-1], np.float32)
    array[9:11, 10:12, 11:13] = 1
    return array


def test_the_first_channel_stays_and_each_other_one_moves_its_own_way() -> None:
    array = np.random.default_rng(0).uniform(size=GRID.size[::-1]).astype(np.float32)
    assert np.array_equal(moved("t1", array, translation_mm=2), array)
    assert not np.allclose(moved("t2", array, translation_mm=2), array)
    assert not np.allclose(moved("t2", array, translation_mm=2), moved("flair", array, translation_mm=2))


@pytest.mark.parametrize("channels", [None, "shared"])
def test_the_first_channel_stays_inside_augmix_too(channels: str | None) -> None:
    forms = [{"channel_misalignment": {"translation_mm": 3, "rotation_deg": 0}}]
    step = make_step("augmix", chains=[forms], weights=[1], share=1, channels=channels)
    volume = make_volume(GRID)
    first, second = augment(make_sample(volume, volume), step).images.values()
    assert np.array_equal(first.array, volume.array)
    assert not np.allclose(second.array, volume.array)


def test_a_spot_moves_by_no_more_than_the_greatest_shift() -> None:
    made = moved("t2", spot(), translation_mm=3, rotation_deg=0)
    places = np.indices(made.shape)
    centre = np.array([(made * axis).sum() for axis in places]) / made.sum()
    shift_mm = (centre - [9.5, 10.5, 11.5]) * GRID.spacing_mm[::-1]
    assert 0.1 < np.abs(shift_mm).max() <= 3 + 1e-4
    assert made.sum() == pytest.approx(8, rel=1e-4)


def test_a_rotation_is_about_the_centre_of_the_grid() -> None:
    array = np.zeros((21, 21, 21), np.float32)
    array[10, 10, 10] = 1
    step, grid = make_step("channel_misalignment", translation_mm=0, rotation_deg=30), Geometry((21, 21, 21))
    changed = array[None].copy()
    step.apply(changed, Scene(grid, 1, ("case", 1, "steps[0]", "t2"), channels=("t1", "t2")))
    assert changed[0, 10, 10, 10] == pytest.approx(1, abs=1e-5)


def test_nothing_moves_at_zero_strength_nor_where_there_is_one_channel() -> None:
    array = np.random.default_rng(0).uniform(size=(20, 22, 24)).astype(np.float32)
    assert np.array_equal(moved("t2", array, translation_mm=0, rotation_deg=0), array)
    step = make_step("channel_misalignment", translation_mm=5)
    assert np.array_equal(change(step, array, GRID, channels=("image",)), array)


def test_channels_cannot_share_their_move() -> None:
    with pytest.raises(ValidationError, match="would move all channels alike"):
        make_step("channel_misalignment", channels="shared")
