"""Moves by whole voxels: flips, quarter turns and shifts are exact, whatever the interpolation and the dtype."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from builders import oblique_geometry, to_sitk

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import sitk
from medaug_cli.spatial.mapping import Mapping
from medaug_cli.spatial.resample import Request, resample

SIGNED_PERMUTATIONS = [
    (order, signs) for order in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)
]


def whole_move(
    grid: Geometry, order: tuple[int, int, int], signs: tuple[int, int, int], shift: tuple[int, int, int]
) -> Mapping:
    """Return the mapping that takes output index e_n to source index signs[n] · e_order[n], and then shifts."""
    matrix = np.eye(4)
    matrix[:3, :3] = 0
    matrix[list(order), range(3)] = signs
    matrix[:3, 3] = shift
    return Mapping((grid.affine @ matrix @ np.linalg.inv(grid.affine),))


@pytest.mark.parametrize(("order", "signs"), SIGNED_PERMUTATIONS)
@pytest.mark.parametrize("fill", [5.0, None])
def test_a_whole_move_equals_simpleitk_to_the_last_bit(
    order: tuple[int, int, int], signs: tuple[int, int, int], fill: float | None
) -> None:
    grid = oblique_geometry((5, 6, 4))
    array = np.random.default_rng(0).uniform(size=grid.size[::-1]).astype(np.float32)
    mapping = whole_move(grid, order, signs, (3, 1, 2))
    matrix = mapping.parts[0]
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())  # type: ignore[index]
    transform.SetTranslation(matrix[:3, 3].tolist())  # type: ignore[index]
    image = to_sitk(array, grid)
    oracle = sitk.ResampleImageFilter()
    oracle.SetReferenceImage(image)
    oracle.SetTransform(transform)
    oracle.SetInterpolator(sitk.sitkNearestNeighbor)
    oracle.SetDefaultPixelValue(fill or 0)
    oracle.SetUseNearestNeighborExtrapolator(fill is None)
    expected = sitk.GetArrayFromImage(oracle.Execute(image))
    (moved,) = resample([Request(array, grid, "linear", fill)], mapping)
    assert np.array_equal(moved, expected)


@pytest.mark.parametrize("interpolation", ["linear", "bspline", "nearest"])
def test_a_flip_is_numpys_flip_with_every_interpolation(interpolation: str) -> None:
    grid = oblique_geometry((5, 6, 4))
    array = np.random.default_rng(0).uniform(size=grid.size[::-1]).astype(np.float32)
    (moved,) = resample([Request(array, grid, interpolation, 0.0)], whole_move(grid, (0, 1, 2), (1, -1, 1), (0, 5, 0)))
    assert np.array_equal(moved, array[:, ::-1])


def test_a_move_out_of_the_grid_leaves_only_the_fill() -> None:
    grid = Geometry((3, 3, 3))
    (moved,) = resample(
        [Request(np.ones((3, 3, 3), np.float32), grid, "linear", -5.0)],
        whole_move(grid, (0, 1, 2), (1, 1, 1), (3, 0, 0)),
    )
    assert np.array_equal(moved, np.full((3, 3, 3), -5, np.float32))


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1])
def test_an_int64_label_beyond_double_precision_survives(value: int) -> None:
    grid = Geometry((3, 3, 3))
    (moved,) = resample(
        [Request(np.full((3, 3, 3), value, np.int64), grid, "nearest", None)],
        whole_move(grid, (0, 1, 2), (-1, 1, 1), (2, 0, 0)),
    )
    assert np.unique(moved).tolist() == [value]
