"""Steps that map intensities by one straight line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from medaug_cli.core.lazy import np, tones
from medaug_cli.step.intensity import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step.scene import Scene


class Line(NamedTuple):
    """Intensity x becomes x · scale + shift, no less than `low` and no more than `high`."""

    scale: float = 1.0
    shift: float = 0.0
    low: float = -float("inf")
    high: float = float("inf")

    @classmethod
    def between(cls, before: tuple[float, float], after: tuple[float, float], *, clip: bool = True) -> Line:
        """Return the line that brings the two intensities `before` to `after`, clipped to those if asked."""
        scale = (after[1] - after[0]) / (before[1] - before[0])
        return cls(scale, after[0] - before[0] * scale, *(after if clip else ()))


class LineStep(IntensityStep):
    """An intensity step whose new intensities lie on a straight line over the old ones."""

    by_tone: ClassVar[bool] = True

    def line(self, array: FloatArray, scene: Scene) -> Line | None:
        """Return the line for `array` (component, z, y, x), for a drawn step; None where it stays as it is."""
        raise NotImplementedError

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        if line := self.line(array, scene):
            tones.rescale(array, array, *line)

    def applied(self, source: FloatArray, scene: Scene) -> FloatArray:
        """Return a changed copy of `source`, made in the same pass."""
        target = np.empty_like(source)
        tones.rescale(source, target, *(self.line(source, scene) or Line()))
        return target
