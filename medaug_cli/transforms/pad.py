"""Pad: a larger window, the old voxels within it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from medaug_cli.core.values import AxisSpan, Bounds
from medaug_cli.step import Fill, Resampling
from medaug_cli.step.window import Size, WindowStep, margin_voxels, voxels_of

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.step import Scene


class Pad(WindowStep):
    """Add voxels around the grid: up to `size`, or a margin on either side; every old voxel stays exactly as it is."""

    code: ClassVar[tuple[str, str, str]] = ("113077", "DCM", "Volume editing")
    peer: ClassVar[str] = "torchio.Pad, monai.SpatialPad, monai.BorderPad"

    size: Size | None = Field(
        default=None,
        description="Voxels an axis, or along [i, j, k] (2-D: [horizontal, vertical]); null keeps an axis. "
        "Never fewer than there are.",
    )
    margin_mm: Annotated[AxisSpan, Bounds(ge=0, le=1000, unit="mm")] = Field(
        default=AxisSpan.of([0, 5]), description="Added on either side along LR, AP, SI; without a size."
    )
    fill: Fill = Field(
        default="minimum",
        description="Intensity of the new voxels: minimum, mean, edge, air (-1024 HU), otsu_background "
        "(mean of the darker part of the outer faces) or a number.",
    )

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if {"size", "margin_mm"} <= self.model_fields_set and self.size is not None and self.start is None:
            raise ValueError("size and margin_mm both say what is added; give one")
        return self

    def resampling(self) -> Resampling:
        """Return the fill alone: old voxels are not interpolated."""
        return None, None, self.fill

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its window drawn."""
        drawn, grid = super().fix(generator, scene), scene.geometry
        if self.size is not None:
            wanted = voxels_of(self.size, grid)
        else:
            i, j, k = (2 * round(margin) for margin in margin_voxels(drawn.margin_mm, grid))
            wanted = (grid.size[0] + i, grid.size[1] + j, grid.size[2] + k)
        i, j, k = (max(new, old) for new, old in zip(wanted, grid.size, strict=True))
        return drawn.placed((i, j, k), generator, scene)
