"""No default is absolute: an MR whose numbers are all 64 times as large comes out 64 times as large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import INTENSITY, augment, make_sample, make_step, make_volume, modality_of, suit

from medaug_cli.core.geometry import Geometry
from medaug_cli.transforms import load_step

GRID = Geometry((12, 12, 12), (1.0, 1.5, 2.0))
BEFORE = np.random.default_rng(0).uniform(0, 1000, GRID.size[::-1]).astype(np.float32)
# A unit of their own: the reference's, the range that is given to jpeg, mean 0 and standard deviation 1.
OWN_UNIT = {"histogram_match", "jpeg", "normalize"}
# Each voxel takes from its neighbours (in a chain of augmix, too), or the number of random draws depends on the voxels.
FROM_NEIGHBOURS = {
    "augmix",
    "blur",
    "gibbs",
    "ghosting",
    "jpeg",
    "kspace_undersampling",
    "low_resolution",
    "median",
    "motion",
    "poisson_noise",
    "sharpen",
    "spike",
}


@pytest.mark.parametrize("name", sorted(set(INTENSITY) - OWN_UNIT))
def test_a_default_means_the_same_whatever_the_scale_of_the_image(name: str) -> None:
    """64 is a power of 2, so that not even the rounding of float32 differs."""
    for number in range(1, 4):
        made = []
        for scale in (1, 64):
            volume = suit(name, make_volume(GRID, BEFORE * scale))
            made.append(augment(make_sample(volume, modality=modality_of(name)), make_step(name), copy=number))
        small, large = (copy.images["0"].array for copy in made)
        assert np.abs(large / 64 - small).max() <= 1e-5 * np.ptp(small)


@pytest.mark.parametrize("name", [name for name in INTENSITY if "relative_to" in load_step(name).model_fields])
def test_relative_to_is_never_none_by_default(name: str) -> None:
    assert load_step(name).model_fields["relative_to"].default != "none"


@pytest.mark.parametrize("name", sorted(set(INTENSITY) - FROM_NEIGHBOURS))
def test_what_stands_where_nothing_is_measured_changes_no_measurement(name: str) -> None:
    void = np.zeros(BEFORE.shape, bool)
    void[:3] = True
    for number in range(1, 4):
        made = []
        for odd in (-2000, 7000):
            volume = replace(suit(name, make_volume(GRID, np.where(void, odd, BEFORE))), void=void)
            made.append(augment(make_sample(volume, modality=modality_of(name)), make_step(name), copy=number))
        one, other = (copy.images["0"].array[:, ~void] for copy in made)
        assert np.array_equal(one, other)
