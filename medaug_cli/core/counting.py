"""Counting: Poisson numbers for a whole array, the same bits on every processor, in one compiled pass.

NumPy's own take their logarithms from the system's library, whose last bit differs between machines. Uniform numbers
come from the generator; everything else is IEEE arithmetic and `elementary`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.elementary import _exp2, _log2
from medaug_cli.core.jit import compiled, inner

if TYPE_CHECKING:
    from numpy.random import Generator

_LN2 = math.log(2.0)
_FEW = 10.0  # expected counts up to which adding up probabilities is faster than rejecting
_LOG_FACTORIALS = np.array([math.lgamma(n + 1) for n in range(16)])
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
_PLAIN, _STEEP = 0.07, 0.013  # Hörmann's limits of quick acceptance and rejection
_MOST = 1e15  # expected counts: beyond, a double holds no single count, nor a float32 any noise


def count_photons(array: Any, generator: Generator, per_unit: float, zero: float) -> None:
    """Change every voxel x of contiguous float32 `array` to Poisson((x - zero) · per_unit) / per_unit + zero in place.

    What is not above `zero` stays. Hörmann's PTRS (1993), as NumPy, and inversion for few counts.
    """
    _count_flat(array.reshape(-1), generator, float(per_unit), float(zero))


@compiled
def _count_flat(flat: Any, generator: Any, per_unit: float, zero: float) -> None:
    for n in range(len(flat)):
        expected = (np.float64(flat[n]) - zero) * per_unit
        if 0.0 < expected < _MOST:
            counts = _draw_few(generator, expected) if expected < _FEW else _draw_many(generator, expected)
            flat[n] = np.float32(counts / per_unit + zero)


@inner
def _draw_few(generator: Any, expected: float) -> float:
    """Return a Poisson number: the first whose cumulative probability exceeds a uniform number."""
    share = _exp2(-expected / _LN2)
    left = generator.random() - share
    counts = 0.0
    while left >= 0.0 and share > 0.0:
        counts += 1.0
        share *= expected / counts
        left -= share
    return counts


@inner
def _draw_many(generator: Any, expected: float) -> float:
    """Return a Poisson number by transformed rejection; nearly always the first test accepts."""
    b = 0.931 + 2.53 * math.sqrt(expected)
    a = -0.059 + 0.02483 * b
    sure = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = generator.random() - 0.5
        v = generator.random()
        us = 0.5 - abs(u)
        if us <= 0.0 or v <= 0.0:
            continue
        counts = float(math.floor((2.0 * a / us + b) * u + expected + 0.43))
        if us >= _PLAIN and v <= sure:
            return float(counts)
        if counts < 0.0 or (us < _STEEP and v > us):
            continue
        inverse = 1.1239 + 1.1328 / (b - 3.4)
        left = _LN2 * _log2(v * inverse / (a / (us * us) + b))
        if left <= counts * _LN2 * _log2(expected) - expected - _log_factorial(counts):
            return float(counts)


@inner
def _log_factorial(count: float) -> float:
    """Return ln(count!), by Stirling's series from 16 on, to 1e-11."""
    if count < len(_LOG_FACTORIALS):
        return float(_LOG_FACTORIALS[int(count)])
    square = 1.0 / (count * count)
    series = (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0)) / count
    return (count + 0.5) * _LN2 * _log2(count) - count + _HALF_LOG_TAU + series
