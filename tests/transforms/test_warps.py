"""Elastic_field, grid_distortion and perspective: what only they promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import augment, make_sample, make_scene, make_step, make_volume, oblique_geometry, positions_mm

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.spatial.mapping import Mapping
from medaug_cli.spatial.points import push
from medaug_cli.spatial.resample import Request, resample

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64
    from medaug_cli.step import Scene

GRID = oblique_geometry((24, 20, 14))
WARPS = ["elastic_field", "grid_distortion", "perspective"]


def drawn(name: str, scene: Scene, **values: Any) -> Any:
    step = make_step(name, **values).draw(scene)
    assert step is not None
    return step


def displacements(step: Any, scene: Scene) -> Array64:
    """Return by how many mm each voxel (z, y, x, 3) is pulled from elsewhere."""
    points = positions_mm(scene.geometry)
    pulled = Mapping(step.mapping(scene)).pull(points.reshape(-1, 3)).reshape(points.shape)
    return np.asarray(pulled - points)


@pytest.mark.parametrize("sigma_mm", [4.0, 7.0])
def test_neighbours_move_alike_as_under_a_gaussian_of_sigma(sigma_mm: float) -> None:
    """White noise smoothed by sigma has the autocorrelation exp(-r² / (4 sigma²)), whatever the spacing of voxels."""
    grid = Geometry((60, 60, 12), (1.0, 1.0, 2.0))
    found = []
    for copy in range(1, 5):
        scene = make_scene(grid, copy)
        step = drawn("elastic_field", scene, sigma_mm=sigma_mm, displacement_mm=1, min_jacobian=None)
        field = displacements(step, scene)
        lag = int(sigma_mm)
        for part in range(3):
            one, other = field[..., :-lag, part], field[..., lag:, part]
            found.append((one * other).mean() / (field[..., part] ** 2).mean())
    assert np.mean(found) == pytest.approx(np.exp(-0.25 * (int(sigma_mm) / sigma_mm) ** 2), abs=0.06)


def test_the_greatest_displacement_is_the_one_given_along_each_axis() -> None:
    grid = Geometry((40, 40, 40))
    scene = make_scene(grid)
    step = drawn("elastic_field", scene, sigma_mm=8, displacement_mm={"LR": 3, "AP": 1, "SI": 0})
    greatest = np.abs(displacements(step, scene)).max(axis=(0, 1, 2))
    assert greatest[0] == pytest.approx(3, rel=0.05)
    assert greatest[1] == pytest.approx(1, rel=0.05)
    assert greatest[2] == 0


def test_a_field_that_would_fold_is_weakened_until_it_does_not() -> None:
    grid = Geometry((32, 32, 32))
    scene = make_scene(grid)
    step = drawn("elastic_field", scene, sigma_mm=3, displacement_mm=12)
    assert step.folding_factor < 1
    assert step.report(scene, step.mapping(scene))["jacobian"][0] == pytest.approx(0.05, abs=0.01)
    field = displacements(step, scene)
    gradient = np.stack(np.gradient(field, axis=(2, 1, 0)), axis=-1)
    assert np.linalg.det(gradient + np.eye(3)).min() > 0


def test_a_sigma_that_needs_too_many_control_points_is_refused() -> None:
    scene = make_scene(Geometry((500, 20, 20)))
    with pytest.raises(SampleError, match="too_fine"):
        drawn("elastic_field", scene, sigma_mm=3)
    drawn("elastic_field", scene, sigma_mm=5.3)


def test_cells_are_stretched_linearly_and_the_field_of_view_stays() -> None:
    """One axis at a time: straight between the corners of the cells, its ends where they were."""
    grid = Geometry((101, 11, 11))
    scene = make_scene(grid)
    step = drawn("grid_distortion", scene, cells=5, strength=0.5)
    field = displacements(step, scene)
    along = field[5, 5, :, 0]
    assert np.allclose(field[..., 0], along[None, None, :])
    width = 101.25 / 5
    bends = np.abs(np.diff(along, 2)) > 1e-9
    corners = np.arange(1, 5) * width - 0.625
    assert {int(n) + 1 for n in np.flatnonzero(bends)} <= {int(c) + add for c in corners for add in (0, 1)}
    assert abs(along[0]) < 0.4
    assert abs(along[-1]) < 0.4
    assert (np.diff(np.arange(101) + along) > 0).all()
    low, high = step.report(scene, step.mapping(scene))["jacobian"]
    assert 0 < low < 1 < high


@pytest.mark.parametrize("plane", [(0, 1, Geometry((30, 20, 1))), (0, 2, Geometry((30, 1, 20)))])
def test_the_corners_of_a_picture_move_inwards_and_straight_lines_stay_straight(plane: Any) -> None:
    first, second, grid = plane
    scene = make_scene(grid)
    step = drawn("perspective", scene, strength=0.4)
    mapping = Mapping(step.mapping(scene))
    corners = np.zeros((4, 3))
    corners[:, first], corners[:, second] = [-0.5, 29.5, 29.5, -0.5], [-0.5, -0.5, 19.5, 19.5]
    moved = push(mapping, corners)
    inwards = np.abs(moved - corners)
    assert (inwards[:, first] <= 0.4 * 15).all()
    assert (inwards[:, second] <= 0.4 * 10).all()
    assert inwards.max() > 1
    line = corners[0] + np.linspace(0, 1, 9)[:, None] * (corners[2] - corners[0])
    bent = np.cross(push(mapping, line) - moved[0], moved[2] - moved[0])
    assert np.abs(bent).max() < 1e-9


def test_the_slices_of_a_volume_are_seen_alike() -> None:
    volume = make_volume(GRID, np.repeat(make_volume(GRID).array[0][:1], GRID.size[2], axis=0))
    made = augment(make_sample(volume), make_step("perspective", strength=0.5)).images["0"].array[0]
    assert np.allclose(made, made[:1], atol=1e-2)
    assert not np.allclose(made, volume.array[0])


@pytest.mark.parametrize("name", WARPS)
def test_the_kernel_gives_the_voxels_of_simpleitk(name: str) -> None:
    scene = make_scene(GRID)
    values = {"elastic_field": {"sigma_mm": 5}, "grid_distortion": {"strength": 0.5}, "perspective": {"strength": 0.5}}
    mapping = Mapping(drawn(name, scene, **values[name]).mapping(scene))
    smooth = (positions_mm(GRID) @ np.array([3.0, -2, 5])).astype(np.float32)
    requests = [Request(smooth, GRID, "linear", -9.0)]
    (ours,), (theirs,) = resample(requests, mapping), resample(requests, mapping, "simpleitk")
    assert (np.abs(ours - theirs) < 0.05).mean() > 0.999


@pytest.mark.parametrize("name", WARPS)
def test_the_warp_joins_others_and_points_find_the_way_back(name: str) -> None:
    steps = [make_step("rotate", rotation_deg=5), make_step(name), make_step("rotate", rotation_deg=5)]
    mapping = augment(make_sample(make_volume(GRID)), *steps).mapping
    points = GRID.center_mm + np.random.default_rng(0).uniform(-4, 4, (50, 3))
    assert np.linalg.norm(mapping.pull(push(mapping, points)) - points, axis=1).max() < 1e-5
