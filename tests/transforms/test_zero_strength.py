"""Steps at zero strength change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import augment, make_labels, make_sample, make_step, make_volume, oblique_geometry, suit

from medaug_cli.transforms import step_names

RANGED = tuple(make_step(name) for name in ("gamma", "contrast", "rotate", "gaussian_noise"))
ZERO: list[tuple[str, dict[str, Any]]] = [
    ("affine", {"rotation_deg": 0, "translation_mm": 0, "scale": 1}),
    ("rotate", {"rotation_deg": 0}),
    ("rotate", {"rotation_deg": {"SI": 0}}),
    ("translate", {"translation_mm": 0}),
    ("scale", {"scale": 1}),
    ("scale", {"scale": {"LR": 1}}),
    ("shear", {"shear_deg": 0}),
    ("rotate90", {"turns": 0}),
    ("elastic", {"displacement_mm": 0}),
    ("elastic_field", {"displacement_mm": 0}),
    ("grid_distortion", {"strength": 0}),
    ("perspective", {"strength": 0}),
    ("crop", {"margin_mm": 0}),
    ("pad", {"margin_mm": 0}),
    ("crop_or_pad", {"size": [None, None, None]}),
    ("resize", {"size": [None, None, None]}),
    ("resample", {"spacing_mm": {"LR": 0.8, "AP": 1.1, "SI": 2.5}}),
    ("blur", {"sigma_mm": 0}),
    ("blur", {"sigma": 0, "unit": "voxel"}),
    ("brightness", {"add": 0, "multiply": 1}),
    ("contrast", {"factor": 1}),
    ("contrast", {"factor": 1, "preserve_range": False}),
    ("window", {"center": 0, "width": 2000}),
    ("histogram_shift", {"strength": 0}),
    ("histogram_match", {"strength": 0}),
    ("autocontrast", {"low": 0, "high": 100}),
    ("clip_percentiles", {"low": 0, "high": 100}),
    ("clahe", {"clip_limit": 1}),
    ("median", {"radius": 0}),
    ("rician_noise", {"sigma": 0}),
    ("poisson_noise", {"dose": 1e17}),
    ("speckle_noise", {"sigma": 0}),
    ("salt_and_pepper", {"fraction": 0}),
    ("sharpen", {"sigma1": 0, "alpha": 0}),
    ("sharpen", {"sigma1": 0, "sigma2": 0, "alpha": 5}),
    ("gamma", {"log_gamma": 0}),
    ("gamma", {"gamma": 1, "mode": "signed"}),
    ("gamma", {"gamma": 1, "invert": True, "retain_stats": True}),
    ("bias_field", {"strength": 0}),
    ("gaussian_noise", {"sigma": 0}),
    ("low_resolution", {"factor": 1}),
    ("local_gamma", {"strength": 0}),
    ("local_contrast", {"strength": 0}),
    ("local_brightness", {"strength": 0}),
    ("cutout", {"count": 0}),
    ("cutout", {"size_mm": 0}),
    ("patch_swap", {"count": 0}),
    ("pixel_dropout", {"fraction": 0}),
    ("solarize", {"threshold": 1.1}),
    ("color_jitter", {"brightness": 1, "contrast": 1, "saturation": 1, "hue": 0}),
    ("channel_shift", {"shift": 0}),
    ("motion", {"rotation_deg": 0, "translation_mm": 0}),
    ("motion", {"count": 0}),
    ("ghosting", {"intensity": 0}),
    ("ghosting", {"num_ghosts": 0}),
    ("spike", {"intensity": 0}),
    ("spike", {"count": 0}),
    ("gibbs", {"alpha": 0}),
    ("gibbs", {"alpha": 0, "model": "box"}),
    ("kspace_undersampling", {"acceleration": 1}),
    ("label_noise", {"erode": 0, "dilate": 0}),
    ("slice_motion", {"translation_mm": 0, "rotation_deg": 0}),
    ("channel_misalignment", {"translation_mm": 0, "rotation_deg": 0}),
    ("augmix", {"share": 0}),
    ("rand_augment", {"magnitude": 0, "steps": RANGED}),
    ("trivial_augment", {"magnitude": 0, "steps": RANGED}),
]
# Their strength is not a number: what they do, they do, or `p` leaves it out.
WITHOUT_ZERO = {"equalize", "flip", "grayscale", "invert", "jpeg", "normalize", "posterize"}
CHOOSING = {"one_of", "random_order", "sequence", "some_of"}


@pytest.mark.parametrize(("name", "values"), ZERO)
def test_a_step_at_zero_strength_changes_nothing(name: str, values: dict[str, Any]) -> None:
    grid = oblique_geometry()
    volume = suit(name, make_volume(grid, np.random.default_rng(0).uniform(0, 1000, grid.size[::-1])))
    second = (replace(volume, array=volume.array.copy()),) if name == "channel_misalignment" else ()
    sample = make_sample(volume, *second, labels={"lesion": make_labels(grid)})
    copy = augment(sample, make_step(name, **values))
    before = sample.images["0"].content.array
    for image in copy.images.values():
        assert np.abs(image.array - before).max() <= 1e-6 * np.ptp(before)
    assert np.array_equal(copy.labels["lesion"].array, sample.labels["lesion"].content.array)


def test_every_step_with_a_strength_is_tested() -> None:
    assert {name for name, _ in ZERO} == set(step_names()) - WITHOUT_ZERO - CHOOSING
