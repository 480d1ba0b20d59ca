"""Faults of peers that medaug must not have: those of moving images, labels and points."""

from __future__ import annotations

import numpy as np
import pytest
from builders import (
    augment,
    ball,
    covariance_mm2,
    dice,
    make_labels,
    make_sample,
    make_step,
    make_volume,
    oblique_geometry,
)

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.spatial.points import push

GRID = oblique_geometry((48, 44, 24), (1.0, 1.2, 2.0))
DEFORMING = ["affine", "elastic", "elastic_field", "grid_distortion", "perspective"]


@pytest.mark.parametrize("name", DEFORMING)
def test_image_and_mask_are_warped_by_the_same_field(name: str) -> None:
    """Keras draws two fields; here a mask that is its own image stays so, voxel for voxel."""
    labels = make_labels(GRID)
    sample = make_sample(make_volume(GRID, labels.array), labels={"lesion": labels})
    copy = augment(sample, make_step(name, interpolation="nearest", fill=0))
    assert np.array_equal(copy.images["0"].array[0], copy.labels["lesion"].array)


@pytest.mark.parametrize("name", ["affine", "elastic", "elastic_field"])
def test_a_moved_label_is_the_moved_image_segmented_again(name: str) -> None:
    grid = oblique_geometry((80, 72, 64), (1.0, 1.1, 1.2))
    soft = ball(grid, 30)
    mask = (soft >= 0.5).astype(np.uint8)
    sample = make_sample(make_volume(grid, soft), labels={"ball": LabelMap(mask, grid)})
    for number in (1, 2, 3):
        copy = augment(sample, make_step(name, fill=0), copy=number)
        assert dice(copy.images["0"].array[0] >= 0.5, copy.labels["ball"].array == 1) >= 0.98


@pytest.mark.parametrize("name", DEFORMING)
@pytest.mark.parametrize("interpolation", ["nearest", "label_linear"])
def test_no_mask_is_ever_resampled_bilinearly(name: str, interpolation: str) -> None:
    """MONAI's lazy mode leaves values between the labels."""
    labels = make_labels(GRID, "int16", (0, 10, 200))
    step = make_step(name, interpolation="bspline", label_interpolation=interpolation)
    copy = augment(make_sample(make_volume(GRID), labels={"lesion": labels}), step)
    assert set(np.unique(copy.labels["lesion"].array)) == {0, 10, 200}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
@pytest.mark.parametrize("name", [*DEFORMING, "flip", "rotate90", "crop", "pad", "resample", "label_noise"])
def test_labels_never_come_back_as_float(name: str, dtype: str) -> None:
    labels = make_labels(GRID, dtype, (0, 10, 100))
    copy = augment(make_sample(make_volume(GRID), labels={"lesion": labels}), make_step(name))
    assert copy.labels["lesion"].array.dtype == np.dtype(dtype)


def test_a_rotation_of_anisotropic_voxels_does_not_shear() -> None:
    """A turn in voxels would change the lengths of the axes of inertia in mm; a turn in mm does not."""
    grid = Geometry((40, 40, 16), (1.0, 1.0, 3.0))
    z, _, x = np.indices(grid.size[::-1])
    bar = ((np.abs(x - 19.5) < 12) & (np.abs(z - 7.5) < 3)).astype(np.uint8)
    sample = make_sample(make_volume(grid, bar), labels={"bar": LabelMap(bar, grid)})
    turned = augment(sample, make_step("rotate", rotation_deg={"AP": 30}, fill=0)).labels["bar"].array
    before, after = (np.linalg.eigvalsh(covariance_mm2(mask, grid)) for mask in (bar, turned))
    assert after == pytest.approx(before, rel=0.06)


def test_points_move_by_the_true_inverse_and_not_by_a_negated_field() -> None:
    mapping = augment(make_sample(make_volume(GRID)), make_step("elastic", displacement_mm=6)).mapping
    points = GRID.center_mm + np.random.default_rng(0).uniform(-12, 12, (200, 3))
    negated = 2 * points - mapping.pull(points)
    assert np.linalg.norm(mapping.pull(negated) - points, axis=1).max() > 0.05
    assert np.linalg.norm(mapping.pull(push(mapping, points)) - points, axis=1).max() < 0.01
