"""Planes: what stands where in a picture, whatever the order, direction and size of the voxels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from builders import ball, blob, make_labels, oblique_geometry

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.report.planes import focus_of, plane_name, planes_of


def turned_grids() -> list[Geometry]:
    """Return a cube of 24 voxels in every order and direction of its axes."""
    grids = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            direction = np.zeros((3, 3))
            direction[list(order), range(3)] = signs
            grids.append(Geometry((24, 24, 24), direction=tuple(direction.ravel())))
    return grids


@pytest.mark.parametrize("grid", [*turned_grids(), oblique_geometry((30, 24, 12))])
def test_left_is_right_anterior_is_up_and_superior_is_up(grid: Geometry) -> None:
    """A spot 5 mm to the patient's left, 4 mm anterior and 3 mm superior, in planes through it."""
    spot = blob(grid, (-5, 4, 3), sigma_mm=1.5)[0]
    focus = grid.center_mm + np.array([5.0, -4.0, 3.0])  # LPS
    found = {}
    for plane in planes_of(grid, focus):
        picture = plane.grey(spot, 0.5)
        row, column = np.unravel_index(picture.argmax(), picture.shape)
        found[plane_name(plane)] = (row < picture.shape[0] / 2, column > picture.shape[1] / 2)
    # In the sagittal plane posterior is right, so the anterior spot is left.
    assert found == {"axial": (True, True), "coronal": (True, True), "sagittal": (True, False)}


def test_a_ball_is_round_whatever_the_voxels() -> None:
    grid = Geometry((40, 30, 12), (0.8, 1.1, 2.5))
    for plane in planes_of(grid, grid.center_mm):
        inside = plane.grey(ball(grid, 10), 0.5) > 0.5
        height, width = (np.flatnonzero(inside.any(axis=axis)).size * 0.5 for axis in (1, 0))
        assert height == pytest.approx(20, abs=1.5)
        assert width == pytest.approx(20, abs=1.5)


def test_many_voxels_a_pixel_are_averaged() -> None:
    """Stripes one voxel wide, 0 and 1 in turn, are grey at four voxels a pixel."""
    grid = Geometry((64, 64, 1))
    stripes = np.broadcast_to(np.arange(64) % 2, (1, 64, 64)).astype(np.float32)
    (plane,) = planes_of(grid, grid.center_mm)
    assert np.abs(plane.grey(stripes, 4.0)[:, 1:-1] - 0.5).max() < 1e-6


def test_a_constant_stays_constant_at_any_scale() -> None:
    grid = Geometry((17, 13, 9), (0.7, 1.3, 3.0))
    for plane, scale in itertools.product(planes_of(grid, grid.center_mm), (0.3, 1.0, 2.9)):
        assert np.abs(plane.grey(np.full(grid.size[::-1], 7.0), scale) - 7).max() < 1e-5


def test_a_projection_image_is_shown_as_it_is_stored() -> None:
    grid = Geometry((6, 4, 1), letters=("P", "FL"))
    (plane,) = planes_of(grid, grid.center_mm)
    array = np.arange(24.0).reshape(1, 4, 6)
    assert np.array_equal(plane.cut(array), array[0])
    assert plane_name(plane) == ""


@pytest.mark.parametrize(("size", "name"), [((1, 8, 8), "sagittal"), ((8, 1, 8), "coronal"), ((8, 8, 1), "axial")])
def test_a_2d_image_is_one_plane(size: tuple[int, int, int], name: str) -> None:
    grid = Geometry(size)
    assert [plane_name(plane) for plane in planes_of(grid, grid.center_mm)] == [name]


def test_labels_of_another_grid_lie_where_they_lie_in_the_patient() -> None:
    image = Geometry((20, 20, 20))
    coarse = Geometry((5, 5, 5), (4.0, 4.0, 4.0), (1.5, 1.5, 1.5))  # each voxel covers 4 x 4 x 4 of the image's
    marked = np.zeros((5, 5, 5), np.uint8)
    marked[1, 2, 3] = 9
    (axial, *_) = planes_of(image, np.array([0.0, 0.0, 6.0]))
    picture = axial.labels(LabelMap(marked, coarse), 1.0)
    expected = np.zeros((20, 20), np.uint8)
    expected[8:12, 12:16] = 9
    assert np.array_equal(picture, expected)


def test_labels_are_never_mixed() -> None:
    grid = Geometry((20, 20, 20), (1.0, 1.3, 2.0))
    labels = make_labels(grid)
    for plane in planes_of(grid, grid.center_mm):
        assert set(np.unique(plane.labels(labels, 0.37))) <= {0, 1, 2, 7}


def test_planes_go_where_most_is_labelled() -> None:
    grid = Geometry((10, 10, 10), (2.0, 2.0, 2.0))
    marked = np.zeros((10, 10, 10), np.uint8)
    marked[7, 2:5, 3:6] = 1
    marked[7, 3, 8] = 1
    assert focus_of(grid, [LabelMap(marked, grid)])[2] == 14.0
    assert np.array_equal(focus_of(grid, [LabelMap(np.zeros_like(marked), grid)]), grid.center_mm)
