"""Color jitter: brightness, contrast, saturation and hue of colour images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from medaug_cli.core.intensity import brightest
from medaug_cli.core.lazy import colour
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import ColourStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


Operation = Literal["brightness", "contrast", "saturation", "hue"]
_USUAL: tuple[Operation, ...] = ("brightness", "contrast", "saturation", "hue")


class ColorJitter(ColourStep):
    """Change brightness, contrast, saturation and hue, one after the other in an order drawn for each copy.

    As TorchVision: x · brightness; (x - m) · contrast + m, m the mean grey; (x - g) · saturation + g, g the grey of
    the voxel; the hue turned by a part of the circle, in HSV. Each result is clipped to 0 and the brightest value
    that is stored: 255, or the image's maximum where it has more than 8 bits.
    """

    code: ClassVar[tuple[str, str, str]] = ("COLORJITTER", "99MEDAUG", "Change of colour")
    peer: ClassVar[str] = "torchvision.ColorJitter, keras.RandomColorJitter, keras.RandomSaturation, keras.RandomHue"

    brightness: Annotated[Span, Bounds(ge=0, le=10, neutral=1)] = Field(
        default=Span.of([0.9, 1.1]), description="Factor of all colours; 1 keeps."
    )
    contrast: Annotated[Span, Bounds(ge=0, le=10, neutral=1)] = Field(
        default=Span.of([0.9, 1.1]), description="Factor of the distance from the mean grey; 1 keeps."
    )
    saturation: Annotated[Span, Bounds(ge=0, le=10, neutral=1)] = Field(
        default=Span.of([0.8, 1.2]), description="Factor of the distance from grey; 0 takes all colour, 1 keeps."
    )
    hue: Annotated[Span, Bounds(ge=-0.5, le=0.5)] = Field(
        default=Span.of([-0.02, 0.02]), description="Part of a turn of the colour circle; 0 keeps."
    )
    order: tuple[Operation, ...] | None = Field(
        default=None, description="The order of the four, instead of a drawn one; what is left out is not done."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.order is not None and len(set(self.order)) != len(self.order):
            raise ValueError("order names an operation twice")
        return self

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its numbers and its order drawn."""
        drawn = super().fix(generator, scene)
        if self.order is not None:
            return drawn
        return drawn.model_copy(update={"order": tuple(_USUAL[n] for n in generator.permutation(len(_USUAL)))})

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        factors: dict[Operation, Span] = {
            "brightness": self.brightness,
            "contrast": self.contrast,
            "saturation": self.saturation,
            "hue": self.hue,
        }
        changes = [(one, factors[one].value) for one in (_USUAL if self.order is None else self.order)]
        kept = [(one, factor) for one, factor in changes if factor != (0.0 if one == "hue" else 1.0)]
        if kept:
            colour.jitter(array, scene.valid, kept, brightest(array, scene.valid, eight_bit=scene.eight_bit))
