"""Random fields: the spline against SciPy's, its greatest size, its scale in mm."""

from __future__ import annotations

import numpy as np
import pytest
from builders import oblique_geometry
from scipy.interpolate import BSpline

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.random_field import draw_knots, planes


def field_of(grid: Geometry, scale_mm: float, seed: int = 0) -> np.ndarray:
    knots = draw_knots(np.random.default_rng(seed), grid, scale_mm)
    return np.stack([plane.copy() for plane in planes(knots, grid.size[::-1])])


def spline(count: int, knots: int) -> np.ndarray:
    """Return SciPy's uniform cubic B-spline basis (count, knots) over the whole of its domain."""
    ends = np.arange(-3, knots + 1, dtype=float)
    return np.asarray(BSpline(ends, np.eye(knots), 3)(np.linspace(0, knots - 3, count)))


def test_the_field_is_the_cubic_b_spline_of_its_knots() -> None:
    grid = Geometry((41, 30, 27), (1.0, 2.0, 0.5))
    knots = draw_knots(np.random.default_rng(3), grid, 10)
    assert knots.shape == (3 + 1, 3 + 4, 3 + 4)
    found = np.stack([plane.copy() for plane in planes(knots, (27, 30, 41))])
    along = [spline(count, n) for count, n in zip((27, 30, 41), knots.shape, strict=True)]
    assert found == pytest.approx(np.einsum("zc,yb,xa,cba->zyx", *along, knots), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_greatest_size_is_1_to_a_hundredth(seed: int) -> None:
    field = field_of(Geometry((60, 50, 40)), 15, seed)
    assert 0.99 < np.abs(field).max() < 1.01


def test_the_scale_is_in_mm_whatever_the_voxel_size() -> None:
    """Twice the voxels of half the size: the same knots, so the same field at the same places."""
    coarse = field_of(Geometry((41, 41, 1), (2.0, 2.0, 1.0)), 20)
    fine = field_of(Geometry((81, 81, 1), (1.0, 1.0, 1.0)), 20)
    assert fine[:, ::2, ::2] == pytest.approx(coarse, abs=1e-6)


def test_a_small_scale_is_held_to_eight_voxels() -> None:
    assert draw_knots(np.random.default_rng(0), Geometry((81, 41, 1)), 0.001).shape == (1, 5 + 3, 10 + 3)


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 1, 3), (1, 40, 1), (300, 2, 1)])
def test_thin_grids_have_finite_fields(size: tuple[int, int, int]) -> None:
    field = field_of(oblique_geometry(size), 10)
    assert field.shape == size[::-1]
    assert np.isfinite(field).all()
