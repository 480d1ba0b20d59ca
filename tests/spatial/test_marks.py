"""Marks: points and boxes against positions worked out by hand, and against the voxels of the same copy."""

import math

import numpy as np
import pytest

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.marks import LEAST_BOX_SHARE, Boxes, Move, Points
from medaug_cli.spatial.mapping import Mapping, about
from medaug_cli.spatial.marks import move_marks

ANGLE = math.radians(20)
TURN = np.array([[math.cos(ANGLE), -math.sin(ANGLE), 0], [math.sin(ANGLE), math.cos(ANGLE), 0], [0, 0, 1]])
OBLIQUE = Geometry((20, 24, 8), (0.7, 0.9, 3.5), (-12.0, 30.0, -71.0), tuple(map(float, TURN.ravel())))


def shift(index: tuple[float, float, float]) -> Mapping:
    """Content moves by `index` voxels along the array axes of the oblique grid."""
    linear = OBLIQUE.affine[:3, :3]
    return Mapping((about(np.zeros(3), np.eye(3), -linear @ np.array(index, float)),))


def at(index: list[list[float]]) -> np.ndarray:
    return np.array(index, float) @ OBLIQUE.affine[:3, :3].T + OBLIQUE.affine[:3, 3]


@pytest.mark.parametrize("space", ["lps_mm", "index"])
def test_points_move_with_the_content_and_those_that_leave_are_dropped(space: str) -> None:
    index = [[3.25, 4.5, 2.0], [18.0, 20.0, 7.0]]
    positions = np.array(index) if space == "index" else at(index)
    points = Points(positions, ("inside", "leaves"), (7, 8), space)

    moved = move_marks(points, shift((3, -2, 0)), Move(OBLIQUE, OBLIQUE))

    wanted = [[6.25, 2.5, 2.0]]
    assert np.allclose(moved.positions, np.array(wanted) if space == "index" else at(wanted), atol=1e-9)
    assert (moved.names, moved.rows) == (("inside",), (7,))


@pytest.mark.parametrize(("x", "stays"), [(-0.5, True), (-0.51, False), (19.5, True), (19.51, False)])
def test_the_field_of_view_ends_half_a_voxel_beyond_the_outermost_centre(x: float, stays: bool) -> None:
    moved = move_marks(Points(at([[x, 3, 3]]), ("p",), (0,)), Mapping(), Move(OBLIQUE, OBLIQUE))
    assert bool(moved.names) is stays


def test_names_are_swapped_with_the_sides() -> None:
    points = Points(at([[3, 3, 3], [5, 5, 5], [6, 6, 6]]), ("left", "right", "nose"), (0, 1, 2))
    swaps = (("left", "right"), ("right", "left"), ("left", "right"))
    assert move_marks(points, Mapping(), Move(OBLIQUE, OBLIQUE, swaps)).names == ("right", "left", "nose")


def test_a_box_in_voxels_is_the_box_around_its_moved_corners() -> None:
    turned = about(OBLIQUE.center_mm, TURN.T)  # about the slice axis, which the grid shares
    boxes = Boxes(np.array([[8.0, 9.0, 3.0]]), np.array([[12.0, 14.0, 3.0]]), ("lesion",), (0,), "index")

    moved = move_marks(boxes, Mapping((turned,)), Move(OBLIQUE, OBLIQUE))

    # By hand: millimetres from the centre of the plane, turned by +20 degrees, back to voxels.
    corners = np.array([[x, y] for x in (8.0, 12.0) for y in (9.0, 14.0)])
    centre = np.array([9.5, 11.5])
    placed = (corners - centre) * [0.7, 0.9] @ TURN[:2, :2].T / [0.7, 0.9] + centre
    assert np.allclose(moved.low[0, :2], placed.min(axis=0), atol=1e-9)
    assert np.allclose(moved.high[0, :2], placed.max(axis=0), atol=1e-9)
    assert np.allclose([moved.low[0, 2], moved.high[0, 2]], 3.0)


@pytest.mark.parametrize(("by", "left"), [(0.0, 4.0), (9.5, 2.0), (10.4, 1.1), (10.6, None), (30.0, None)])
def test_a_box_is_cut_at_the_border_and_dropped_when_little_is_left(by: float, left: float | None) -> None:
    boxes = Boxes(np.array([[8.0, 9.0, 3.0]]), np.array([[12.0, 14.0, 3.0]]), ("lesion",), (0,), "index")

    moved = move_marks(boxes, shift((by, 0, 0)), Move(OBLIQUE, OBLIQUE))

    if left is None:
        assert moved.names == ()
    else:
        assert moved.high[0, 0] - moved.low[0, 0] == pytest.approx(left)
        assert left / 4.0 >= LEAST_BOX_SHARE
        assert moved.high[0, 0] <= 19.5


def test_a_box_that_leaves_its_plane_is_dropped() -> None:
    boxes = Boxes(np.array([[8.0, 9.0, 3.0]]), np.array([[12.0, 14.0, 3.0]]), ("lesion",), (0,), "index")
    assert move_marks(boxes, shift((0, 0, 6)), Move(OBLIQUE, OBLIQUE)).names == ()
