"""Grids made from other grids: a window of one, its field of view in other voxels, and what follows them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.geometry import Geometry

_ROUNDING = 1e-6  # of a voxel
_SAME_SPACING = 1e-6


def window_grid(grid: Geometry, start: Sequence[int], size: Sequence[int]) -> Geometry:
    """Return the grid of `size` voxels whose first is voxel `start` of `grid`, which may lie outside it."""
    return replace(grid, size=_triple(size), origin_mm=_position(grid, start))


def zoomed_grid(grid: Geometry, size: Sequence[int], spacing_mm: Sequence[float]) -> Geometry:
    """Return a grid of other voxels about the same middle; along an axis where nothing changes it stays bit for bit."""
    # From voxel centre to voxel centre: half of what the old grid spans, less half of what the new one does.
    start = [
        (before - 1) / 2 - new / old * (after - 1) / 2
        for before, after, old, new in zip(grid.size, size, grid.spacing_mm, spacing_mm, strict=True)
    ]
    return _regular(grid, size, spacing_mm, start)


def matching_grid(old: Geometry, new: Geometry, other: Geometry) -> Geometry:
    """Return what becomes of the grid `other` where `old` gives way to `new`.

    The same grid becomes the same one, also where its axes run in another order. Another keeps its axes and covers the
    new field of view: in its own voxels where the voxels of `new` are as long as those of `old`, else in voxels that
    change by the same ratio.
    """
    if other.same_grid(old):
        return new
    if other.same_voxels(old):
        return new.in_axes_of(other)
    low, high = _box(new, other)
    ratio = _ratio(old, new, other)
    if np.abs(ratio - 1).max() < _SAME_SPACING:
        start = np.floor(low + 0.5 + _ROUNDING).astype(int)
        end = np.ceil(high + 0.5 - _ROUNDING).astype(int)
        return window_grid(other, [int(n) for n in start], [int(n) for n in end - start])
    size = np.maximum(1, np.rint((high - low) / ratio)).astype(int)
    first = np.round((low + high) / 2 - ratio * (size - 1) / 2, 9)  # so that no rounding of a processor is left
    spacing = np.array(other.spacing_mm) * ratio
    return _regular(other, [int(n) for n in size], spacing.tolist(), first.tolist())


def _box(grid: Geometry, frame: Geometry) -> tuple[Array64, Array64]:
    """Return the least box around the outer faces of `grid`, in the indices of `frame`."""
    corners = np.array([(*corner, 1.0) for corner in itertools.product(*((-0.5, n - 0.5) for n in grid.size))])
    found = (corners @ (np.linalg.inv(frame.affine) @ grid.affine).T)[:, :3]
    return found.min(axis=0), found.max(axis=0)


def _ratio(old: Geometry, new: Geometry, other: Geometry) -> Array64:
    """Return for each axis of `other` the ratio of new to old spacing along the nearest axis of `old`."""
    cosines = np.array(other.direction).reshape(3, 3).T @ np.array(old.direction).reshape(3, 3)
    nearest = max(itertools.permutations(range(3)), key=lambda p: sum(abs(cosines[axis, p[axis]]) for axis in range(3)))
    ratio = np.array(new.spacing_mm) / np.array(old.spacing_mm)
    return np.asarray(ratio[list(nearest)])


def _regular(grid: Geometry, size: Sequence[int], spacing_mm: Sequence[float], start: Sequence[float]) -> Geometry:
    x_mm, y_mm, z_mm = spacing_mm
    return replace(grid, size=_triple(size), spacing_mm=(x_mm, y_mm, z_mm), origin_mm=_position(grid, start))


def _position(grid: Geometry, index: Sequence[float]) -> tuple[float, float, float]:
    """Return the LPS position of an index; sums in a fixed order, the same bits on every processor."""
    x, y, z = (
        grid.origin_mm[row]
        + sum(grid.direction[3 * row + axis] * grid.spacing_mm[axis] * index[axis] for axis in range(3))
        for row in range(3)
    )
    return x, y, z


def _triple(size: Sequence[int]) -> tuple[int, int, int]:
    return size[0], size[1], size[2]
