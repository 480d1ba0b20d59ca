"""Intensity scales, over the voxels that hold a measurement."""

from __future__ import annotations

import numpy as np
import pytest

from medaug_cli.core.intensity import (
    border_background,
    low_and_high,
    mean_and_deviation,
    percentiles,
    robust_range,
    scale_of,
)

ARRAY = np.array([0, 10, 20, 30], np.float32).reshape(1, 1, 1, 4)
FIRST_THREE = np.array([True, True, True, False]).reshape(1, 1, 4)
NONE = np.zeros((1, 1, 4), bool)


@pytest.mark.parametrize(("unit", "scale"), [("none", 1.0), ("std", np.sqrt(125)), ("range", 30), ("percentile", 29.4)])
def test_each_unit_of_strength_is_the_number_of_its_definition(unit: str, scale: float) -> None:
    """Percentiles 1 and 99 of 0, 10, 20, 30 are 0.3 and 29.7."""
    assert scale_of(ARRAY, None, unit) == pytest.approx(scale)  # type: ignore[arg-type]


@pytest.mark.parametrize(("unit", "scale"), [("std", np.sqrt(200 / 3)), ("range", 20), ("percentile", 19.6)])
def test_voxels_without_a_measurement_do_not_count(unit: str, scale: float) -> None:
    assert scale_of(ARRAY, FIRST_THREE, unit) == pytest.approx(scale)  # type: ignore[arg-type]


def test_nothing_measured_gives_zeros() -> None:
    assert (mean_and_deviation(ARRAY, NONE), low_and_high(ARRAY, NONE)) == ((0, 0), (0, 0))
    assert robust_range(ARRAY, NONE) == 0


def test_a_small_deviation_about_a_large_mean_is_kept() -> None:
    """The sum of squares of float32 would lose it."""
    array = np.tile(np.array([99_999, 100_001], np.float32), 300_000).reshape(1, 1, 1, -1)
    assert mean_and_deviation(array, None) == pytest.approx((100_000, 1), rel=1e-9)


def test_percentiles_of_many_voxels_come_from_an_even_sample() -> None:
    array = np.arange(2_500_000, dtype=np.float32).reshape(1, 100, 100, 250)
    assert robust_range(array, None) == pytest.approx(0.98 * 2_500_000, rel=1e-4)


@pytest.mark.parametrize("shape", [(1, 256, 512, 32), (1, 64, 256, 256), (1, 7, 999, 640)])
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_an_even_sample_is_of_every_column_row_and_slice(shape: tuple[int, ...], axis: int) -> None:
    """A bright slab of 3 % of the volume, across any axis, is beyond percentile 1 to 97.5 and so the range."""
    array = np.zeros(shape, np.float32)
    count = max(1, round(0.03 * shape[axis]))
    np.moveaxis(array, axis, 0)[shape[axis] // 2 : shape[axis] // 2 + count] = 1000
    share = count / shape[axis]
    low, high = percentiles(array, None, 1, 100 * (1 - share / 2))
    assert (low, high) == (0, 1000)


def test_the_background_is_the_mean_of_the_darker_part_of_the_outer_faces() -> None:
    """Air of 10 and 20 all around, a body of 900 up to the last face; what lies inside does not count."""
    array = np.full((1, 8, 8, 8), 10, np.float32)
    array[0, :, :, 0] = 20
    array[0, 2:, 2:6, 2:6] = 900
    array[0, 3:6, 3:5, 3:5] = -5000
    faces = np.concatenate([array[0].take(end, axis=axis).ravel() for axis in range(3) for end in (0, -1)])
    assert border_background(array, None) == pytest.approx(faces[faces < 500].mean())


def test_the_background_of_a_constant_image_is_the_constant() -> None:
    assert border_background(np.full((1, 4, 4, 4), 7, np.float32), None) == 7


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_statistics_of_counted_tones_are_those_of_the_voxels(count: int) -> None:
    voxels = np.random.default_rng(count).integers(3, 90, (1, 1, 1, count))
    tones = np.arange(256, dtype=np.float32).reshape(1, 1, 1, 256)[..., ::-1].copy()
    counts = np.bincount(255 - voxels.reshape(-1), minlength=256).reshape(1, 1, 1, 256)
    assert low_and_high(tones, counts) == (voxels.min(), voxels.max())
    assert mean_and_deviation(tones, counts) == pytest.approx((voxels.mean(), voxels.std()), rel=1e-12)
    for pair in ((0, 100), (1, 99), (2.5, 60)):
        assert percentiles(tones, counts, *pair) == pytest.approx(np.percentile(voxels, pair), rel=1e-12)
    assert percentiles(tones, counts * 0, 1, 99) == (0, 0)
