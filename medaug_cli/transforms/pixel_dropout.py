"""Pixel dropout: single voxels that show nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import Constant, constant_of
from medaug_cli.core.lazy import np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene

_WORDS = 1 << 32
_GREATEST = (1 << 64) - 1


class PixelDropout(IntensityStep):
    """Fill a `fraction` of the voxels, each chosen on its own, with one intensity.

    The colours of a voxel are lost together. Voxels are chosen by bits from a generator, so that no rounding decides.
    """

    code: ClassVar[tuple[str, str, str]] = ("DROPOUT", "99MEDAUG", "Random pixels replaced by a constant")
    peer: ClassVar[str] = "albumentations.PixelDropout, imgaug.Dropout"

    fraction: Annotated[Span, Bounds(ge=0, le=1)] = Field(
        default=Span.of([0.0, 0.05]), description="Probability that a voxel is lost; 0 changes nothing."
    )
    fill: Constant = Field(
        default="minimum", description="Intensity of lost voxels: minimum, mean, air (-1024 HU) or a number."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        constants = [np.float32(constant_of(component[None], scene.valid, self.fill)) for component in array]
        generator = scene.generator("places")
        threshold = round(self.fraction.value * _WORDS)
        shape, count = array.shape[2:], array[0, 0].size
        if not threshold:
            return
        for z in range(array.shape[1]):
            pairs = generator.integers(0, _GREATEST, -(-count // 2), np.uint64, endpoint=True)
            words = pairs.astype("<u8", copy=False).view("<u4")[:count].reshape(shape)
            lost = words <= threshold - 1  # not <: all words lie below 2**32, which uint32 cannot hold
            for component, constant in zip(array, constants, strict=True):
                component[z][lost] = constant
