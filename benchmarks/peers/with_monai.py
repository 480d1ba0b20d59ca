"""MONAI: dictionary transforms from LoadImaged to SaveImaged; affine and elastic are one resampling, as it offers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
import workload as w
from job import Job
from monai.transforms import (
    AdjustContrastd,
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    Rand3DElasticd,
    RandAffined,
    RandBiasFieldd,
    RandGaussianNoised,
    RandSmoothDeformd,
    SaveImage,
)

if TYPE_CHECKING:
    from monai.transforms import Transform

KEYS = ("image", "label")
SIGMAS = {w.ELASTIC: w.ROUGH_SIGMA, w.ONEDNN_ELASTIC: w.ROUGH_SIGMA, w.SMOOTH_ELASTIC: w.SMOOTH_SIGMA}
ONEDNN_THREADS = 2  # from which on torch smooths by oneDNN; they share one core


def make_transform(recipe: str) -> Compose:
    """Return MONAI's transforms for one of the recipes."""
    angle = math.radians(w.ROTATION_DEG)  # its matrices take output to input voxels: all signs are turned round
    move: dict[str, Any] = {
        "prob": 1.0,
        "rotate_range": [(-angle, -angle)] * 3,
        "scale_range": [(1 / w.SCALE - 1, 1 / w.SCALE - 1)] * 3,
        "translate_range": [(-shift, -shift) for shift in w.TRANSLATION_MM],
        "mode": ("bilinear", "nearest"),
        "padding_mode": "zeros",
    }
    steps: list[Transform] = []
    if recipe in SIGMAS:
        sigma = SIGMAS[recipe]
        steps.append(Rand3DElasticd(KEYS, sigma_range=(sigma, sigma), magnitude_range=(200.0, 200.0), **move))
    else:
        steps.append(RandAffined(KEYS, **move))
    if recipe == w.GRID_ELASTIC:
        size, points = w.BRAIN_SIZE, (w.CONTROL_POINTS,) * 3
        shift = 2 * w.DISPLACEMENT_MM / max(size)  # of half the volume
        steps.append(RandSmoothDeformd(KEYS, size, points, prob=1.0, def_range=shift, grid_mode=move["mode"]))
    if recipe != w.AFFINE:
        steps += [
            RandBiasFieldd("image", degree=w.BIAS_ORDER, coeff_range=(0.0, w.BIAS_COEFFICIENT), prob=1.0),
            RandGaussianNoised("image", prob=1.0, std=w.NOISE_STD, sample_std=False),
            AdjustContrastd("image", gamma=math.exp(w.LOG_GAMMA)),
        ]
    return Compose(steps)


def main() -> None:
    """Read once, then transform and save copy after copy."""
    job = Job.from_arguments()
    torch.set_num_threads(ONEDNN_THREADS if job.recipe in (w.ONEDNN_ELASTIC, w.SMOOTH_ELASTIC) else 1)
    load = Compose([LoadImaged(KEYS), EnsureChannelFirstd(KEYS)])
    sample = load({"image": job.image, "label": job.label})
    transform = make_transform(job.recipe)
    kinds = ({}, {}) if job.own_types else ({"output_dtype": "int16"}, {"output_dtype": "uint8"})
    save_image, save_label = (SaveImage(output_ext=".nii.gz", print_log=False, **kind) for kind in kinds)
    for image_path, label_path in job.targets():
        made = transform(sample)
        save_image(made["image"], filename=str(image_path).removesuffix(".nii.gz"))
        save_label(made["label"], filename=str(label_path).removesuffix(".nii.gz"))


if __name__ == "__main__":
    main()
