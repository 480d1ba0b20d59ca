"""What every step does with unusual images: pictures, time series, oblique and thin grids, voids, constants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import (
    GRID_STEPS,
    LABEL,
    SPATIAL,
    augment,
    make_labels,
    make_sample,
    make_step,
    make_volume,
    modality_of,
    oblique_geometry,
    suit,
)

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.step import ResamplingStep
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from medaug_cli.core.sample import Volume
    from medaug_cli.program import Copy
    from medaug_cli.step import Step

GRIDS = {
    "cube": Geometry((10, 10, 10)),
    "oblique": oblique_geometry((10, 9, 8)),
    "sheared": Geometry.from_affine(
        (10, 9, 8), np.array([[1, 0.2, 0, 5], [0, 1.5, 0.1, 7], [0, 0, 2, -9], [0, 0, 0, 1]])
    ),
    "two slices": Geometry((10, 10, 2), (1.0, 1.0, 8.0)),
    "sagittal picture": Geometry((1, 10, 10)),
    "coronal picture": Geometry((10, 1, 10)),
    "axial picture": Geometry((10, 10, 1)),
    "oblique picture": oblique_geometry((10, 9, 1)),
    "X-ray": Geometry((10, 9, 1), (0.15, 0.15, 1.0), letters=("P", "FL")),
    "one voxel": Geometry((1, 1, 1)),
}
PICTURES = [name for name, grid in GRIDS.items() if grid.flat_axis is not None and grid.size != (1, 1, 1)]


def step_for(name: str, grid: Geometry, **values: object) -> Step:
    """Return step `name` for this grid: pictures turn and flip in their plane."""
    if grid.flat_axis is not None and name == "rotate90":
        values["plane"] = "picture"
    if grid.flat_axis is not None and name == "flip":
        values["axes"] = ("vertical",)
    if name == "crop" and min(grid.size) * min(grid.spacing_mm) <= 11:  # mm: twice the greatest margin, and a voxel
        values |= {"size": 6, "around": "random"}
    return make_step(name, **values)


def copies(name: str, volume: Volume, grid: Geometry) -> list[Copy]:
    sample = make_sample(volume, labels={"lesion": make_labels(grid)}, modality=modality_of(name))
    return [augment(sample, step_for(name, grid), copy=number) for number in range(1, 4)]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", step_names())
def test_type_and_grid_stay_or_the_grid_is_the_new_one_and_every_voxel_is_finite(name: str, grid: str) -> None:
    if grid == "one voxel" and name == "flip":
        pytest.skip("a single voxel has no plane to be mirrored in")
    volume = suit(name, make_volume(GRIDS[grid], components=2))
    for copy in copies(name, volume, GRIDS[grid]):
        moved = copy.images["0"]
        assert moved.array.shape == (len(volume.array), *moved.geometry.size[::-1])
        assert moved.array.dtype == np.float32
        assert moved.geometry == volume.geometry or name in GRID_STEPS
        assert copy.labels["lesion"].geometry == moved.geometry
        assert copy.labels["lesion"].array.shape == moved.array.shape[1:]
        assert np.isfinite(moved.array).all()


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", step_names())
def test_a_constant_image_stays_finite_and_raises_no_warning(name: str, grid: str) -> None:
    if grid == "one voxel" and name == "flip":
        pytest.skip("a single voxel has no plane to be mirrored in")
    volume = suit(name, make_volume(GRIDS[grid], np.full(GRIDS[grid].size[::-1], 40.0)))
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        made = copies(name, volume, GRIDS[grid])
    assert all(np.isfinite(copy.images["0"].array).all() for copy in made)


@pytest.mark.parametrize("name", SPATIAL)
def test_a_constant_image_moves_to_itself(name: str) -> None:
    """The fill is the minimum, which is the constant."""
    volume = make_volume(GRIDS["oblique"], np.full(GRIDS["oblique"].size[::-1], 40.0))
    for copy in copies(name, volume, GRIDS["oblique"]):
        assert copy.images["0"].array == pytest.approx(40, abs=1e-3)


@pytest.mark.parametrize("name", step_names())
def test_components_change_alike_where_they_are_alike(name: str) -> None:
    """A time series whose first two points are equal keeps them equal but for noise, which is independent."""
    if "noise" in name or name == "salt_and_pepper":
        pytest.skip("noise is independent for each component")
    if load_step(name).needs_rgb:
        pytest.skip("red, green and blue are no time series")
    grid = GRIDS["cube"]
    one = make_volume(grid).array[0]
    for copy in copies(name, make_volume(grid, np.stack([one, one, 0.5 * one])), grid):
        assert np.array_equal(copy.images["0"].array[0], copy.images["0"].array[1])


@pytest.mark.parametrize("grows", [True, False])
@pytest.mark.parametrize("name", [name for name in step_names() if name not in LABEL])
def test_voxels_without_a_measurement_move_like_a_label(name: str, *, grows: bool) -> None:
    """A void that grows (pixel padding) also covers what comes in from outside; other voids (NaN) do not."""
    grid = GRIDS["cube"]
    void = np.zeros(grid.size[::-1], bool)
    void[:3] = True
    image = suit(name, replace(make_volume(grid, np.where(void, -1000, 5)), void=void, grows=grows))
    sample = make_sample(image, labels={"void": LabelMap(void.astype(np.uint8), grid)}, modality=modality_of(name))
    for number in range(1, 4):
        copy = augment(sample, step_for(name, grid), copy=number)
        moved = copy.images["0"]
        assert moved.void is not None
        assert moved.void.dtype == np.bool_
        assert np.isfinite(moved.array).all()
        kept = copy.labels["void"].array == 1
        assert (moved.void & kept).sum() == kept.sum()
        assert grows or np.array_equal(moved.void, kept)


@pytest.mark.parametrize("name", step_names())
def test_an_image_without_any_measurement_is_no_accident(name: str) -> None:
    grid = GRIDS["cube"]
    void = np.ones(grid.size[::-1], bool)
    for copy in copies(name, suit(name, replace(make_volume(grid), void=void)), grid):
        assert np.isfinite(copy.images["0"].array).all()


@pytest.mark.parametrize("grid", PICTURES)
@pytest.mark.parametrize("name", SPATIAL)
def test_a_picture_is_moved_within_its_plane(name: str, grid: str) -> None:
    """Nothing of a picture's inside is lost to the fill: the mapping keeps the plane of every point."""
    frame = GRIDS[grid]
    normal = np.array(frame.direction).reshape(3, 3)[:, frame.flat_axis or 0]
    points = frame.center_mm + np.random.default_rng(0).uniform(-3, 3, (10, 3))
    points -= np.outer((points - frame.center_mm) @ normal, normal)
    for copy in copies(name, make_volume(frame), frame):
        assert (copy.mapping.pull(points) - frame.center_mm) @ normal == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("grid", ["cube", "oblique", "axial picture"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
@pytest.mark.parametrize("interpolation", ["nearest", "label_linear"])
@pytest.mark.parametrize("name", SPATIAL)
def test_labels_keep_their_type_and_gain_no_value(name: str, interpolation: str, dtype: str, grid: str) -> None:
    frame = GRIDS[grid]
    values = {"label_interpolation": interpolation} if issubclass(load_step(name), ResamplingStep) else {}
    labels = make_labels(frame, dtype, (0, 3, 7))
    sample = make_sample(make_volume(frame), labels={"lesion": labels}, modality="MR")
    for number in range(1, 4):
        moved = augment(sample, step_for(name, frame, **values), copy=number).labels["lesion"]
        assert moved.array.dtype == labels.array.dtype
        assert set(np.unique(moved.array)) <= {0, 3, 7}
