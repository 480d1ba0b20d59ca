"""Cutout: which voxels a box in mm holds, and what stands in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import augment, change, make_labels, make_sample, make_scene, make_step, make_volume, positions_mm

from medaug_cli.core.geometry import Geometry

GRID = Geometry((20, 16, 12), (1.0, 2.0, 3.0), (-50.0, 20.0, 7.0))
RAMP = np.arange(20 * 16 * 12, dtype=np.float32).reshape(12, 16, 20)


def box(*numbers: float, **values: Any) -> Any:
    """Return a cutout of one box: centre R, A, S and size LR, AP, SI in mm."""
    return make_step("cutout", boxes_mm=[numbers], **values)


def test_a_box_holds_the_voxels_whose_centres_lie_in_it() -> None:
    """To the left from -50 mm, to posterior from 20 mm, up from 7 mm: the centre is voxel (4, 6, 2)."""
    after = change(box(46, -32, 13, 4, 6, 6, fill=-1), RAMP, GRID)
    z, y, x = np.nonzero(after == -1)
    assert (set(x), set(y), set(z)) == ({2, 3, 4, 5}, {5, 6, 7}, {1, 2})
    mm = positions_mm(GRID) * [-1, -1, 1] - [46, -32, 13]
    outside = (np.abs(mm) > [2, 3, 3]).any(axis=-1)
    assert np.array_equal(after[outside], RAMP[outside])


@pytest.mark.parametrize(("fill", "value"), [("minimum", 0), ("mean", RAMP.mean()), ("air", -1024), (5.5, 5.5)])
def test_a_box_is_filled_with_what_is_named(fill: Any, value: float) -> None:
    after = change(box(46, -32, 13, 5, 5, 7, fill=fill), RAMP, GRID)
    assert after[2, 6, 4] == pytest.approx(value)


def test_what_is_not_measured_does_not_count_for_the_fill() -> None:
    array = np.array([-2000, 10, 20, 30], np.float32).reshape(1, 1, 4)
    valid = np.array([False, True, True, True]).reshape(1, 1, 4)
    after = change(box(0, 0, 0, 100, 100, 100, fill="mean"), array, valid=valid)
    assert after == pytest.approx(20)


def test_boxes_have_the_drawn_number_and_size_and_their_centres_in_the_image() -> None:
    drawn = make_step("cutout", size_mm=[4, 8], count=200).fix(np.random.default_rng(0), make_scene(GRID))
    boxes = np.array(drawn.values()["boxes_mm"])
    assert boxes.shape == (200, 6)
    assert boxes[:, 3:].min() >= 4
    assert boxes[:, 3:].max() <= 8
    index = (boxes[:, :3] * [-1, -1, 1] - GRID.origin_mm) / GRID.spacing_mm
    assert (index >= -0.5).all()
    assert (index <= np.array(GRID.size) - 0.5).all()
    assert index.mean(axis=0) == pytest.approx([9.5, 7.5, 5.5], abs=1.5)


def test_channels_on_other_grids_lose_the_same_place_and_labels_nothing() -> None:
    fine = Geometry((40, 16, 12), (0.5, 2.0, 3.0), (-50.25, 20.0, 7.0))  # every voxel cut in two along x
    label = make_labels(GRID)
    sample = make_sample(make_volume(GRID), make_volume(fine), labels={"lesion": label})
    copy = augment(sample, make_step("cutout", size_mm=8, count=1, fill=5000))
    coarse_lost, fine_lost = (copy.images[name].array[0] == 5000 for name in ("0", "1"))
    assert coarse_lost.any()
    places = [positions_mm(grid)[lost] for grid, lost in ((GRID, coarse_lost), (fine, fine_lost))]
    assert places[0].mean(axis=0) == pytest.approx(places[1].mean(axis=0), abs=0.5)
    assert fine_lost.sum() == pytest.approx(2 * coarse_lost.sum(), rel=0.13)  # 16 ± 1 half voxels for 8
    assert copy.labels["lesion"] is label
