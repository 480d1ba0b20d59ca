"""Crop: a smaller window of the grid, voxel for voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.values import AxisSpan, Bounds
from medaug_cli.step.window import LabelWindowStep, Size, margin_voxels, voxels_of

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.step import Scene

_EDGE = 0.5  # of a voxel, from its centre


class Crop(LabelWindowStep):
    """Keep a window of the grid: `size` voxels, or all but a margin; every voxel stays exactly as it is.

    With a size the window lies in the centre, anywhere, or about a random voxel of a label. With `around: label` and a
    margin it is the label's box and the margin about it. Where a sample lacks the label, the window lies anywhere, or
    the whole grid is kept.
    """

    code: ClassVar[tuple[str, str, str]] = ("113077", "DCM", "Volume editing")
    peer: ClassVar[str] = "torchio.Crop, monai.RandSpatialCrop, monai.RandCropByPosNegLabel, monai.CropForeground"

    size: Size | None = Field(
        default=None,
        description="Voxels an axis, or along [i, j, k] (2-D: [horizontal, vertical]); null keeps an axis. "
        "Never more than there are.",
    )
    margin_mm: Annotated[AxisSpan, Bounds(ge=0, le=1000, unit="mm")] = Field(
        default=AxisSpan.of([0, 5]),
        description="Cut off on either side along LR, AP, SI, or kept about the label; without a size.",
    )

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if {"size", "margin_mm"} <= self.model_fields_set and self.size is not None and self.start is None:
            raise ValueError("size and margin_mm both say what is kept; give one")
        return self

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its window drawn; raises SampleError where the margins leave nothing."""
        drawn, grid = super().fix(generator, scene), scene.geometry
        if self.size is not None:
            i, j, k = (min(new, old) for new, old in zip(voxels_of(self.size, grid), grid.size, strict=True))
            return drawn.placed((i, j, k), generator, scene)
        margins = margin_voxels(drawn.margin_mm, grid)
        if self.around == "label":
            return drawn._about_label(margins, scene)  # noqa: SLF001  of the same class
        cut = [round(margin) for margin in margins]
        left = [old - 2 * one for old, one in zip(grid.size, cut, strict=True)]
        if min(left) < 1:
            raise SampleError("nothing_left", f"crop: a margin of {max(margins):.0f} voxels on either side leaves none")
        return drawn.placed((left[0], left[1], left[2]), generator, scene)

    def _about_label(self, margins: tuple[float, float, float], scene: Scene) -> Self:
        box, old = self.label_box(scene), np.array(scene.geometry.size)
        if box is None or (box[1] < -_EDGE).any() or (box[0] > old - 1 + _EDGE).any():  # or has left the grid
            return self.at((0, 0, 0), scene.geometry.size)
        first = np.clip(np.rint(box[0] - margins), 0, old - 1).astype(int)
        last = np.clip(np.rint(box[1] + margins), 0, old - 1).astype(int)
        return self.at(tuple(int(n) for n in first), tuple(int(n) for n in last - first + 1))
