"""Colour pictures through a projection: the same voxels as colour by colour, and as SciPy makes them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from medaug_cli.core.geometry import Geometry
from medaug_cli.spatial.mapping import Mapping, about
from medaug_cli.spatial.projection import Projection, homography
from medaug_cli.spatial.resample import Request, resample

GRID = Geometry.from_affine((70, 50, 1), np.array([[0.7, 0.1, 0, -5], [0, 1.3, 0, 4], [0.1, 0, 2, 30], [0, 0, 0, 1]]))
COLOURS = np.random.default_rng(0).integers(0, 256, (3, 1, 50, 70), dtype=np.uint8)
CORNERS = np.array([[0, 0], [69, 0], [69, 49], [0, 49]], float)
MOVED = CORNERS + np.array([[7, 5], [-3, 4], [-8, -9], [2, -1]])


def projections() -> list[Mapping]:
    part = Projection(GRID.affine, (0, 1), homography(CORNERS, MOVED))
    shift = about(GRID.center_mm, np.eye(3), np.array([0.3, -0.2, 0.0]))
    return [Mapping((part,)), Mapping((shift, part)), Mapping((part, shift)), Mapping((part.inverse(),))]


@pytest.mark.parametrize("mapping", projections())
@pytest.mark.parametrize("fill", [7.0, None])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_colours_together_are_those_of_each_alone(mapping: Mapping, fill: float | None, dtype: type) -> None:
    requests = [Request(one, GRID, "linear", fill, dtype) for one in COLOURS]
    for together, request in zip(resample(requests, mapping), requests, strict=True):
        (alone,) = resample([request], mapping)
        np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("mapping", projections())
def test_colours_are_interpolated_as_scipy_does(mapping: Mapping) -> None:
    index = np.stack(np.meshgrid(*map(np.arange, GRID.size), indexing="ij"), axis=-1).reshape(-1, 3)
    points = mapping.pull(index @ GRID.affine[:3, :3].T + GRID.affine[:3, 3])
    x, y, _ = ((points - GRID.affine[:3, 3]) @ np.linalg.inv(GRID.affine[:3, :3]).T).T
    edge = (np.abs(np.minimum(x, 69 - x) + 0.5) < 1e-6) | (np.abs(np.minimum(y, 49 - y) + 0.5) < 1e-6)
    inside = (x > -0.5) & (x < 69.5) & (y > -0.5) & (y < 49.5)
    moved = resample([Request(one, GRID, "linear", 7.0, np.float32) for one in COLOURS], mapping)
    for colour, made in zip(COLOURS, moved, strict=True):
        expected = map_coordinates(colour[0].astype(float), (y, x), order=1, mode="nearest")
        gap = np.abs(made.T.ravel() - np.where(inside, expected, 7.0))
        assert gap[~edge].max() < 1e-3


def test_results_are_written_into_the_room_that_is_given() -> None:
    room = np.zeros((3, 1, 50, 70), np.float32)
    requests = [
        Request(one, GRID, "linear", 0.0, np.float32, None, part) for one, part in zip(COLOURS, room, strict=True)
    ]
    for resampler in ("kernel", "simpleitk"):
        room[:] = 0
        moved = resample(requests, projections()[0], resampler)
        assert all(np.shares_memory(one, room) for one in moved)
        assert (room > 0).mean() > 0.5
