"""Smoothing: separable Gaussian convolution against SciPy's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from medaug_cli.core.smoothing import gaussian_weights, smooth

if TYPE_CHECKING:
    from medaug_cli.core.smoothing import Kernel


@settings(deadline=None, max_examples=40)
@given(
    size=st.tuples(*[st.integers(1, 12)] * 3),
    sigma=st.tuples(*[st.floats(0.3, 6)] * 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_smoothing_equals_scipy_borders_included(
    size: tuple[int, int, int], sigma: tuple[float, float, float], seed: int
) -> None:
    array = np.random.default_rng(seed).uniform(-1, 1, size).astype(np.float32)
    expected = gaussian_filter(array.astype(np.float64), sigma[::-1], mode="reflect", truncate=4)
    smooth(array, sigma)
    assert np.abs(array - expected).max() < 1e-5


@pytest.mark.parametrize("kernel", ["sampled", "integrated"])
@pytest.mark.parametrize("sigma", [1e-300, 1e-3, 0.4, 2.0, 40.0])
def test_weights_sum_to_one(kernel: Kernel, sigma: float) -> None:
    weights = gaussian_weights(sigma, kernel)
    assert 2 * weights.sum() - weights[0] == pytest.approx(1, abs=1e-6)


def test_integrated_weights_are_the_normal_distribution_over_each_voxel() -> None:
    def below(x: float) -> float:
        return 0.5 * (1 + math.erf(x / (0.8 * math.sqrt(2))))

    weights = gaussian_weights(0.8, "integrated")
    assert weights[1] / weights[0] == pytest.approx((below(1.5) - below(0.5)) / (below(0.5) - below(-0.5)), rel=1e-5)


def test_an_axis_with_sigma_0_stays() -> None:
    array = np.random.default_rng(0).uniform(size=(4, 5, 6)).astype(np.float32)
    smoothed = array.copy()
    smooth(smoothed, (0, 0, 1.5))
    assert np.allclose(smoothed, gaussian_filter(array, (1.5, 0, 0), mode="reflect"), atol=1e-6)
