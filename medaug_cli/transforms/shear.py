"""Shear: the shear of `affine` on its own."""

from __future__ import annotations

from typing import ClassVar

from medaug_cli.core.values import AxisSpan
from medaug_cli.step.affine import AffineStep, ShearDeg


class Shear(AffineStep):
    """Slant the content in the planes across patient axes."""

    peer: ClassVar[str] = "monai.RandAffine, keras.RandomShear"

    shear_deg: ShearDeg = AxisSpan.of([-5, 5])
