"""Resampling where SimpleITK's physical images cannot be asked: sheared grids, odd label types, thin volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import make_labels, oblique_geometry, rotation
from scipy.ndimage import map_coordinates

from medaug_cli.core.geometry import Geometry
from medaug_cli.spatial import kernel
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.spatial.mapping import Mapping, about
from medaug_cli.spatial.resample import Request, label_request, outside_fraction, resample

if TYPE_CHECKING:
    from medaug_cli.spatial.resample import Resampler

SHEARED = Geometry.from_affine(
    (12, 11, 9), np.array([[1.2, 0.3, 0, -5], [0, 0.9, 0.2, 4], [0.1, 0, 2, 30], [0, 0, 0, 1]])
)


def turn(grid: Geometry, degrees: float = 15) -> Mapping:
    return Mapping((about(grid.center_mm, rotation((0, 0, degrees)), np.array([0.3, -0.2, 0.1])),))


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
def test_a_sheared_grid_is_resampled_as_scipy_does_from_its_affine(resampler: Resampler) -> None:
    array = np.random.default_rng(0).uniform(size=SHEARED.size[::-1]).astype(np.float32)
    index = np.stack(np.meshgrid(*map(np.arange, SHEARED.size), indexing="ij"), axis=-1).reshape(-1, 3)
    points = turn(SHEARED).pull(index @ SHEARED.affine[:3, :3].T + SHEARED.affine[:3, 3])
    source = (points - SHEARED.affine[:3, 3]) @ np.linalg.inv(SHEARED.affine[:3, :3]).T
    expected = map_coordinates(array.T.astype(np.float64), source.T, order=1, mode="nearest")
    inside = ((source > -0.5) & (source < np.array(SHEARED.size) - 0.5)).all(axis=1)
    (moved,) = resample([Request(array, SHEARED, "linear", -9.0)], turn(SHEARED), resampler)
    assert np.abs(moved.T.ravel() - np.where(inside, expected, -9)).max() < 1e-5


def test_an_extended_edge_is_interpolated_along_it_as_scipy_does() -> None:
    array = np.random.default_rng(0).uniform(size=SHEARED.size[::-1]).astype(np.float32)
    index = np.stack(np.meshgrid(*map(np.arange, SHEARED.size), indexing="ij"), axis=-1).reshape(-1, 3)
    points = turn(SHEARED, 40).pull(index @ SHEARED.affine[:3, :3].T + SHEARED.affine[:3, 3])
    source = (points - SHEARED.affine[:3, 3]) @ np.linalg.inv(SHEARED.affine[:3, :3]).T
    expected = map_coordinates(array.T.astype(np.float64), source.T, order=1, mode="nearest")
    (moved,) = resample([Request(array, SHEARED, "linear", None)], turn(SHEARED, 40))
    assert np.abs(moved.T.ravel() - expected).max() < 1e-5


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
@pytest.mark.parametrize("interpolation", ["nearest", "label_linear"])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
)
def test_every_label_type_keeps_its_type_and_gives_the_same_labels(
    resampler: Resampler, interpolation: str, dtype: str
) -> None:
    grid = oblique_geometry()
    labels = make_labels(grid, dtype).array
    (moved,) = resample([label_request(labels, grid, interpolation)], turn(grid), resampler)
    (plain,) = resample([label_request(make_labels(grid).array, grid, interpolation)], turn(grid), "simpleitk")
    assert moved.dtype == labels.dtype
    assert (moved == plain).mean() >= 0.9995


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
@pytest.mark.parametrize("interpolation", ["nearest", "label_linear"])
def test_labels_beyond_double_precision_are_not_rounded(resampler: Resampler, interpolation: str) -> None:
    grid = oblique_geometry()
    labels = make_labels(grid, "int64", (0, 2**53 + 1, -(2**53) - 3)).array
    (moved,) = resample([label_request(labels, grid, interpolation)], turn(grid), resampler)
    assert set(np.unique(moved)) == {0, 2**53 + 1, -(2**53) - 3}


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
def test_a_map_without_a_0_gets_none_from_outside(resampler: Resampler) -> None:
    grid = oblique_geometry()
    labels = make_labels(grid, "uint8", (3, 4)).array
    far = Mapping((about(grid.center_mm, np.eye(3), np.array([6.3, 0, 0])),))
    (moved,) = resample([label_request(labels, grid, "nearest")], far, resampler)
    assert set(np.unique(moved)) == {3, 4}


@pytest.mark.parametrize("fill", [-9.0, None])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("thickness", [1, 2, 3, 4])
def test_cubic_interpolation_of_a_thin_volume_is_scipys(axis: int, thickness: int, fill: float | None) -> None:
    """ITK's spline reads beyond the buffer where an axis has two voxels: garbage, and another one in every run."""
    size = [12, 12, 12]
    size[axis] = thickness
    grid = Geometry((size[0], size[1], size[2]))
    array = np.random.default_rng(0).uniform(size=grid.size[::-1]).astype(np.float32)
    mapping = Mapping((about(grid.center_mm, rotation((3, -4, 10)), np.array([0.1, 0.2, 0.15])),))
    index = np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), axis=-1).reshape(-1, 3)
    source = mapping.pull(index.astype(float))
    inside = ((source > -0.5) & (source < np.array(grid.size) - 0.5)).all(axis=1)
    expected = map_coordinates(array.T.astype(np.float64), source.T, order=3, mode="mirror")
    (moved,) = resample([Request(array, grid, "bspline", fill)], mapping)
    assert np.abs(moved.T.ravel() - expected)[inside].max() < 1e-5
    assert fill is None or (moved.T.ravel()[~inside] == fill).all()


def test_half_a_field_of_view_away_half_lies_outside() -> None:
    grid = Geometry((64, 8, 8), (2.0, 1.0, 1.0))
    half = Mapping((about(grid.center_mm, np.eye(3), np.array([64.0, 0, 0])),))
    assert outside_fraction(grid, grid, half) == pytest.approx(0.5, abs=1 / 16)
    assert outside_fraction(grid, grid, Mapping()) == 0


def test_the_jacobian_of_an_affine_mapping_is_its_matrix() -> None:
    linear = rotation((10, 20, 30)) * 1.3
    mapping = Mapping((about(np.array([1.0, 2.0, 3.0]), linear),))
    assert mapping.jacobian(np.array([40.0, -7.0, 5.0])) == pytest.approx(linear)


def test_content_moves_through_the_earlier_step_first() -> None:
    """Shifted right by 10 in LPS x, then doubled about 0: what was at 0 is at 20, so 20 is pulled from 0."""
    shift_back, halve = np.eye(4), np.diag([0.5, 0.5, 0.5, 1.0])
    shift_back[0, 3] = -10
    mapping = Mapping().after((shift_back,)).after((halve,))
    assert mapping.pull(np.array([[20.0, 0, 0]])) == pytest.approx(np.zeros((1, 3)))


@pytest.mark.parametrize("interpolation", ["linear", "bspline"])
def test_an_extended_edge_is_the_same_in_kernel_and_simpleitk(interpolation: str) -> None:
    grid = oblique_geometry()
    array = np.random.default_rng(0).uniform(size=grid.size[::-1]).astype(np.float32)
    requests = [Request(array, grid, interpolation, None), Request(np.ones_like(array), grid, "nearest", 0.0)]
    ours, inside = resample(requests, turn(grid, 40))
    theirs, _ = resample(requests, turn(grid, 40), "simpleitk")
    (linear,) = resample([Request(array, grid, "linear", None)], turn(grid, 40))
    assert np.abs(ours - theirs).max() < 1e-4
    assert np.abs(theirs - linear)[inside == 0].max() < 1e-4


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
@pytest.mark.parametrize("width", [255, 256, 257, 700])
def test_long_rows_are_as_exact_as_short_ones(resampler: Resampler, width: int) -> None:
    """Positions are told from a whole voxel in the same segment of a row; the next segment has one of its own."""
    grid = Geometry((width, 12, 1), (0.14, 0.14, 1.0), (-49.0, 3.0, 0.0))
    array = np.random.default_rng(0).uniform(size=grid.size[::-1]).astype(np.float32)
    mapping = Mapping((about(grid.center_mm, rotation((0, 0, 0.4)), np.array([0.05, 0.03, 0.0])),))
    index = np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), axis=-1).reshape(-1, 3)
    points = mapping.pull(index @ grid.affine[:3, :3].T + grid.affine[:3, 3])
    x, y, _ = ((points - grid.affine[:3, 3]) @ np.linalg.inv(grid.affine[:3, :3]).T).T
    expected = map_coordinates(array[0].astype(float), (y, x), order=1, mode="nearest").reshape(grid.size)
    (moved,) = resample([Request(array, grid, "linear", None)], mapping, resampler)
    assert np.abs(moved.T - expected).max() < 2e-5


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
@pytest.mark.parametrize("fill", [-7.0, None])
def test_linear_values_of_integers_are_rounded_half_to_even(resampler: Resampler, fill: float | None) -> None:
    grid = oblique_geometry()
    array = np.random.default_rng(0).integers(-500, 500, grid.size[::-1]).astype(np.int16)
    whole, fractions = (Request(array, grid, "linear", fill, dtype) for dtype in (np.int16, np.float32))
    (rounded,), (exact,) = (resample([one], turn(grid), resampler) for one in (whole, fractions))
    assert rounded.dtype == np.int16
    assert np.array_equal(rounded, np.rint(exact))


@pytest.mark.parametrize("order", ["matrix", "spline, matrix", "matrix, spline", "plane"])
@pytest.mark.parametrize("block", [(40, 2), (60, 3), (200, 5), (1, 1)])
def test_blocks_of_any_height_and_depth_give_the_same_voxels(
    monkeypatch: pytest.MonkeyPatch, order: str, block: tuple[int, int]
) -> None:
    """Each row of the output lies in one block, at the edges of the grid, too, where blocks are smaller."""
    grid = Geometry((13, 11, 1 if order == "plane" else 9), (1.5, 1, 2))
    generator = np.random.default_rng(0)
    array = generator.integers(-900, 900, grid.size[::-1]).astype(np.int16)
    spline = SplineGrid(grid.affine, grid.size, generator.uniform(-2, 2, (5, 6, 4, 3)))
    parts = {"matrix, spline": (*turn(grid).parts, spline), "spline, matrix": (spline, *turn(grid).parts)}
    mapping = Mapping(parts.get(order, turn(grid).parts))
    kinds = (("linear", np.int16), ("linear", np.float32), ("nearest", np.int16), ("label_linear", np.int16))
    requests = [Request(array, grid, interpolation, 7.0, dtype) for interpolation, dtype in kinds]
    expected = resample(requests, mapping)
    monkeypatch.setattr(kernel, "_BLOCK", block[0])
    monkeypatch.setattr(kernel, "_DEPTH", block[1])
    assert all(np.array_equal(*pair) for pair in zip(resample(requests, mapping), expected, strict=True))
