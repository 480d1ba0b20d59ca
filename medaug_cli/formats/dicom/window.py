"""Window: the display window of a source, and of a copy whose intensities are no longer its own (PS3.3 C.11.2.1.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.header import values

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from medaug_cli.core.sample import Volume
    from medaug_cli.formats.dicom.storage import Storage
    from medaug_cli.formats.dicom.template import SliceTemplate

_SAMPLED = 250_000  # voxels: percentiles of more differ in no digit that a window needs
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


def read_window(template: SliceTemplate) -> tuple[float, float] | None:
    """Return (centre, width) of the first window in a header, in the volume's real values; None without a usable one.

    A window only serves to show the image: one that cannot be read is no reason to refuse it.
    """
    file = template.instance.file
    try:
        center, width = (float(values(template.header, key, file)[0]) for key in ("WindowCenter", "WindowWidth"))
    except (SampleError, IndexError, TypeError, ValueError):
        return None
    if not (math.isfinite(center) and math.isfinite(width) and width > 0):
        return None
    return _turned_if_inverted(center, template.storage), width


def set_window(header: Dataset, template: SliceTemplate, window: Window) -> None:
    """Give `header` the measured `window` in place of a single one or of a VOI LUT; several presets stay."""
    file = template.instance.file
    had_table = "VOILUTSequence" in header
    if had_table:
        del header.VOILUTSequence
    presets = len(values(header, "WindowCenter", file))
    if presets > 1 or (presets == 0 and not had_table):
        return
    header.WindowCenter = _as_ds(_turned_if_inverted(window.center, template.storage))
    header.WindowWidth = _as_ds(window.width)


def _turned_if_inverted(center: float, storage: Storage) -> float:
    """Return a centre in the values of Modality LUT as a real value, or back: a MONOCHROME1 volume is read turned."""
    if not storage.inverted:
        return center
    return storage.slope * (storage.low + storage.high) + 2 * storage.intercept - center


def _as_ds(value: float) -> str:
    return f"{value:.6g}"
