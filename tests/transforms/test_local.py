"""Local gamma, contrast and brightness: the formulas of their global steps under a smooth field."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import change, make_scene, make_step
from pydantic import ValidationError

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.random_field import draw_knots, planes

GRID = Geometry((40, 36, 30))
BEFORE = np.random.default_rng(0).uniform(-1000, 1000, GRID.size[::-1]).astype(np.float32)


def field(scale_mm: float = 20) -> Any:
    """Return the field that a step with this scale draws in the builders' scene."""
    knots = draw_knots(make_scene(GRID).generator("field"), GRID, scale_mm)
    return np.stack([plane.copy() for plane in planes(knots, GRID.size[::-1])]).astype(np.float64)


def test_local_gamma_is_gamma_with_the_exponent_of_the_place() -> None:
    after = change(make_step("local_gamma", scale_mm=20, strength=0.7), BEFORE)
    low, high = float(BEFORE.min()), float(BEFORE.max())
    share = (BEFORE.astype(np.float64) - low) / (high - low)
    assert after == pytest.approx(share ** np.exp(0.7 * field()) * (high - low) + low, abs=1e-3)


def test_local_contrast_spreads_about_the_mean_by_the_factor_of_the_place() -> None:
    after = change(make_step("local_contrast", scale_mm=20, strength=0.5, preserve_range=False), BEFORE)
    mean = BEFORE.mean(dtype=np.float64)
    assert after == pytest.approx((BEFORE - mean) * np.exp(0.5 * field()) + mean, abs=1e-3)
    kept = change(make_step("local_contrast", scale_mm=20, strength=0.5), BEFORE)
    assert kept == pytest.approx(np.clip(after, BEFORE.min(), BEFORE.max()), abs=1e-3)


@pytest.mark.parametrize(
    ("unit", "scale"), [("none", 1), ("range", float(np.ptp(BEFORE))), ("std", float(BEFORE.std()))]
)
def test_local_brightness_adds_the_field_in_the_unit_that_is_named(unit: str, scale: float) -> None:
    after = change(make_step("local_brightness", scale_mm=20, strength=0.3, relative_to=unit), BEFORE)
    assert after - BEFORE == pytest.approx(0.3 * scale * field(), abs=1e-3 + 1e-5 * scale)


def test_local_brightness_multiplies_by_the_exponential_of_the_field() -> None:
    after = change(make_step("local_brightness", scale_mm=20, strength=0.3, mode="multiply"), BEFORE)
    assert after == pytest.approx(BEFORE * np.exp(0.3 * field()), abs=1e-3)


def test_a_factor_beyond_e_to_the_5_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"mode multiply takes a strength up to 5\.0"):
        make_step("local_brightness", strength=7, mode="multiply")
