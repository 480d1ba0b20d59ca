"""Counting: Poisson numbers against SciPy's probabilities, for few and for many expected counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2, norm, poisson

from medaug_cli.core.counting import count_photons

COUNT = 200_000


def counted(expected: float, per_unit: float = 1.0, zero: float = 0.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    array = np.full(COUNT, expected, np.float32)
    count_photons(array, np.random.Generator(np.random.PCG64(7)), per_unit, zero)
    return array.astype(np.float64)


@pytest.mark.parametrize("expected", [0.25, 3.0, 9.5, 10.0, 12.0, 40.0, 300.0])
def test_counts_have_the_probabilities_of_poisson(expected: float) -> None:
    """Chi-squared over all counts that are expected in at least 20 voxels."""
    observed = np.bincount(counted(expected).astype(int))
    wanted = poisson.pmf(np.arange(len(observed)), expected) * COUNT
    common = wanted >= 20
    statistic = ((observed - wanted)[common] ** 2 / wanted[common]).sum()
    assert chi2.sf(statistic, common.sum() - 1) > 0.001


@pytest.mark.parametrize("expected", [1e4, 1e6])
def test_mean_and_variance_of_many_counts_are_what_is_expected(expected: float) -> None:
    drawn = counted(expected)
    limit = norm.isf(0.0005)
    assert abs(drawn.mean() - expected) < limit * math.sqrt(expected / COUNT)
    assert abs(drawn.var() / expected - 1) < limit * math.sqrt(2 / COUNT)


def test_what_is_not_above_zero_stays() -> None:
    array = np.array([-1024, -1000, np.nan, -1000.5], np.float32)
    count_photons(array, np.random.Generator(np.random.PCG64(7)), 2.0, -1000.0)
    assert np.array_equal(array, np.array([-1024, -1000, np.nan, -1000.5], np.float32), equal_nan=True)


def test_counts_are_brought_back_to_the_unit_and_zero_of_the_image() -> None:
    """Half a count a unit: what comes out lies 0, 2, 4, … above the zero of -1000."""
    assert set((counted(0.0, 0.5, -1000.0) + 1000) % 2) == {0}


def test_a_dose_without_limit_changes_nothing() -> None:
    assert set(counted(7.0, 1e20)) == {7.0}
