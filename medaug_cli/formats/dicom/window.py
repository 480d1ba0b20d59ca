"""Window: the display window of a source, and of a copy whose intensities are no longer its own (PS3.3 C.11.2.1.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.intensity import even_step
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.header import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import AnyArray, Array64
    from medaug_cli.core.sample import Volume
    from medaug_cli.formats.dicom.storage import Storage
    from medaug_cli.formats.dicom.template import SliceTemplate

_SAMPLED = 250_000  # voxels: percentiles of more differ in no digit that a window needs
_PERCENTILES = (1.0, 99.0)
_KNOTS = 257
_NAMES = "WindowCenterWidthExplanation"


@dataclass(frozen=True, eq=False)
class Window:
    """A display window in the volume's real values.

    `before` and `after` are equal percentiles of an unmoved source and its copy: presets follow from one to the other.
    """

    center: float
    width: float
    before: Array64 | None = None
    after: Array64 | None = None

    def follow(self, center: float, width: float) -> tuple[float, float]:
        """Return the preset (centre, width) of the source as it shows the same tissue in the copy."""
        if self.before is None or self.after is None:
            return center, width
        low, high = (self._follow_edge(center + sign * width / 2) for sign in (-1, 1))
        return (low + high) / 2, max(1.0, high - low)

    def _follow_edge(self, edge: float) -> float:
        """Return where `edge` went; beyond all values it keeps its distance from the last."""
        before, after = self.before, self.after
        if before is None or after is None:
            return edge
        beyond = min(0.0, edge - before[0]) + max(0.0, edge - before[-1])
        return float(np.interp(edge, before, after) + beyond)


def measure_window(content: Volume, unmoved: Volume | None = None) -> Window:
    """Return the window from percentile 1 to 99 of what is no void in `content`.

    `unmoved` is its source, where every voxel still lies in its place.
    """
    sampled = _sample(content)
    low, high = np.percentile(sampled, _PERCENTILES)
    before, after = (None, None) if unmoved is None else (_quantiles(_sample(unmoved)), _quantiles(sampled))
    return Window(float(low + high) / 2, max(1.0, float(high - low)), before, after)


def _sample(content: Volume) -> AnyArray:
    """Return some of the values that are no void, spread over all of `content`."""
    step = even_step(content.array.size, _SAMPLED)
    sampled = content.array.reshape(-1)[::step]
    if content.void is None:
        return sampled
    void = np.broadcast_to(content.void, content.array.shape).reshape(-1)[::step]
    return sampled if void.all() else sampled[~void]


def _quantiles(sampled: AnyArray) -> Array64:
    return np.percentile(sampled, np.linspace(0, 100, _KNOTS))


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
    """Give `header` the measured `window` in place of a single one or of a VOI LUT; of several presets each follows.

    Presets none of which is a number give way to the measured window, too.
    """
    file = template.instance.file
    had_table = "VOILUTSequence" in header
    if had_table:
        del header.VOILUTSequence
    centers, widths = (values(header, keyword, file) for keyword in ("WindowCenter", "WindowWidth"))
    presets = [_numbers(*pair) for pair in zip_longest(centers, widths)]
    if len(presets) > 1 and any(presets):
        _move_presets(header, template, window, presets)
        return
    if not centers and not had_table:
        return
    if len(presets) > 1 and _NAMES in header:
        delattr(header, _NAMES)
    header.WindowCenter = _as_ds(_turned_if_inverted(window.center, template.storage))
    header.WindowWidth = _as_ds(window.width)


def _numbers(center: Any, width: Any) -> tuple[float, float] | None:
    """Return a preset as numbers, None where it is blank or none: no reason to refuse an image."""
    try:
        preset = float(center), float(width)
    except (TypeError, ValueError):
        return None
    return preset if all(map(math.isfinite, preset)) and preset[1] > 0 else None


def _move_presets(
    header: Dataset, template: SliceTemplate, window: Window, found: Sequence[tuple[float, float] | None]
) -> None:
    """Let each of the presets that were `found` follow the values, under its own name; those that are none go."""
    presets = [preset for preset in found if preset is not None]
    if window.before is None and len(presets) == len(found):
        return
    storage = template.storage
    names = values(header, _NAMES, template.instance.file)
    if len(presets) < len(found) and names:
        kept = [name for name, preset in zip(names, found, strict=False) if preset is not None]
        if len(names) == len(found) and kept:
            setattr(header, _NAMES, kept)
        else:
            delattr(header, _NAMES)
    followed = [window.follow(_turned_if_inverted(center, storage), width) for center, width in presets]
    header.WindowCenter = [_as_ds(_turned_if_inverted(center, storage)) for center, _ in followed]
    header.WindowWidth = [_as_ds(width) for _, width in followed]


def _turned_if_inverted(center: float, storage: Storage) -> float:
    """Return a centre in the values of Modality LUT as a real value, or back: a MONOCHROME1 volume is read turned."""
    if not storage.inverted:
        return center
    return storage.slope * (storage.low + storage.high) + 2 * storage.intercept - center


def _as_ds(value: float) -> str:
    return f"{value:.6g}"
