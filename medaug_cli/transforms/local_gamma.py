"""Local gamma: a power law whose exponent changes smoothly over the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import low_and_high
from medaug_cli.core.lazy import elementary, np, random_field
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


_TINY = 1e-7  # as in gamma


class LocalGamma(IntensityStep):
    """Raise intensities to a power that changes smoothly, between exp(-strength) and exp(strength).

    ((x - min) / range)^g · range + min, as gamma, with log g a cubic B-spline through random values `scale_mm` apart. A
    volume stays between its minimum and maximum; a constant one stays as it is.
    """

    code: ClassVar[tuple[str, str, str]] = ("GAMMA", "99MEDAUG", "Power-law intensity transformation")
    peer: ClassVar[str] = "monai.RandSmoothFieldAdjustContrast, batchgenerators.LocalGammaTransform"

    scale_mm: Annotated[Span, Bounds(gt=0, le=10000, unit="mm", strength=False)] = Field(
        default=Span.of([30, 100]), description="Distance between the random values that the field runs through."
    )
    strength: Annotated[Span, Bounds(ge=0, le=2)] = Field(
        default=Span.of([0.0, 0.5]), description="Greatest natural log of the exponent; 0 changes nothing."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        low, high = low_and_high(array, scene.valid)
        knots = random_field.draw_knots(scene.generator("field"), scene.geometry, self.scale_mm.value)
        if low == high or not self.strength.value:
            return
        span = np.float32(high - low)
        for z, field in enumerate(random_field.planes(knots * self.strength.value, array.shape[1:])):
            for component in array:
                plane = component[z]
                plane -= np.float32(low)
                plane /= span + np.float32(_TINY)
                elementary.raise_to_powers(plane, field)
                plane *= span
                plane += np.float32(low)
