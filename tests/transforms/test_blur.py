"""Blur: a width in mm in the patient, whatever the voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import change, make_scene, make_step, oblique_geometry, positions_mm
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter

from medaug_cli.core.geometry import Geometry


def spread_mm(geometry: Geometry, step: Any) -> np.ndarray:
    """Return the standard deviation along the array axes x, y, z of what becomes of a single bright voxel, in mm."""
    point = np.zeros(geometry.size[::-1])
    middle = tuple(n // 2 for n in point.shape)
    point[middle] = 1
    blurred = change(step, point, geometry)
    apart = (positions_mm(geometry) - positions_mm(geometry)[middle]) @ np.array(geometry.direction).reshape(3, 3)
    return np.asarray(np.sqrt((blurred[..., None] * apart**2).sum(axis=(0, 1, 2)) / blurred.sum()))


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.5, 1.0, 2.0), (2.0, 0.7, 1.3)])
@pytest.mark.parametrize("degrees", [(0.0, 0.0, 0.0), (10.0, -20.0, 15.0)])
def test_a_point_spreads_by_sigma_in_mm_whatever_the_voxel_size(
    spacing_mm: tuple[float, float, float], degrees: tuple[float, float, float]
) -> None:
    grid = oblique_geometry((61, 61, 61), spacing_mm, degrees)
    assert spread_mm(grid, make_step("blur", sigma_mm=2.5)) == pytest.approx(2.5, rel=0.02)


def test_a_width_for_each_patient_axis_follows_the_axes_of_the_array() -> None:
    """A coronal volume: array x runs along LR, y along SI, z along AP."""
    grid = Geometry((41, 41, 41), direction=(1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0))
    step = make_step("blur", sigma_mm={"LR": 1.5, "AP": 2.0, "SI": 3.0})
    assert spread_mm(grid, step) == pytest.approx([1.5, 3.0, 2.0], rel=0.02)


def test_a_width_in_voxels_is_the_same_along_every_axis() -> None:
    grid = Geometry((21, 21, 21), (0.5, 1.0, 3.0))
    array = np.random.default_rng(0).uniform(size=(21, 21, 21))
    blurred = change(make_step("blur", sigma=1.3, unit="voxel"), array, grid)
    assert np.abs(blurred - gaussian_filter(array, 1.3, mode="reflect", truncate=4)).max() < 1e-5


def test_a_constant_stays_constant_up_to_the_border() -> None:
    assert change(make_step("blur", sigma_mm=4), np.full((9, 9, 9), 100.0)) == pytest.approx(100, abs=1e-3)


def test_one_width_is_drawn_for_all_axes_unless_told_otherwise() -> None:
    grid = Geometry((9, 9, 9))
    alike = make_step("blur", sigma_mm=[0, 3]).draw(make_scene(grid))
    apart = make_step("blur", sigma_mm=[0, 3], isotropic=False).draw(make_scene(grid))
    assert len(set(alike.sigma_mm.vector(grid))) == 1  # type: ignore[union-attr]
    assert len(set(apart.sigma_mm.vector(grid))) == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sigma_mm": 1, "sigma": 1, "unit": "voxel"}, "not both"),
        ({"sigma": 1}, "sigma goes with unit: voxel"),
        ({"sigma_mm": 1, "unit": "voxel"}, "sigma_mm with unit: mm"),
        ({"unit": "voxel"}, "sigma goes with unit: voxel"),
        ({"sigma_mm": -1}, "out of range"),
    ],
)
def test_a_width_has_one_unit(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_step("blur", **values)
