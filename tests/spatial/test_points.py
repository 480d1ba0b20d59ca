"""Points: pushed by the true inverse of the mapping that resampling pulls with."""

from __future__ import annotations

import numpy as np
import pytest
from builders import (
    augment,
    blob,
    centroid_ras_mm,
    make_sample,
    make_scene,
    make_step,
    make_volume,
    oblique_geometry,
    rotation,
)

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.spatial.mapping import Mapping, about
from medaug_cli.spatial.points import push

GRID = oblique_geometry((40, 36, 24))


def inside(grid: Geometry, count: int = 500, seed: int = 0) -> np.ndarray:
    index = np.random.default_rng(seed).uniform(0, np.array(grid.size) - 1, (count, 3))
    return index @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def test_a_shift_moves_a_point_with_the_content() -> None:
    """Output positions are pulled from 10 mm to the right, so content goes 10 mm to the left."""
    pull = np.eye(4)
    pull[0, 3] = 10
    assert push(Mapping((pull,)), np.array([[5.0, 6, 7]])) == pytest.approx(np.array([[-5.0, 6, 7]]))


@pytest.mark.parametrize("copy", range(1, 6))
def test_points_pushed_and_pulled_back_are_where_they_were(copy: int) -> None:
    steps = [
        make_step("affine"),
        make_step("elastic", displacement_mm=6),
        make_step("rotate", rotation_deg=20),
        make_step("elastic", displacement_mm=[2, 4], control_points=9),
    ]
    mapping = augment(make_sample(make_volume(GRID)), *steps, copy=copy).mapping
    points = GRID.center_mm + (inside(GRID) - GRID.center_mm) * 0.6
    pushed = push(mapping, points)
    assert np.linalg.norm(mapping.pull(pushed) - points, axis=1).max() < 1e-5
    assert np.linalg.norm(pushed - points, axis=1).max() > 1


def test_the_inverse_of_a_deformation_is_not_its_negated_field() -> None:
    scene = make_scene(GRID)
    step = make_step("elastic", displacement_mm=6).draw(scene)
    mapping = Mapping(step.mapping(scene))  # type: ignore[union-attr]
    points = inside(GRID)
    negated = 2 * points - mapping.pull(points)
    assert np.linalg.norm(mapping.pull(negated) - points, axis=1).max() > 0.1
    assert np.linalg.norm(mapping.pull(push(mapping, points)) - points, axis=1).max() < 0.01


def test_a_bright_voxel_moves_to_where_its_point_moves() -> None:
    """The image itself is the witness: the centre of mass of a small spot."""
    at = (4.0, -6.0, 3.0)
    sample = make_sample(make_volume(GRID, blob(GRID, at, 1.5)))
    copy = augment(sample, make_step("elastic", displacement_mm=5, fill=0), make_step("rotate", rotation_deg=9, fill=0))
    found = centroid_ras_mm(copy.images["0"].array[0], GRID) * [-1, -1, 1] + GRID.center_mm
    expected = push(copy.mapping, (np.array(at) * [-1, -1, 1] + GRID.center_mm)[None])[0]
    assert np.linalg.norm(found - expected) < 0.25  # the spot itself is bent
    assert np.linalg.norm(expected - GRID.center_mm - np.array(at) * [-1, -1, 1]) > 1


def test_points_beyond_the_deformation_stay() -> None:
    scene = make_scene(GRID)
    step = make_step("elastic").draw(scene)
    far = GRID.center_mm + np.array([[500.0, 0, 0], [0, -900, 3]])
    assert push(Mapping(step.mapping(scene)), far) == pytest.approx(far)  # type: ignore[union-attr]


def test_what_leaves_the_domain_lies_outside_and_what_lies_outside_stays() -> None:
    """The whole domain moves by -10 mm along x at once, from x = -0.625 to 19.625 on."""
    grid = Geometry((20, 20, 20))
    coefficients = np.zeros((5, 5, 5, 3))
    coefficients[..., 0] = 10
    mapping = Mapping((SplineGrid(grid.affine, grid.size, coefficients),))
    wanted = np.array([[15.0, 10, 10], [5.0, 10, 10], [-3.0, 10, 10]])
    assert push(mapping, wanted) == pytest.approx(np.array([[5.0, 10, 10], [-5.0, 10, 10], [-3.0, 10, 10]]))


def test_a_point_that_is_not_found_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medaug_cli.spatial.points._MOST_STEPS", 0)
    step = make_step("elastic", displacement_mm=6).draw(make_scene(GRID))
    with pytest.raises(SampleError, match="point_not_invertible"):
        push(Mapping(step.mapping(make_scene(GRID))), inside(GRID))  # type: ignore[union-attr]


def test_no_points_are_no_accident() -> None:
    mapping = Mapping(
        (about(GRID.center_mm, rotation((1, 2, 3))), SplineGrid(GRID.affine, GRID.size, np.zeros((4, 4, 4, 3))))
    )
    assert push(mapping, np.zeros((0, 3))).shape == (0, 3)
