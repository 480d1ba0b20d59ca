"""Histogram shift: intensities bent by a monotone curve through control points."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from medaug_cli.core.intensity import low_and_high
from medaug_cli.core.lazy import np, tones
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene

Shares = tuple[float, ...]


class HistogramShift(IntensityStep):
    """Map intensities by straight lines between control points, which are shares of the range from low to high.

    Drawn as monai.RandHistogramShift: evenly spaced points, each but the ends moved, one after the other, to a uniform
    place between its neighbours; then drawn back to where it was unless `strength` is 1.
    """

    code: ClassVar[tuple[str, str, str]] = ("HISTSHIFT", "99MEDAUG", "Piecewise linear intensity transformation")
    peer: ClassVar[str] = "monai.RandHistogramShift"
    by_tone: ClassVar[bool] = True
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = {"points": ("control_points", "strength")}

    control_points: Annotated[Span, Bounds(ge=3, le=100, whole=True, strength=False)] = Field(
        default=Span.of(10), description="Number of points, ends included; fewer bend more."
    )
    strength: Annotated[Span, Bounds(ge=0, le=1)] = Field(
        default=Span.of(1), description="Share of the drawn shifts that is kept; 1 as MONAI, 0 changes nothing."
    )
    points: tuple[Shares, Shares] | None = Field(
        default=None, description="[[from…], [to…]] as shares of the range, ascending, instead of drawn ones."
    )

    @model_validator(mode="after")
    def _check_points(self) -> Self:
        if self.points is None:
            return self
        before, after = self.points
        if len(before) != len(after) or len(before) < 2:  # noqa: PLR2004  both ends
            raise ValueError(
                f"points: {len(before)} from and {len(after)} to; allowed: two lists of one length, 2 or more"
            )
        if not all(0 <= share <= 1 for share in (*before, *after)):
            raise ValueError("points: allowed: shares of the range, from 0 to 1")
        rising = all(one < other for one, other in itertools.pairwise(before))
        if not rising or any(one > other for one, other in itertools.pairwise(after)):
            raise ValueError("points: from must ascend and to must not descend")
        return self

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its points drawn."""
        drawn = super().fix(generator, scene)
        if self.points is not None:
            return drawn
        before = np.linspace(0, 1, int(drawn.control_points.value))
        after = before.copy()
        for n in range(1, len(before) - 1):
            after[n] = generator.uniform(after[n - 1], after[n + 1])
        after = before + (after - before) * drawn.strength.value
        return drawn.model_copy(update={"points": (tuple(map(float, before)), tuple(map(float, after)))})

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place; a constant volume stays as it is."""
        low, high = low_and_high(array, scene.valid)
        if self.points is None or low == high or self.points[0] == self.points[1]:
            return
        before, after = (np.array(shares) * (high - low) + low for shares in self.points)
        tones.map_through(array, before, after)
