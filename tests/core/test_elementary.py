"""Powers and exponentials: right to half a unit in the last place of float32."""

from __future__ import annotations

import numpy as np
import pytest

from medaug_cli.core.elementary import multiply_by_exp, raise_to_power

UNIT = 2.0**-24  # half a unit in the last place of 1, and so of everything below


@pytest.mark.parametrize("exponent", [0.2, 0.5, 1.0, 1.7, 5.0])
def test_powers_are_rounded_once_from_double_precision(exponent: float) -> None:
    base = np.random.default_rng(0).random(100_000, dtype=np.float32)
    found = base.copy()
    raise_to_power(found, exponent)
    exact = base.astype(np.float64) ** exponent
    assert np.abs(found / exact - 1).max() < UNIT * (1 + 1e-6)


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
    assert np.abs(found / (array * np.exp(field)) - 1).max() < UNIT * (1 + 1e-6)
