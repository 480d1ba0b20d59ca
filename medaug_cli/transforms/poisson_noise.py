"""Poisson noise: the noise of counting quanta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import RelativeTo, scale_of, zero_level
from medaug_cli.core.lazy import counting
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class PoissonNoise(IntensityStep):
    """Change intensities to Poisson(x · s) / s, where s is `dose` over the unit of intensity that `relative_to` names.

    Intensities are counted from 0; of CT from -1000 HU, air, and of other signed images from their minimum. What lies
    below stays. The variance is x / s: noise grows with the square root of the intensity, and falls with the dose.
    """

    code: ClassVar[tuple[str, str, str]] = ("POISSON", "99MEDAUG", "Addition of Poisson noise")
    peer: ClassVar[str] = "albumentations.ShotNoise, skimage.random_noise"

    dose: Annotated[Span, Bounds(gt=0, le=1e18, neutral=1e18)] = Field(
        default=Span.of({"log_uniform": [500, 5000]}),
        description="Counts expected at one unit of relative_to; more is less noise.",
    )
    relative_to: RelativeTo = Field(
        default="percentile", description="Unit of dose: none (counts per unit), std, range, or percentile (1-99)."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place; a constant volume has no scale and stays."""
        unit = scale_of(array, scene.valid, self.relative_to)
        if unit > 0:
            zero = zero_level(array, scene.valid, scene.modality)
            counting.count_photons(array, scene.generator("noise"), self.dose.value / unit, zero)
