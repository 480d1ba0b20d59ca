"""Coverage: which share of each pixel lies within polygons, by scan lines that are exact along the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import Array64, FloatArray

_LINES = 8  # scan lines a row


def cover(polygons: Sequence[Array64], shape: tuple[int, int]) -> FloatArray:
    """Return the share (rows, columns) of each pixel within an odd number of `polygons` (n, 2) of (x, y) indices.

    Pixel (0, 0) reaches from -0.5 to 0.5. Along x the share is exact, along y it is the mean of 8 lines.
    """
    rows, columns = shape
    found = [_crossings(polygon, rows * _LINES) for polygon in polygons]
    line, x = (np.concatenate([one[part] for one in found]) for part in (0, 1))
    order = np.lexsort((x, line))
    line, x = line[order], np.clip(x[order] + 0.5, 0, columns)
    sign = np.where(np.arange(len(x)) % 2, -1.0, 1.0)  # every line has an even number of crossings
    cell = np.floor(x).astype(int)
    steps = np.zeros((rows, columns + 2))
    np.add.at(steps, (line // _LINES, cell), sign * (cell + 1 - x) / _LINES)
    np.add.at(steps, (line // _LINES, cell + 1), sign * (x - cell) / _LINES)
    return np.asarray(np.clip(steps.cumsum(axis=1)[:, :columns], 0, 1), np.float32)


def _crossings(polygon: Array64, lines: int) -> tuple[Array64, Array64]:
    """Return scan line and x of every crossing of the polygon's edges, the last of which leads to its first point."""
    # Line number m runs through y = m in these units.
    x, y = polygon[:, 0], (polygon[:, 1] + 0.5) * _LINES - 0.5
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    first, last = (np.clip(np.ceil(end(y, next_y)), 0, lines).astype(int) for end in (np.minimum, np.maximum))
    edge = np.repeat(np.arange(len(x)), last - first)
    starts = np.repeat(np.cumsum(last - first) - (last - first), last - first)
    line = np.arange(len(edge)) - starts + first[edge]
    share = (line - y[edge]) / (next_y - y)[edge]
    return line, x[edge] + share * (next_x - x)[edge]
