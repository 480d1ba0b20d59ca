"""Patch swap: an exchange of voxels, which loses none and makes none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import augment, change, make_sample, make_scene, make_step, make_volume

from medaug_cli.core.geometry import Geometry

GRID = Geometry((20, 16, 12))
RAMP = np.arange(20 * 16 * 12, dtype=np.float32).reshape(12, 16, 20)


def test_two_patches_change_places() -> None:
    """Patches of 2 voxels: (0, 0, 0) and the last place, voxel 18, 14, 10."""
    after = change(make_step("patch_swap", size=2, places=[(0, 0, 0, 1, 1, 1)]), RAMP)
    expected = RAMP.copy()
    expected[:2, :2, :2], expected[10:, 14:, 18:] = RAMP[10:, 14:, 18:], RAMP[:2, :2, :2]
    assert np.array_equal(after, expected)


@pytest.mark.parametrize("size", [3, 8, (20, 2, 2), (20, 16, 12), 100])
def test_no_voxel_is_lost_and_none_is_made(size: object) -> None:
    copy = augment(make_sample(make_volume(GRID, RAMP)), make_step("patch_swap", size=size, count=21))
    after = copy.images["0"].array
    assert np.array_equal(np.sort(after.ravel()), RAMP.ravel())
    assert not np.array_equal(after[0], RAMP)


def test_a_patch_as_large_as_the_image_is_halved_along_the_longest_axis() -> None:
    after = change(make_step("patch_swap", size=100, places=[(0, 0, 0, 1, 0, 0)]), RAMP)
    assert np.array_equal(after, np.concatenate([RAMP[..., 10:], RAMP[..., :10]], axis=-1))


def test_pairs_do_not_overlap_and_stand_in_the_record() -> None:
    drawn = make_step("patch_swap", size=6, count=100).fix(np.random.default_rng(0), make_scene(GRID))
    places = np.array(drawn.values()["places"])
    starts = (places * ([15, 11, 7] * 2)).astype(int)
    assert (np.abs(starts[:, :3] - starts[:, 3:]) >= 6).any(axis=1).all()


def test_the_size_may_be_drawn_too() -> None:
    sizes = set()
    for seed in range(20):
        drawn = make_step("patch_swap", size=[2, 5]).fix(np.random.default_rng(seed), make_scene(GRID))
        sizes.add(drawn.values()["size"])
    assert sizes == {2, 3, 4, 5}


def test_channels_and_colours_exchange_the_same_places() -> None:
    volume = replace(make_volume(GRID, np.stack([RAMP, RAMP + 10000, RAMP + 20000])), rgb=True)
    copy = augment(make_sample(volume, make_volume(GRID, RAMP)), make_step("patch_swap"))
    red, green, _ = copy.images["0"].array
    assert np.array_equal(green, red + 10000)
    assert np.array_equal(copy.images["1"].array[0], red)


def test_voxels_without_a_measurement_are_not_exchanged() -> None:
    valid = np.ones((12, 16, 20), bool)
    valid[:2, :2, 0] = False
    after = change(make_step("patch_swap", size=2, places=[(0, 0, 0, 1, 1, 1)]), RAMP, valid=valid)
    assert np.array_equal(after[:2, :2, 0], RAMP[:2, :2, 0])
    assert np.array_equal(after[10:, 14:, 18], RAMP[10:, 14:, 18])
    assert np.array_equal(after[:2, :2, 1], RAMP[10:, 14:, 19])
