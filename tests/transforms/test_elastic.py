"""Elastic: deformations that do not fold, that carry labels with them and that stay in a picture's plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import augment, ball, dice, make_sample, make_scene, make_step, make_volume, oblique_geometry
from pydantic import ValidationError

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap

GRID = oblique_geometry((40, 32, 16))


def elastic(**values: Any) -> Any:
    return make_step("elastic", **values)


@pytest.mark.parametrize("interpolation", ["nearest", "label_linear"])
def test_the_label_of_a_ball_stays_on_the_ball(interpolation: str) -> None:
    grid = oblique_geometry((64, 60, 56), (1.0, 1.1, 1.2))
    phantom = ball(grid, 27)
    label = LabelMap((phantom > 0.5).astype(np.uint8), grid)
    sample = make_sample(make_volume(grid, phantom), labels={"ball": label})
    for number in range(1, 4):
        copy = augment(sample, elastic(displacement_mm=8, label_interpolation=interpolation), copy=number)
        moved = copy.labels["ball"].array == 1
        assert dice(copy.images["0"].array[0] > 0.5, moved) >= 0.98
        assert dice(moved, phantom > 0.5) < 0.98


def report(drawn: Any) -> Any:
    """Return what the manifest would say of a drawn step."""
    return drawn.report(make_scene(GRID), drawn.mapping(make_scene(GRID)))


def test_a_strong_draw_is_weakened_until_it_does_not_fold_and_says_by_how_much() -> None:
    drawn = elastic(displacement_mm=40).draw(make_scene(GRID))
    assert 0 < drawn.folding_factor < 1
    low, high = report(drawn)["jacobian"]
    assert low == pytest.approx(0.05, abs=1e-5)
    assert high > 1
    assert drawn.values()["folding_factor"] == drawn.folding_factor


def test_min_jacobian_null_lets_it_fold() -> None:
    drawn = elastic(displacement_mm=40, min_jacobian=None).draw(make_scene(GRID))
    assert drawn.folding_factor == 1
    assert report(drawn)["jacobian"][0] < 0
    assert elastic(**drawn.values()) == drawn.model_copy(update={"p": 1.0})


def test_a_step_weakened_once_is_not_weakened_again() -> None:
    drawn = elastic(displacement_mm=40).draw(make_scene(GRID))
    assert drawn.fix(np.random.default_rng(0), make_scene(GRID)).folding_factor == pytest.approx(drawn.folding_factor)


def test_control_points_move_no_further_than_the_displacement_along_each_axis() -> None:
    step = elastic(displacement_mm={"LR": 3, "AP": 1, "SI": 0}, locked_borders=0, min_jacobian=None)
    coefficients = step.draw(make_scene(GRID)).grid(make_scene(GRID)).coefficients_mm
    assert np.abs(coefficients).max(axis=(0, 1, 2)) == pytest.approx([3, 1, 0], rel=0.05)
    assert (np.abs(coefficients).max(axis=(0, 1, 2)) <= [3, 1, 0]).all()


@pytest.mark.parametrize(("locked", "moving"), [(0, 7), (1, 5), (2, 3), (3, 1)])
def test_locked_layers_at_the_border_do_not_move(locked: int, moving: int) -> None:
    step = elastic(displacement_mm=3, locked_borders=locked)
    coefficients = step.draw(make_scene(GRID)).grid(make_scene(GRID)).coefficients_mm
    assert (coefficients != 0).all(axis=-1).sum() == moving**3


@pytest.mark.parametrize(("count", "moving"), [(4, 2), (5, 1), (6, 2)])
def test_few_control_points_still_move(count: int, moving: int) -> None:
    """Two locked layers on each side of four control points would leave none."""
    step = elastic(displacement_mm=3, control_points=count)
    coefficients = step.draw(make_scene(GRID)).grid(make_scene(GRID)).coefficients_mm
    assert (coefficients != 0).all(axis=-1).sum() == moving**3


def test_spacing_mm_says_how_far_control_points_lie_apart() -> None:
    """32 x 35.2 x 40 mm at 10 mm: 4, 4 and 4 cells, and so 7 control points an axis."""
    assert elastic(spacing_mm=10).draw(make_scene(GRID)).grid(make_scene(GRID)).coefficients_mm.shape == (7, 7, 7, 3)


def test_control_points_can_be_counted_along_each_array_axis() -> None:
    step = elastic(control_points=(6, 5, 4))
    assert step.draw(make_scene(GRID)).grid(make_scene(GRID)).coefficients_mm.shape == (6, 5, 4, 3)


@pytest.mark.parametrize("size", [(24, 20, 1), (24, 1, 20), (1, 24, 20)])
def test_a_picture_is_deformed_in_its_plane_alone(size: tuple[int, int, int]) -> None:
    grid = oblique_geometry(size)
    flat = grid.flat_axis or 0
    drawn = elastic(displacement_mm=4).draw(make_scene(grid))
    deformation = drawn.grid(make_scene(grid))
    moves = deformation.index_coefficients()
    assert np.abs(moves[..., flat]).max() < 1e-9
    assert np.abs(moves).max() > 0.5
    assert np.ptp(moves, axis=flat).max() < 1e-12


def test_a_picture_on_a_sheared_grid_is_deformed_in_its_plane_alone() -> None:
    affine = np.array([[1, 0.3, 0, 5], [0, 1.2, 0.4, 7], [0.2, 0, 3, -9], [0, 0, 0, 1.0]])
    grid = Geometry.from_affine((24, 20, 1), affine)
    moves = elastic(displacement_mm=4).draw(make_scene(grid)).grid(make_scene(grid)).index_coefficients()
    assert np.abs(moves[..., 2]).max() < 1e-9
    assert np.abs(moves).max() > 0.5


@pytest.mark.parametrize(
    "coefficients",
    [np.zeros((4, 4, 3, 3)).tolist(), [[[[0.0, 0.0, 0.0]] * 4] * 4] * 3, [[[[0.0, 0.0]] * 4] * 4] * 4],
)
def test_coefficients_of_a_wrong_shape_are_refused(coefficients: list[Any]) -> None:
    with pytest.raises(ValidationError, match="coefficients_mm"):
        elastic(coefficients_mm=coefficients)


def test_given_coefficients_are_kept_for_the_record() -> None:
    coefficients = np.random.default_rng(0).uniform(-1, 1, (4, 5, 6, 3)).tolist()
    drawn = elastic(coefficients_mm=coefficients).draw(make_scene(GRID))
    assert drawn.values()["coefficients_mm"] == coefficients
