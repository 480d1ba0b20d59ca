"""CLAHE: histograms equalized tile by tile, with limited contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import low_and_high
from medaug_cli.core.lazy import np, tiles
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Clahe(IntensityStep):
    """Equalize each tile's histogram, no bin higher than `clip_limit` times the mean, and blend between tiles.

    Contrast-limited adaptive histogram equalization (Zuiderveld 1994), in three dimensions for volumes: what is cut
    off is given to the other bins, each in proportion to its room, so that a limit of 1 changes nothing; a voxel's
    value is interpolated linearly between the maps of the tiles around it.
    """

    code: ClassVar[tuple[str, str, str]] = ("CLAHE", "99MEDAUG", "Adaptive histogram equalization")
    peer: ClassVar[str] = "albumentations.CLAHE, skimage.exposure.equalize_adapthist"

    clip_limit: Annotated[Span, Bounds(ge=1, le=1000)] = Field(
        default=Span.of([1.0, 4.0]), description="Greatest height of a bin, in means; the gain of contrast; 1 keeps."
    )
    tile_mm: Annotated[Span, Bounds(gt=0, le=1000, unit="mm", strength=False)] = Field(
        default=Span.of(40), description="Side of a tile, as nearly as a whole number of equal tiles allows."
    )
    bins: Annotated[int, Field(ge=2, le=4096)] = Field(default=256, description="Bins of each histogram.")

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place; a constant volume stays as it is."""
        low, high = low_and_high(array, scene.valid)
        if low == high:
            return
        grid = scene.geometry
        extents = [count * spacing for count, spacing in zip(grid.size, grid.spacing_mm, strict=True)]
        sides = [
            min(count, max(1, round(mm / self.tile_mm.value))) for count, mm in zip(grid.size, extents, strict=True)
        ]
        valid = np.ones(array.shape[1:], np.bool_) if scene.valid is None else scene.valid
        for component in array:
            tiles.equalize_tiles(component, valid, tuple(sides[::-1]), (low, high, self.bins), self.clip_limit.value)
