"""Posterize: fewer levels of intensity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import low_and_high
from medaug_cli.core.lazy import np, tones
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.step import Scene


_BITS, _EIGHT_BIT_LEVELS = 8, 256


class Posterize(IntensityStep):
    """Lower each intensity to the next of 2^bits equal levels.

    Of 8-bit images the levels are those that keep the highest `bits` bits, as TorchVision: floor(x / s) · s with
    s = 256 / 2^bits. Of others they divide the range from minimum to maximum.
    """

    code: ClassVar[tuple[str, str, str]] = ("POSTERIZE", "99MEDAUG", "Reduction of intensity levels")
    peer: ClassVar[str] = "torchvision.RandomPosterize, keras.RandomPosterization"
    by_tone: ClassVar[bool] = True
    knows_bytes: ClassVar[bool] = True

    bits: Annotated[Span, Bounds(ge=1, le=16, whole=True, neutral=16)] = Field(
        default=Span.of([4, 7]), description="Bits that tell the levels apart; 8 keeps an 8-bit image."
    )

    def takes_bytes(self, scene: Scene) -> bool:
        """Say that bits are as well cleared in bytes."""
        return scene.eight_bit

    def apply(self, array: AnyArray, scene: Scene) -> None:
        """Change `array` (component, z, y, x), float32 or the bytes of an 8-bit image, in place."""
        if array.dtype == np.uint8:
            tones.keep_high_bits(array, array, self._bits_of_bytes())
            return
        levels = 2.0**self.bits.value
        low, high = (0.0, _EIGHT_BIT_LEVELS) if scene.eight_bit else low_and_high(array, scene.valid)
        if low < high:
            tones.lower_to_levels(array, low, high, levels)

    def applied(self, source: AnyArray, scene: Scene) -> AnyArray:
        """Return a changed copy of `source`; of bytes made in the same pass."""
        if source.dtype != np.uint8:
            return super().applied(source, scene)
        made = np.empty_like(source)
        tones.keep_high_bits(source, made, self._bits_of_bytes())
        return made

    def _bits_of_bytes(self) -> int:
        return min(int(self.bits.value), _BITS)
