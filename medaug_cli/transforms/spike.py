"""Spike: one wrong point of k-space, which lays stripes over the whole image (herringbone)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import kspace
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene

    Frequency = tuple[int, int, int]

_LARGEST_LOG = 60.0


class Spike(IntensityStep):
    """Raise single points of k-space; the real part is kept.

    Model linear: intensity · the spectrum's greatest magnitude is added (torchio.Spike). Model log: the magnitude
    becomes exp(intensity), the phase stays (monai.KSpaceSpikeNoise). Zero frequency lies at n // 2 along each axis.
    """

    code: ClassVar[tuple[str, str, str]] = ("KSPACE", "99MEDAUG", "Simulated artefact of MR encoding")
    peer: ClassVar[str] = "torchio.RandomSpike, monai.RandKSpaceSpikeNoise"
    meant_for: ClassVar[tuple[str, ...]] = ("MR",)
    needs_regular_grid: ClassVar[bool] = True
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = {"positions": ("count",)}

    intensity: Annotated[Span, Bounds(ge=-_LARGEST_LOG, le=_LARGEST_LOG)] | None = Field(
        default=None,
        description="linear: share of the spectrum's maximum, [0.2, 1.0] if left out; 0 changes nothing. "
        "log: natural log of the magnitude.",
    )
    count: Annotated[Span, Bounds(ge=0, le=100, whole=True, strength=False)] = Field(
        default=Span.of(1), description="Number of spikes, where positions are drawn."
    )
    positions: tuple[tuple[float, float, float], ...] | None = Field(
        default=None,
        description="Points [i, j, k], instead of drawn ones: shares of the spectrum, for log also indices.",
    )
    model: Literal["linear", "log"] = Field(default="linear", description="linear (TorchIO) or log (MONAI).")

    @model_validator(mode="after")
    def _check_intensity(self) -> Self:
        if self.model == "log" and self.intensity is None:
            raise ValueError("model log needs intensity, the natural log of the spike's magnitude, such as 12")
        return self

    @model_validator(mode="after")
    def _check_positions(self) -> Self:
        for position in self.positions or ():
            for number in () if _are_shares(position) else position:
                if self.model == "linear" and not 0 <= number < 1:
                    raise ValueError(f"positions: {number:g} is out of range; allowed: from 0 to below 1")
                if self.model == "log" and (number != int(number) or number < 0):
                    raise ValueError(
                        f"positions: {number:g} is no index; allowed: whole numbers from 0, or three shares below 1"
                    )
        return self

    def completed(self) -> Self:
        """Return the step with its intensity."""
        return self.model_copy(update={"intensity": self.intensity or Span.of([0.2, 1.0])})

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with intensity and positions drawn."""
        drawn = super().fix(generator, scene)
        if self.positions is not None:
            return drawn
        rows = generator.random((int(drawn.count.value), 3)).tolist()
        return drawn.model_copy(update={"positions": tuple((row[0], row[1], row[2]) for row in rows)})

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        del scene
        shape = (array.shape[1], array.shape[2], array.shape[3])
        frequencies = [self._frequency(position, shape) for position in self.positions or ()]
        for component in array:
            for frequency, wave in self._waves(component, frequencies):
                kspace.add_wave(component, frequency, wave.real / component.size, wave.imag / component.size)

    def _waves(self, component: FloatArray, frequencies: list[Frequency]) -> list[tuple[Frequency, complex]]:
        """Return what is added to the spectrum of `component` (z, y, x), and where."""
        intensity = self.intensity.value if self.intensity else 0.0
        if self.model == "log":
            every = dict.fromkeys(frequencies)
            return [(one, _missing(kspace.coefficient(component, one), intensity)) for one in every]
        if not intensity or not frequencies:
            return []
        height = complex(intensity * kspace.largest_magnitude(component))
        return [(one, height) for one in frequencies]

    def _frequency(self, position: tuple[float, float, float], shape: tuple[int, int, int]) -> Frequency:
        """Return the frequency along z, y, x, in periods, of the point [i, j, k] of a spectrum."""
        i, j, k = position
        shares = _are_shares(position)
        z, y, x = (
            math.floor(number * count) if shares else int(number)
            for number, count in zip((k, j, i), shape, strict=True)
        )
        if z >= shape[0] or y >= shape[1] or x >= shape[2]:
            size = " x ".join(map(str, shape[::-1]))
            raise SampleError(
                "outside_spectrum", f"spike: position {[x, y, z]} lies outside a spectrum of {size} points"
            )
        return z - shape[0] // 2, y - shape[1] // 2, x - shape[2] // 2


def _are_shares(position: tuple[float, float, float]) -> bool:
    """Say whether a point is given in shares of the spectrum; the first of all points is 0 in indices, too."""
    return all(0 <= number < 1 for number in position)


def _missing(found: complex, intensity: float) -> complex:
    """Return what takes a coefficient to the magnitude exp(intensity); 0 has the phase 0."""
    size = abs(found)
    direction = found / size if size else complex(1.0)
    return direction * (math.exp(intensity) - size)
