"""Random fields: smooth numbers between about -1 and 1 over a grid, cubic B-splines of random knots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from medaug_cli.core.arrays import Array64, FloatArray
    from medaug_cli.core.geometry import Geometry

_ORDER = 3
_LEAST_CELL_VOXELS = 8  # what changes faster is noise, and would need more knots than fit into memory
_SAMPLES_PER_CELL = 8  # that find the greatest size to 1 %


def draw_knots(generator: Generator, grid: Geometry, scale_mm: float) -> Array64:
    """Return random spline coefficients (z, y, x) whose field has the greatest size 1, to 1 %.

    The cells between knots are `scale_mm` wide, as nearly as a whole number of them along each axis allows, and no
    narrower than eight voxels.
    """
    counts = []
    for count, spacing_mm in zip(grid.size, grid.spacing_mm, strict=True):
        cell_mm = max(scale_mm, _LEAST_CELL_VOXELS * spacing_mm)
        counts.append(max(1, round((count - 1) * spacing_mm / cell_mm)) + _ORDER if count > 1 else 1)
    knots = generator.uniform(-1.0, 1.0, counts[::-1])
    z, y, x = ((n - _ORDER) * _SAMPLES_PER_CELL + 1 if n > 1 else 1 for n in knots.shape)
    greatest = max(float(np.abs(plane).max()) for plane in planes(knots, (z, y, x)))
    return np.asarray(knots / greatest) if greatest > 0 else knots


def planes(knots: Array64, shape: tuple[int, int, int]) -> Iterator[FloatArray]:
    """Yield the field (y, x) of each slice of a grid of `shape` (z, y, x); every slice is the same buffer, refilled."""
    along_z, along_y = (_basis(count, n) for count, n in zip(shape[:2], knots.shape[:2], strict=True))
    rows = np.einsum("zc,cba->zba", along_z, knots)  # no `optimize`: BLAS adds up in an order of its own
    plane = np.empty(shape[1:], np.float32)
    for row in rows:
        _fill(np.einsum("yb,ba->ya", along_y, row), plane)
        yield plane


def _basis(count: int, knots: int) -> Array64:
    """Return the weight (count, knots) of every knot for voxels spread from the first cell's edge to the last's."""
    basis = np.zeros((count, knots))
    if knots == 1:
        basis[:] = 1.0
        return basis
    cells = knots - _ORDER
    position = np.arange(count) * (cells / max(count - 1, 1))
    cell = np.minimum(position.astype(np.int64), cells - 1)
    t = position - cell
    left = 1.0 - t
    weights = (left * left * left, (3 * t - 6) * t * t + 4, (3 * left - 6) * left * left + 4, t * t * t)
    for offset, weight in enumerate(weights):
        basis[np.arange(count), cell + offset] = weight / 6.0
    return basis


@compiled
def _fill(rows: Any, plane: Any) -> None:
    """Fill `plane` (y, x) from the spline coefficients `rows` (y, knots), cell by cell as a cubic in x."""
    width, knots = plane.shape[1], rows.shape[1]
    cells = knots - 3
    for y in range(plane.shape[0]):
        if knots == 1:
            plane[y, :] = np.float32(rows[y, 0])
            continue
        step = cells / max(width - 1, 1)
        for cell in range(cells):
            p, q, r, s = rows[y, cell], rows[y, cell + 1], rows[y, cell + 2], rows[y, cell + 3]
            a, b, c, d = (p + 4 * q + r) / 6, (r - p) / 2, (p - 2 * q + r) / 2, (s - p + 3 * (q - r)) / 6
            first = int(np.ceil(cell / step))
            last = int(np.ceil((cell + 1) / step)) if cell < cells - 1 else width
            for x in range(first, min(last, width)):
                t = x * step - cell
                plane[y, x] = np.float32(((d * t + c) * t + b) * t + a)
