"""Albumentations: a Compose on an image and a mask in memory. Arguments: RECIPE ROWS COLUMNS REPEATS."""

from __future__ import annotations

import math
import sys

import albumentations as A  # noqa: N812  as its own documentation does
import cv2
import workload as w
from planar import NOISE_STD, TRANSLATION_SHARE, draw_picture, report_times


def make_transform(recipe: str) -> A.Compose:
    """Return Albumentations' transforms for the affine or the elastic recipe."""
    angle, shift, exponent = w.ROTATION_DEG, TRANSLATION_SHARE, round(100 * math.exp(w.LOG_GAMMA))
    steps = [
        A.Affine(rotate=(angle, angle), scale=(w.SCALE, w.SCALE), translate_percent=(shift, shift), p=1.0),
    ]
    if recipe == w.ELASTIC:
        steps += [
            # Its default width. One as smooth as 7 control points, 360 pixels, takes it half a minute.
            A.ElasticTransform(alpha=300, sigma=50, p=1.0),
            A.GaussNoise(std_range=(NOISE_STD, NOISE_STD), p=1.0),
            A.RandomGamma(gamma_limit=(exponent, exponent), p=1.0),
        ]
    return A.Compose(steps)


def main() -> None:
    """Time the transforms."""
    recipe, rows, columns, repeats = sys.argv[1], *map(int, sys.argv[2:])
    cv2.setNumThreads(1)
    image, mask = draw_picture(rows, columns)
    transform = make_transform(recipe)
    report_times(lambda: transform(image=image, mask=mask), repeats)


if __name__ == "__main__":
    main()
