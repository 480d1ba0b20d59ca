"""Geometry: where voxels lie in the patient and what its axes are called."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from builders import oblique_geometry, to_sitk

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import sitk

TURNED_45 = (math.sqrt(0.5), -math.sqrt(0.5), 0.0, math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0, 0.0, 1.0)


def test_a_voxel_lies_where_simpleitk_says() -> None:
    grid = oblique_geometry()
    image = to_sitk(np.zeros(grid.size[::-1], np.uint8), grid)
    assert (grid.affine @ [3, 5, 7, 1])[:3] == pytest.approx(image.TransformIndexToPhysicalPoint((3, 5, 7)))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("turned", [(), (0,), (1, 2), (0, 1, 2)])
def test_voxels_in_another_order_of_axes_are_the_same_voxels(order: tuple[int, ...], turned: tuple[int, ...]) -> None:
    """SimpleITK turns the axes round; the corner of each grid is found in the other."""
    grid = oblique_geometry()
    image = sitk.PermuteAxes(to_sitk(np.zeros(grid.size[::-1], np.uint8), grid), order)
    image = sitk.Flip(image, [axis in turned for axis in range(3)])
    other = Geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    assert grid.same_voxels(other)
    assert grid.in_axes_of(other).same_grid(other, 1e-9)
    assert not grid.same_voxels(replace(other, size=(other.size[0] + 1, *other.size[1:])))
    assert not grid.same_voxels(replace(other, origin_mm=(other.origin_mm[0] + 0.01, *other.origin_mm[1:])))


def test_the_centre_lies_between_the_first_and_the_last_voxel() -> None:
    grid = Geometry((4, 3, 1), (2.0, 1.0, 5.0), (10.0, 20.0, 30.0))
    assert grid.center_mm == pytest.approx([13.0, 21.0, 30.0])


def test_an_affine_makes_the_grid_it_came_from_even_if_sheared() -> None:
    affine = np.array([[2.0, 0.3, 0, 5], [0, 1.5, 0.2, -4], [0, 0, 3, 7], [0, 0, 0, 1]])
    assert Geometry.from_affine((4, 5, 6), affine).affine == pytest.approx(affine)


def test_grids_are_the_same_while_their_corners_stay_within_a_micrometre() -> None:
    grid = oblique_geometry()
    near = Geometry(grid.size, grid.spacing_mm, (grid.origin_mm[0] + 5e-4, *grid.origin_mm[1:]), grid.direction)
    far = Geometry(grid.size, (grid.spacing_mm[0] + 1e-3, *grid.spacing_mm[1:]), grid.origin_mm, grid.direction)
    assert grid.same_grid(near)
    assert not grid.same_grid(far)
    assert not grid.same_grid(Geometry((1, 1, 1)))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
def test_each_patient_axis_is_found_in_all_48_orientations(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    direction = np.zeros((3, 3))
    direction[list(order), range(3)] = signs
    grid = Geometry((4, 5, 6), direction=tuple(direction.ravel()))
    assert tuple(order[grid.array_axis(name)] for name in ("LR", "AP", "SI")) == (0, 1, 2)


@pytest.mark.parametrize("name", ["LR", "AP"])
def test_at_45_degrees_the_header_does_not_determine_a_patient_axis(name: str) -> None:
    with pytest.raises(SampleError, match="no array axis lies within 45 degrees"):
        Geometry((4, 5, 6), direction=TURNED_45).array_axis(name)


@pytest.mark.parametrize(("name", "axis"), [("SI", 2), ("i", 0), ("j", 1), ("k", 2)])
def test_at_45_degrees_the_other_axes_are_still_found(name: str, axis: int) -> None:
    assert Geometry((4, 5, 6), direction=TURNED_45).array_axis(name) == axis


@pytest.mark.parametrize(
    ("size", "flat", "plane"), [((5, 6, 1), 2, (0, 1)), ((5, 1, 6), 1, (0, 2)), ((1, 5, 6), 0, (1, 2))]
)
def test_a_picture_lies_across_its_one_voxel_axis(
    size: tuple[int, int, int], flat: int, plane: tuple[int, int]
) -> None:
    grid = Geometry(size)
    assert (grid.flat_axis, grid.plane_axes) == (flat, plane)
    assert (grid.array_axis("horizontal"), grid.array_axis("vertical")) == plane


def test_a_volume_has_no_horizontal_axis() -> None:
    with pytest.raises(SampleError, match="is for 2-D images"):
        Geometry((5, 6, 7)).array_axis("horizontal")


@pytest.mark.parametrize(
    ("letters", "name", "axis"), [(("L", "F"), "LR", 0), (("P", "FL"), "SI", 1), (("A", "R"), "LR", 1)]
)
def test_a_projection_image_has_its_axes_by_letter(letters: tuple[str, str], name: str, axis: int) -> None:
    assert Geometry((5, 6, 1), letters=letters).array_axis(name) == axis


@pytest.mark.parametrize("letters", [("P", "FL"), ("", "")])
def test_an_axis_that_no_letter_names_is_undetermined(letters: tuple[str, str]) -> None:
    with pytest.raises(SampleError, match="PatientOrientation names no row or column along LR"):
        Geometry((5, 6, 1), letters=letters).array_axis("LR")
