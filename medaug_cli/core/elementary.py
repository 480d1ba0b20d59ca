"""Powers and exponentials of float32 arrays: the same bits on every processor, in one pass.

NumPy's own differ in the last bit between processor families, whose vector instructions it uses. These are made of
additions, multiplications and divisions, which IEEE 754 fixes, nearly all in single precision, and are right to four
units in the last place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

_F = np.float32
_HALF_BITS = np.int32(0x3F3504F3)  # of sqrt(1/2) as a float
_FRACTION_BITS = np.int32(23)
_BIAS = np.int32(127)
_COARSE = np.int32(-256)  # leaves 16 bits of a fraction, so that times a power of 8 bits it is exact
_LEAST = _F(2.0**-126)
_LEAST_EXPONENT, _MOST_EXPONENT = _F(-126), _F(127)
_ZERO, _ONE, _HALF, _LN2, _TWO_OVER_LN2 = _F(0), _F(1), _F(0.5), _F(math.log(2.0)), _F(2.0 / math.log(2.0))
_AT_ONCE = 4  # terms of a sum
_DOUBLE_LN2 = math.log(2.0)
_L3, _L5, _L7, _L9 = (_F(1 / n) for n in (3, 5, 7, 9))
_E3, _E4, _E5, _E6, _E7 = (_F(1 / math.factorial(n)) for n in range(3, 8))


def raise_to_power(array: Any, exponent: float) -> None:
    """Raise every voxel of contiguous float32 `array`, none of them negative, to `exponent` in place; 0 stays 0."""
    _raise_flat(array.reshape(-1), float(exponent))


def raise_in_range(array: Any, low: float, span: float, divisor: float, exponent: float) -> None:
    """Change every voxel x of contiguous float32 `array` to ((x - low) / divisor)^exponent · span + low in place.

    What lies below `low` becomes `low`.
    """
    _raise_between(array.reshape(-1), _F(low), _F(span), _F(1.0 / float(divisor)), float(exponent))


def raise_to_powers(array: Any, logs: Any) -> None:
    """Raise every voxel of contiguous float32 `array`, none negative, to the exponential of its log; 0 stays 0."""
    _raise_each(array.reshape(-1), logs.reshape(-1))


def multiply_by_exp_of_sum(array: Any, coefficients: Any, terms: Any) -> None:
    """Multiply each row of contiguous float32 `array` (z, y, x) in place by the exponential of a sum of `terms` (n, x).

    The terms are weighted by the `coefficients` (z, y, n) of the row.
    """
    beyond = (0, -len(terms) % _AT_ONCE)  # of no weight, so that all are in whole groups
    # Powers of 2, as exponentials are made of those.
    weights = np.pad((coefficients / _DOUBLE_LN2).astype(_F), ((0, 0), (0, 0), beyond))
    padded, powers = np.pad(terms.astype(_F), (beyond, (0, 0))), np.empty(array[0].size, _F)
    for plane, row_weights in zip(array, weights, strict=True):
        _multiply_rows(plane.reshape(-1), row_weights, padded, powers)


def multiply_by_exp(array: Any, field: Any) -> None:
    """Multiply contiguous float32 `array` (y, x) in place by the exponential of `field` (y, x)."""
    _multiply_flat(array.reshape(-1), field.reshape(-1))


@compiled
def _raise_flat(flat: Any, exponent: float) -> None:
    coarse, fine = _parts(exponent)
    for n in range(len(flat)):
        flat[n] = _power(flat[n], coarse, fine)


@compiled
def _raise_each(flat: Any, logs: Any) -> None:
    for n in range(len(flat)):
        coarse, fine = _parts(_exp(logs[n]))
        flat[n] = _power(flat[n], coarse, fine)


@compiled
def _raise_between(flat: Any, low: Any, span: Any, factor: Any, exponent: float) -> None:
    coarse, fine = _parts(exponent)
    for n in range(len(flat)):
        flat[n] = _power((flat[n] - low) * factor, coarse, fine) * span + low


@compiled
def _multiply_rows(flat: Any, weights: Any, terms: Any, powers: Any) -> None:
    width = terms.shape[1]
    powers[:] = _ZERO
    for k in range(0, len(terms), _AT_ONCE):
        for y in range(len(weights)):
            _add_terms(weights[y, k : k + _AT_ONCE], terms[k : k + _AT_ONCE], powers[y * width : (y + 1) * width])
    _multiply_by_exp2(flat, powers)  # all rows in one loop, since the last voxels of each are slow


@inner
def _add_terms(weights: Any, terms: Any, row: Any) -> None:
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    t, u, v, w = terms[0], terms[1], terms[2], terms[3]
    for x in range(len(row)):
        row[x] = row[x] + a * t[x] + b * u[x] + c * v[x] + d * w[x]


@inner
def _multiply_by_exp2(flat: Any, powers: Any) -> None:
    for n in range(len(flat)):
        flat[n] *= _scaled_exp2(powers[n], _ZERO)


@compiled
def _multiply_flat(flat: Any, field: Any) -> None:
    for n in range(len(flat)):
        flat[n] *= _exp(field[n])


@inner
def _parts(exponent: float) -> Any:
    """Return an exponent as a float of 16 bits, which times the whole part of a logarithm is exact, and the rest."""
    coarse = np.int32(np.float32(exponent).view(np.int32) & _COARSE).view(np.float32)
    return coarse, np.float32(exponent - coarse)


@inner
def _power(value: Any, coarse: Any, fine: Any) -> Any:
    """Return `value` to the power `coarse` + `fine`; 0 for what is not above 0.

    Of the exact part of the new logarithm only the fraction is kept, so that large powers are as exact as small ones.
    """
    base = value if value > _LEAST else _LEAST  # noqa: FURB136  max() would look for NaN
    number = np.float32(base).view(np.int32)
    power = np.int32(np.int32(number - _HALF_BITS) >> _FRACTION_BITS)  # numba would go on in 64 bits
    fraction = np.int32(number - np.int32(power << _FRACTION_BITS)).view(np.float32)  # from sqrt(1/2) to sqrt(2)
    s = (fraction - _ONE) / (fraction + _ONE)
    t = s * s
    log = _TWO_OVER_LN2 * s * (_ONE + t * (_L3 + t * (_L5 + t * (_L7 + t * _L9))))
    whole_log = np.float32(power)
    product = whole_log * coarse
    whole = np.floor(product + _HALF)
    rest = (product - whole) + (whole_log * fine + (coarse + fine) * log)
    return _scaled_exp2(rest, whole) if value > _ZERO else _ZERO


@inner
def _exp(value: float) -> Any:
    """Return the exponential of a double as a float32."""
    power = value / _DOUBLE_LN2
    whole = math.floor(power + 0.5)
    return _scaled_exp2(np.float32(power - whole), np.float32(whole))


@inner
def _scaled_exp2(value: Any, whole: Any) -> Any:
    """Return 2 to the power `value` + `whole`, within what floats hold: a whole power, and the series of exp."""
    nearest = np.floor(value + _HALF)
    x = (value - nearest) * _LN2
    total = nearest + whole
    total = total if total > _LEAST_EXPONENT else _LEAST_EXPONENT  # noqa: FURB136  max() would look for NaN
    total = total if total < _MOST_EXPONENT else _MOST_EXPONENT  # noqa: FURB136  so would min()
    series = _ONE + x * (_ONE + x * (_HALF + x * (_E3 + x * (_E4 + x * (_E5 + x * (_E6 + x * _E7))))))
    return series * np.int32(np.int32(np.int32(total) + _BIAS) << _FRACTION_BITS).view(np.float32)
