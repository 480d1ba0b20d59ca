"""Resample: voxels of another size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.values import AxisSpan, Bounds
from medaug_cli.spatial.grids import zoomed_grid
from medaug_cli.step import GridStep, ResamplingStep

if TYPE_CHECKING:
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene


_ROUNDING = 3e-7  # share of a length that a header's float32, and an axis put together of three, may take off


class Resample(GridStep, ResamplingStep):
    """Give the grid voxels of `spacing_mm` about the same centre, as many as fit into the field of view.

    The size is floor(size · spacing / new spacing), as torchio.Resample's; a 2-D image keeps its thickness. Nothing is
    smoothed before: put `blur` in front where the voxels grow much.
    """

    peer: ClassVar[str] = "torchio.Resample, monai.Spacing"

    spacing_mm: Annotated[AxisSpan, Bounds(gt=0, le=1000, unit="mm")] = Field(
        default=AxisSpan.of(1), description="Size of a voxel along LR, AP, SI; an axis not named keeps its own."
    )
    isotropic: bool = Field(default=False, description="Draw one spacing for all axes where none is named.")

    def new_grid(self, scene: Scene) -> Geometry:
        """Return the grid of those voxels."""
        grid = scene.geometry
        wanted = self.spacing_mm.vector(grid)  # 0 where an axis is not named
        spacing = [wanted[axis] or mm for axis, mm in zip(grid.nearest_patient_axes(), grid.spacing_mm, strict=True)]
        if grid.flat_axis is not None:
            spacing[grid.flat_axis] = grid.spacing_mm[grid.flat_axis]
        size = [
            old if mm == new else max(1, math.floor(old * mm / new * (1 + _ROUNDING)))
            for old, mm, new in zip(grid.size, grid.spacing_mm, spacing, strict=True)
        ]
        return zoomed_grid(grid, size, spacing)
