"""Windows: which intensities a picture shows as black and as white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.intensity import even_step
from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.sample import Loaded, Volume

_PERCENTILES = (0.5, 99.5)
_SAMPLED = 1_000_000
_CT_SOFT_TISSUE = (40.0, 400.0)
_LEAST_OVERLAP = 0.25


@dataclass(frozen=True)
class Window:
    """Black at `low`, white at `high`; `origin` says for people where the two come from."""

    low: float
    high: float
    origin: str

    def grey(self, picture: AnyArray) -> AnyArray:
        """Return `picture` as bytes."""
        shade = (picture - self.low) / max(self.high - self.low, 1e-12)
        return np.asarray(np.clip(np.rint(shade * 255), 0, 255), np.uint8)


def source_window(loaded: Loaded, volume: Volume) -> Window:
    """Return the window of the file, or else that of soft tissue for CT and robust percentiles for all others."""
    if loaded.window is not None:
        return _around(*loaded.window, "window of the file")
    if loaded.modality == "CT":
        return _around(*_CT_SOFT_TISSUE, "soft tissue")
    return measured(volume)


def copy_window(source: Window, before: Window, copy: Volume) -> Window:
    """Return the source's window, so that changes show, or the copy's own where it lives on another scale.

    `before` is the source's measured range: a copy whose range shares less than a quarter with it was normalised.
    """
    after = measured(copy)
    shared = min(before.high, after.high) - max(before.low, after.low)
    together = max(before.high, after.high) - min(before.low, after.low)
    return source if after.low == after.high or shared / together >= _LEAST_OVERLAP else after


def measured(volume: Volume) -> Window:
    """Return the 0.5th to 99.5th percentile of what is no void."""
    step = even_step(volume.array[0].size, _SAMPLED)
    sampled = volume.array[0].reshape(-1)[::step]
    if volume.void is not None:
        valid = ~volume.void.reshape(-1)[::step]
        sampled = sampled[valid] if valid.any() else sampled
    low, high = np.percentile(sampled, _PERCENTILES)
    return Window(float(low), float(high), "0.5th to 99.5th percentile")


def _around(center: float, width: float, origin: str) -> Window:
    return Window(center - width / 2, center + width / 2, origin)
