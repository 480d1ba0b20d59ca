"""CLAHE: a plain reading of its definition, voxel by voxel, and what follows from it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from builders import change, make_step

from medaug_cli.core.geometry import Geometry

RNG = np.random.default_rng(3)
VOLUME = RNG.gamma(2.0, 50.0, (6, 9, 8)).astype(np.float32)
GRID = Geometry((8, 9, 6), (1.0, 1.0, 2.0))  # 8 by 9 by 12 mm


def limited_shares(voxels: Any, edges: Any, limit: float) -> Any:
    """Return the shares below each edge of the bins: each cut at `limit` means, the rest given by room."""
    heights = np.histogram(voxels, edges)[0] / voxels.size
    most = limit / len(heights)
    excess = sum(max(0.0, height - most) for height in heights)
    room = sum(max(0.0, most - height) for height in heights)
    limited = [min(height, most) + (max(0.0, most - height) * excess / room if room else 0.0) for height in heights]
    return np.concatenate([[0], np.cumsum(limited)])


def slow_clahe(array: Any, counts: tuple[int, ...], bins: int, limit: float) -> Any:
    edges = np.linspace(array.min(), array.max(), bins + 1)
    owner = [np.arange(n) * count // n for n, count in zip(array.shape, counts, strict=True)]
    maps = {}
    for tile in itertools.product(*map(range, counts)):
        mask = np.ix_(*[own == index for own, index in zip(owner, tile, strict=True)])
        maps[tile] = limited_shares(array[mask].astype(float), edges, limit)
    result = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        at = [np.clip((p + 0.5) * c / n - 0.5, 0, c - 1) for p, c, n in zip(place, counts, array.shape, strict=True)]
        for tile, shares in maps.items():
            weight = np.prod([max(0.0, 1 - abs(one - index)) for one, index in zip(at, tile, strict=True)])
            result[place] += weight * np.interp(array[place], edges, shares)
    return array.min() + np.ptp(array) * result


@pytest.mark.parametrize(("tile_mm", "counts"), [(4, (3, 2, 2)), (6, (2, 2, 1)), (100, (1, 1, 1))])
@pytest.mark.parametrize("limit", [2.0, 50.0])
def test_each_voxel_is_blended_from_the_limited_histograms_around_it(
    tile_mm: float, counts: tuple[int, ...], limit: float
) -> None:
    after = change(make_step("clahe", clip_limit=limit, tile_mm=tile_mm, bins=16), VOLUME, GRID)
    assert after == pytest.approx(slow_clahe(VOLUME, counts, 16, limit), abs=float(np.ptp(VOLUME)) * 1e-5)


def test_a_limit_of_one_changes_nothing() -> None:
    assert change(make_step("clahe", clip_limit=1, tile_mm=3), VOLUME, GRID) == pytest.approx(VOLUME, abs=1e-3)


def test_one_tile_without_a_limit_is_equalize() -> None:
    one = change(make_step("clahe", clip_limit=1000, tile_mm=1000), VOLUME, GRID)
    assert one == pytest.approx(change(make_step("equalize"), VOLUME, GRID), abs=1e-3)


def test_faint_detail_in_a_dark_corner_gains_contrast() -> None:
    dark = np.where(np.indices((1, 40, 40)).sum(axis=0) % 2, 10.0, 12.0)
    dark[:, :, 20:] += 500
    after = change(make_step("clahe", clip_limit=100, tile_mm=10), dark, Geometry((40, 40, 1)))
    assert np.ptp(after[0, :10, :10]) > 10 * 2
