"""Tiles: a map of intensities for each tile of a volume, blended between tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray, Array64


def equalize_tiles(
    array: Any, valid: AnyArray, counts: tuple[int, ...], scale: tuple[float, float, int], limit: float
) -> None:
    """Equalize float32 `array` (z, y, x) in place, in `counts` tiles along z, y, x.

    `scale` is the least and the greatest intensity and the number of bins between; no bin counts more than `limit`
    times the mean of its tile. Voxels that are not `valid` count nowhere.
    """
    owners = [np.arange(size) * count // size for size, count in zip(array.shape, counts, strict=True)]
    low, high, bins = scale
    histograms = np.zeros((*counts, bins))
    per_unit = bins / (high - low)
    _count_tiles(array, valid, (owners[0], owners[1], owners[2]), histograms, (low, per_unit))
    maps = _limited_shares(histograms, limit)
    places = [_between(size, count) for size, count in zip(array.shape, counts, strict=True)]
    _blend(array, maps, (places[0], places[1], places[2]), (low, per_unit))


def _limited_shares(histograms: Array64, limit: float) -> Array64:
    """Return the share of voxels below each edge of the bins, cut at `limit` means; evenly rising where none count."""
    bins = histograms.shape[-1]
    total = histograms.sum(axis=-1, keepdims=True)
    histograms = np.where(total > 0, histograms / np.maximum(total, 1), 1 / bins)
    most = limit / bins
    cut = np.minimum(histograms, most)
    room = most - cut
    excess = (histograms - cut).sum(axis=-1, keepdims=True)
    all_room = room.sum(axis=-1, keepdims=True)
    cut += room * np.divide(excess, all_room, out=np.zeros_like(excess), where=all_room > 0)
    shares = np.zeros((*histograms.shape[:-1], bins + 1))
    np.cumsum(cut, axis=-1, out=shares[..., 1:])
    return shares / shares[..., -1:]


def _between(size: int, count: int) -> Any:
    """Return the two tiles around each voxel of an axis, and the weight of the second."""
    place = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
    first = np.minimum(place.astype(np.int64), max(count - 2, 0))
    return first, np.minimum(first + 1, count - 1), place - first


@compiled
def _count_tiles(array: Any, valid: Any, owners: Any, histograms: Any, line: tuple[float, float]) -> None:
    (of_z, of_y, of_x), (low, per_unit) = owners, line
    last = histograms.shape[3] - 1
    for z in range(array.shape[0]):
        for y in range(array.shape[1]):
            row = histograms[of_z[z], of_y[y]]
            for x in range(array.shape[2]):
                if valid[z, y, x]:
                    place = int((np.float64(array[z, y, x]) - low) * per_unit)
                    row[of_x[x], min(max(place, 0), last)] += 1.0


@compiled
def _blend(array: Any, maps: Any, places: Any, line: tuple[float, float]) -> None:
    """Look each voxel up in the maps of the tiles around it, blended along z once a slice and along y once a row."""
    (along_z, along_y, along_x), (low, per_unit) = places, line
    last = maps.shape[3] - 2
    extent = (last + 1) / per_unit
    firsts, seconds, weights = along_x
    slab = np.empty_like(maps[0])
    rows = np.empty_like(maps[0, 0])
    for z in range(array.shape[0]):
        one, other, weight = along_z[0][z], along_z[1][z], along_z[2][z]
        slab[:] = maps[one] + (maps[other] - maps[one]) * weight
        for y in range(array.shape[1]):
            one, other, weight = along_y[0][y], along_y[1][y], along_y[2][y]
            for tile in range(rows.shape[0]):
                for edge in range(rows.shape[1]):
                    rows[tile, edge] = (
                        slab[one, tile, edge] + (slab[other, tile, edge] - slab[one, tile, edge]) * weight
                    )
            for x in range(array.shape[2]):
                place = (np.float64(array[z, y, x]) - low) * per_unit
                edge = min(max(int(place), 0), last)
                part = min(max(place - edge, 0.0), 1.0)
                left, right = rows[firsts[x]], rows[seconds[x]]
                below = left[edge] + (left[edge + 1] - left[edge]) * part
                above = right[edge] + (right[edge + 1] - right[edge]) * part
                array[z, y, x] = np.float32(low + extent * (below + (above - below) * weights[x]))
