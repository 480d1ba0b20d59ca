"""Normal numbers for whole planes: the same bits on every processor, faster than drawing them one by one.

NumPy's own take their tails from the system's library, whose last bit differs between machines. Uniform numbers come
from NumPy's generator, two normal ones from each; the inverse of the distribution is Giles' (2010, "Approximating the
erfinv function", single precision), in IEEE arithmetic.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.elementary import _log2
from medaug_cli.core.jit import compiled

if TYPE_CHECKING:
    from numpy.random import Generator

_HALF_BITS = 2.0**26  # a double of 53 bits holds two numbers of 26
_STEP = 2.0 / _HALF_BITS
_LN2, _ROOT2 = math.log(2.0), math.sqrt(2.0)
_CENTRAL = 5.0
_BLOCK = 1024  # numbers that stay in the cache between the two loops


def fill_normal(generator: Generator, target: Any) -> None:
    """Fill contiguous float32 `target` with independent standard normal numbers, none beyond 5.6 deviations."""
    flat = target.reshape(-1)
    _fill_flat(generator.random((flat.size + 1) // 2), flat)


@compiled
def _fill_flat(uniform: Any, flat: Any) -> None:
    half = len(uniform)
    upper, lower = np.empty(_BLOCK), np.empty(_BLOCK)
    for start in range(0, half, _BLOCK):
        end = min(start + _BLOCK, half)
        _split(uniform[start:end], upper, lower)
        _invert(upper, flat[start:end])
        _invert(lower, flat[half + start : half + end])


@compiled
def _split(uniform: Any, upper: Any, lower: Any) -> None:
    """Write from each number in [0, 1) two in (-1, 1): its upper and its lower 26 bits."""
    for n in range(len(uniform)):
        scaled = uniform[n] * _HALF_BITS
        whole = math.floor(scaled)
        upper[n] = (whole + 0.5) * _STEP - 1.0
        lower[n] = (math.floor((scaled - whole) * _HALF_BITS) + 0.5) * _STEP - 1.0


@compiled
def _invert(centred: Any, target: Any) -> None:
    """Write sqrt(2) · erfinv(x) of the first numbers."""
    for n in range(len(target)):
        x = centred[n]
        w = -_log2((1.0 - x) * (1.0 + x)) * _LN2
        a, b = w - 2.5, math.sqrt(w) - 3.0
        p = 3.43273939e-07 + a * 2.81022636e-08
        p = -3.5233877e-06 + a * p
        p = -4.39150654e-06 + a * p
        p = 0.00021858087 + a * p
        p = -0.00125372503 + a * p
        p = -0.00417768164 + a * p
        p = 0.246640727 + a * p
        p = 1.50140941 + a * p
        q = 0.000100950558 + b * -0.000200214257
        q = 0.00134934322 + b * q
        q = -0.00367342844 + b * q
        q = 0.00573950773 + b * q
        q = -0.0076224613 + b * q
        q = 0.00943887047 + b * q
        q = 1.00167406 + b * q
        q = 2.83297682 + b * q
        target[n] = np.float32((p if w < _CENTRAL else q) * x * _ROOT2)
