"""SSIM: Wang's index over windows beside each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.sample import Volume
from medaug_cli.quality import structural_similarity
from medaug_cli.spatial.grids import window_grid

GRID = Geometry((20, 24, 16))


def volume(seed: int) -> Volume:
    array = gaussian_filter(np.random.default_rng(seed).normal(size=GRID.size[::-1]), 1.5)
    return Volume((1000 * array).astype(np.float32)[None], GRID)


def test_a_volume_is_wholly_similar_to_itself() -> None:
    assert structural_similarity(volume(0), volume(0)) == pytest.approx(1.0, abs=1e-5)


def test_unrelated_volumes_are_hardly_similar() -> None:
    assert abs(structural_similarity(volume(0), volume(1))) < 0.3


def test_the_index_is_wang_s_formula_over_windows_of_four_voxels_a_side() -> None:
    one = volume(0).array[0].astype(float)
    other = one + volume(1).array[0] / 2
    c1, c2 = (0.01 * np.ptp(one)) ** 2, (0.03 * np.ptp(one)) ** 2
    found = []
    for corner in itertools.product(range(0, 16, 4), range(0, 24, 4), range(0, 20, 4)):
        window = tuple(slice(start, start + 4) for start in corner)
        a, b = one[window].ravel(), other[window].ravel()
        covariance = np.cov(a, b, bias=True)
        index = (2 * a.mean() * b.mean() + c1) * (2 * covariance[0, 1] + c2)
        found.append(index / ((a.mean() ** 2 + b.mean() ** 2 + c1) * (np.trace(covariance) + c2)))
    copy = Volume(other.astype(np.float32)[None], GRID)
    assert structural_similarity(volume(0), copy) == pytest.approx(np.mean(found), abs=1e-4)


def test_a_constant_source_is_similar_only_to_itself() -> None:
    flat = Volume(np.full((1, *GRID.size[::-1]), 7, np.int16), GRID)
    assert (structural_similarity(flat, flat), structural_similarity(flat, volume(0))) == (1.0, 0.0)


def test_a_window_of_the_source_is_as_the_source() -> None:
    """What was cut off is not missed: the source is looked up where the copy has voxels."""
    source = volume(0)
    cut = Volume(source.array[:, 1:15, 2:22, 3:19], window_grid(GRID, (3, 2, 1), (16, 20, 14)))
    assert structural_similarity(source, cut) == pytest.approx(1, abs=1e-5)
    assert structural_similarity(volume(1), cut) < 0.3


@pytest.mark.parametrize("factor", [1e-30, 1e33])
def test_the_unit_of_the_intensities_does_not_matter(factor: float) -> None:
    one, other = (Volume((volume(seed).array * factor).astype(np.float32), GRID) for seed in (0, 1))
    wanted = structural_similarity(volume(0), volume(1))
    assert structural_similarity(one, other) == pytest.approx(wanted, abs=1e-5)
