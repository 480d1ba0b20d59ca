"""Gamma: contrast change by a power law."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from medaug_cli.core.intensity import low_and_high, mean_and_deviation
from medaug_cli.core.lazy import elementary, np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene

_TINY = 1e-7  # keeps a division from meeting 0, as MONAI does


class Gamma(IntensityStep):
    """Raise intensities to the power gamma.

    Mode range: ((x - min) / range)^gamma · range + min, as MONAI and nnU-Net, so a volume keeps its minimum and
    maximum; a constant volume stays as it is. Mode signed: sign(x) · |x|^gamma, as TorchIO.
    """

    code: ClassVar[tuple[str, str, str]] = ("GAMMA", "99MEDAUG", "Power-law intensity transformation")
    peer: ClassVar[str] = "torchio.RandomGamma, monai.RandAdjustContrast, batchgeneratorsv2.GammaTransform"
    by_tone: ClassVar[bool] = True
    alternatives: ClassVar[tuple[str, ...]] = ("log_gamma", "gamma")

    log_gamma: Annotated[Span, Bounds(ge=-2, le=2)] | None = Field(
        default=None, description="Natural log of the exponent, [-0.3, 0.3] unless gamma is given; 0 changes nothing."
    )
    gamma: Annotated[Span, Bounds(gt=0, le=10, neutral=1)] | None = Field(
        default=None, description="The exponent, instead of log_gamma; 1 changes nothing."
    )
    mode: Literal["range", "signed"] = Field(default="range", description="range (MONAI, nnU-Net) or signed (TorchIO).")
    invert: bool = Field(default=False, description="Apply to the negated image and negate again.")
    retain_stats: bool = Field(default=False, description="Restore mean and standard deviation afterwards.")

    @model_validator(mode="before")
    @classmethod
    def _check_one_exponent(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        if values.get("gamma") is not None and values.get("log_gamma") is not None:
            raise ValueError("give gamma or log_gamma, not both")
        if values.get("gamma") is None and values.get("log_gamma") is None:
            return {**values, "log_gamma": [-0.3, 0.3]}
        return values

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        if self.invert:
            np.negative(array, out=array)
        before = mean_and_deviation(array, scene.valid) if self.retain_stats else None
        if self.mode == "range":
            self._raise_in_range(array, scene)
        else:
            signs = np.sign(array) if float(array.min()) < 0 else None
            elementary.raise_to_power(np.abs(array, out=array), self._exponent())
            if signs is not None:
                array *= signs
        if before is not None:
            _restore(array, scene, *before)
        if self.invert:
            np.negative(array, out=array)

    def _exponent(self) -> float:
        if self.gamma is not None:
            return self.gamma.value
        return math.exp(self.log_gamma.value if self.log_gamma else 0.0)

    def _raise_in_range(self, array: FloatArray, scene: Scene) -> None:
        low, high = low_and_high(array, scene.valid)
        if low == high:
            return
        elementary.raise_in_range(array, low, high - low, high - low + _TINY, self._exponent())


def _restore(array: FloatArray, scene: Scene, mean: float, deviation: float) -> None:
    """Give `array` the `mean` and standard `deviation` that it had before."""
    now, spread = mean_and_deviation(array, scene.valid)
    array -= np.float32(now)
    array *= np.float32(deviation / max(spread, _TINY))
    array += np.float32(mean)
