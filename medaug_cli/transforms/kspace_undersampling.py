"""K-space undersampling: an accelerated acquisition, reconstructed with zeros in the place of what was not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.lazy import kspace, np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step.encoded import EncodedStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import BoolArray, FloatArray
    from medaug_cli.step import Scene


class KspaceUndersampling(EncodedStep):
    """Keep the centre of k-space along one axis and a part of the other planes; zero-fill the rest.

    About 1 / acceleration of all planes is kept, as the masks of fastMRI do (Zbontar 2018): `equispaced` from a random
    start, or each plane by chance (`random`). The planes follow from the key; the real part is kept.
    """

    peer: ClassVar[str] = "monai.RandomKspaceMask, monai.EquispacedKspaceMask"

    acceleration: Annotated[Span, Bounds(ge=1, le=32, neutral=1)] = Field(
        default=Span.of([1.5, 3.0]), description="How many times fewer planes are kept; 1 changes nothing."
    )
    center_fraction: Annotated[Span, Bounds(ge=0, le=1, strength=False)] = Field(
        default=Span.of([0.08, 0.16]), description="Share of the planes, about the centre, that is always kept."
    )
    pattern: Literal["random", "equispaced"] = Field(default="random", description="How the other planes are chosen.")

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        axis = self.array_axis(scene)
        kept = self._kept(array.shape[1 + axis], scene.generator("planes"))
        if kept.all():
            return
        for component in array:
            kspace.add_filtered(component, axis, np.where(kept, 0.0, -1.0), component)

    def _kept(self, count: int, generator: Generator) -> BoolArray:
        """Return which of `count` planes are kept, zero frequency at count // 2."""
        middle = max(1, round(count * self.center_fraction.value))
        first = count // 2 - middle // 2
        wanted = min(max(count / self.acceleration.value - middle, 0.0), count - middle)
        kept = np.zeros(count, dtype=np.bool_)
        others = np.delete(np.arange(count), np.arange(first, first + middle))
        if self.pattern == "random":
            kept[others] = generator.random(len(others)) * len(others) < wanted
        elif wanted:
            step = len(others) / wanted
            kept[others[np.arange(generator.uniform(0, step), len(others), step).astype(int)]] = True
        kept[first : first + middle] = True
        return np.asarray(kept)
