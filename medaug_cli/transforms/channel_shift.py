"""Channel shift: red, green and blue made brighter or darker, each by its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field

from medaug_cli.core.intensity import brightest
from medaug_cli.core.lazy import tones
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import ColourStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


_COLOURS = 3


class ChannelShift(ColourStep):
    """Add shift · 255 to each colour, a number of its own for each, and clip to 0 and 255.

    To 8-bit images the nearest whole number is added; those of more bits take their maximum for 255. `same: true` adds
    one number to all three.
    """

    code: ClassVar[tuple[str, str, str]] = ("113042", "DCM", "Pixel by pixel addition")
    peer: ClassVar[str] = "keras.preprocessing.image.random_channel_shift, albumentations.RGBShift"
    by_tone: ClassVar[bool] = True
    knows_bytes: ClassVar[bool] = True
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = {"shifts": ("shift", "same")}
    spent: ClassVar[tuple[str, ...]] = ("shift",)

    shift: Annotated[Span, Bounds(ge=-1, le=1)] = Field(
        default=Span.of([-0.06, 0.06]), description="Share of the brightest value, drawn for each colour; 0 keeps."
    )
    same: bool = Field(default=False, description="Draw one number for all colours.")
    shifts: tuple[float, float, float] | None = Field(
        default=None, description="Shares for red, green and blue, instead of drawn ones."
    )

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with a number for each colour."""
        del scene
        if self.shifts is not None:
            return self
        first, *others = (self.shift.draw(generator) for _ in range(1 if self.same else _COLOURS))
        red, green, blue = (one.value for one in (first, *(others or (first, first))))
        return self.model_copy(update={"shift": first, "shifts": (red, green, blue)})

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        high = brightest(array, scene.valid, eight_bit=scene.eight_bit)
        for component, shift in zip(array, self.shifts or (self.shift.value,) * _COLOURS, strict=True):
            if shift:
                added = round(shift * high) if scene.eight_bit else shift * high
                tones.rescale(component, component, 1, added, 0, high)
