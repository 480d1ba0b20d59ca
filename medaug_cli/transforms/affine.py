"""Affine: rotation, translation, scaling and shear of the content, resampled once."""

from __future__ import annotations

from typing import ClassVar

from medaug_cli.core.values import AxisSpan
from medaug_cli.step.affine import AffineStep, RotationDeg, ScaleFactor, ShearDeg, TranslationMm


class Affine(AffineStep):
    """Rotate, translate and scale the content about patient axes; the grid stays.

    Sheared first if asked, then rotated about the centre, translated, and scaled about the centre, as torchio.Affine.
    """

    peer: ClassVar[str] = "torchio.RandomAffine, monai.RandAffine"

    rotation_deg: RotationDeg = AxisSpan.of([-10, 10])
    translation_mm: TranslationMm = AxisSpan.of([-5, 5])
    scale: ScaleFactor = AxisSpan.of([0.9, 1.1])
    shear_deg: ShearDeg = AxisSpan.of(0)
