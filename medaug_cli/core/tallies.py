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
            highs[lane] = value if value > highs[lane] else highs[lane]  # noqa: FURB136
            apart = np.float64(value) - near
            totals[lane] += apart
            squares[lane] += apart * apart
    for n in range(whole, len(flat)):
        value = flat[n]
        lows[0] = value if value < lows[0] else lows[0]  # noqa: FURB136
        highs[0] = value if value > highs[0] else highs[0]  # noqa: FURB136
        apart = np.float64(value) - near
        totals[0] += apart
        squares[0] += apart * apart


def count_values(array: Any) -> dict[float, int]:
    """Return how many voxels of a label map, all whole numbers, hold each value but 0."""
    ends = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if ends[1] - ends[0] < _WIDEST_TALLY and max(-ends[0], ends[1]) < _EXACT:
        low = int(ends[0])
        counts = np.zeros(int(ends[1]) - low + 1, dtype=np.int64)
        _count_flat(np.ascontiguousarray(array).reshape(-1), low, counts)
        return {float(low + n): int(counts[n]) for n in np.flatnonzero(counts) if low + n}
    values, counts = np.unique(array, return_counts=True)
    return {float(value): int(count) for value, count in zip(values, counts, strict=True) if value}


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
