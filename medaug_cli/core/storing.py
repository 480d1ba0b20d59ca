"""Storing: float32 intensities rounded and clipped to an integer type in one compiled pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled


def store_rounded(values: Any, target: Any, low: float, high: float) -> tuple[int, bool]:
    """Write contiguous float32 `values`, rounded half to even and clipped to `low` and `high`, into `target`.

    Return how many were clipped, and whether all are finite; where one is not, `target` is not to be used.
    """
    clipped, odd = _store_flat(values.reshape(-1), target.reshape(-1), np.float32(low), np.float32(high))
    return int(clipped), odd == 0


@compiled
def _store_flat(values: Any, target: Any, low: Any, high: Any) -> Any:
    clipped, odd = 0, 0
    for n in range(len(values)):
        value = np.rint(values[n])
        odd += value - value != np.float32(0.0)  # NaN for what is not finite
        clipped += (value < low) | (value > high)
        value = min(value, high)
        value = max(low, value)  # so that NaN is replaced, too
        target[n] = np.int32(value)
    return clipped, odd
