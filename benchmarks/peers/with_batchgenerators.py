"""batchgeneratorsv2: the transforms nnU-Net trains with, on torch tensors; it has no bias field and no translation."""

from __future__ import annotations

import math
from typing import Any

import nibabel as nib
import numpy as np
import torch
import workload as w
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
from job import Job


def make_transform(recipe: str, size: tuple[int, ...]) -> ComposeTransforms:
    """Return batchgeneratorsv2's transforms for one of the recipes, for volumes of `size` voxels."""
    angle = math.radians(w.ROTATION_DEG)
    steps = [
        SpatialTransform(
            patch_size=size,
            patch_center_dist_from_border=0,
            random_crop=False,
            p_elastic_deform=1.0 if recipe == w.ELASTIC else 0.0,
            elastic_deform_scale=w.SPLINE_SIGMA_CELLS / w.CELLS,
            elastic_deform_magnitude=w.DISPLACEMENT_MM,
            p_rotation=1.0,
            rotation=-angle,
            p_scaling=1.0,
            scaling=1 / w.SCALE,
            mode_seg="nearest",
        )
    ]
    if recipe != w.AFFINE:
        steps += [
            GaussianNoiseTransform(noise_variance=w.NOISE_STD),
            GammaTransform(
                gamma=math.exp(w.LOG_GAMMA),
                p_invert_image=0.0,
                synchronize_channels=True,
                p_per_channel=1.0,
                p_retain_stats=0.0,
            ),
        ]
    return ComposeTransforms(steps)


def main() -> None:
    """Read once, then transform and save copy after copy."""
    torch.set_num_threads(1)
    job = Job.from_arguments()
    source: Any = nib.load(job.image)
    label_source: Any = nib.load(job.label)
    image = torch.from_numpy(np.asarray(source.dataobj).astype(np.float32))[None]
    label = torch.from_numpy(np.asarray(label_source.dataobj).astype(np.int16))[None]
    transform = make_transform(job.recipe, tuple(image.shape[1:]))
    for image_path, label_path in job.targets():
        made = transform(image=image, segmentation=label)
        moved = made["image"][0].numpy()
        nib.save(nib.Nifti1Image(np.rint(moved).astype(np.int16), source.affine, source.header), image_path)
        nib.save(nib.Nifti1Image(made["segmentation"][0].numpy().astype(np.uint8), source.affine), label_path)


if __name__ == "__main__":
    main()
