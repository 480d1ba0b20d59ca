"""Grayscale: colour images without their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medaug_cli.core.lazy import colour
from medaug_cli.step import ColourStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Grayscale(ColourStep):
    """Give all three colours the grey 0.2989 R + 0.587 G + 0.114 B; `p` says how often.

    Of 8-bit images the grey is rounded to the nearest whole number, as it is stored.
    """

    code: ClassVar[tuple[str, str, str]] = ("GRAYSCALE", "99MEDAUG", "Conversion of colour to grey")
    peer: ClassVar[str] = "torchvision.RandomGrayscale, keras.RandomGrayscale"

    def takes_bytes(self, scene: Scene) -> bool:
        """Say that grey is as well made of bytes."""
        return scene.eight_bit

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change `array` (component, z, y, x), float32 or the bytes of an 8-bit image, in place."""
        colour.to_grey(array, whole=scene.eight_bit)
