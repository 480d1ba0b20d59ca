"""Convolution: a symmetric kernel along one axis of a float32 array, a strip at a time to stay in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled

_STRIP = 256  # voxels side by side: with a few hundred rows, half of a processor's second cache


def convolve(array: Any, axis: int, weights: Any, *, mirror: bool = True) -> None:
    """Convolve contiguous float32 `array` in place along `axis` with `weights` of the offsets 0, 1, 2, … voxels.

    Beyond the border lies the image mirrored about the edge of its outer voxels, or zero.
    """
    count = array.shape[axis]
    if array.size == 0:
        return
    sources = _sources(count, len(weights) - 1, mirror=mirror)
    inner = int(np.prod(array.shape[axis + 1 :], dtype=np.int64))
    if inner == 1:
        _along_rows(array.reshape(-1, count), weights, sources)
    else:
        _across_rows(array.reshape(-1, count, inner), weights, sources, _STRIP)


def _sources(count: int, radius: int, *, mirror: bool) -> Any:
    """Return where each place of a row, `radius` longer on both sides, takes its voxel from; -1 for zero."""
    place = np.arange(-radius, count + radius)
    if not mirror:
        return np.where((place >= 0) & (place < count), place, -1)
    folded = place % (2 * count)
    return np.where(folded < count, folded, 2 * count - 1 - folded)


@compiled
def _along_rows(rows: Any, weights: Any, sources: Any) -> None:
    radius, count = len(weights) - 1, rows.shape[1]
    padded = np.empty(count + 2 * radius, np.float32)
    for row in rows:
        for n in range(len(sources)):
            padded[n] = row[sources[n]] if sources[n] >= 0 else np.float32(0)
        for x in range(count):
            row[x] = padded[radius + x] * weights[0]
        for offset in range(1, radius + 1):
            weight = weights[offset]
            left, right = padded[radius - offset :], padded[radius + offset :]
            for x in range(count):
                row[x] += (left[x] + right[x]) * weight


@compiled
def _across_rows(array: Any, weights: Any, sources: Any, strip: int) -> None:
    radius, count, inner = len(weights) - 1, array.shape[1], array.shape[2]
    padded = np.empty((count + 2 * radius, strip), np.float32)
    for panel in array:
        for start in range(0, inner, strip):
            width = min(strip, inner - start)
            for n in range(len(sources)):
                if sources[n] >= 0:
                    padded[n, :width] = panel[sources[n], start : start + width]
                else:
                    padded[n, :width] = np.float32(0)
            for y in range(count):
                result, middle = panel[y, start : start + width], padded[radius + y]
                for x in range(width):
                    result[x] = middle[x] * weights[0]
                for offset in range(1, radius + 1):
                    weight = weights[offset]
                    left, right = padded[radius + y - offset], padded[radius + y + offset]
                    for x in range(width):
                        result[x] += (left[x] + right[x]) * weight
