"""Rotate90: exact quarter turns about the grid's centre."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import augment, ball, covariance_mm2, make_sample, make_scene, make_step, make_volume, oblique_geometry
from pydantic import ValidationError

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap

CUBE = Geometry((6, 6, 6), origin_mm=(10.0, -4.0, 7.0))
SAGITTAL = Geometry((6, 6, 1), direction=(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


def turn(**values: Any) -> Any:
    return make_step("rotate90", **values)


@pytest.mark.parametrize("turns", [-3, -2, -1, 0, 1, 2, 3])
@pytest.mark.parametrize(("plane", "axes"), [("axial", (2, 1)), ("coronal", (2, 0)), ("sagittal", (1, 0))])
def test_a_turn_goes_from_the_first_axis_of_the_plane_towards_the_second(
    plane: str, axes: tuple[int, int], turns: int
) -> None:
    volume = make_volume(CUBE)
    copy = augment(make_sample(volume), turn(plane=plane, turns=turns))
    assert np.array_equal(copy.images["0"].array[0], np.rot90(volume.array[0], turns, axes))


@pytest.mark.parametrize("grid", [Geometry((6, 6, 1)), SAGITTAL, Geometry((1, 6, 6)), oblique_geometry((6, 6, 1))])
def test_a_picture_turns_in_its_own_plane(grid: Geometry) -> None:
    volume = make_volume(Geometry(grid.size, direction=grid.direction))
    copy = augment(make_sample(volume), turn(plane="picture", turns=1))
    x, y = (2 - axis for axis in volume.geometry.plane_axes)
    assert np.array_equal(copy.images["0"].array[0], np.rot90(volume.array[0], 1, (x, y)))


def test_anisotropic_voxels_are_not_sheared() -> None:
    """A ball in mm stays a ball, though voxels are 1 by 2 mm in the plane that turns."""
    grid = oblique_geometry((48, 24, 16), (1.0, 2.0, 2.0))
    phantom = ball(grid, 12) > 0.5
    sample = make_sample(make_volume(grid), labels={"ball": LabelMap(phantom.astype(np.uint8), grid)})
    moved = augment(sample, turn(plane="axial", turns=1)).labels["ball"].array
    assert covariance_mm2(moved, grid) == pytest.approx(covariance_mm2(phantom, grid), abs=0.03 * 12**2 / 5)


def test_what_leaves_a_grid_that_is_not_square_is_cut_off() -> None:
    grid = Geometry((8, 4, 2))
    volume = make_volume(grid, np.ones((2, 4, 8)))
    moved = augment(make_sample(volume), turn(turns=1, fill=0)).images["0"].array
    assert moved.sum() == 2 * 4 * 4


@pytest.mark.parametrize(
    ("grid", "plane", "message"),
    [
        (CUBE, "picture", "is for 2-D images"),
        (SAGITTAL, "axial", "leaves this sagittal 2-D image"),
        (Geometry((6, 6, 1)), "coronal", "leaves this axial 2-D image"),
    ],
)
def test_a_plane_that_the_image_does_not_have_is_refused(grid: Geometry, plane: str, message: str) -> None:
    with pytest.raises(SampleError, match=message):
        turn(plane=plane).draw(make_scene(grid))


def test_a_turn_by_half_a_quarter_is_no_quarter_turn() -> None:
    with pytest.raises(ValidationError, match="whole numbers"):
        turn(turns=0.5)


def test_turns_are_drawn_as_whole_numbers_from_every_distribution() -> None:
    drawn = [turn(turns={"normal": [0, 1.5]}).draw(make_scene(CUBE, copy)).turns.value for copy in range(50)]
    assert set(drawn) <= {-3, -2, -1, 0, 1, 2, 3}
    assert len(set(drawn)) > 3
