"""Speckle noise: noise in proportion to the signal, as of coherent waves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import AIR_HU
from medaug_cli.core.lazy import normal, np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class SpeckleNoise(IntensityStep):
    """Multiply every voxel by its own 1 + N(0, sigma); for CT, what lies above air (-1000 HU)."""

    peer: ClassVar[str] = "skimage.random_noise, albumentations.MultiplicativeNoise"

    sigma: Annotated[Span, Bounds(ge=0, le=10)] = Field(
        default=Span.of([0.0, 0.1]), description="Standard deviation, as a share of the intensity; 0 changes nothing."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        sigma, zero = np.float32(self.sigma.value), np.float32(AIR_HU if scene.modality == "CT" else 0)
        if not sigma:
            return
        generator = scene.generator("noise")
        noise = np.empty(array.shape[2:], dtype=np.float32)
        for component in array:
            for plane in component:  # plane by plane: the buffer stays in the cache
                normal.fill_normal(generator, noise)
                noise *= sigma
                noise *= plane - zero if zero else plane
                np.add(plane, noise, out=plane)
