"""Morphology against SciPy's distances and components."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from medaug_cli.core.morphology import components, spread, surroundings

BLOBS = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(20, 24, 28)), 1.5) > 0.05


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 1.3, 3.0)])
@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0, 4.1])
def test_labels_spread_as_far_as_the_distance(spacing: tuple[float, float, float], distance: float) -> None:
    found = spread(BLOBS.astype(np.uint8), BLOBS, spacing, distance)
    away = ndimage.distance_transform_edt(~BLOBS, sampling=spacing[::-1])
    assert np.array_equal(found == 1, away <= distance)


def test_the_nearest_label_is_taken() -> None:
    """Whichever label a voxel takes, none stands nearer to it."""
    labels = np.where(BLOBS, np.random.default_rng(1).integers(1, 9, BLOBS.shape), 0).astype(np.int16)
    sampling = (2.93, 1.37, 0.71)
    found = spread(labels, BLOBS, sampling[::-1], 6.0)
    nearest = ndimage.distance_transform_edt(~BLOBS, sampling=sampling)
    assert np.array_equal(found[BLOBS], labels[BLOBS])
    for label in range(1, 9):
        own = ndimage.distance_transform_edt(labels != label, sampling=sampling)
        assert own[found == label] == pytest.approx(nearest[found == label])


def test_spreading_changes_no_input() -> None:
    labels, mask = BLOBS.astype(np.uint8), BLOBS.copy()
    labels.setflags(write=False)
    spread(labels, mask, (1.0, 1.0, 1.0), 2.0)
    assert np.array_equal(mask, BLOBS)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.2])
def test_components_are_those_that_share_a_corner(threshold: float) -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=(20, 24, 28)), 1) > threshold
    numbers, count = components(mask)
    expected, expected_count = ndimage.label(mask, np.ones((3, 3, 3)))
    assert count == expected_count
    assert np.array_equal(numbers, expected)


def test_a_picture_has_components_too() -> None:
    mask = np.array([[[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]], bool)
    numbers, count = components(mask)
    assert count == 2
    assert numbers.tolist() == [[[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 2]]]


def test_surroundings_are_the_labels_beside_every_face() -> None:
    labels = np.array([[[5, 1, 7], [8, 1, 9]]])
    assert sorted(surroundings(labels, labels == 1)) == [5, 7, 8, 9]
