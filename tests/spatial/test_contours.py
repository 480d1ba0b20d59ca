"""Contours: moved against positions worked out by hand, remade against the ball that they outline."""

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import augment, make_sample, make_step, make_volume, oblique_geometry, positions_mm, rotation
from skimage.draw import polygon2mask

from medaug_cli.core.arrays import Array64, BoolArray
from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.marks import Contour, Contours, Move
from medaug_cli.core.sample import Loaded, Source
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.spatial.contours import move_contours
from medaug_cli.spatial.coverage import cover
from medaug_cli.spatial.mapping import Mapping, about, apply_affine
from medaug_cli.spatial.outline import outline

GRID = oblique_geometry((60, 50, 24), (0.8, 1.1, 2.5))
ANGLES = np.linspace(0, 2 * math.pi, 90, endpoint=False)


def at(index: Array64, grid: Geometry = GRID) -> Array64:
    return apply_affine(grid.affine, np.asarray(index, float))


def ring(centre: tuple[float, float, float], radius_mm: float, grid: Geometry = GRID) -> Array64:
    """Return a circle within a slice, its centre given by index."""
    offsets = np.stack([np.cos(ANGLES), np.sin(ANGLES), 0 * ANGLES], 1) * radius_mm / np.array(grid.spacing_mm)
    return at(np.array(centre) + offsets, grid)


def ball_contours(radius_mm: float = 14.0, region: int = 5) -> Contours:
    """Outline a ball about the middle of the grid on every slice that it reaches."""
    middle = (np.array(GRID.size) - 1) / 2
    made = []
    for k in range(GRID.size[2]):
        square = radius_mm**2 - ((k - middle[2]) * GRID.spacing_mm[2]) ** 2
        if square > 1:
            made.append(Contour(ring((middle[0], middle[1], k), math.sqrt(square)), region, len(made)))
    return Contours(tuple(made), {region: "ball"})


def masked(contours: Contours, grid: Geometry) -> BoolArray:
    """Return the voxels (z, y, x) whose centres skimage finds inside an odd number of contours of their slice."""
    mask = np.zeros(grid.size[::-1], dtype=bool)
    for contour in contours.contours:
        index = apply_affine(np.linalg.inv(grid.affine), contour.points_mm)
        k = round(float(index[:, 2].mean()))
        if 0 <= k < grid.size[2]:
            mask[k] ^= polygon2mask(mask.shape[1:], index[:, [1, 0]])
    return mask


def matrix(linear: Array64, shift_mm: tuple[float, float, float] = (0, 0, 0)) -> Mapping:
    """Return the mapping that moves content by `linear` about the grid's centre, then by a shift."""
    return Mapping((np.linalg.inv(about(GRID.center_mm, linear, np.array(shift_mm, float))),))


def in_grid(linear: Array64) -> Array64:
    """Return a matrix given along the array axes, in LPS."""
    axes = np.array(GRID.direction).reshape(3, 3)
    return axes @ linear @ axes.T


IN_PLANE = in_grid(rotation((0, 0, 25)) @ np.diag([1.1, 0.9, 1]))


@pytest.mark.parametrize(
    "linear", [np.eye(3), IN_PLANE, in_grid(np.diag([-1.0, 1, 1])), in_grid(np.diag([1.0, 1, -1]))]
)
def test_what_keeps_slices_moves_every_point_by_the_mapping(linear: Array64) -> None:
    along = np.array(GRID.direction).reshape(3, 3)[:, 2] * 1.3  # mm, not a whole slice
    source = ball_contours()
    moved = move_contours(source, matrix(linear, tuple(along)), Move(GRID, GRID))
    assert not moved.remade
    for one, other in zip(source.contours, moved.contours, strict=True):
        wanted = (one.points_mm - GRID.center_mm) @ linear.T + GRID.center_mm + along
        assert np.allclose(other.points_mm, wanted, atol=1e-9)
        assert (other.row, other.region) == (one.row, 5)


@pytest.mark.parametrize(
    "linear",
    [rotation((8, -11, 20)), in_grid(np.diag([1, 1, 1.2])), rotation((25, 0, 0)) @ np.diag([-1.0, 1, 1])],
)
def test_what_tilts_or_stretches_slices_remakes_the_region(linear: Array64) -> None:
    """The ball becomes an ellipsoid known by hand; beside it our own sampling of the slices may err by half a pixel."""
    moved = move_contours(ball_contours(), matrix(linear), Move(GRID, GRID))
    offsets = (positions_mm(GRID) - GRID.center_mm) @ np.linalg.inv(linear).T
    ellipsoid = np.linalg.norm(offsets, axis=-1) <= 14
    found = masked(moved, GRID)
    assert moved.remade
    assert {contour.row for contour in moved.contours} == {-1}
    assert 2 * (found & ellipsoid).sum() / (found.sum() + ellipsoid.sum()) > 0.97


def test_a_finer_grid_gets_a_contour_on_each_of_its_slices() -> None:
    fine = Geometry((60, 50, 48), (0.8, 1.1, 1.25), GRID.origin_mm, GRID.direction)
    moved = move_contours(ball_contours(), Mapping(), Move(GRID, fine))
    numbers = sorted(float(apply_affine(np.linalg.inv(fine.affine), one.points_mm)[0, 2]) for one in moved.contours)
    assert moved.remade
    assert np.allclose(np.diff(numbers), 1)
    ball = np.linalg.norm(positions_mm(fine) - GRID.center_mm, axis=-1) <= 14
    found = masked(moved, fine)
    assert 2 * (found & ball).sum() / (found.sum() + ball.sum()) > 0.95  # slabs of 2.5 mm are all that is known


def test_a_field_of_view_drops_what_is_outside_and_cuts_nothing() -> None:
    window = Geometry((20, 50, 10), GRID.spacing_mm, tuple(at(np.array([[20, 0, 9]]))[0].tolist()), GRID.direction)
    source = ball_contours()
    moved = move_contours(source, Mapping(), Move(GRID, window))
    assert 0 < len(moved.contours) < len(source.contours)
    assert not moved.remade
    for contour in moved.contours:
        assert np.allclose(contour.points_mm, source.contours[contour.row].points_mm)
    outside = Contours((Contour(ring((2, 2, 12), 1.0), 1, 0),), {1: "gone"})
    assert move_contours(outside, Mapping(), Move(GRID, window)).contours == ()


def test_contours_every_third_slice_stand_for_three() -> None:
    source = Contours(tuple(Contour(ring((30, 25, k), 9.0), 1, k) for k in (5, 8, 11)), {1: "tube"})
    moved = move_contours(source, matrix(rotation((0.3, 0, 0))), Move(GRID, GRID))
    filled = masked(moved, GRID).any(axis=(1, 2))
    assert moved.remade
    assert np.flatnonzero(filled).tolist() == list(range(4, 13))


def test_a_hole_stays_a_hole() -> None:
    rings = [Contour(ring((30, 25, k), radius), 1) for k in range(8, 16) for radius in (10.0, 5.0)]
    moved = move_contours(Contours(tuple(rings), {1: "tube"}), matrix(rotation((3, 0, 0))), Move(GRID, GRID))
    areas = masked(moved, GRID).sum(axis=(1, 2)) * 0.8 * 1.1
    assert moved.remade
    assert areas[11] == pytest.approx(math.pi * (100 - 25), rel=0.04)


def test_points_and_open_lines_are_never_remade() -> None:
    line = Contour(at(np.array([[10, 10, 3], [20, 30, 9.0]])), 2, 1, closed=False)
    source = Contours((*ball_contours().contours, line), {5: "ball", 2: "needle"})
    linear = rotation((8, -11, 20))
    moved = move_contours(source, matrix(linear), Move(GRID, GRID))
    (needle,) = (one for one in moved.contours if one.region == 2)
    assert np.allclose(needle.points_mm, (line.points_mm - GRID.center_mm) @ linear.T + GRID.center_mm)


def test_a_bend_within_slices_moves_points_and_one_across_them_remakes() -> None:
    rng = np.random.default_rng(3)
    for across, remade in ((0.0, False), (2.0, True)):
        inside = rng.uniform(-2, 2, (7, 7, 7, 3)) * [1, 1, across]
        field = SplineGrid(GRID.affine, GRID.size, inside @ np.array(GRID.direction).reshape(3, 3).T)
        assert move_contours(ball_contours(), Mapping((field,)), Move(GRID, GRID)).remade is remade


def test_regions_whose_names_change_places_change_contours() -> None:
    source = Contours(
        (Contour(ring((20, 20, 5), 4), 1, 0), Contour(ring((40, 20, 5), 6), 2, 1), Contour(ring((9, 9, 5), 2), 3, 2)),
        {1: "left", 2: "right", 3: "lung_l"},
    )
    swaps = (("left", "right"), ("lung_l", "lung_r"))
    moved = move_contours(source, Mapping(), Move(GRID, GRID, swaps))
    assert [(one.region, one.row) for one in moved.contours] == [(2, 0), (1, 1), (3, 2)]
    assert moved.names == {1: "left", 2: "right", 3: "lung_r"}
    assert moved.exchanged == {1, 2}


def test_a_contour_across_slices_moves_but_is_not_remade() -> None:
    upright = Contours((Contour(at(np.array([[10, 10, 3], [30, 10, 9], [10, 10, 9.0]])), 1, 0),), {1: "sagittal"})
    assert len(move_contours(upright, matrix(IN_PLANE), Move(GRID, GRID)).contours) == 1
    with pytest.raises(SampleError, match="rasterised") as caught:
        move_contours(upright, matrix(rotation((10, 0, 0))), Move(GRID, GRID))
    assert caught.value.reason == "contour_off_slice"


def test_coverage_is_the_area_of_the_polygon() -> None:
    """A triangle by hand: its area, and the cell that its corner cuts off."""
    triangle = np.array([[0.5, 0.5], [6.5, 0.5], [0.5, 4.5]])
    share = cover([triangle], (8, 9))
    assert share.sum() == pytest.approx(12, rel=1e-6)
    assert share[1, 1] == 1
    assert share[1, 6] == pytest.approx(1 / 3, abs=0.01)  # one step up, 1.5 steps along: a third of the cell is left


def test_polygons_that_reach_over_the_border_are_cut_there() -> None:
    assert cover([np.array([[-9.0, -9], [30, -9], [30, 30], [-9, 30]])], (5, 7)).tolist() == np.ones((5, 7)).tolist()
    (polygon,) = outline(np.ones((5, 7), np.float32))
    assert polygon.min(axis=0).tolist() == [-0.5, -0.5]
    assert polygon.max(axis=0).tolist() == [6.5, 4.5]


def test_contours_go_by_the_slices_of_the_image_that_they_are_drawn_on() -> None:
    """A turn about the left-right axis keeps sagittal slices and no axial ones."""
    axial = Geometry((20, 20, 10), (1.0, 1.0, 3.0))
    sagittal = Geometry((20, 30, 6), (1.0, 1.0, 3.0), (0, 0, 28), (0, 0, 1, 1, 0, 0, 0, -1, 0))
    contours = Contours((Contour(ring((9, 14, 3), 4.0, sagittal), 1, 0),), {1: "a"}, image="1")
    sample = make_sample(make_volume(axial), make_volume(sagittal))
    turn = make_step("affine", rotation_deg={"LR": 15}, scale=1.0, translation_mm=0.0)
    marked = Loaded(Source("label", "rs", "dicom", ()), contours, (), None)
    made = augment(replace(sample, marks={"rs": marked}), turn).marks["rs"]
    assert not made.remade
    assert np.allclose(made.contours[0].points_mm[:, 0], contours.contours[0].points_mm[:, 0])
    on_axial = replace(marked, content=replace(contours, image="0"))
    with pytest.raises(SampleError, match="along the slice axis of its image"):
        augment(replace(sample, marks={"rs": on_axial}), turn)
