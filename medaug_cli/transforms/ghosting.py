"""Ghosting: copies of the anatomy along the phase encoding, from what moves periodically."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.lazy import kspace, np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step.encoded import EncodedStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64, FloatArray
    from medaug_cli.step import Scene


class Ghosting(EncodedStep):
    """Weaken every `num_ghosts`-th plane of k-space along one axis by the factor 1 - intensity.

    The planes of k-space are counted from its edge, with zero frequency at n // 2; the centre stays as it is
    (torchio.Ghosting). The real part is kept.
    """

    peer: ClassVar[str] = "torchio.RandomGhosting"

    num_ghosts: Annotated[Span, Bounds(ge=0, le=100, whole=True, strength=False)] = Field(
        default=Span.of([2, 10]), description="Number of ghosts: every n-th plane is weakened; 0 changes nothing."
    )
    intensity: Annotated[Span, Bounds(ge=0, le=2)] = Field(
        default=Span.of([0.2, 0.8]), description="Share that the planes lose; 0 changes nothing, 1 removes them."
    )
    restore: Annotated[Span, Bounds(ge=0, le=1, strength=False)] | None = Field(
        default=None,
        description="Share of the planes, about the centre, that is left alone; the central one by default.",
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        axis = self.array_axis(scene)
        loss = self._loss(array.shape[1 + axis])
        if not loss.any():
            return
        for component in array:
            kspace.add_filtered(component, axis, -loss, component)

    def _loss(self, count: int) -> Array64:
        """Return the share that each of `count` planes loses, zero frequency at count // 2."""
        loss = np.zeros(count)
        ghosts, center = int(self.num_ghosts.value), count // 2
        if ghosts:
            loss[::ghosts] = self.intensity.value
        kept = round(self.restore.value * count) // 2 if self.restore else 0
        loss[center - kept : center + kept] = 0.0
        loss[center] = 0.0
        return loss
