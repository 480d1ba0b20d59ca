"""Outline: the polygons around what is at least a half, holes joined to the polygon around them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medaug_cli.core.arrays import Array64, FloatArray

_LEVEL, _ABOVE_ALL = 0.5, 2.0
_FEWEST_POINTS = 3


def outline(plane: FloatArray) -> Iterator[Array64]:
    """Yield the polygons (n, 2) of (x, y) indices around the pixels of `plane` (y, x) from 0.5 up, by linear steps.

    The last point is not the first again. A region that reaches over the border is closed outside it.
    """
    if plane.max() < _LEVEL:
        return
    from contourpy import FillType, contour_generator  # noqa: PLC0415  it imports NumPy, which commands do without

    padded = np.pad(plane.astype(np.float64), 1)
    made = contour_generator(z=padded, name="serial", fill_type=FillType.OuterOffset).filled(_LEVEL, _ABOVE_ALL)
    for points, ends in zip(*made, strict=True):
        rings = [points[start : end - 1] - 1.0 for start, end in itertools.pairwise(ends)]
        rings = [ring for ring in rings if len(ring) >= _FEWEST_POINTS]
        if rings:
            yield _join_holes(rings[0], rings[1:])


def _join_holes(polygon: Array64, holes: list[Array64]) -> Array64:
    """Return one polygon that runs from `polygon` into each hole and back, where they lie nearest."""
    for hole in holes:
        apart = np.square(polygon[:, None] - hole).sum(axis=2)
        here, there = np.unravel_index(int(apart.argmin()), apart.shape)
        around = np.concatenate([hole[there:], hole[: there + 1]])
        polygon = np.concatenate([polygon[: here + 1], around, polygon[here:]])
    return polygon
