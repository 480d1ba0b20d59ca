"""Ranking: the median of the box around each voxel, many voxels of a row side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

_SIDE = 64  # voxels side by side: vector instructions serve them together, and a box of them stays in the cache


def take_median(array: Any, reach_z: int, reach_y: int, reach_x: int) -> None:
    """Replace every voxel of float32 `array` (z, y, x) in place by the median of the box around it.

    Beyond the border lies the image mirrored about the edge of its outer voxels.
    """
    around = np.pad(array, ((reach_z,) * 2, (reach_y,) * 2, (reach_x,) * 2), mode="symmetric")
    _take_median(around, array, (reach_z, reach_y, reach_x), _SIDE)


@compiled
def _take_median(around: Any, array: Any, reach: Any, side: int) -> None:
    tall, wide, deep = 2 * reach[0] + 1, 2 * reach[1] + 1, 2 * reach[2] + 1
    box = tall * wide * deep
    held = np.empty(((box + 3) // 2, side), np.float32)
    for z in range(array.shape[0]):
        for y in range(array.shape[1]):
            for start in range(0, array.shape[2], side):
                width = min(side, array.shape[2] - start)
                for n in range(box):
                    dz, dy, dx = n // (wide * deep), n // deep % wide, n % deep
                    source = around[z + dz, y + dy, start + dx : start + dx + width]
                    if n < len(held):
                        held[n, :width] = source
                    else:
                        # As many lie below the least and above the greatest held as will ever be: forget both.
                        _order_ends(held, len(held) - (n - len(held)), width)
                        held[0, :width] = source
                _order_ends(held, 3, width)
                array[z, y, start : start + width] = held[1, :width]


@inner
def _order_ends(held: Any, count: int, width: int) -> None:
    """Bring the least of the first `count` rows to the first of them and the greatest to the last, voxel by voxel."""
    for low in range(count // 2):
        _order(held[low], held[count - 1 - low], width)
    for low in range(1, (count + 1) // 2):
        _order(held[0], held[low], width)
    for high in range(count // 2, count - 1):
        _order(held[high], held[count - 1], width)


@inner
def _order(low: Any, high: Any, width: int) -> None:
    for x in range(width):
        one, other = low[x], high[x]
        low[x] = min(one, other)
        high[x] = max(one, other)
