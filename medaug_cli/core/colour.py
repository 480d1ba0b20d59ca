"""Colour: brightness, contrast, saturation and hue of float32 images (3, z, y, x) of red, green and blue, in place.

The formulas of TorchVision's ColorJitter on floating-point images: each operation is a blend of the image with black,
its mean grey, or its grey, or a turn of the hue in HSV, and is clipped to what can be stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from medaug_cli.core.intensity import measured
from medaug_cli.core.jit import compiled, inner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import AnyArray, BoolArray, FloatArray

Operation = Literal["brightness", "contrast", "saturation", "hue"]
OPERATIONS: tuple[Operation, ...] = ("brightness", "contrast", "saturation", "hue")
GREY = (0.2989, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601 as TorchVision and Pillow round it)
_RED, _GREEN, _BLUE = (np.float32(weight) for weight in GREY)
_ONE, _FOUR, _SIX = np.float32(1), np.float32(4), np.float32(6)
_CONTRAST = OPERATIONS.index("contrast")


def jitter(
    array: FloatArray, valid: BoolArray | None, changes: Sequence[tuple[Operation, float]], brightest: float
) -> None:
    """Apply `changes`, each with its factor (for hue, a part of a turn), in their order; 0 to `brightest` is kept."""
    rows = array.reshape(3, -1, array.shape[-1])
    codes = np.array([OPERATIONS.index(operation) for operation, _ in changes], np.int64)
    factors = np.array([factor for _, factor in changes], np.float32)
    first = int(np.flatnonzero(codes == _CONTRAST)[0]) if _CONTRAST in codes else len(codes)
    _change(rows, codes[:first], factors[:first], np.float32(0), np.float32(brightest))
    if first < len(codes):  # contrast is about the mean of what the operations before it have left
        mean = np.float32(mean_grey(array, valid))
        _change(rows, codes[first:], factors[first:], mean, np.float32(brightest))


def mean_grey(array: FloatArray, valid: BoolArray | None) -> float:
    """Return the mean grey of what is measured; 0 where nothing is."""
    voxels = measured(array, valid).reshape(3, -1)
    if voxels.size == 0:
        return 0.0
    means = [float(one.mean(dtype=np.float64)) for one in voxels]
    return sum(weight * mean for weight, mean in zip(GREY, means, strict=True))


def to_grey(array: AnyArray, *, whole: bool) -> None:
    """Give every voxel its grey in all three components, rounded to a whole number if `whole`; uint8 needs that."""
    red, green, blue = (component.reshape(-1) for component in array)
    (_to_whole_grey if whole else _to_grey)(red, green, blue)
    array[1:] = array[0]


@compiled
def _to_grey(red: Any, green: Any, blue: Any) -> None:
    for n in range(len(red)):
        red[n] = _RED * np.float32(red[n]) + _GREEN * np.float32(green[n]) + _BLUE * np.float32(blue[n])


@compiled
def _to_whole_grey(red: Any, green: Any, blue: Any) -> None:
    for n in range(len(red)):
        grey = _RED * np.float32(red[n]) + _GREEN * np.float32(green[n]) + _BLUE * np.float32(blue[n])
        red[n] = np.int32(np.rint(grey))


@compiled
def _change(rows: Any, codes: Any, factors: Any, mean: Any, brightest: Any) -> None:
    """Change `rows` (3, rows, x), each row by all operations while it is in the cache."""
    for y in range(rows.shape[1]):
        red, green, blue = rows[0, y], rows[1, y], rows[2, y]
        for k in range(len(codes)):
            factor = factors[k]
            if codes[k] == 0:
                _blend(red, factor, np.float32(0), brightest)
                _blend(green, factor, np.float32(0), brightest)
                _blend(blue, factor, np.float32(0), brightest)
            elif codes[k] == 1:
                rest = (_ONE - factor) * mean
                _blend(red, factor, rest, brightest)
                _blend(green, factor, rest, brightest)
                _blend(blue, factor, rest, brightest)
            elif codes[k] == 2:  # noqa: PLR2004  the third operation
                _saturate(red, green, blue, factor, brightest)
            else:
                _turn_hue(red, green, blue, factor)


@inner
def _blend(row: Any, factor: Any, rest: Any, brightest: Any) -> None:
    for x in range(len(row)):
        row[x] = min(max(row[x] * factor + rest, np.float32(0)), brightest)


@inner
def _saturate(red: Any, green: Any, blue: Any, factor: Any, brightest: Any) -> None:
    for x in range(len(red)):
        rest = (_ONE - factor) * (_RED * red[x] + _GREEN * green[x] + _BLUE * blue[x])
        red[x] = min(max(red[x] * factor + rest, np.float32(0)), brightest)
        green[x] = min(max(green[x] * factor + rest, np.float32(0)), brightest)
        blue[x] = min(max(blue[x] * factor + rest, np.float32(0)), brightest)


@inner
def _turn_hue(red: Any, green: Any, blue: Any, turn: Any) -> None:
    """Turn the hue in HSV; written without branches, so that the processor does several voxels at once."""
    for x in range(len(red)):
        r, g, b = red[x], green[x], blue[x]
        value = max(r, g, b)
        chroma = value - min(r, g, b)
        width = chroma if chroma > np.float32(0) else _ONE
        over_green = np.float32(2) + (b - r) / width
        over_blue = _FOUR + (r - g) / width
        sector = (g - b) / width if r == value else (over_green if g == value else over_blue)
        hue = sector + turn * _SIX
        red[x] = value - chroma * _share(hue + np.float32(5))
        green[x] = value - chroma * _share(hue + np.float32(3))
        blue[x] = value - chroma * _share(hue + _ONE)


@inner
def _share(position: Any) -> Any:
    """Return how much of the chroma a colour lacks at `position`, counted in sixths of a turn."""
    place = position - _SIX * np.floor(position / _SIX)
    return max(np.float32(0), min(_ONE, place, _FOUR - place))
