"""Grids made from other grids, and arrays brought onto them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import oblique_geometry, rotation, to_sitk

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import sitk
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.spatial.grids import matching_grid, window_grid, zoomed_grid
from medaug_cli.spatial.mapping import Mapping, about
from medaug_cli.spatial.resample import Request, outside_fraction, resample

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray

GRID = oblique_geometry()
AXES_TURNED = Geometry((1, 1, 1), direction=(0.0, -1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0))


def noise(grid: Geometry) -> FloatArray:
    return np.random.default_rng(0).uniform(-1000, 1000, grid.size[::-1]).astype(np.float32)


def test_a_window_begins_where_its_first_voxel_was() -> None:
    grid = window_grid(Geometry((10, 10, 10), (2.0, 1.0, 3.0), (5.0, 6.0, 7.0)), (2, -1, 4), (3, 12, 5))
    assert (grid.size, grid.origin_mm) == ((3, 12, 5), (9.0, 5.0, 19.0))


def test_a_mask_whose_axes_run_otherwise_keeps_to_the_voxels_of_its_image() -> None:
    """A micrometre of rounding in its header brings no further row of voxels."""
    other = replace(
        GRID.in_axes_of(AXES_TURNED), origin_mm=tuple(mm + 5e-4 for mm in GRID.in_axes_of(AXES_TURNED).origin_mm)
    )
    for new in (window_grid(GRID, (2, 1, 0), (9, 11, 8)), zoomed_grid(GRID, (8, 7, 5), (1.6, 2.2, 5.0))):
        made = matching_grid(GRID, new, other)
        assert made.same_voxels(new)
        assert made.in_axes_of(new) == new or made.in_axes_of(new).same_grid(new, 1e-9)
        assert made.size == (new.size[2], new.size[0], new.size[1])


@pytest.mark.parametrize("count", [3, 8, 20])
def test_other_voxels_fill_the_same_field_of_view(count: int) -> None:
    """The outer faces stay: from half a voxel before the first to half a voxel behind the last."""
    grid = Geometry((8, 1, 1), (1.5, 1.0, 1.0), (10.0, 0.0, 0.0))
    made = zoomed_grid(grid, (count, 1, 1), (12 / count, 1.0, 1.0))
    half = made.spacing_mm[0] / 2
    assert made.origin_mm[0] - half == pytest.approx(10 - 0.75)
    assert made.origin_mm[0] + (count - 1) * made.spacing_mm[0] + half == pytest.approx(10 - 0.75 + 12)


@pytest.mark.parametrize("start", [(3, 2, 1), (-2, -3, -1), (5, -2, 0)])
@pytest.mark.parametrize("fill", [-7.0, None])
def test_a_window_holds_the_voxels_themselves(start: tuple[int, int, int], fill: float | None) -> None:
    array = noise(GRID)
    new = window_grid(GRID, start, (12, 15, 9))
    (made,) = resample([Request(array, GRID, "linear", fill, output=new)], Mapping())
    width = [(20, 20)] * 3
    padded = np.pad(array, width, mode="edge") if fill is None else np.pad(array, width, constant_values=fill)
    x, y, z = (20 + first for first in start)
    assert np.array_equal(made, padded[z : z + 9, y : y + 15, x : x + 12])


def test_a_window_outside_everything_is_filled() -> None:
    new = window_grid(GRID, (100, 0, 0), (4, 4, 4))
    (made,) = resample([Request(noise(GRID), GRID, "linear", 3.0, output=new)], Mapping())
    assert (made == 3).all()


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
@pytest.mark.parametrize("interpolation", ["linear", "nearest", "bspline"])
def test_another_grid_is_sampled_as_simpleitk_does(interpolation: str, resampler: str) -> None:
    array = noise(GRID)
    new = zoomed_grid(GRID, (9, 21, 13), (1.3, 0.7, 1.9))
    mapping = Mapping((about(GRID.center_mm, rotation((3, 4, 15))),))
    (made,) = resample([Request(array, GRID, interpolation, -5.0, output=new)], mapping, resampler)  # type: ignore[arg-type]
    transform = sitk.AffineTransform(3)
    matrix = mapping.parts[0]
    assert isinstance(matrix, np.ndarray)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    like = to_sitk(np.zeros(new.size[::-1], np.float32), new)
    how = {"linear": sitk.sitkLinear, "nearest": sitk.sitkNearestNeighbor, "bspline": sitk.sitkBSpline}[interpolation]
    expected = sitk.GetArrayFromImage(sitk.Resample(to_sitk(array, GRID), like, transform, how, -5.0))
    assert (np.abs(made - expected) < 0.05).mean() > 0.999


@pytest.mark.parametrize("beyond", [0, 4])
def test_the_fast_way_through_a_spline_is_the_general_one(beyond: int) -> None:
    """A window of an elastic deformation is the window of the whole one; outside its domain nothing moves."""
    coefficients = np.random.default_rng(1).uniform(-2, 2, (6, 6, 6, 3))
    mapping = Mapping((SplineGrid(GRID.affine, GRID.size, coefficients),))
    start, size = (3 - beyond, 2 - beyond, 1 - beyond), (7 + 2 * beyond, 8 + 2 * beyond, 6 + 2 * beyond)
    new = window_grid(GRID, start, size)
    request = Request(noise(GRID), GRID, "linear", None, output=new)
    (fast,) = resample([request], mapping)
    # An identity in front that is none to the bit sends the chain through the general way.
    slow_mapping = Mapping((about(GRID.center_mm, rotation((0, 0, 1e-5))), *mapping.parts))
    (slow,) = resample([request], slow_mapping)
    assert np.abs(fast - slow).max() < 0.01
    (reference,) = resample([replace(request, fill=0.0)], mapping, "simpleitk")
    (ours,) = resample([replace(request, fill=0.0)], mapping)
    assert (np.abs(ours - reference) < 0.05).mean() > 0.999


def test_a_label_map_of_the_same_grid_gets_the_same_new_grid() -> None:
    new = window_grid(GRID, (1, 1, 1), (4, 4, 4))
    assert matching_grid(GRID, new, replace(GRID)) is new


def test_a_finer_label_map_is_cut_to_the_same_field_of_view_in_its_own_voxels() -> None:
    image = Geometry((10, 10, 10), (2.0, 2.0, 2.0))
    fine = Geometry((20, 20, 20), (1.0, 1.0, 1.0), (-0.5, -0.5, -0.5))
    made = matching_grid(image, window_grid(image, (2, 3, 4), (5, 4, 3)), fine)
    assert made.size == (10, 8, 6)
    assert made.spacing_mm == (1.0, 1.0, 1.0)
    assert made.origin_mm == (3.5, 5.5, 7.5)


def test_a_finer_label_map_stays_finer_by_the_same_ratio() -> None:
    image = Geometry((10, 10, 10), (2.0, 2.0, 2.0))
    fine = Geometry((20, 20, 10), (1.0, 1.0, 2.0), (-0.5, -0.5, 0.0))
    made = matching_grid(image, zoomed_grid(image, (5, 20, 10), (4.0, 1.0, 2.0)), fine)
    assert (made.size, made.spacing_mm) == ((10, 40, 10), (2.0, 0.5, 2.0))
    assert np.array(made.origin_mm) == pytest.approx([0.0, -0.75, 0.0])


def test_what_is_padded_does_not_count_as_outside() -> None:
    grid = Geometry((10, 10, 10))
    assert outside_fraction(grid, window_grid(grid, (-5, -5, -5), (20, 20, 20)), Mapping()) == 0
    assert outside_fraction(grid, window_grid(grid, (20, 0, 0), (5, 5, 5)), Mapping()) == 0
