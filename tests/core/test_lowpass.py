"""Low-pass filters of volumes, against NumPy's Fourier transform in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from medaug_cli.core.lowpass import keep_ball, keep_ellipsoid

SHAPES = [(6, 7, 9), (1, 70, 5), (8, 2, 65), (64, 3, 1), (1, 1, 1), (31, 130, 4), (20, 21, 22), (3, 2, 801)]


def share_of_highest(shape: tuple[int, ...]) -> np.ndarray:
    """Return the length of each frequency, as shares of the highest of its axis, in NumPy's order."""
    squares = [np.fft.fftfreq(count) * 2 for count in shape]
    return np.sqrt(sum(one**2 for one in np.meshgrid(*squares, indexing="ij")))


@pytest.mark.parametrize("radius", [0.0, 0.3, 0.77, 1.0, 1.21, 1.5, 1.74])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_frequencies_within_an_ellipsoid_stay_and_the_others_go(shape: tuple[int, int, int], radius: float) -> None:
    array = np.random.default_rng(1).normal(100, 30, shape).astype(np.float32)
    kept = share_of_highest(shape) <= radius + 1e-9
    expected = np.fft.ifftn(np.fft.fftn(array.astype(float)) * kept).real
    keep_ellipsoid(array, radius)
    assert np.abs(array - expected).max() <= 2e-4


@pytest.mark.parametrize("radius", [0.0, 0.8, 3.1, 6.2, 9.7, 14.4, 18.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_ball_lies_about_the_middle_of_the_spectrum(shape: tuple[int, int, int], radius: float) -> None:
    """The middle lies half a point beside zero frequency where the number of points is even."""
    array = np.random.default_rng(1).normal(100, 30, shape).astype(np.float32)
    apart = np.meshgrid(*(np.arange(count) - (count - 1) / 2 for count in shape), indexing="ij")
    kept = np.fft.ifftshift(sum(one**2 for one in apart) <= radius**2)
    expected = np.fft.ifftn(np.fft.fftn(array.astype(float)) * kept).real
    keep_ball(array, radius)
    assert np.abs(array - expected).max() <= 2e-4
