"""Slice motion: passes of slices that move within their plane."""

from __future__ import annotations

import numpy as np
import pytest
from builders import change, make_step

from medaug_cli.core.geometry import Geometry

GRID = Geometry((24, 24, 6), (1.0, 1.0, 4.0))


def test_slices_of_one_pass_move_alike_and_those_of_two_do_not() -> None:
    rng = np.random.default_rng(0)
    array = np.repeat(rng.uniform(0, 100, (1, 24, 24)), 6, axis=0)
    made = change(make_step("slice_motion", translation_mm=3, rotation_deg=0), array, GRID)
    assert all(np.array_equal(made[k], made[k % 2]) for k in range(6))
    assert not np.allclose(made[0], made[1])
    assert not np.allclose(made[0], array[0])


def test_a_spot_moves_by_no_more_than_the_greatest_shift_and_stays_in_its_slice() -> None:
    array = np.zeros((6, 24, 24), np.float32)
    array[:, 11:13, 11:13] = 1
    made = change(make_step("slice_motion", translation_mm=3, rotation_deg=0, passes=6), array, GRID)
    y, x = np.indices((24, 24))
    centres = np.array([[(made[k] * y).sum(), (made[k] * x).sum()] / made[k].sum() for k in range(6)]) - 11.5
    assert np.abs(centres).max() <= 3 + 1e-4
    assert len(np.unique(centres.round(3))) == 12
    assert made.sum(axis=(1, 2)) == pytest.approx(4, rel=1e-4)


def test_nothing_moves_at_zero_strength_nor_in_a_picture() -> None:
    array = np.random.default_rng(0).uniform(size=(6, 24, 24)).astype(np.float32)
    assert np.array_equal(change(make_step("slice_motion", translation_mm=0, rotation_deg=0), array, GRID), array)
    picture = Geometry((24, 24, 1))
    assert np.array_equal(change(make_step("slice_motion", translation_mm=5), array[:1], picture), array[:1])
