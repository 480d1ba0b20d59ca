"""Cutout: boxes of the image that show nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field

from medaug_cli.core.intensity import Constant, constant_of
from medaug_cli.core.lazy import np
from medaug_cli.core.values import AxisSpan, Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene

_DIGITS = 6  # of an index: what the way to mm and back rounds off must not decide about a voxel
_RAS = (-1.0, -1.0, 1.0)
Box = tuple[float, float, float, float, float, float]


class Cutout(IntensityStep):
    """Fill `count` boxes of `size_mm` with one intensity; labels stay as they are.

    The centres are uniform over the image, so that a box may reach beyond its border. The sides of a box lie along
    the array axes, each as long as `size_mm` says for the patient axis nearest to it; a voxel belongs to the box if
    its centre does. All channels and colours lose the same places (DeVries and Taylor 2017).
    """

    code: ClassVar[tuple[str, str, str]] = ("113047", "DCM", "Pixel by pixel mask")
    peer: ClassVar[str] = "monai.RandCoarseDropout, torchvision.RandomErasing, keras.RandomErasing"
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = {"boxes_mm": ("size_mm", "count", "isotropic")}
    spent: ClassVar[tuple[str, ...]] = ("size_mm",)

    size_mm: Annotated[AxisSpan, Bounds(ge=0, le=2000, unit="mm")] = Field(
        default=AxisSpan.of([10, 30]), description="Length of a box along LR, AP, SI, drawn for each box."
    )
    count: Annotated[Span, Bounds(ge=0, le=1000, whole=True)] = Field(
        default=Span.of([1, 3]), description="Number of boxes; 0 changes nothing."
    )
    fill: Constant = Field(
        default="mean", description="Intensity in the boxes: minimum, mean, air (-1024 HU) or a number."
    )
    isotropic: bool = Field(default=False, description="Draw one length for all axes where none is named.")
    boxes_mm: tuple[Box, ...] | None = Field(
        default=None, description="Centre (R, A, S) and size (LR, AP, SI) of each box in mm, instead of drawn ones."
    )

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its boxes drawn."""
        if self.boxes_mm is not None:
            return self
        count = self.count.draw(generator, whole=True)
        boxes = tuple(self._draw_box(generator, scene.geometry) for _ in range(int(count.value)))
        # A length that is no longer a distribution: the boxes hold the drawn ones.
        size_mm = AxisSpan.of(0) if boxes else self.size_mm.draw(generator, isotropic=self.isotropic)
        return self.model_copy(update={"count": count, "size_mm": size_mm, "boxes_mm": boxes})

    def _draw_box(self, generator: Generator, grid: Geometry) -> Box:
        size = self.size_mm.draw(generator, isotropic=self.isotropic).vector(grid)
        index = generator.random(3) * np.array(grid.size) - 0.5
        centre = (grid.affine @ [*index, 1.0])[:3] * _RAS
        return float(centre[0]), float(centre[1]), float(centre[2]), *size

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        if not self.boxes_mm:
            return
        constants = [constant_of(component[None], scene.valid, self.fill) for component in array]
        for box in self.boxes_mm:
            x, y, z = _voxels_in(box, scene.geometry)
            for component, constant in zip(array, constants, strict=True):
                component[z, y, x] = constant


def _voxels_in(box: Box, grid: Geometry) -> list[slice]:
    """Return the voxels along x, y, z whose centres lie in `box`; all of them along the single voxel of a picture."""
    centre_mm = np.append(np.array(box[:3]) * _RAS, 1.0)
    centre = np.linalg.inv(grid.affine) @ centre_mm
    slices = []
    for axis, patient in enumerate(grid.nearest_patient_axes()):
        half = box[3 + patient] / 2 / grid.spacing_mm[axis]
        first = math.ceil(round(float(centre[axis]) - half, _DIGITS))
        last = math.ceil(round(float(centre[axis]) + half, _DIGITS))
        flat = grid.size[axis] == 1
        slices.append(slice(None) if flat else slice(max(0, first), max(0, last)))
    return slices
