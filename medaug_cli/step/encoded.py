"""What steps share that disturb the encoding of MR along one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from medaug_cli.core.geometry import ARRAY_AXES
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.step import Scene

Axis = Literal["i", "j", "k", "LR", "AP", "SI", "horizontal", "vertical"]


class EncodedStep(IntensityStep):
    """An intensity step in k-space, along one axis of the array."""

    code: ClassVar[tuple[str, str, str]] = ("KSPACE", "99MEDAUG", "Simulated artefact of MR encoding")
    meant_for: ClassVar[tuple[str, ...]] = ("MR",)
    needs_regular_grid: ClassVar[bool] = True

    axis: Axis | tuple[Axis, ...] = Field(
        default=("i", "j"),
        description="Axis of the phase encoding, or several of which one is drawn; in a picture one of its plane.",
    )

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its numbers and its axis drawn."""
        drawn = super().fix(generator, scene)
        return drawn.model_copy(update={"axis": self._draw_axis(generator, scene)})

    def _draw_axis(self, generator: Generator, scene: Scene) -> Any:
        grid = scene.geometry
        named = (self.axis,) if isinstance(self.axis, str) else self.axis
        long = [axis for axis in named if grid.size[grid.array_axis(axis)] > 1]
        if not long:  # a picture across the axis is encoded along its own vertical axis
            return named[0] if grid.flat_axis is None else ARRAY_AXES[grid.plane_axes[1]]
        return long[int(generator.integers(len(long)))]

    def array_axis(self, scene: Scene) -> int:
        """Return the axis of arrays (component, z, y, x) that a drawn step works along, within one component."""
        return 2 - scene.geometry.array_axis(str(self.axis))
