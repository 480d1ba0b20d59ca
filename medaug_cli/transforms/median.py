"""Median: each voxel replaced by the median around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.lazy import ranking
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Median(IntensityStep):
    """Replace each voxel by the median of the box that reaches `radius` voxels to each side.

    The image is mirrored at its border, as scipy.ndimage's reflect; a 2-D image has a flat box.
    """

    code: ClassVar[tuple[str, str, str]] = ("113087", "DCM", "Smoothing")
    peer: ClassVar[str] = "monai.MedianSmooth, albumentations.MedianBlur, SimpleITK.Median"

    radius: Annotated[Span, Bounds(ge=0, le=5, unit="voxel", whole=True)] = Field(
        default=Span.of(1), description="Reach to each side; 0 changes nothing. Time grows with the box's size squared."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        radius = int(self.radius.value)
        reach = [radius if count > 1 else 0 for count in scene.geometry.size[::-1]]
        if any(reach):
            for component in array:
                ranking.take_median(component, *reach)
