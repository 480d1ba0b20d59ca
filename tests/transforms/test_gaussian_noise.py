"""Gaussian noise: its distribution, its unit and its independence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from builders import augment, change, make_sample, make_step, make_volume
from scipy.stats import kstest

from medaug_cli.core.geometry import Geometry

COUNT = 50**3
ZEROS = np.zeros((50, 50, 50))
CUBE = Geometry((50, 50, 50))


def noise(**values: Any) -> Any:
    return make_step("gaussian_noise", **{"relative_to": "none", **values})


@pytest.mark.parametrize(("mean", "sigma"), [(0, 1), (-3, 25), (100, 0.5)])
def test_noise_is_normal_with_its_mean_and_sigma(mean: float, sigma: float) -> None:
    """Of 125 000 voxels, moments within 3 standard errors and Kolmogorov-Smirnov p above 0.001."""
    drawn = change(noise(mean=mean, sigma=sigma), ZEROS).ravel().astype(np.float64)
    assert abs(drawn.mean() - mean) < 3 * sigma / math.sqrt(COUNT)
    assert abs(drawn.var() - sigma**2) < 3 * sigma**2 * math.sqrt(2 / COUNT)
    assert kstest(drawn, "norm", args=(mean, sigma)).pvalue > 0.001


def test_voxels_are_independent_of_their_neighbours() -> None:
    drawn = change(noise(sigma=1), ZEROS)
    for one, other in ((drawn[1:], drawn[:-1]), (drawn[:, 1:], drawn[:, :-1]), (drawn[..., 1:], drawn[..., :-1])):
        assert abs(np.mean(one * other)) < 4 / math.sqrt(one.size)


@pytest.mark.parametrize(("unit", "scale"), [("none", 1), ("std", 50), ("range", 100), ("percentile", 100)])
def test_sigma_is_counted_in_the_unit_that_is_named(unit: str, scale: float) -> None:
    """Half of the voxels are 0 and half 100: standard deviation 50, percentiles 0 and 100."""
    before = np.where(np.arange(COUNT).reshape(50, 50, 50) % 2, 100.0, 0.0)
    added = change(noise(sigma=0.1, relative_to=unit), before) - before
    assert added.std() == pytest.approx(0.1 * scale, rel=0.02)


def test_channels_components_and_copies_have_noise_of_their_own() -> None:
    sample = make_sample(make_volume(CUBE, np.zeros((2, 50, 50, 50))), make_volume(CUBE, ZEROS))
    drawn = []
    for number in (1, 2):
        images = augment(sample, noise(sigma=1), noise(sigma=1), copy=number).images
        drawn += [images["0"].array[0], images["0"].array[1], images["1"].array[0]]
    apart = np.corrcoef([one.ravel() for one in drawn]) - np.eye(6)
    assert np.abs(apart).max() < 5 / math.sqrt(COUNT)


def test_two_steps_have_noise_of_their_own() -> None:
    sample = make_sample(make_volume(CUBE, ZEROS))
    once, twice = (augment(sample, *[noise(sigma=1)] * n).images["0"].array for n in (1, 2))
    assert twice.std() == pytest.approx(math.sqrt(2), rel=0.02)
    assert once.std() == pytest.approx(1, rel=0.02)
