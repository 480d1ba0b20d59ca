"""Counting: Poisson numbers for a whole array, the same bits on every processor, in one compiled pass.

NumPy's own take their logarithms from the system's library, whose last bit differs between machines. Uniform numbers
come from the generator; everything else is IEEE arithmetic in double precision.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

if TYPE_CHECKING:
    from numpy.random import Generator

_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD  # of sqrt(1/2) as a double
_FRACTION_BITS = 52
_BIAS = 1023
_LN2 = math.log(2.0)
_TWO_OVER_LN2 = 2.0 / math.log(2.0)
_LEAST_EXPONENT, _MOST_EXPONENT = -1022.0, 1023.0
_FEW = 10.0  # expected counts up to which adding up probabilities is faster than rejecting
_LOG_FACTORIALS = np.array([math.lgamma(n + 1) for n in range(16)])
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
_PLAIN, _STEEP = 0.07, 0.013  # Hörmann's limits of quick acceptance and rejection
_ROW = 2048  # voxels at a time, so that their numbers stay in the cache
_MOST = 1e15  # expected counts: beyond, a double holds no single count, nor a float32 any noise


def count_photons(array: Any, generator: Generator, per_unit: float, zero: float) -> None:
    """Change every voxel x of contiguous float32 `array` to Poisson((x - zero) · per_unit) / per_unit + zero in place.

    What is not above `zero` stays. Hörmann's PTRS (1993), as NumPy, and inversion for few counts.
    """
    _count_flat(array.reshape(-1), generator, float(per_unit), float(zero))


@compiled
def _count_flat(flat: Any, generator: Any, per_unit: float, zero: float) -> None:
    """Draw row by row; what every voxel's number needs is worked out before, by vector instructions."""
    ready = np.empty((4, _ROW))
    for begin in range(0, len(flat), _ROW):
        row = flat[begin : begin + _ROW]
        expected, none, wide, sure = ready[0, : len(row)], ready[1, : len(row)], ready[2, : len(row)], ready[3]
        _prepare(row, per_unit, zero, expected, none, wide, sure)
        for n in range(len(row)):
            if 0.0 < expected[n] < _FEW:
                counts = _draw_few(generator, expected[n], none[n])
            elif _FEW <= expected[n] < _MOST:
                counts = _draw_many(generator, expected[n], wide[n], sure[n])
            else:
                continue
            row[n] = np.float32(counts / per_unit + zero)


@inner
def _prepare(row: Any, per_unit: float, zero: float, expected: Any, none: Any, wide: Any, sure: Any) -> None:
    """Fill the expected counts, the probability of none, and Hörmann's b and v_r."""
    for n in range(len(row)):
        expected[n] = (np.float64(row[n]) - zero) * per_unit
    for n in range(len(row)):
        none[n] = _exp2(-expected[n] / _LN2)
    for n in range(len(row)):
        wide[n] = 0.931 + 2.53 * math.sqrt(max(expected[n], _FEW))
        sure[n] = 0.9277 - 3.6224 / (wide[n] - 2.0)


@inner
def _draw_few(generator: Any, expected: float, share: float) -> float:
    """Return a Poisson number: the first whose cumulative probability exceeds a uniform number.

    `share` is the probability of 0.
    """
    left = generator.random() - share
    counts = 0.0
    while left >= 0.0 and share > 0.0:
        counts += 1.0
        share *= expected / counts
        left -= share
    return counts


@inner
def _draw_many(generator: Any, expected: float, b: float, sure: float) -> float:
    """Return a Poisson number by transformed rejection; nearly always the first test, v below `sure`, accepts."""
    a = -0.059 + 0.02483 * b
    while True:
        u = generator.random() - 0.5
        v = generator.random()
        us = 0.5 - abs(u)
        if us <= 0.0 or v <= 0.0:
            continue
        counts = np.floor((2.0 * a / us + b) * u + expected + 0.43)
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


@inner
def _log2(value: float) -> float:
    """Return log2 of a positive normal double: its exponent, and the series of atanh for its fraction."""
    bits = np.float64(value).view(np.int64)
    power = (bits - _ROOT_HALF_BITS) >> _FRACTION_BITS
    fraction = np.int64(bits - (power << _FRACTION_BITS)).view(np.float64)  # from sqrt(1/2) to sqrt(2)
    s = (fraction - 1.0) / (fraction + 1.0)
    t = s * s
    series = 1.0 / 15.0
    series = series * t + 1.0 / 13.0
    series = series * t + 1.0 / 11.0
    series = series * t + 1.0 / 9.0
    series = series * t + 1.0 / 7.0
    series = series * t + 1.0 / 5.0
    series = series * t + 1.0 / 3.0
    series = series * t + 1.0
    return np.float64(power) + _TWO_OVER_LN2 * s * series


@inner
def _exp2(value: float) -> float:
    """Return 2 to the power `value`, within what doubles hold: a whole power, and the series of exp for the rest."""
    bounded = min(max(value, _LEAST_EXPONENT), _MOST_EXPONENT)
    whole = math.floor(bounded + 0.5)
    x = (bounded - whole) * _LN2
    series = 1.0 / 479001600.0
    series = series * x + 1.0 / 39916800.0
    series = series * x + 1.0 / 3628800.0
    series = series * x + 1.0 / 362880.0
    series = series * x + 1.0 / 40320.0
    series = series * x + 1.0 / 5040.0
    series = series * x + 1.0 / 720.0
    series = series * x + 1.0 / 120.0
    series = series * x + 1.0 / 24.0
    series = series * x + 1.0 / 6.0
    series = series * x + 0.5
    series = series * x + 1.0
    series = series * x + 1.0
    scale = np.int64((np.int64(whole) + _BIAS) << _FRACTION_BITS).view(np.float64)
    return series * scale
