"""Tallies of a whole array in one compiled pass: range, mean and deviation, and how often each label stands there.

Sums run in a fixed number of lanes, in double precision and in the order of the voxels, so that they are the same on
every processor.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled

_LANES = 16
_PROBES = 1024  # voxels whose mean is taken off before squaring, so that little is lost
_WIDEST_TALLY = 1 << 20
_EXACT = 2.0**53
_SHORT_BYTES = 2


def summarise(array: Any) -> tuple[float, float, float, float]:
    """Return minimum, maximum, mean and standard deviation of a real array; zeros for an empty one."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.size == 0:
        return 0.0, 0.0, 0.0, 0.0
    near = float(flat[:: max(1, flat.size // _PROBES)].mean(dtype=np.float64))
    lows, highs = np.full(_LANES, flat[0]), np.full(_LANES, flat[0])
    totals, squares = np.zeros(_LANES), np.zeros(_LANES)
    _sum_up(flat, near, lows, highs, totals, squares)
    apart = float(totals.sum()) / flat.size
    deviation = math.sqrt(max(0.0, float(squares.sum()) / flat.size - apart * apart))
    return float(lows.min()), float(highs.max()), near + apart, deviation


@compiled
def _sum_up(flat: Any, near: float, lows: Any, highs: Any, totals: Any, squares: Any) -> None:
    """Tally in each lane minimum, maximum, and the sums of the distances from `near` and of their squares."""
    whole = len(flat) // _LANES * _LANES
    for start in range(0, whole, _LANES):
        for lane in range(_LANES):
            value = flat[start + lane]
            lows[lane] = value if value < lows[lane] else lows[lane]  # noqa: FURB136  min() also tests for NaN
            highs[lane] = value if value > highs[lane] else highs[lane]  # noqa: FURB136  so does max()
            apart = np.float64(value) - near
            totals[lane] += apart
            squares[lane] += apart * apart
    for n in range(whole, len(flat)):
        value = flat[n]
        lows[0] = value if value < lows[0] else lows[0]  # noqa: FURB136  min() also tests for NaN
        highs[0] = value if value > highs[0] else highs[0]  # noqa: FURB136  so does max()
        apart = np.float64(value) - near
        totals[0] += apart
        squares[0] += apart * apart


def count_values(array: Any) -> dict[float, int]:
    """Return how many voxels of a label map, all whole numbers, hold each value but 0."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.dtype.kind in "iu" and flat.itemsize <= _SHORT_BYTES:
        return _count_short(flat)
    ends = (float(flat.min()), float(flat.max())) if flat.size else (0.0, 0.0)
    if ends[1] - ends[0] < _WIDEST_TALLY and max(-ends[0], ends[1]) < _EXACT:
        low = int(ends[0])
        counts = np.zeros(int(ends[1]) - low + 1, dtype=np.int64)
        _count_flat(flat, low, counts)
        return {float(low + n): int(counts[n]) for n in np.flatnonzero(counts) if low + n}
    values, found = np.unique(flat, return_counts=True)
    return {float(value): int(count) for value, count in zip(values, found, strict=True) if value}


def _count_short(flat: Any) -> dict[float, int]:
    """Count integers of one or two bytes by their bits, eight bytes at once where these repeat."""
    bits = flat.view(f"u{flat.itemsize}")
    in_word = 8 // flat.itemsize
    words = bits[: flat.size // in_word * in_word].view(np.uint64)
    counts = np.zeros(1 << (8 * flat.itemsize), dtype=np.int64)
    _count_words(words, bits, in_word, (1 << 64) // ((1 << (8 * flat.itemsize)) - 1), counts)
    found = np.flatnonzero(counts)
    values = found.astype(bits.dtype).view(flat.dtype)
    return {float(values[n]): int(counts[found[n]]) for n in values.argsort() if values[n]}


@compiled
def _count_words(words: Any, bits: Any, in_word: int, ones: int, counts: Any) -> None:
    """Count words that hold one value all over at once; `ones` times that value are such a word."""
    last, same, run = np.uint64(0), np.uint64(0), 0
    for m in range(len(words)):
        if words[m] == same:
            run += in_word
            continue
        counts[last] += run
        for n in range(in_word):
            last = np.uint64(bits[m * in_word + n])
            counts[last] += 1
        same, run = last * np.uint64(ones), 0
    counts[last] += run
    for n in range(len(words) * in_word, len(bits)):
        counts[np.uint64(bits[n])] += 1


@compiled
def _count_flat(flat: Any, low: int, counts: Any) -> None:
    """Add up runs of equal values, which labels come in."""
    last, run = np.int64(low), 0
    for n in range(len(flat)):
        value = np.int64(flat[n])
        if value != last:
            counts[last - low] += run
            last, run = value, 0
        run += 1
    counts[last - low] += run
