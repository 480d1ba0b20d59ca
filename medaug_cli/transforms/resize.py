"""Resize: the same field of view in another number of voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from medaug_cli.spatial.grids import zoomed_grid
from medaug_cli.step import GridStep, ResamplingStep
from medaug_cli.step.window import Size, voxels_of

if TYPE_CHECKING:
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene


class Resize(GridStep, ResamplingStep):
    """Give the grid `size` voxels over the same field of view: the outer faces stay, the spacing changes."""

    peer: ClassVar[str] = "monai.Resize, torchio.Resize, torchvision.Resize"

    size: Size = Field(
        default=128,
        description="Voxels an axis, or along [i, j, k] (2-D: [horizontal, vertical]); null keeps an axis.",
    )

    def new_grid(self, scene: Scene) -> Geometry:
        """Return the grid of that size."""
        grid = scene.geometry
        size = voxels_of(self.size, grid)
        spacing = [mm * old / new for mm, old, new in zip(grid.spacing_mm, grid.size, size, strict=True)]
        return zoomed_grid(grid, size, spacing)
