"""Clip percentiles: the darkest and the brightest voxels brought back to the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import percentiles
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import Line, LineStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class ClipPercentiles(LineStep):
    """Clip intensities to the percentiles `low` and `high` of the volume."""

    code: ClassVar[tuple[str, str, str]] = ("CLIP", "99MEDAUG", "Clipping of intensities")
    peer: ClassVar[str] = "monai.ClipIntensityPercentiles, torchio.Clamp"

    low: Annotated[Span, Bounds(ge=0, le=50, unit="%")] = Field(
        default=Span.of([0.0, 2.0]), description="Percentile that darker voxels are raised to; 0 keeps them."
    )
    high: Annotated[Span, Bounds(ge=50, le=100, unit="%", neutral=100)] = Field(
        default=Span.of([98.0, 100.0]), description="Percentile that brighter voxels are lowered to; 100 keeps them."
    )

    def line(self, array: FloatArray, scene: Scene) -> Line | None:
        """Return the line for `array` (component, z, y, x)."""
        return Line(1, 0, *percentiles(array, scene.valid, self.low.value, self.high.value))
