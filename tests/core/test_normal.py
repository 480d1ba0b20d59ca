"""Normal numbers: their distribution, and that nothing but the key decides them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from medaug_cli.core.normal import fill_normal
from medaug_cli.core.seeding import make_generator


def drawn(count: int, *words: str) -> np.ndarray:
    target = np.empty(count, np.float32)
    fill_normal(make_generator(1, *words), target)
    return target.astype(np.float64)


def test_they_are_normal() -> None:
    numbers = drawn(400_000)
    assert stats.kstest(numbers, "norm").pvalue > 1e-3
    error = 1 / np.sqrt(numbers.size)
    assert abs(numbers.mean()) < 3 * error
    assert abs(numbers.var() - 1) < 3 * np.sqrt(2) * error
    assert abs((numbers**4).mean() - 3) < 3 * np.sqrt(96) * error
    beyond = int((abs(numbers) > 3.5).sum())
    assert abs(beyond - numbers.size * 2 * stats.norm.sf(3.5)) < 4 * np.sqrt(numbers.size * 2 * stats.norm.sf(3.5))


def test_the_two_halves_that_share_their_uniform_numbers_are_independent() -> None:
    numbers = drawn(400_000)
    one, other = numbers[:200_000], numbers[200_000:]
    for law in (lambda x: x, np.abs):
        assert abs(np.corrcoef(law(one), law(other))[0, 1]) < 4 / np.sqrt(one.size)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 4 / np.sqrt(numbers.size)


@pytest.mark.parametrize("count", [1, 2, 3, 1023, 2047, 2048, 2049, 5001])
def test_every_number_is_written_whatever_the_count(count: int) -> None:
    target = np.full(count, np.nan, np.float32)
    fill_normal(make_generator(2), target)
    assert np.isfinite(target).all()


def test_each_pair_lies_in_every_direction_at_the_distance_of_two_independent_numbers() -> None:
    numbers = drawn(400_000)
    one, other = numbers[:200_000], numbers[200_000:]
    assert stats.kstest(one**2 + other**2, "chi2", args=(2,)).pvalue > 1e-3
    assert stats.kstest(np.arctan2(other, one) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3


def test_the_tails_go_beyond_five_deviations() -> None:
    numbers = drawn(8_000_000)
    assert 5 < np.abs(numbers).max() < 6.7
    wanted = numbers.size * 2 * stats.norm.sf(4.5)
    assert abs((np.abs(numbers) > 4.5).sum() - wanted) < 4 * np.sqrt(wanted)
