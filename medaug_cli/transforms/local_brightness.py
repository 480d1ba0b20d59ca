"""Local brightness: intensities shifted, here up and there down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from medaug_cli.core.intensity import RelativeTo, scale_of
from medaug_cli.core.lazy import elementary, random_field
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


_GREATEST_LOG = 5.0


class LocalBrightness(IntensityStep):
    """Add strength · unit · u, or multiply by f, a field that changes smoothly over the image.

    u is a cubic B-spline through random values `scale_mm` apart, its greatest size 1; f lies between exp(-strength)
    and exp(strength). The unit is what `relative_to` names.
    """

    peer: ClassVar[str] = "monai.RandSmoothFieldAdjustIntensity, batchgenerators.BrightnessGradientAdditiveTransform"

    scale_mm: Annotated[Span, Bounds(gt=0, le=10000, unit="mm", strength=False)] = Field(
        default=Span.of([30, 100]), description="Distance between the random values that the field runs through."
    )
    strength: Annotated[Span, Bounds(ge=0, le=1e6)] = Field(
        default=Span.of([0.0, 0.2]),
        description="Greatest shift in units of relative_to, or natural log of the factor; 0 changes nothing.",
    )
    mode: Literal["add", "multiply"] = Field(default="add", description="Add the field, or multiply by it.")
    relative_to: RelativeTo = Field(
        default="percentile", description="Unit of add: none (HU for CT), std, range, or percentile (1-99)."
    )

    @model_validator(mode="after")
    def _check_factor(self) -> Self:
        if self.mode == "multiply" and self.strength.support()[1] > _GREATEST_LOG:
            raise ValueError(f"mode multiply takes a strength up to {_GREATEST_LOG}, the natural log of the factor")
        return self

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        strength = self.strength.value
        if self.mode == "add":
            strength *= scale_of(array, scene.valid, self.relative_to)
        if not strength:
            return
        knots = random_field.draw_knots(scene.generator("field"), scene.geometry, self.scale_mm.value)
        change = self._add if self.mode == "add" else elementary.multiply_by_exp
        for z, field in enumerate(random_field.planes(knots * strength, array.shape[1:])):
            for component in array:
                change(component[z], field)

    @staticmethod
    def _add(plane: FloatArray, field: FloatArray) -> None:
        plane += field
