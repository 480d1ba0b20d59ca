"""Storing: float32 intensities unscaled, rounded and clipped to an integer type in one compiled pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

_BLOCK = 2048  # voxels that stay in the cache


def store_rounded(values: Any, target: Any, low: float, high: float) -> tuple[int, bool]:
    """Write contiguous float32 `values`, rounded half to even and clipped to `low` and `high`, into `target`.

    Return how many were clipped, and whether all are finite; where one is not, `target` is not to be used.
    """
    clipped, odd = _store_flat(values.reshape(-1), target.reshape(-1), np.float32(low), np.float32(high))
    return int(clipped), odd == 0


@compiled
def _store_flat(values: Any, target: Any, low: Any, high: Any) -> Any:
    clipped, odd = 0, 0
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        _round_block(block, target[start : start + _BLOCK], low, high)
        if _count_within(block, low, high) < len(block):  # seldom, so that counting holds up nothing else
            for n in range(len(block)):
                value = np.rint(block[n])
                odd += value - value != np.float32(0.0)  # NaN for what is not finite
                clipped += (value < low) | (value > high)
    return clipped, odd


@inner
def _round_block(block: Any, target: Any, low: Any, high: Any) -> None:
    for n in range(len(block)):
        value = np.rint(block[n])
        value = value if value < high else high  # noqa: FURB136  so that NaN is replaced, and quicker to compile
        target[n] = np.int32(value if value > low else low)  # noqa: FURB136  quicker to compile, too


@inner
def _count_within(block: Any, low: Any, high: Any) -> int:
    count = 0
    for n in range(len(block)):
        count += (block[n] >= low) & (block[n] <= high)
    return count


def store_shifted(values: Any, target: Any, intercept: int, ends: tuple[int, int]) -> int:
    """Write `values` - `intercept`, clipped to `ends`, into `target`; both contiguous, of integers of 8 or 16 bits.

    Return how many were clipped.
    """
    low, high = (np.int32(end) for end in ends)
    return int(_shift_flat(values.reshape(-1), target.reshape(-1), np.int32(intercept), low, high))


@compiled
def _shift_flat(values: Any, target: Any, intercept: Any, low: Any, high: Any) -> int:
    clipped = 0
    for n in range(len(values)):
        whole = np.int32(np.int32(values[n]) - intercept)
        clipped += (whole < low) | (whole > high)
        whole = min(whole, high)
        target[n] = max(low, whole)
    return clipped


def store_unscaled(
    values: Any, target: Any, rescale: tuple[float, float], ends: tuple[int, int], *, turned: bool
) -> int:
    """Write (float32 `values` - intercept) / slope, rounded half to even and clipped to `ends`, into `target`.

    `rescale` is (slope, intercept), and `target` of 8 or 16 bits; both arrays are contiguous. `turned` values count
    from the upper end down. What is computed is in double precision. Return how many were clipped.
    """
    slope, intercept = rescale
    low, high = ends
    kind = np.int16 if target.itemsize > 1 else np.int8  # the same bits, and one compiled function for both
    flat = target.reshape(-1).view(kind)
    return int(_unscale_flat(values.reshape(-1), flat, float(slope), float(intercept), float(low), float(high), turned))


@compiled
def _unscale_flat(
    values: Any, target: Any, slope: float, intercept: float, low: float, high: float, turned: bool
) -> int:
    clipped = 0
    for n in range(len(values)):
        exact = (np.float64(values[n]) - intercept) / slope
        if turned:
            exact = low + high - exact
        whole = np.rint(exact)
        clipped += (whole < low) | (whole > high)
        whole = min(whole, high)
        target[n] = np.int32(max(low, whole))  # in this order NaN is replaced, too
    return clipped
