"""Salt and pepper: single voxels that fail to the brightest or the darkest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import low_and_high
from medaug_cli.core.lazy import np, tones
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class SaltAndPepper(IntensityStep):
    """Replace a `fraction` of the voxels, each by chance, by the maximum (salt) or the minimum (pepper)."""

    code: ClassVar[tuple[str, str, str]] = ("IMPULSE", "99MEDAUG", "Addition of impulse noise")
    peer: ClassVar[str] = "skimage.random_noise, albumentations.SaltAndPepper"

    fraction: Annotated[Span, Bounds(ge=0, le=1)] = Field(
        default=Span.of([0.0, 0.01]), description="Probability of each voxel to be replaced; 0 changes nothing."
    )
    salt: Annotated[Span, Bounds(ge=0, le=1, strength=False)] = Field(
        default=Span.of(0.5), description="Share of the replaced voxels that become the maximum."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        fraction = self.fraction.value
        low, high = low_and_high(array, scene.valid)
        if fraction == 0 or low == high:
            return
        generator = scene.generator("noise")
        chance = np.empty(array.shape[2:], dtype=np.float32)
        pepper = fraction * (1 - self.salt.value)
        for component in array:
            for plane in component:  # plane by plane: the buffer stays in the cache
                generator.random(dtype=np.float32, out=chance)
                tones.strike(plane, chance, (pepper, fraction), (low, high))
