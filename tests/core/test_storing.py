"""Storing float32 intensities as integers."""

from __future__ import annotations

import numpy as np
import pytest

from medaug_cli.core.storing import store_rounded, store_shifted, store_unscaled


def test_halves_go_to_even_and_what_does_not_fit_is_clipped_and_counted() -> None:
    values = np.array([0.5, 1.5, -0.5, 2.4, -128.5, -129, 127.5, 127.4, 1e9], np.float32)
    target = np.empty(values.shape, np.int8)
    clipped, finite = store_rounded(values, target, -128, 127)
    assert target.tolist() == [0, 2, 0, 2, -128, -128, 127, 127, 127]
    assert (clipped, finite) == (3, True)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_told(odd: float) -> None:
    values = np.array([1, odd, 2], np.float32)
    assert not store_rounded(values, np.empty(3, np.int16), -32768, 32767)[1]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_every_short_type_equals_rounding_and_clipping_by_numpy(dtype: str) -> None:
    info = np.iinfo(dtype)
    values = np.random.default_rng(0).uniform(info.min - 9, info.max + 9, 10_000).astype(np.float32)
    target = np.empty(values.shape, dtype)
    clipped, _ = store_rounded(values, target, info.min, info.max)
    rounded = np.rint(values)
    assert np.array_equal(target, np.clip(rounded, info.min, info.max).astype(dtype))
    assert clipped == ((rounded < info.min) | (rounded > info.max)).sum()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("rescale", [(1.0, 0.0), (1.0, -1024.0), (0.0123, 7.25), (-2.5, 1.0)])
@pytest.mark.parametrize(("dtype", "ends"), [("uint16", (0, 4095)), ("uint16", (0, 65535)), ("int16", (-2048, 2047))])
def test_unscaling_equals_that_of_numpy_in_double_precision(
    dtype: str, ends: tuple[int, int], rescale: tuple[float, float], turned: bool
) -> None:
    values = np.random.default_rng(0).uniform(ends[0] - 99, ends[1] + 99, (3, 5_000)).astype(np.float32)
    values = (values * rescale[0] + rescale[1]).astype(np.float32)
    values[0, ::2] = np.rint(values[0, ::2]) + 0.5
    target = np.empty(values.shape, dtype)
    clipped = store_unscaled(values, target, rescale, ends, turned=turned)
    exact = (values.astype(np.float64) - rescale[1]) / rescale[0]
    whole = np.rint(sum(ends) - exact if turned else exact)
    assert np.array_equal(target, np.clip(whole, *ends).astype(dtype))
    assert clipped == ((whole < ends[0]) | (whole > ends[1])).sum()


@pytest.mark.parametrize("intercept", [0, -1024, 32767])
@pytest.mark.parametrize(("dtype", "ends"), [("uint16", (0, 4095)), ("int16", (-2048, 2047)), ("int8", (-128, 127))])
@pytest.mark.parametrize("kind", ["int16", "uint16", "uint8"])
def test_whole_numbers_are_shifted_and_clipped_without_turning_round(
    kind: str, dtype: str, ends: tuple[int, int], intercept: int
) -> None:
    info = np.iinfo(kind)
    values = np.arange(info.min, info.max + 1).astype(kind)
    target = np.empty(values.shape, dtype)
    clipped = store_shifted(values, target, intercept, ends)
    exact = values.astype(np.int64) - intercept
    assert np.array_equal(target, exact.clip(*ends))
    assert clipped == ((exact < ends[0]) | (exact > ends[1])).sum()


def test_bytes_are_stored_unscaled_and_what_is_no_number_becomes_the_least() -> None:
    values = np.array([0.5, 1.5, -3, 255.4, 256, np.nan, 200], np.float32)
    target = np.empty(values.shape, np.uint8)
    assert store_unscaled(values, target, (1.0, 0.0), (0, 255), turned=False) == 2
    assert target.tolist() == [0, 2, 0, 255, 255, 0, 200]
