"""Powers and exponentials: right to a few units in the last place of float32."""

from __future__ import annotations

import numpy as np
import pytest

from medaug_cli.core.elementary import multiply_by_exp, raise_to_power

UNIT = 2.0**-23  # a unit in the last place of 1, relative to it; the greatest there is


@pytest.mark.parametrize("greatest", [1.0, 4000.0, 1e6])
@pytest.mark.parametrize("exponent", [0.2, 0.5, 1.0, 1.7, 5.0])
def test_powers_are_right_to_four_units_in_the_last_place(exponent: float, greatest: float) -> None:
    base = np.random.default_rng(0).random(100_000, dtype=np.float32) * np.float32(greatest)
    found = base.copy()
    raise_to_power(found, exponent)
    exact = base.astype(np.float64) ** exponent
    assert np.abs(found / exact - 1).max() < 4 * UNIT


def test_nothing_to_any_power_is_nothing_and_one_is_one() -> None:
    array = np.array([[0.0, 1.0]], dtype=np.float32)
    raise_to_power(array, 0.3)
    assert array.tolist() == [[0.0, 1.0]]


def test_voxels_are_multiplied_by_the_exponential_of_the_field() -> None:
    generator = np.random.default_rng(1)
    array = generator.uniform(1, 2, (50, 60)).astype(np.float32)
    field = generator.normal(0, 2, (50, 60))
    found = array.copy()
    multiply_by_exp(found, field)
    assert np.abs(found / (array * np.exp(field)) - 1).max() < 2 * UNIT
