"""Brightness, contrast and gamma against numbers worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from builders import change, make_step
from pydantic import ValidationError

FIRST_THREE = np.array([True, True, True, False]).reshape(1, 1, 4)


@pytest.mark.parametrize(
    ("values", "before", "after"),
    [
        ({"multiply": 2, "add": 0}, [1, -3, 4], [2, -6, 8]),
        ({"add": 5, "relative_to": "none"}, [1, -3, 4], [6, 2, 9]),
        ({"add": 0.5, "relative_to": "range"}, [0, 10], [5, 15]),
        ({"add": 2, "relative_to": "std"}, [0, 10], [10, 20]),
        ({"add": 1, "relative_to": "percentile"}, list(range(101)), [n + 98 for n in range(101)]),
        ({"multiply": 2, "add": 0.5, "relative_to": "range"}, [0, 10], [5, 25]),
    ],
)
def test_brightness_is_x_times_multiply_plus_add_units(
    values: dict[str, Any], before: list[float], after: list[float]
) -> None:
    assert change(make_step("brightness", **values), before) == pytest.approx(np.array(after, float), abs=1e-4)


@pytest.mark.parametrize(
    ("factor", "preserve_range", "after"),
    [(2, False, [-10, 0, 10, 40]), (2, True, [0, 0, 10, 25]), (0.5, True, [5, 7.5, 10, 17.5]), (0, False, [10] * 4)],
)
def test_contrast_spreads_about_the_mean_and_clamps_if_asked(
    factor: float, preserve_range: bool, after: list[float]
) -> None:
    step = make_step("contrast", factor=factor, preserve_range=preserve_range)
    assert change(step, [0, 5, 10, 25]) == pytest.approx(np.array(after, float), abs=1e-5)


@pytest.mark.parametrize("name", ["brightness", "contrast", "gamma"])
def test_voxels_without_a_measurement_change_no_other_voxel_and_stay_finite(name: str) -> None:
    strength: dict[str, dict[str, float]] = {
        "brightness": {"add": 1},
        "contrast": {"factor": 2},
        "gamma": {"gamma": 0.5},
    }
    step = make_step(name, **strength[name])
    one, other = (change(step, [0, 10, 20, odd], valid=FIRST_THREE) for odd in (-2000, 7000))
    assert np.array_equal(one[:3], other[:3])
    assert np.isfinite([one, other]).all()


def test_gamma_raises_the_share_of_the_range() -> None:
    """Half way from -1000 to 1000 becomes 0.5 ** e**0.5 of the way."""
    after = change(make_step("gamma", log_gamma=0.5), [-1000, 0, 1000])
    assert after == pytest.approx([-1000, 2000 * 0.5 ** math.exp(0.5) - 1000, 1000], abs=1e-3)


def test_inverted_gamma_acts_from_the_top() -> None:
    """A quarter from the bottom is three quarters from the top: 1 - 0.75 ** 2."""
    after = change(make_step("gamma", gamma=2, invert=True), [0, 25, 100])
    assert after == pytest.approx([0, 100 * (1 - 0.75**2), 100], abs=1e-4)


def test_signed_gamma_keeps_signs() -> None:
    after = change(make_step("gamma", gamma=2, mode="signed"), [-3, 0, 0.5, 2])
    assert after == pytest.approx([-9, 0, 0.25, 4], abs=1e-5)


@pytest.mark.parametrize("invert", [False, True])
def test_retain_stats_restores_mean_and_deviation(invert: bool) -> None:
    before = np.random.default_rng(0).uniform(-5, 20, 1000)
    after = change(make_step("gamma", gamma=1.7, invert=invert, retain_stats=True), before)
    assert (after.mean(), after.std()) == pytest.approx((before.mean(), before.std()), abs=1e-4)
    assert not np.allclose(after, before, atol=0.1)


@pytest.mark.parametrize(
    "values", [{"gamma": 2}, {"log_gamma": 0.5, "retain_stats": True}, {"gamma": 3, "invert": True}]
)
def test_a_constant_volume_keeps_its_value_under_gamma(values: dict[str, Any]) -> None:
    assert change(make_step("gamma", **values), [7, 7, 7]) == pytest.approx(7)


def test_gamma_takes_one_exponent() -> None:
    with pytest.raises(ValidationError, match="give gamma or log_gamma, not both"):
        make_step("gamma", gamma=1, log_gamma=0)


def test_gamma_never_draws_an_exponent_that_is_not_positive() -> None:
    """A normal distribution has no least number above 0 to be clipped to, so a clip must be given."""
    with pytest.raises(ValidationError, match="give clip"):
        make_step("gamma", gamma={"normal": [1, 0.5]})
    make_step("gamma", gamma={"normal": [1, 0.5], "clip": [0.2, 3]})
