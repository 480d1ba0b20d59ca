"""Low resolution: intensities sampled on a coarser grid and brought back to their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.lazy import np, stretching
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64, FloatArray
    from medaug_cli.step import Scene

Axis = Literal["LR", "AP", "SI", "i", "j", "k", "horizontal", "vertical"]


class LowResolution(IntensityStep):
    """Sample every axis with `factor` times its voxels, then interpolate linearly back to the old grid.

    Down by nearest voxel and up linearly, with the outer faces of both grids aligned, as nnU-Net does.
    """

    code: ClassVar[tuple[str, str, str]] = ("113085", "DCM", "Spatial resampling")
    peer: ClassVar[str] = "batchgeneratorsv2.SimulateLowResolutionTransform, torchio.RandomAnisotropy"
    needs_regular_grid: ClassVar[bool] = True

    factor: Annotated[Span, Bounds(gt=0, le=1, neutral=1)] = Field(
        default=Span.of([0.5, 1.0]), description="Share of the voxels that is kept along each axis; 1 changes nothing."
    )
    axes: tuple[Axis, ...] | None = Field(default=None, description="The axes that lose resolution; all by default.")
    downsample: Literal["nearest", "linear"] = Field(default="nearest", description="How the coarse grid is sampled.")
    upsample: Literal["nearest", "linear"] = Field(default="linear", description="How the old grid is filled.")

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        grid = scene.geometry
        chosen = range(3) if self.axes is None else {grid.array_axis(axis) for axis in self.axes}
        for component in array:
            coarse = component
            # Nearest voxels first along the last axis, where whole planes are left out; the result is the same.
            for axis in sorted(chosen, reverse=self.downsample == "nearest"):
                length = component.shape[2 - axis]
                coarse = _sample(coarse, 2 - axis, max(1, round(length * self.factor.value)), self.downsample)
            for axis in chosen:
                coarse = _sample(coarse, 2 - axis, component.shape[2 - axis], self.upsample)
            component[:] = coarse


def _sample(array: FloatArray, axis: int, count: int, how: str) -> FloatArray:
    """Return `array` with `count` voxels along `axis`, the outer faces of both grids aligned."""
    length = array.shape[axis]
    if count == length:
        return array
    position: Array64 = (np.arange(count) + 0.5) * length / count - 0.5
    if how == "nearest":
        return np.asarray(array.take(np.clip(np.floor(position + 0.5), 0, length - 1).astype(int), axis=axis))
    position = np.clip(position, 0, length - 1)
    below = np.minimum(np.floor(position).astype(int), max(length - 2, 0))
    weight = (position - below).astype(np.float32)
    made: FloatArray = stretching.stretch(array, axis, below, np.minimum(below + 1, length - 1), weight)
    return made
