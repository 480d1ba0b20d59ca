"""Local contrast: intensities spread about their mean, here more and there less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import low_and_high, mean_and_deviation
from medaug_cli.core.lazy import elementary, np, random_field
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class LocalContrast(IntensityStep):
    """Change intensities to (x - mean) · f + mean, f changing smoothly between exp(-strength) and exp(strength).

    The formula of contrast with the mean of the volume, log f a cubic B-spline through random values `scale_mm` apart.
    """

    peer: ClassVar[str] = "batchgenerators.LocalContrastTransform"

    scale_mm: Annotated[Span, Bounds(gt=0, le=10000, unit="mm", strength=False)] = Field(
        default=Span.of([30, 100]), description="Distance between the random values that the field runs through."
    )
    strength: Annotated[Span, Bounds(ge=0, le=2)] = Field(
        default=Span.of([0.0, 0.4]), description="Greatest natural log of the factor; 0 changes nothing."
    )
    preserve_range: bool = Field(default=True, description="Clamp to the minimum and maximum from before.")

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        if not self.strength.value:
            return
        mean = np.float32(mean_and_deviation(array, scene.valid)[0])
        low, high = (np.float32(end) for end in low_and_high(array, scene.valid))
        knots = random_field.draw_knots(scene.generator("field"), scene.geometry, self.scale_mm.value)
        for z, field in enumerate(random_field.planes(knots * self.strength.value, array.shape[1:])):
            for component in array:
                plane = component[z]
                plane -= mean
                elementary.multiply_by_exp(plane, field)
                plane += mean
                if self.preserve_range:
                    np.clip(plane, low, high, out=plane)
