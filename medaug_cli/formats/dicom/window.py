"""Window: the display window of a copy whose intensities are no longer those of its source (PS3.3 C.11.2.1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.header import values

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from medaug_cli.core.sample import Volume
    from medaug_cli.formats.dicom.storage import Storage
    from medaug_cli.formats.dicom.template import SliceTemplate

_SAMPLED = 1_000_000  # voxels: percentiles of more differ in no digit that a window needs
_PERCENTILES = (1.0, 99.0)


@dataclass(frozen=True)
class Window:
    """A display window in the volume's real values."""

    center: float
    width: float


def measure_window(content: Volume) -> Window:
    """Return the window from percentile 1 to 99 of what is no void in `content`."""
    step = max(1, content.array.size // _SAMPLED)
    sampled = content.array.reshape(-1)[::step]
    if content.void is not None:
        valid = ~content.void.reshape(-1)[::step]
        sampled = sampled[valid] if valid.any() else sampled
    low, high = np.percentile(sampled, _PERCENTILES)
    return Window(float(low + high) / 2, max(1.0, float(high - low)))


def set_window(header: Dataset, template: SliceTemplate, window: Window) -> None:
    """Give `header` the measured `window` in place of a single one or of a VOI LUT; several presets stay."""
    file = template.instance.file
    had_table = "VOILUTSequence" in header
    if had_table:
        del header.VOILUTSequence
    presets = len(values(header, "WindowCenter", file))
    if presets > 1 or (presets == 0 and not had_table):
        return
    header.WindowCenter = _as_ds(_center(window, template.storage))
    header.WindowWidth = _as_ds(window.width)


def _center(window: Window, storage: Storage) -> float:
    """Return the centre in the values of Modality LUT; a MONOCHROME1 volume was read turned round."""
    if not storage.inverted:
        return window.center
    return storage.slope * (storage.low + storage.high) + 2 * storage.intercept - window.center


def _as_ds(value: float) -> str:
    return f"{value:.6g}"
