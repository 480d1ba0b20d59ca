"""Normalize: intensities brought to a scale of their own, as training pipelines do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.intensity import mean_and_deviation, percentiles
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import Ascending, Line, LineStep, is_narrow

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Normalize(LineStep):
    """Change intensities to (x - mean) / standard deviation, or bring percentiles `low` to `high` to `output`.

    The result is small fractions: copies need floating point (output: {dtype: float32}, NIfTI).
    """

    code: ClassVar[tuple[str, str, str]] = ("NORMALIZE", "99MEDAUG", "Intensity normalization")
    peer: ClassVar[str] = "monai.NormalizeIntensity, torchio.ZNormalization, torchio.RescaleIntensity"

    method: Literal["zscore", "range"] = Field(
        default="zscore", description="zscore: mean 0, standard deviation 1; range: low to high become output, clipped."
    )
    low: Annotated[Span, Bounds(ge=0, le=49, unit="%")] = Field(
        default=Span.of(0), description="Percentile that becomes output's low, for range; 0 is the minimum."
    )
    high: Annotated[Span, Bounds(ge=51, le=100, unit="%", neutral=100)] = Field(
        default=Span.of(100), description="Percentile that becomes output's high, for range; 100 is the maximum."
    )
    output: Ascending = Field(default=(0.0, 1.0), description="Intensities [low, high], for range.")

    def needs_fractions(self) -> bool:
        """Say that the result would be lost in whole numbers."""
        return self.method == "zscore" or is_narrow(self.output)

    def line(self, array: FloatArray, scene: Scene) -> Line | None:
        """Return the line for `array` (component, z, y, x); a constant volume becomes 0, or output's low."""
        if self.method == "zscore":
            mean, deviation = mean_and_deviation(array, scene.valid)
            scale = 1 / deviation if deviation > 0 else 1.0
            return Line(scale, -mean * scale)
        low, high = percentiles(array, scene.valid, self.low.value, self.high.value)
        return Line.between((low, high), self.output) if high > low else Line(0, self.output[0])
