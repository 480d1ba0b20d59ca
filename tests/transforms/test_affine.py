"""Affine: sign and unit of every parameter, in mm and degrees in the patient, on an oblique anisotropic grid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from builders import (
    augment,
    ball,
    blob,
    centroid_ras_mm,
    covariance_mm2,
    dice,
    make_sample,
    make_scene,
    make_step,
    make_volume,
    oblique_geometry,
    offsets_ras_mm,
)
from pydantic import ValidationError

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.step.affine import AffineStep

GRID = oblique_geometry((60, 44, 20))  # 48 x 48 x 50 mm
COS, SIN, TAN = math.cos(math.radians(30)), math.sin(math.radians(30)), math.tan(math.radians(20))


def moved_spot(at_ras_mm: tuple[float, float, float], grid: Geometry = GRID, **values: Any) -> np.ndarray:
    """Return where a bright spot, so far right, anterior and superior of the centre, is found after the step."""
    still = {"rotation_deg": 0, "translation_mm": 0, "scale": 1, "fill": 0}
    sample = make_sample(make_volume(grid, blob(grid, at_ras_mm, 2.5)))
    copy = augment(sample, make_step("affine", **{**still, **values}))
    return centroid_ras_mm(copy.images["0"].array[0], grid)


LETTERS = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "H": (0, 0, 1), "F": (0, 0, -1)}  # LPS


@pytest.mark.parametrize("letters", [("L", "F"), ("R", "F"), ("P", "FL"), ("A", "H"), ("F", "L"), ("L", "P")])
@pytest.mark.parametrize(
    "values",
    [
        {"translation_mm": {"LR": 3, "AP": -2, "SI": 5}},
        {"translation_mm": 4},
        {"rotation_deg": {"LR": 10, "AP": 20, "SI": -30}},
        {"scale": {"LR": 1.1, "AP": 0.9, "SI": 1.3}},
        {"rotation_deg": {"LR": 10, "AP": 20, "SI": -30}, "translation_mm": {"SI": 3}, "scale": {"AP": 1.2}},
    ],
    ids=str,
)
def test_a_projection_image_moves_as_the_slice_whose_axes_its_letters_name(
    letters: tuple[str, str], values: dict[str, Any]
) -> None:
    row, column = (np.array(LETTERS[one[0]]) for one in letters)
    direction = np.column_stack((row, column, np.cross(row, column)))
    size, spacing = (30, 20, 1), (1.0, 0.8, 1.0)
    placed = Geometry(size, spacing, direction=tuple(float(n) for n in direction.ravel()))
    step = make_step("affine", **({"rotation_deg": 0, "translation_mm": 0, "scale": 1} | values))
    moved = []
    for grid in (placed, Geometry(size, spacing, letters=letters)):
        drawn = step.draw(make_scene(grid))
        assert isinstance(drawn, AffineStep)
        (matrix,) = drawn.mapping(make_scene(grid))
        moved.append((np.linalg.inv(grid.affine) @ matrix @ grid.affine)[:2, [0, 1, 3]])
    assert moved[1] == pytest.approx(moved[0], abs=1e-9)


@pytest.mark.parametrize(
    ("values", "before", "after"),
    [
        ({"translation_mm": {"LR": 6}}, (1, 2, 3), (7, 2, 3)),
        ({"translation_mm": {"AP": 6}}, (1, 2, 3), (1, 8, 3)),
        ({"translation_mm": {"SI": -6}}, (1, 2, 3), (1, 2, -3)),
        ({"rotation_deg": {"SI": 30}}, (10, 0, 0), (10 * COS, 10 * SIN, 0)),
        ({"rotation_deg": {"LR": 30}}, (0, 10, 0), (0, 10 * COS, 10 * SIN)),
        ({"rotation_deg": {"AP": 30}}, (0, 0, 10), (10 * SIN, 0, 10 * COS)),
        ({"scale": {"LR": 1.2}}, (10, 5, 0), (12, 5, 0)),
        ({"scale": {"AP": 0.8}}, (5, 10, 0), (5, 8, 0)),
        ({"scale": {"SI": 1.5}}, (5, 0, -8), (5, 0, -12)),
        ({"shear_deg": {"SI": 20}}, (0, 10, 4), (10 * TAN, 10, 4)),
        ({"shear_deg": {"LR": 20}}, (4, 0, 10), (4, 10 * TAN, 10)),
        ({"shear_deg": {"AP": 20}}, (10, 4, 0), (10, 4, 10 * TAN)),
    ],
)
def test_content_moves_as_far_as_the_parameter_says(
    values: dict[str, Any], before: tuple[float, float, float], after: tuple[float, float, float]
) -> None:
    assert moved_spot(before, **values) == pytest.approx(np.array(after, float), abs=0.1)


def test_content_is_rotated_then_translated_then_scaled() -> None:
    """(10, 0, 0) turned by 90 degrees about SI: (0, 10, 0); moved by 2 right: (2, 10, 0); scaled: (2.2, 11, 0)."""
    values: dict[str, Any] = {"rotation_deg": {"SI": 90}, "translation_mm": {"LR": 2}, "scale": {"LR": 1.1, "AP": 1.1}}
    assert moved_spot((10, 0, 0), **values) == pytest.approx([2.2, 11, 0], abs=0.1)


def test_content_is_sheared_before_it_is_rotated() -> None:
    """(0, 10, 0) slanted by 45 degrees: (10, 10, 0); turned by 90 degrees about SI: (-10, 10, 0)."""
    values: dict[str, Any] = {"rotation_deg": {"SI": 90}, "shear_deg": {"SI": 45}}
    assert moved_spot((0, 10, 0), **values) == pytest.approx([-10, 10, 0], abs=0.1)


def test_three_rotations_follow_itks_order() -> None:
    """Euler3DTransform turns about AP, then LR, then SI: (0, 0, 10), (10, 0, 0), (10, 0, 0), (0, 10, 0)."""
    values: dict[str, Any] = {"rotation_deg": {"AP": 90, "LR": 90, "SI": 90}}
    assert moved_spot((0, 0, 10), **values) == pytest.approx([0, 10, 0], abs=0.1)


def test_a_point_of_the_world_can_be_the_centre() -> None:
    """RAS mm; the content doubles its distance from there."""
    center = GRID.center_mm * [-1, -1, 1] + [3, 0, 0]
    assert moved_spot((5, 0, 0), center=tuple(center), scale={"LR": 2}) == pytest.approx([7, 0, 0], abs=0.15)


def test_the_origin_of_the_world_can_be_the_centre() -> None:
    grid = Geometry((40, 40, 40), origin_mm=(-9.5, -19.5, -19.5))  # its centre lies 10 mm left of the origin
    assert moved_spot((4, 0, 0), grid, center="origin", rotation_deg={"SI": 180}, fill=0) == pytest.approx(
        [16, 0, 0], abs=0.3
    )


def test_a_ball_stays_a_ball_under_rotation_though_voxels_are_not_cubes() -> None:
    """Second moments in mm; a rotation of voxel indices would shear them by the ratio of the spacings."""
    phantom = ball(GRID, 15) > 0.5
    sample = make_sample(make_volume(GRID), labels={"ball": LabelMap(phantom.astype(np.uint8), GRID)})
    moved = augment(sample, make_step("rotate", rotation_deg={"LR": 35, "SI": 20})).labels["ball"].array
    assert covariance_mm2(moved, GRID) == pytest.approx(15**2 / 5 * np.eye(3), abs=0.03 * 15**2 / 5)


@pytest.mark.parametrize("interpolation", ["nearest", "label_linear"])
def test_the_label_of_a_ball_stays_on_the_ball(interpolation: str) -> None:
    grid = oblique_geometry((64, 60, 56), (1.0, 1.1, 1.2))
    phantom = ball(grid, 26, (3, -2, 1))
    label = LabelMap((phantom > 0.5).astype(np.uint8), grid)
    sample = make_sample(make_volume(grid, phantom), labels={"ball": label})
    for number in range(1, 4):
        copy = augment(sample, make_step("affine", label_interpolation=interpolation), copy=number)
        moved = copy.labels["ball"].array == 1
        assert dice(copy.images["0"].array[0] > 0.5, moved) >= 0.98
        assert dice(moved, phantom > 0.5) < 0.98


@pytest.mark.parametrize("degrees", [30, -75])
def test_an_oblique_picture_turns_about_its_own_normal(degrees: float) -> None:
    """Intensity within the picture is neither lost nor gained, and the spot keeps its distance from the centre."""
    grid = oblique_geometry((50, 50, 1), (1.0, 1.0, 5.0))
    spot = tuple(float(value) for value in offsets_ras_mm(grid)[0, 25, 35])
    array = blob(grid, (spot[0], spot[1], spot[2]), 2.0)
    step = make_step("rotate", rotation_deg={"SI": degrees, "LR": 40, "AP": -20}, fill=0)
    moved = augment(make_sample(make_volume(grid, array)), step).images["0"].array
    assert moved.sum() == pytest.approx(array.sum(), rel=0.01)
    found = centroid_ras_mm(moved[0], grid)
    cosine = found @ spot / np.linalg.norm(found) / np.linalg.norm(spot)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(spot), rel=0.01)
    assert cosine == pytest.approx(math.cos(math.radians(degrees)), abs=0.01)


def test_a_picture_is_moved_along_its_own_axes() -> None:
    """Oblique by 12 and -9 degrees: a move of 6 mm to the right goes 6 mm along the row of the picture."""
    grid = oblique_geometry((50, 50, 1), (1.0, 1.0, 5.0))
    array = blob(grid, (0, 0, 0), 2.0)
    moved = augment(make_sample(make_volume(grid, array)), make_step("translate", translation_mm={"LR": 6}, fill=0))
    found = centroid_ras_mm(moved.images["0"].array[0], grid) * [-1, -1, 1]
    row = np.array(grid.direction).reshape(3, 3)[:, 0]
    assert found == pytest.approx(-6 * row, abs=0.05)


@pytest.mark.parametrize(
    ("short", "values"),
    [
        ("rotate", {"rotation_deg": {"SI": 12}}),
        ("translate", {"translation_mm": {"AP": 3}}),
        ("scale", {"scale": 1.2}),
        ("shear", {"shear_deg": {"LR": 9}}),
    ],
)
def test_a_short_form_is_affine_with_that_parameter_alone(short: str, values: dict[str, Any]) -> None:
    sample = make_sample(make_volume(GRID))
    still = {"rotation_deg": 0, "translation_mm": 0, "scale": 1, **values}
    assert np.array_equal(
        augment(sample, make_step(short, **values)).images["0"].array,
        augment(sample, make_step("affine", **still)).images["0"].array,
    )


def test_a_short_form_has_no_other_parameter() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        make_step("rotate", scale=1.1)
