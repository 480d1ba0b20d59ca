"""Gaussian noise: independent normal noise in every voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import RelativeTo, scale_of
from medaug_cli.core.lazy import normal, np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class GaussianNoise(IntensityStep):
    """Add N(mean, sigma) to every voxel, in units of what `relative_to` names.

    Drawn from a generator of its own for each sample, copy, step and channel; never from SimpleITK, whose noise
    depends on the number of threads.
    """

    code: ClassVar[tuple[str, str, str]] = ("113042", "DCM", "Pixel by pixel addition")
    peer: ClassVar[str] = "torchio.RandomNoise, monai.RandGaussianNoise, batchgeneratorsv2.GaussianNoiseTransform"

    sigma: Annotated[Span, Bounds(ge=0, le=1e6)] = Field(
        default=Span.of([0.0, 0.05]), description="Standard deviation, in units of relative_to."
    )
    mean: Annotated[Span, Bounds(ge=-1e6, le=1e6)] = Field(
        default=Span.of(0), description="Mean of the noise, in units of relative_to."
    )
    relative_to: RelativeTo = Field(
        default="percentile", description="Unit: none (HU for CT), std, range, or percentile (1-99)."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        unit = scale_of(array, scene.valid, self.relative_to)
        sigma, shift = np.float32(self.sigma.value * unit), np.float32(self.mean.value * unit)
        generator = scene.generator("noise")
        noise = np.empty(array.shape[2:], dtype=np.float32)
        for component in array:
            for plane in component:  # plane by plane: the buffer stays in the cache
                normal.fill_normal(generator, noise)
                noise *= sigma
                if shift:
                    noise += shift
                np.add(plane, noise, out=plane)
