"""Gibbs: ringing at edges, from a spectrum that is cut off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.lazy import kspace, lowpass, np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Gibbs(IntensityStep):
    """Cut off the high frequencies of every axis, sharply; alpha 0 keeps all of them.

    Frequencies are shares f of the highest one of their axis, n is the number of axes with more than one voxel. Model
    sphere keeps f_x² + f_y² + f_z² ≤ n (1 - alpha)²; box keeps f ≤ 1 - alpha along each axis; monai keeps what lies
    within (1 - alpha) √½ times the largest extent of the middle of the spectrum, as monai.GibbsNoise, which changes
    the image also for alpha 0. The real part is kept.
    """

    code: ClassVar[tuple[str, str, str]] = ("KSPACE", "99MEDAUG", "Simulated artefact of MR encoding")
    peer: ClassVar[str] = "monai.RandGibbsNoise"
    meant_for: ClassVar[tuple[str, ...]] = ("MR",)
    needs_regular_grid: ClassVar[bool] = True

    alpha: Annotated[Span, Bounds(ge=0, le=1)] = Field(
        default=Span.of([0.3, 0.6]), description="How much of k-space is cut off; 0 changes nothing."
    )
    model: Literal["sphere", "box", "monai"] = Field(default="sphere", description="What is kept of k-space.")

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        del scene
        kept = 1.0 - self.alpha.value
        if kept == 1.0 and self.model != "monai":
            return
        for component in array:
            match self.model:
                case "sphere":
                    lowpass.keep_ellipsoid(component, kept * math.sqrt(sum(n > 1 for n in component.shape)))
                case "box":
                    _keep_box(component, kept)
                case _:
                    lowpass.keep_ball(component, kept * max(component.shape) * math.sqrt(2) / 2)


def _keep_box(component: FloatArray, kept: float) -> None:
    for axis, count in enumerate(component.shape):
        share = np.abs(np.arange(count) - count // 2) / max(count / 2, 1)
        lost = share > kept
        if lost.any():
            kspace.add_filtered(component, axis, -lost.astype(float), component)
