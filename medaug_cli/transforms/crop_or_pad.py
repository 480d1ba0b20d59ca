"""Crop or pad: a window of a given size, whatever the size before."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field

from medaug_cli.step import Fill, Resampling
from medaug_cli.step.window import LabelWindowStep, Size, voxels_of

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.step import Scene


class CropOrPad(LabelWindowStep):
    """Give every sample the same size: cut off what is too much, add what is too little; no voxel is interpolated.

    The window lies in the centre, anywhere, or about a random voxel of a label.
    """

    code: ClassVar[tuple[str, str, str]] = ("113077", "DCM", "Volume editing")
    peer: ClassVar[str] = "torchio.CropOrPad, monai.ResizeWithPadOrCrop, batchgenerators.RandomCrop"

    size: Size = Field(
        default=128,
        description="Voxels an axis, or along [i, j, k] (2-D: [horizontal, vertical]); null keeps an axis.",
    )
    fill: Fill = Field(
        default="minimum",
        description="Intensity of new voxels: minimum, mean, edge, air (-1024 HU), otsu_background "
        "(mean of the darker part of the outer faces) or a number.",
    )

    def resampling(self) -> Resampling:
        """Return the fill alone: old voxels are not interpolated."""
        return None, None, self.fill

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its window drawn."""
        return super().fix(generator, scene).placed(voxels_of(self.size, scene.geometry), generator, scene)
