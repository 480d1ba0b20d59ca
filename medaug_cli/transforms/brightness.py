"""Brightness: intensities multiplied and shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import RelativeTo, scale_of
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import Line, LineStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Brightness(LineStep):
    """Change intensities to x · multiply + add · unit, the unit being what `relative_to` names."""

    peer: ClassVar[str] = "batchgeneratorsv2.MultiplicativeBrightnessTransform, monai.RandShiftIntensity"

    multiply: Annotated[Span, Bounds(ge=0, le=100, neutral=1)] = Field(
        default=Span.of(1), description="Factor; 1 keeps."
    )
    add: Annotated[Span, Bounds(ge=-1e6, le=1e6)] = Field(
        default=Span.of([-0.1, 0.1]), description="Shift, in units of relative_to; 0 keeps."
    )
    relative_to: RelativeTo = Field(
        default="percentile", description="Unit of add: none (HU for CT), std, range, or percentile (1-99)."
    )

    def line(self, array: FloatArray, scene: Scene) -> Line | None:
        """Return the line for `array` (component, z, y, x)."""
        shift = self.add.value
        return Line(self.multiply.value, shift and shift * scale_of(array, scene.valid, self.relative_to))
