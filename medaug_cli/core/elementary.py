"""Powers and exponentials of float32 arrays: the same bits on every processor, in one pass.

NumPy's own differ in the last bit between processor families, whose vector instructions it uses. These are made of
additions, multiplications and divisions in double precision, which IEEE 754 fixes, and rounded to float32 once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD  # of sqrt(1/2) as a double
_FRACTION_BITS = 52
_BIAS = 1023
_TWO_OVER_LN2 = 2.0 / math.log(2.0)
_LN2 = math.log(2.0)
_LEAST_EXPONENT, _MOST_EXPONENT = -1022.0, 1023.0


def raise_to_power(array: Any, exponent: float) -> None:
    """Raise every voxel of contiguous float32 `array`, none of them negative, to `exponent` in place; 0 stays 0."""
    _raise_flat(array.reshape(-1), float(exponent))


def raise_in_range(array: Any, low: float, span: float, divisor: float, exponent: float) -> None:
    """Change every voxel x of contiguous float32 `array` to ((x - low) / divisor)^exponent · span + low in place.

    What lies below `low` becomes `low`.
    """
    _raise_between(array.reshape(-1), float(low), float(span), 1.0 / float(divisor), float(exponent))


def raise_to_powers(array: Any, logs: Any) -> None:
    """Raise every voxel of contiguous float32 `array`, none negative, to the exponential of its log; 0 stays 0."""
    _raise_each(array.reshape(-1), logs.reshape(-1))


def multiply_by_exp_of_sum(array: Any, coefficients: Any, terms: Any) -> None:
    """Multiply each row of contiguous float32 `array` (y, x) in place by the exponential of a sum of `terms` (n, x).

    The terms are weighted by the `coefficients` (y, n) of the row.
    """
    _multiply_rows(array, coefficients, terms)


def multiply_by_exp(array: Any, field: Any) -> None:
    """Multiply contiguous float32 `array` (y, x) in place by the exponential of `field` (y, x)."""
    _multiply_flat(array.reshape(-1), field.reshape(-1))


@compiled
def _raise_flat(flat: Any, exponent: float) -> None:
    for n in range(len(flat)):
        value = np.float64(flat[n])
        flat[n] = np.float32(_exp2(exponent * _log2(value))) if value > 0.0 else np.float32(0.0)


@compiled
def _raise_each(flat: Any, logs: Any) -> None:
    for n in range(len(flat)):
        value = np.float64(flat[n])
        flat[n] = (
            np.float32(_exp2(_exp2(np.float64(logs[n]) / _LN2) * _log2(value))) if value > 0.0 else np.float32(0.0)
        )


@compiled
def _raise_between(flat: Any, low: float, span: float, factor: float, exponent: float) -> None:
    for n in range(len(flat)):
        value = (np.float64(flat[n]) - low) * factor
        raised = _exp2(exponent * _log2(value)) if value > 0.0 else 0.0
        flat[n] = np.float32(raised * span + low)


@compiled
def _multiply_rows(array: Any, coefficients: Any, terms: Any) -> None:
    field = np.empty(array.shape[1])
    for y in range(array.shape[0]):
        field[:] = 0.0
        for k in range(len(terms)):
            _add_term(coefficients[y, k], terms[k], field)
        _multiply_flat(array[y], field)


@inner
def _add_term(coefficient: float, term: Any, field: Any) -> None:
    for x in range(len(field)):
        field[x] += coefficient * term[x]


@compiled
def _multiply_flat(flat: Any, field: Any) -> None:
    for n in range(len(flat)):
        flat[n] = np.float32(np.float64(flat[n]) * _exp2(np.float64(field[n]) / _LN2))


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
