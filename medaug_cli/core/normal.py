"""Normal numbers for a whole array, the same bits on every processor, many at a time.

NumPy's own take their tails from the system's library, whose last bit differs between machines. This is the transform
of Box and Muller (1958) of the generator's raw bits. Logarithm and sine are polynomials in single precision without a
branch, which the compiler turns into vector instructions: IEEE arithmetic, so that their width changes nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import FloatArray

_F = np.float32
_HALF_BITS = np.int32(0x3F3504F3)  # of sqrt(1/2) as a float
_FRACTION_BITS = np.int32(23)
_LN2 = _F(math.log(2.0))
_TO_UNIT = _F(2.0**-32)
_TO_EIGHTH = _F(2.0**-29 * math.pi / 4)  # of a turn, from the 29 bits below the octant
_ONE, _TWO, _QUARTER = _F(1), _F(2), _F(math.pi / 4)
_L3, _L5, _L7, _L9 = (_F(2 / n) for n in (3, 5, 7, 9))
_S3, _S5, _S7 = _F(-1 / 6), _F(1 / 120), _F(-1 / 5040)
_C2, _C4, _C6, _C8 = _F(-1 / 2), _F(1 / 24), _F(-1 / 720), _F(1 / 40320)


def fill_normal(generator: Generator, target: FloatArray) -> None:
    """Fill contiguous float32 `target` with independent standard normal numbers, none beyond 6.77 deviations."""
    flat = target.reshape(-1)
    half = (flat.size + 1) // 2
    bits: Any = generator.bit_generator
    second = flat[half:] if flat.size % 2 == 0 else np.empty(half, np.float32)
    _fill(bits.random_raw(half).astype("<u8", copy=False).view("<u4"), flat[:half], second)
    flat[half:] = second[: flat.size - half]


@compiled
def _fill(halves: Any, first: Any, second: Any) -> None:
    for n in range(len(first)):
        first[n], second[n] = _pair(halves[2 * n + 1], halves[2 * n])


@inner
def _pair(high: Any, low: Any) -> Any:
    """Return two normal numbers: the high half of 64 bits gives their distance from 0, the low half the direction."""
    radius = _radius(high)
    octant = low >> np.uint32(29)
    odd = (octant & np.uint32(1)) != 0
    part = np.float32(np.int32(low & np.uint32(0x1FFFFFFF))) * _TO_EIGHTH
    x = _QUARTER - part if odd else part
    t = x * x
    sine = x * (_ONE + t * (_S3 + t * (_S5 + t * _S7)))
    cosine = _ONE + t * (_C2 + t * (_C4 + t * (_C6 + t * _C8)))
    turned = ((octant + np.uint32(1)) & np.uint32(2)) != 0
    along = sine if turned else cosine
    across = cosine if turned else sine
    left = ((octant + np.uint32(2)) & np.uint32(4)) != 0
    below = (octant & np.uint32(4)) != 0
    return radius * (-along if left else along), radius * (-across if below else across)


@inner
def _radius(bits: Any) -> Any:
    """Return sqrt(-2 ln u) for u = (bits + 1/2) / 2^32, by the series of atanh for the fraction of u."""
    # Half of the bits goes through a signed number: processors convert those at once.
    whole = np.float32(np.int32(bits >> np.uint32(1))) * _TWO + np.float32(np.int32(bits & np.uint32(1)))
    u = (whole + _F(0.5)) * _TO_UNIT
    number = np.float32(u).view(np.int32)
    power = np.int32(np.int32(number - _HALF_BITS) >> _FRACTION_BITS)  # numba would go on in 64 bits
    fraction = np.int32(number - np.int32(power << _FRACTION_BITS)).view(np.float32)
    s = (fraction - _ONE) / (fraction + _ONE)
    t = s * s
    log = np.float32(power) * _LN2 + s * (_TWO + t * (_L3 + t * (_L5 + t * (_L7 + t * _L9))))
    square = _F(-2.0) * log
    return np.sqrt(square if square > _F(0.0) else _F(0.0))  # noqa: FURB136  max() looks for NaN
