"""Tallies: range, mean and deviation, and how often each label stands in a map."""

from __future__ import annotations

import numpy as np
import pytest

from medaug_cli.core.tallies import count_values, summarise


@pytest.mark.parametrize("count", [1, 5, 16, 17, 1000, 100_003])
@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8"])
def test_a_summary_equals_numpys_in_double_precision(count: int, dtype: str) -> None:
    array = (np.random.default_rng(count).normal(120, 30, (1, 1, 1, count))).astype(dtype)
    exact = array.astype(np.float64)
    assert summarise(array) == pytest.approx((exact.min(), exact.max(), exact.mean(), exact.std()), rel=1e-9, abs=1e-9)


def test_a_large_offset_costs_no_digits() -> None:
    array = (1e6 + np.random.default_rng(0).integers(-2, 3, 50_000)).astype(np.float32)
    assert summarise(array)[3] == pytest.approx(array.astype(np.float64).std(), rel=1e-9)


def test_an_empty_array_has_a_summary_of_zeros() -> None:
    assert summarise(np.empty((1, 0, 3, 3), np.float32)) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "uint64", "float32"])
def test_every_label_but_the_background_is_counted(dtype: str) -> None:
    array = np.repeat(np.array([0, 3, 0, 7, 3], dtype), [5, 2, 1, 4, 3]).reshape(3, 5, 1)
    assert count_values(array) == {3.0: 5, 7.0: 4}


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32"])
def test_runs_that_end_within_eight_bytes_are_counted_as_numpy_does(dtype: str) -> None:
    generator = np.random.default_rng(0)
    array = np.repeat(generator.integers(0, 100, 400), generator.integers(1, 30, 400)).astype(dtype)
    array[::7] -= array.dtype.type(50) if array.dtype.kind == "i" else array.dtype.type(0)
    values, counts = np.unique(array, return_counts=True)
    expected = {float(value): int(count) for value, count in zip(values, counts, strict=True) if value}
    assert list(count_values(array).items()) == list(expected.items())


def test_labels_below_zero_and_far_apart_are_counted() -> None:
    assert count_values(np.array([[[-5, 0, -5]]], np.int16)) == {-5.0: 2}
    assert count_values(np.array([[[0, 2**40, 2**40]]])) == {float(2**40): 2}
    assert count_values(np.empty((0, 2, 2), np.uint8)) == {}
