"""Autocontrast: intensities stretched to the whole range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import EIGHT_BITS, low_and_high, percentiles
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import Ascending, Line, LineStep, is_narrow

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Autocontrast(LineStep):
    """Stretch the percentiles `low` to `high` to the range from minimum to maximum, and clip to it.

    8-bit images are stretched to 0 to 255, as TorchVision does. A CT with metal has a wide range: give it an `output`.
    """

    code: ClassVar[tuple[str, str, str]] = ("AUTOCONTRAST", "99MEDAUG", "Contrast stretching")
    peer: ClassVar[str] = "torchvision.RandomAutocontrast, albumentations.AutoContrast, torchio.RescaleIntensity"

    low: Annotated[Span, Bounds(ge=0, le=49, unit="%")] = Field(
        default=Span.of([0.0, 1.0]), description="Percentile that becomes the darkest."
    )
    high: Annotated[Span, Bounds(ge=51, le=100, unit="%", neutral=100)] = Field(
        default=Span.of([99.0, 100.0]), description="Percentile that becomes the brightest."
    )
    output: Ascending | None = Field(
        default=None, description="Intensities [low, high] to stretch to (HU for CT), instead of the whole range."
    )

    def needs_fractions(self) -> bool:
        """Say that the result would be lost in whole numbers."""
        return self.output is not None and is_narrow(self.output)

    def line(self, array: FloatArray, scene: Scene) -> Line | None:
        """Return the line for `array` (component, z, y, x); a constant volume stays as it is."""
        low, high = percentiles(array, scene.valid, self.low.value, self.high.value)
        if low == high:
            return None
        whole = EIGHT_BITS if scene.eight_bit else low_and_high(array, scene.valid)
        return Line.between((low, high), self.output or whole)
