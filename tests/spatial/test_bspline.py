"""B-spline deformations: the control grid of ITK's initializer, and a Jacobian determinant that stays up."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import oblique_geometry, to_sitk

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import sitk
from medaug_cli.spatial.bspline import SplineGrid, _least_possible, jacobian_range, to_array_axes, unfolding_factor

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64


def random_grid(
    amount_mm: float, counts: tuple[int, int, int], seed: int, size: tuple[int, int, int] = (22, 20, 14)
) -> SplineGrid:
    """Return a deformation whose two border layers do not move, over an oblique anisotropic grid."""
    geometry = oblique_geometry(size)
    coefficients = np.random.default_rng(seed).uniform(-amount_mm, amount_mm, (*counts, 3))
    inner = np.zeros((*counts, 3), bool)
    inner[tuple(slice(2, n - 2) if n > 4 else slice(None) for n in counts)] = True
    return SplineGrid(geometry.affine, geometry.size, np.where(inner, coefficients, 0))


def determinants(grid: SplineGrid) -> Array64:
    """Return the Jacobian determinant at every voxel, by central differences over 1/500 of a voxel."""
    index = np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), axis=-1).reshape(-1, 3)
    points = index @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    columns = []
    for axis in range(3):
        step = grid.affine[:3, axis] * 1e-3
        columns.append((grid.pull(points + step) - grid.pull(points - step)) / 2e-3)
    return np.asarray(np.linalg.det(np.stack(columns, axis=-1)) / np.linalg.det(grid.affine[:3, :3]))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("counts", [(7, 7, 7), (5, 8, 6), (10, 10, 9)])
@pytest.mark.parametrize("least", [0.05, 0.4])
def test_the_unfolding_factor_keeps_the_determinant_up_at_every_voxel(
    seed: int, counts: tuple[int, int, int], least: float
) -> None:
    grid = random_grid(25, counts, seed)
    factor = unfolding_factor(grid, least)
    assert factor < 1
    assert determinants(grid.scaled(factor)).min() >= least - 2e-3


@pytest.mark.parametrize("seed", range(4))
def test_the_unfolding_factor_takes_no_more_than_it_must(seed: int) -> None:
    grid = random_grid(60, (6, 6, 6), seed)
    factor = unfolding_factor(grid, 0.05)
    assert determinants(grid.scaled(min(1.1 * factor, 1.0))).min() < 0.05


def test_a_mild_deformation_keeps_its_strength() -> None:
    assert unfolding_factor(random_grid(0.5, (7, 7, 7), 0), 0.05) == 1


@pytest.mark.parametrize("amount_mm", [0.5, 1.0, 2.0, 25.0])
def test_no_determinant_is_below_what_is_called_possible(amount_mm: float) -> None:
    for seed in range(3):
        grid = random_grid(amount_mm, (7, 6, 8), seed)
        assert _least_possible(grid) <= determinants(grid).min() + 1e-6


def test_something_is_known_of_mild_deformations_without_sampling() -> None:
    assert _least_possible(random_grid(0.2, (7, 7, 7), 0)) > 0.3


def test_the_range_of_the_determinant_is_that_of_all_voxels() -> None:
    grid = random_grid(2, (7, 7, 7), 1)
    low, high = jacobian_range(grid)
    dense = determinants(grid)
    assert low <= dense.min() + 1e-6
    assert low == pytest.approx(dense.min(), abs=0.05)
    assert high == pytest.approx(dense.max(), abs=0.05)


def test_nothing_moves_outside_the_domain() -> None:
    grid = SplineGrid(np.eye(4), (10, 10, 10), np.full((4, 4, 4, 3), 2.0))
    points = np.array([[-0.63, 5, 5], [-0.62, 5, 5], [5, 9.62, 5], [5, 9.63, 5]])
    assert (grid.pull(points) - points)[:, 0] == pytest.approx([0, 2, 2, 0])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, -1)])
def test_coefficients_lie_where_itks_initializer_puts_them(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    """Its domain runs along the world's axes by a rule of its own, whatever the order of the image's axes."""
    direction = np.zeros((3, 3))
    direction[list(order), range(3)] = signs
    geometry = Geometry((9, 8, 7), (1.0, 1.5, 2.0), (4.0, -3.0, 9.0), tuple(direction.ravel()))
    image = to_sitk(np.zeros(geometry.size[::-1], np.uint8), geometry)
    transform = sitk.BSplineTransformInitializer(image, [2, 2, 2])
    coefficients = np.random.default_rng(0).uniform(-1, 1, (5, 5, 5, 3))
    transform.SetParameters(coefficients.ravel(order="F").tolist())
    grid = SplineGrid(geometry.affine, geometry.size, to_array_axes(coefficients, geometry))
    points = geometry.center_mm + np.random.default_rng(1).uniform(-2, 2, (10, 3))
    expected = [transform.TransformPoint(point) for point in points.tolist()]
    assert np.abs(grid.pull(points) - expected).max() < 1e-8
