"""Scale: the scaling of `affine` on its own."""

from __future__ import annotations

from typing import ClassVar

from medaug_cli.core.values import AxisSpan
from medaug_cli.step.affine import AffineStep, ScaleFactor


class Scale(AffineStep):
    """Enlarge or shrink the content about the centre."""

    peer: ClassVar[str] = "torchio.RandomAffine, monai.RandZoom, keras.RandomZoom"

    scale: ScaleFactor = AxisSpan.of([0.9, 1.1])
