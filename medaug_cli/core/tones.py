"""Tones: one intensity to another, in one compiled pass over a contiguous float32 array.

Every number is worked out in double precision by additions, multiplications and comparisons, and rounded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import AnyArray

_CELLS = 2048  # of the table that finds an intensity's segment at once
_LANES = 4  # histograms side by side: neighbours are alike, and adding twice to one counter waits for the first


def rescale(source: Any, target: Any, scale: float, shift: float, low: float = -np.inf, high: float = np.inf) -> None:
    """Fill `target`, or `source` itself, with x · scale + shift of every voxel x, within `low` and `high`."""
    _rescale(source.reshape(-1), target.reshape(-1), float(scale), float(shift), float(low), float(high))


def map_through(array: Any, points: Sequence[float] | AnyArray, values: Sequence[float] | AnyArray) -> None:
    """Map `array` in place by straight lines between (`points`, `values`), level beyond both ends.

    `points` ascend; where two are equal the map jumps. What numpy.interp gives, at a fraction of its time.
    """
    xs, ys = np.asarray(points, np.float64), np.asarray(values, np.float64)
    widths = np.diff(xs)
    slopes = np.divide(np.diff(ys), widths, out=np.zeros(len(widths)), where=widths > 0)
    extent = xs[-1] - xs[0]
    per_unit = _CELLS / extent if extent > 0 else 0.0
    # Each cell knows a segment that does not begin after it; one cell of slack covers the rounding of positions.
    edges = xs[0] + (np.arange(_CELLS + 1) - 1) * (extent / _CELLS)
    cells = np.clip(np.searchsorted(xs, edges, side="right") - 1, 0, max(len(widths) - 1, 0))
    _map_through(array.reshape(-1), xs, ys, slopes, cells, per_unit)


def count_bins(voxels: Any, low: float, high: float, bins: int) -> AnyArray:
    """Return how many of the float32 `voxels` from `low` to `high` lie in each of so many bins of one width."""
    return np.asarray(_count_bins(voxels.reshape(-1), float(low), float(high), bins, _LANES).sum(axis=0))


def look_up(voxels: Any, table: AnyArray) -> AnyArray:
    """Return for uint8 `voxels` (component, z, y, x) what `table` (component, 1, 1, 256) holds of them, in its type."""
    made = np.empty(voxels.shape, table.dtype)
    pair = np.dtype(np.uint16)
    if table.dtype == np.uint8 and voxels[0].size % pair.itemsize == 0:  # two bytes at once
        for component, column, target in zip(voxels, table.reshape(-1, 256), made, strict=True):
            pairs = column[:, None].astype(pair) << 8 | column
            _look_up(component.reshape(-1).view(pair), pairs.reshape(-1), target.reshape(-1).view(pair))
        return made
    for component, column, target in zip(voxels, table, made, strict=True):
        _look_up(component.reshape(-1), column.reshape(-1), target.reshape(-1))
    return made


def count_tones(voxels: Any, valid: AnyArray | None) -> AnyArray:
    """Return how many of uint8 `voxels` (component, z, y, x) have each tone, (component, 1, 1, 256)."""
    counts = np.zeros((len(voxels), 1, 1, 256), np.int64)
    for component, row in zip(voxels, counts, strict=True):
        flat = (component if valid is None else component[valid]).reshape(-1)
        row[0, 0] = _count_tones(flat, _LANES).sum(axis=0)
    return counts


def are_bytes(table: AnyArray) -> bool:
    """Say whether all of float32 `table` are whole numbers from 0 to 255."""
    return bool(((table >= 0) & (table <= 255) & (table == np.floor(table))).all())  # noqa: PLR2004  the greatest byte


def strike(array: Any, chance: Any, shares: tuple[float, float], values: tuple[float, float]) -> None:
    """Set voxels of `array` whose `chance` is below `shares[0]` to `values[0]`, below `shares[1]` to `values[1]`."""
    _strike(array.reshape(-1), chance.reshape(-1), *shares, *(np.float32(value) for value in values))


@compiled
def _strike(flat: Any, chance: Any, first: float, last: float, low: Any, high: Any) -> None:
    for n in range(len(flat)):
        number = np.float64(chance[n])
        flat[n] = low if number < first else (high if number < last else flat[n])


def turn_above(array: Any, least: float, total: float) -> None:
    """Change every voxel x of float32 `array` that reaches `least` to total - x, in place."""
    _turn_above(array.reshape(-1), np.float32(least), np.float32(total))


def lower_to_levels(array: Any, low: float, high: float, levels: float) -> None:
    """Lower every voxel to the next of so many levels of one width that divide `low` to `high`, in place."""
    step, share = (high - low) / levels, levels / (high - low)
    _lower_to_levels(array.reshape(-1), *(np.float32(one) for one in (low, step, share, levels - 1)))


def turn_bytes_above(source: Any, target: Any, least: float) -> None:
    """Fill uint8 `target`, or `source` itself, with 255 - x of every voxel x that reaches `least`, and x of others."""
    first = np.uint16(min(max(np.ceil(np.float32(least)), 0), 256))
    _turn_bytes_above(source.reshape(-1), target.reshape(-1), first)


def keep_high_bits(source: Any, target: Any, bits: int) -> None:
    """Fill uint8 `target`, or `source` itself, with the highest `bits` (1-8) of every voxel, the others cleared."""
    np.bitwise_and(source, np.uint8(256 - (256 >> bits)), out=target)


@compiled
def _turn_bytes_above(flat: Any, made: Any, least: Any) -> None:
    for n in range(len(flat)):
        made[n] = np.uint8(255) - flat[n] if flat[n] >= least else flat[n]


@compiled
def _look_up(flat: Any, table: Any, made: Any) -> None:
    for n in range(len(flat)):
        made[n] = table[flat[n]]


@compiled
def _count_tones(flat: Any, lanes: int) -> Any:
    counts = np.zeros((lanes, 256), np.int64)
    for n in range(len(flat)):
        counts[n % lanes, flat[n]] += 1
    return counts


@compiled
def _turn_above(flat: Any, least: Any, total: Any) -> None:
    for n in range(len(flat)):
        flat[n] = total - flat[n] if flat[n] >= least else flat[n]


@compiled
def _lower_to_levels(flat: Any, low: Any, step: Any, share: Any, highest: Any) -> None:
    for n in range(len(flat)):
        level = np.floor((flat[n] - low) * share)
        flat[n] = min(max(level, np.float32(0)), highest) * step + low  # the maximum belongs to the highest level


@compiled
def _rescale(flat: Any, made: Any, scale: float, shift: float, low: float, high: float) -> None:
    for n in range(len(flat)):
        made[n] = np.float32(min(max(np.float64(flat[n]) * scale + shift, low), high))


@compiled
def _map_through(flat: Any, xs: Any, ys: Any, slopes: Any, cells: Any, per_unit: float) -> None:
    first, last = xs[0], xs[-1]
    for n in range(len(flat)):
        x = np.float64(flat[n])
        if x >= last:
            flat[n] = np.float32(ys[-1])
        elif x >= first:
            segment = cells[int((x - first) * per_unit)]
            while x >= xs[segment + 1]:
                segment += 1
            flat[n] = np.float32(ys[segment] + (x - xs[segment]) * slopes[segment])
        else:
            flat[n] = np.float32(ys[0])


@compiled
def _count_bins(flat: Any, low: float, high: float, bins: int, lanes: int) -> Any:
    counts = np.zeros((lanes, bins), np.int64)
    per_unit = bins / (high - low) if high > low else 0.0
    for n in range(len(flat)):
        x = np.float64(flat[n])
        if low <= x <= high:
            counts[n % lanes, min(int((x - low) * per_unit), bins - 1)] += 1
    return counts
