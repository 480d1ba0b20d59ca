"""Storing float32 intensities as integers."""

from __future__ import annotations

import numpy as np
import pytest

from medaug_cli.core.storing import store_rounded


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
