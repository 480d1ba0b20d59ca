"""Spaces: from the numbers of a file to positions in LPS mm or voxels, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Boxes, Points

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.marks import Space

_CORNER = 0.5  # pixels from the outer corner of the first pixel, where boxes count from, to its centre


def to_memory(numbers: Array64, space: str, names: tuple[str, ...], *, boxes: bool) -> Points | Boxes:
    """Return the rows of `numbers` as points or boxes; `space` is as in Columns."""
    rows = tuple(range(len(names)))
    held: Space = "lps_mm" if space in ("lps", "ras") else "index"
    planar = space in ("pixel", "corner", "extent")
    if not boxes:
        return Points(_turned(_with_third(numbers) if planar else numbers, space), names, rows, held, planar)
    half = numbers.shape[1] // 2
    low, high = numbers[:, :half], numbers[:, half:]
    if space == "extent":
        high = low + high
    if planar:
        low, high = _with_third(low - _CORNER), _with_third(high - _CORNER)
    low, high = _turned(low, space), _turned(high, space)
    if space == "ras":  # the least R is the greatest L
        low, high = np.hstack([high[:, :2], low[:, 2:]]), np.hstack([low[:, :2], high[:, 2:]])
    return Boxes(low, high, names, rows, held, planar)


def from_memory(content: Points | Boxes, space: str) -> Array64:
    """Return points or boxes as the numbers of a file, one row each."""
    if isinstance(content, Points):
        return _turned(content.positions, space)[:, : 2 if content.planar else 3]
    low, high = _turned(content.low, space), _turned(content.high, space)
    if space == "ras":
        low, high = np.hstack([high[:, :2], low[:, 2:]]), np.hstack([low[:, :2], high[:, 2:]])
    if content.planar:
        low, high = low[:, :2] + _CORNER, high[:, :2] + _CORNER
    return np.hstack([low, high - low if space == "extent" else high])


def _turned(positions: Array64, space: str) -> Array64:
    """Return RAS as LPS and the other way round; all else as it is."""
    return positions * np.array([-1.0, -1.0, 1.0]) if space == "ras" else positions


def _with_third(numbers: Array64) -> Array64:
    return np.hstack([numbers, np.zeros((len(numbers), 1))])
