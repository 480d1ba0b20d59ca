"""Solarize: intensities above a threshold turned upside down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.intensity import EIGHT_BITS, low_and_high
from medaug_cli.core.lazy import np, tones
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.step import Scene


class Solarize(IntensityStep):
    """Change x to max + min - x where x reaches the threshold.

    Minimum and maximum are 0 and 255 of 8-bit images, as TorchVision and Keras, and the volume's own of others.
    """

    code: ClassVar[tuple[str, str, str]] = ("SOLARIZE", "99MEDAUG", "Partial inversion of intensities")
    peer: ClassVar[str] = "torchvision.RandomSolarize, keras.Solarization"
    by_tone: ClassVar[bool] = True
    knows_bytes: ClassVar[bool] = True

    threshold: Annotated[Span, Bounds(ge=-1e6, le=1e6, neutral=1e6)] = Field(
        default=Span.of([0.6, 0.95]), description="Least intensity that is turned; above the maximum changes nothing."
    )
    relative_to: Literal["none", "range"] = Field(
        default="range", description="range: 0 is the minimum and 1 the maximum; none: the modality's unit (HU for CT)."
    )

    def takes_bytes(self, scene: Scene) -> bool:
        """Say that bytes are as well turned."""
        return scene.eight_bit

    def apply(self, array: AnyArray, scene: Scene) -> None:
        """Change `array` (component, z, y, x), float32 or the bytes of an 8-bit image, in place."""
        low, high = EIGHT_BITS if scene.eight_bit else low_and_high(array, scene.valid)
        if array.dtype == np.uint8:
            tones.turn_bytes_above(array, array, self._least(low, high))
        else:
            tones.turn_above(array, self._least(low, high), low + high)

    def applied(self, source: AnyArray, scene: Scene) -> AnyArray:
        """Return a changed copy of `source`; of bytes made in the same pass."""
        if source.dtype != np.uint8:
            return super().applied(source, scene)
        made = np.empty_like(source)
        tones.turn_bytes_above(source, made, self._least(*EIGHT_BITS))
        return made

    def _least(self, low: float, high: float) -> float:
        """Return the threshold in the image's own intensities."""
        return self.threshold.value if self.relative_to == "none" else low + self.threshold.value * (high - low)
