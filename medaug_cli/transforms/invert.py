"""Invert: bright becomes dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medaug_cli.core.intensity import EIGHT_BITS, low_and_high
from medaug_cli.step import Line, LineStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Invert(LineStep):
    """Change intensities to maximum + minimum - x; of 8-bit images to 255 - x."""

    code: ClassVar[tuple[str, str, str]] = ("INVERT", "99MEDAUG", "Inversion of intensities")
    peer: ClassVar[str] = "torchvision.RandomInvert, albumentations.InvertImg, batchgeneratorsv2.InvertImageTransform"
    knows_bytes: ClassVar[bool] = True

    def line(self, array: FloatArray, scene: Scene) -> Line | None:
        """Return the line for `array` (component, z, y, x)."""
        low, high = EIGHT_BITS if scene.eight_bit else low_and_high(array, scene.valid)
        return Line(-1, low + high)
