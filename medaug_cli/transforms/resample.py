"""Resample: voxels of another size."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.values import AxisSpan, Bounds
from medaug_cli.spatial.grids import zoomed_grid
from medaug_cli.step import GridStep, ResamplingStep
from medaug_cli.step.window import Size, voxels_of

if TYPE_CHECKING:
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene


_ROUNDING = 3e-7  # share of a length that a header's float32, and an axis put together of three, may take off


class Resample(GridStep, ResamplingStep):
    """Give the grid voxels of `spacing_mm` about the same centre, as many as fit into the field of view.

    That is floor(size · spacing / new spacing), as torchio.Resample's, unless `size` says how many; a 2-D image keeps
    its thickness. Nothing is smoothed before: put `blur` in front where the voxels grow much.
    """

    peer: ClassVar[str] = "torchio.Resample, monai.Spacing"

    spacing_mm: Annotated[AxisSpan, Bounds(gt=0, le=1000, unit="mm")] = Field(
        default=AxisSpan.of(1), description="Size of a voxel along LR, AP, SI; an axis not named keeps its own."
    )
    isotropic: bool = Field(default=False, description="Draw one spacing for all axes where none is named.")
    size: Size | None = Field(
        default=None,
        description="Voxels an axis, or along [i, j, k] (2-D: [horizontal, vertical]), about the same centre; null "
        "or no size: as many as fit.",
    )

    def new_grid(self, scene: Scene) -> Geometry:
        """Return the grid of those voxels."""
        grid = scene.geometry
        wanted = self.spacing_mm.vector(grid)  # 0 where an axis is not named
        spacing = [wanted[axis] or mm for axis, mm in zip(grid.nearest_patient_axes(), grid.spacing_mm, strict=True)]
        if grid.flat_axis is not None:
            spacing[grid.flat_axis] = grid.spacing_mm[grid.flat_axis]
        i, j, k = map(_fitting, grid.size, grid.spacing_mm, spacing)
        fitting = replace(grid, size=(i, j, k))
        return zoomed_grid(grid, fitting.size if self.size is None else voxels_of(self.size, fitting), spacing)


def _fitting(voxels: int, mm: float, new_mm: float) -> int:
    """Return how many voxels of `new_mm` fit into so many of `mm`; no rounding where nothing changes."""
    return voxels if mm == new_mm else max(1, math.floor(voxels * mm / new_mm * (1 + _ROUNDING)))
