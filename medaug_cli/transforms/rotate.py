"""Rotate: the rotation of `affine` on its own."""

from __future__ import annotations

from typing import ClassVar

from medaug_cli.core.values import AxisSpan
from medaug_cli.step.affine import AffineStep, RotationDeg


class Rotate(AffineStep):
    """Rotate the content about patient axes through the centre."""

    peer: ClassVar[str] = "torchio.RandomAffine, monai.RandRotate, torchvision.RandomRotation"

    rotation_deg: RotationDeg = AxisSpan.of([-10, 10])
