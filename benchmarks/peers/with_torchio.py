"""TorchIO: a Subject through a Compose, its images saved by their own method."""

from __future__ import annotations

import torch
import torchio as tio
import workload as w
from job import Job


def make_transform(recipe: str) -> tio.Transform:
    """Return TorchIO's transforms for one of the recipes."""
    steps = [
        tio.RandomAffine(
            scales=(w.SCALE, w.SCALE),
            degrees=(w.ROTATION_DEG, w.ROTATION_DEG),
            translation=tuple(bound for shift in w.TRANSLATION_MM for bound in (shift, shift)),
        )
    ]
    if recipe == w.ELASTIC:
        steps.append(
            tio.RandomElasticDeformation(num_control_points=w.CONTROL_POINTS, max_displacement=w.DISPLACEMENT_MM)
        )
    if recipe != w.AFFINE:
        steps += [
            tio.RandomBiasField(coefficients=w.BIAS_COEFFICIENT, order=w.BIAS_ORDER),
            tio.RandomNoise(std=(w.NOISE_STD, w.NOISE_STD)),
            tio.RandomGamma(log_gamma=(w.LOG_GAMMA, w.LOG_GAMMA)),
        ]
    return tio.Compose(steps)


def main() -> None:
    """Read once, then transform and save copy after copy."""
    torch.set_num_threads(1)
    job = Job.from_arguments()
    subject = tio.Subject(image=tio.ScalarImage(job.image), label=tio.LabelMap(job.label))
    subject.load()
    transform = make_transform(job.recipe)
    for image_path, label_path in job.targets():
        made = transform(subject)
        if not job.own_types:  # TorchIO itself writes float32, twice the bytes to pack
            made.image.set_data(made.image.data.round().to(torch.int16))
            made.label.set_data(made.label.data.to(torch.uint8))
        made.image.save(image_path)
        made.label.save(label_path)


if __name__ == "__main__":
    main()
