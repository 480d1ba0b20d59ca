"""Stretching: linear interpolation along one axis of a float32 array, in one compiled pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled


def stretch(array: Any, axis: int, below: Any, above: Any, weight: Any) -> Any:
    """Return `array` with place n of `axis` taken from `below[n]`, and `weight[n]` of the way to `above[n]`."""
    shape = (*array.shape[:axis], len(below), *array.shape[axis + 1 :])
    made = np.empty(shape, np.float32)
    inner = int(np.prod(array.shape[axis + 1 :], dtype=np.int64))
    if inner == 1:
        _along_rows(array.reshape(-1, array.shape[axis]), made.reshape(-1, len(below)), below, above, weight)
    else:
        source = array.reshape(-1, array.shape[axis], inner)
        _across_rows(source, made.reshape(-1, len(below), inner), below, above, weight)
    return made


@compiled
def _along_rows(rows: Any, made: Any, below: Any, above: Any, weight: Any) -> None:
    for row in range(len(rows)):
        source, target = rows[row], made[row]
        for x in range(len(below)):
            first = source[below[x]]
            target[x] = (source[above[x]] - first) * weight[x] + first


@compiled
def _across_rows(panels: Any, made: Any, below: Any, above: Any, weight: Any) -> None:
    for panel in range(len(panels)):
        for y in range(len(below)):
            first, second, target = panels[panel, below[y]], panels[panel, above[y]], made[panel, y]
            share = weight[y]
            for x in range(len(target)):
                target[x] = (second[x] - first[x]) * share + first[x]
