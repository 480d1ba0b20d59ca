"""Equalize: intensities spread so that all are equally frequent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.intensity import low_and_high, measured
from medaug_cli.core.lazy import np, tones
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class Equalize(IntensityStep):
    """Change each intensity to minimum + range · (share of the voxels below it).

    Shares are counted in `bins` of one width from minimum to maximum, and lie on straight lines within a bin.
    """

    code: ClassVar[tuple[str, str, str]] = ("EQUALIZE", "99MEDAUG", "Histogram equalization")
    peer: ClassVar[str] = "monai.HistogramNormalize, torchvision.RandomEqualize, skimage.exposure.equalize_hist"

    bins: Annotated[int, Field(ge=2, le=65536)] = Field(default=256, description="Bins of the histogram.")

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place; a constant volume stays as it is."""
        low, high = low_and_high(array, scene.valid)
        if low == high:
            return
        counts = tones.count_bins(measured(array, scene.valid), low, high, self.bins)
        shares = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
        tones.map_through(array, np.linspace(low, high, self.bins + 1), low + (high - low) * shares)
