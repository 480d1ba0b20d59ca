"""Pixel dropout: as many voxels as the fraction says, each on its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import change, make_step

COUNT = 50 * 60 * 40
ONES = np.ones((40, 60, 50), np.float32)


@pytest.mark.parametrize("fraction", [0.001, 0.3, 0.5])
def test_the_fraction_of_voxels_is_lost(fraction: float) -> None:
    lost = change(make_step("pixel_dropout", fraction=fraction, fill=0), ONES) == 0
    assert abs(lost.mean() - fraction) < 3 * math.sqrt(fraction * (1 - fraction) / COUNT)


def test_all_voxels_are_lost_at_1() -> None:
    assert not change(make_step("pixel_dropout", fraction=1, fill=0), ONES).any()


def test_voxels_are_lost_independently_of_their_neighbours() -> None:
    lost = change(make_step("pixel_dropout", fraction=0.5, fill=-1), ONES)
    for one, other in ((lost[1:], lost[:-1]), (lost[:, 1:], lost[:, :-1]), (lost[..., 1:], lost[..., :-1])):
        assert abs(np.mean(one * other)) < 4 / math.sqrt(one.size)


def test_the_colours_of_a_voxel_are_lost_together() -> None:
    colours = np.stack([ONES, 2 * ONES, 3 * ONES])
    step = make_step("pixel_dropout", fraction=0.5, fill=0)
    lost = change(step, colours) == 0
    assert lost.any()
    assert np.array_equal(lost[0], lost[1])
    assert np.array_equal(lost[0], lost[2])
