"""Rician noise: what Gaussian noise in the complex signal of an MR coil leaves in its magnitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.errors import SampleError
from medaug_cli.core.intensity import RelativeTo, low_and_high, scale_of
from medaug_cli.core.lazy import normal, np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class RicianNoise(IntensityStep):
    """Change intensities to the magnitude of a noisy complex signal: √((x + n₁)² + n₂²), n₁ and n₂ of N(0, sigma).

    With several `coils`, joined by the sum of their squares, the other 2 · coils - 1 noises are squared and added: the
    non-central chi distribution. Where the signal is 0, one coil leaves a floor of sigma · √(π/2).
    """

    code: ClassVar[tuple[str, str, str]] = ("RICIAN", "99MEDAUG", "Addition of Rician noise")
    peer: ClassVar[str] = "monai.RandRicianNoise, batchgeneratorsv2.RicianNoiseTransform"
    refused_for: ClassVar[tuple[str, ...]] = ("CT",)

    sigma: Annotated[Span, Bounds(ge=0, le=1e6)] = Field(
        default=Span.of([0.0, 0.05]), description="Standard deviation of each noise, in units of relative_to."
    )
    relative_to: RelativeTo = Field(
        default="percentile", description="Unit of sigma: none (absolute), std, range, or percentile (1-99)."
    )
    coils: Annotated[int, Field(ge=1, le=128)] = Field(
        default=1, description="Receiver coils joined by the sum of squares; 1 is Rician noise."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place.

        Raises SampleError for signed intensities of no known modality, which are most likely HU.
        """
        sigma = np.float32(self.sigma.value * scale_of(array, scene.valid, self.relative_to))
        if not sigma:
            return
        if not scene.modality and low_and_high(array, scene.valid)[0] < 0:
            raise SampleError(
                "signed_intensities",
                "rician_noise is for magnitudes, and this image has values below 0, as HU have; use gaussian_noise, or "
                "say with dataset.modality: MR what it is",
            )
        generator = scene.generator("noise")
        noise = np.empty(array.shape[2:], dtype=np.float32)
        for component in array:
            for plane in component:  # plane by plane: the buffer stays in the cache
                normal.fill_normal(generator, noise)
                noise *= sigma
                np.add(plane, noise, out=plane)
                np.square(plane, out=plane)
                for _ in range(2 * self.coils - 1):
                    normal.fill_normal(generator, noise)
                    noise *= sigma
                    np.square(noise, out=noise)
                    np.add(plane, noise, out=plane)
                np.sqrt(plane, out=plane)
