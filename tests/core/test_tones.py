"""Tones: the compiled maps against NumPy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medaug_cli.core import tones

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray

RANGE = np.linspace(-3, 3, 100_001).astype(np.float32)
SMALL = st.floats(-2, 2, width=32)


def mapped(points: list[float], values: list[float]) -> FloatArray:
    array = RANGE.copy()
    tones.map_through(array, points, values)
    return array


@settings(deadline=None)  # the first call compiles
@given(points=st.lists(SMALL, min_size=2, max_size=12, unique=True).map(sorted), data=st.data())
def test_map_through_is_the_interpolation_of_numpy(points: list[float], data: st.DataObject) -> None:
    values = data.draw(st.lists(SMALL, min_size=len(points), max_size=len(points)))
    expected = np.interp(RANGE.astype(np.float64), points, values)
    # On a slope that is all but upright, one voxel's rounding is the whole step.
    gentle = np.abs(np.gradient(expected)) < 1
    # pytest.approx compares such arrays one by one: 100 of 100 000 took a minute.
    np.testing.assert_allclose(mapped(points, values)[gentle], expected[gentle], rtol=0, atol=1e-5)


def test_map_through_jumps_where_two_points_are_equal() -> None:
    after = mapped([-1, 0, 0, 1], [0, 0, 5, 5])
    assert set(after[RANGE < 0]) == {0}
    assert set(after[RANGE >= 0]) == {5}


def test_map_through_a_single_place_is_a_threshold() -> None:
    assert set(mapped([1, 1], [0, 7])) == {0, 7}


def test_map_through_makes_numbers_of_what_is_none() -> None:
    array = np.array([np.nan, np.inf, -np.inf], np.float32)
    tones.map_through(array, [0, 1], [2, 3])
    assert array.tolist() == [2, 3, 2]


def test_rescale_is_one_line_and_a_clip() -> None:
    array = np.array([-10, 0, 1, 10], np.float32)
    tones.rescale(array, array, 2, 1, -3, 5)
    assert array.tolist() == [-3, 1, 3, 5]


def test_count_bins_is_the_histogram_of_numpy() -> None:
    voxels = np.random.default_rng(0).normal(size=10_001).astype(np.float32)
    expected, _ = np.histogram(voxels.astype(np.float64), bins=32, range=(-2, 2))
    assert tones.count_bins(voxels, -2, 2, 32).tolist() == expected.tolist()


def test_count_bins_of_one_intensity_is_one_bin() -> None:
    assert tones.count_bins(np.full(5, 3, np.float32), 3, 3, 4).tolist() == [5, 0, 0, 0]
