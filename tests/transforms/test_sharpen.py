"""Sharpen: its formula with SciPy's Gaussian, its units, its borders."""

from __future__ import annotations

import numpy as np
import pytest
from builders import change, make_step
from scipy.ndimage import gaussian_filter

from medaug_cli.core.geometry import Geometry

NOISE = np.random.default_rng(0).normal(size=(12, 14, 16))


def test_detail_is_added_to_the_smoothed_image() -> None:
    after = change(make_step("sharpen", sigma1=0.8, sigma2=1.2, alpha=4, unit="voxel"), NOISE)
    smoothed = gaussian_filter(NOISE, 0.8)
    assert after == pytest.approx(smoothed + 4 * (smoothed - gaussian_filter(smoothed, 1.2)), abs=1e-4)


def test_widths_in_mm_follow_the_voxel_size() -> None:
    grid = Geometry((16, 14, 12), (0.5, 1.0, 2.0))
    after = change(make_step("sharpen", sigma1=0, sigma2=1.5, alpha=2), NOISE, grid)
    assert after == pytest.approx(NOISE + 2 * (NOISE - gaussian_filter(NOISE, (0.75, 1.5, 3.0))), abs=1e-4)


@pytest.mark.parametrize(("border", "mode"), [("mirror", "reflect"), ("zero", "constant")])
def test_the_border_is_mirrored_or_zero(border: str, mode: str) -> None:
    after = change(make_step("sharpen", sigma1=2, alpha=0, unit="voxel", border=border), NOISE)
    assert after == pytest.approx(gaussian_filter(NOISE, 2, mode=mode), abs=1e-5)


def test_an_edge_gets_steeper_and_its_plateaus_stay() -> None:
    step = np.repeat([0.0, 100.0], 20)
    after = change(make_step("sharpen", sigma1=0, sigma2=1, alpha=1, unit="voxel"), step)
    assert after[20] - after[19] > 150
    assert after[[0, -1]] == pytest.approx([0, 100], abs=1e-4)


def test_a_picture_is_sharpened_in_its_plane() -> None:
    picture = NOISE[:1]
    after = change(make_step("sharpen", sigma1=0, sigma2=1, alpha=1, unit="voxel"), picture)
    assert after[0] == pytest.approx(2 * picture[0] - gaussian_filter(picture[0], 1), abs=1e-4)
