"""Faults of peers that medaug must not have: those of moving images and labels."""

from __future__ import annotations

import numpy as np
import pytest
from builders import augment, ball, dice, make_labels, make_sample, make_step, make_volume, oblique_geometry

from medaug_cli.core.label_maps import LabelMap

GRID = oblique_geometry((48, 44, 24), (1.0, 1.2, 2.0))
DEFORMING = ["affine", "elastic", "elastic_field", "grid_distortion", "perspective"]


def test_a_moved_label_is_the_moved_image_segmented_again() -> None:
    grid = oblique_geometry((80, 72, 64), (1.0, 1.1, 1.2))
    soft = ball(grid, 30)
    mask = (soft >= 0.5).astype(np.uint8)
    sample = make_sample(make_volume(grid, soft), labels={"ball": LabelMap(mask, grid)})
    for number in (1, 2, 3):
        copy = augment(sample, make_step("elastic_field", fill=0), copy=number)
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
