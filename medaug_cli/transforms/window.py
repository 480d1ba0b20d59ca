"""Window: intensities seen through a window, as a viewer shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from medaug_cli.core.intensity import percentiles
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import Ascending, Line, LineStep, is_narrow

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene

_SOFT_TISSUE_HU = (40.0, 400.0)


class Window(LineStep):
    """Map the window from center - width / 2 to center + width / 2 to `output`, and clip to it.

    Without center and width, the window is the file's; without that, soft tissue (40, 400 HU) for CT, and the 1st to
    99th percentile for everything else. Without `output`, the shifted and stretched window is mapped to the window it
    was made from: intensities keep their unit, and a window that is neither shifted nor stretched only clips. Ends as
    monai.ScaleIntensityRange: (x - a_min) / (a_max - a_min) · (b_max - b_min) + b_min.
    """

    code: ClassVar[tuple[str, str, str]] = ("WINDOW", "99MEDAUG", "Window level transformation")
    peer: ClassVar[str] = "monai.ScaleIntensityRange, torchio.Clamp and RescaleIntensity"

    center: Annotated[Span, Bounds(ge=-1e6, le=1e6)] | None = Field(
        default=None, description="Middle of the window (HU for CT); the file's unless given."
    )
    width: Annotated[Span, Bounds(gt=0, le=1e6)] | None = Field(
        default=None, description="Width of the window; the file's unless given."
    )
    shift: Annotated[Span, Bounds(ge=-1, le=1)] | None = Field(
        default=None, description="Jitter: shift in widths, [-0.1, 0.1] unless center and width are given; 0 keeps."
    )
    stretch: Annotated[Span, Bounds(ge=0.1, le=10, neutral=1)] | None = Field(
        default=None, description="Jitter: factor of the width, [0.8, 1.2] unless center and width are given; 1 keeps."
    )
    output: Ascending | None = Field(
        default=None, description="Intensities [low, high] that the window is mapped to; its own unless given."
    )
    clip: bool = Field(default=True, description="Clip to the output; without it, the line goes on beyond the window.")

    @model_validator(mode="after")
    def _check_window(self) -> Self:
        if (self.center is None) != (self.width is None):
            raise ValueError("center and width go together; give both or neither")
        return self

    def completed(self) -> Self:
        """Return the step with its jitter, which a given window has none of."""
        shift, stretch = (
            (Span.of([-0.1, 0.1]), Span.of([0.8, 1.2])) if self.center is None else (Span.of(0), Span.of(1))
        )
        return self.model_copy(update={"shift": self.shift or shift, "stretch": self.stretch or stretch})

    def needs_fractions(self) -> bool:
        """Say that the result would be lost in whole numbers."""
        return self.output is not None and is_narrow(self.output)

    def line(self, array: FloatArray, scene: Scene) -> Line | None:
        """Return the line for `array` (component, z, y, x); a window without any width changes nothing."""
        center, width = self._window(array, scene)
        if width <= 0:
            return None
        seen = width * (self.stretch.value if self.stretch else 1.0)
        start = center + width * (self.shift.value if self.shift else 0.0) - seen / 2
        output = self.output or (center - width / 2, center + width / 2)
        return Line.between((start, start + seen), output, clip=self.clip)

    def _window(self, array: FloatArray, scene: Scene) -> tuple[float, float]:
        if self.center is not None and self.width is not None:
            return self.center.value, self.width.value
        if scene.window is not None:
            return scene.window
        if scene.modality == "CT":
            return _SOFT_TISSUE_HU
        low, high = percentiles(array, scene.valid, 1, 99)
        return (low + high) / 2, high - low
