"""Contrast: intensities spread about their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import low_and_high, mean_and_deviation
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import Line, LineStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Contrast(LineStep):
    """Change intensities to (x - mean) · factor + mean, kept within the old range if asked."""

    peer: ClassVar[str] = "batchgeneratorsv2.ContrastTransform, torchvision.ColorJitter"

    factor: Annotated[Span, Bounds(ge=0, le=100, neutral=1)] = Field(
        default=Span.of([0.75, 1.25]), description="Above 1 spreads intensities, below 1 draws them together."
    )
    preserve_range: bool = Field(default=True, description="Clamp to the minimum and maximum from before.")

    def line(self, array: FloatArray, scene: Scene) -> Line | None:
        """Return the line for `array` (component, z, y, x)."""
        mean, _ = mean_and_deviation(array, scene.valid)
        factor = self.factor.value
        limits = low_and_high(array, scene.valid) if self.preserve_range else ()
        return Line(factor, mean * (1 - factor), *limits)
