"""Compiled loop over a lattice: the Jacobian terms of a cubic B-spline whose control points are many."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled, inner


@compiled
def lattice_terms(coefficients: Any, cell_voxels: Any, values: Any, slopes: Any) -> Any:
    """Return trace, sum of principal minors and determinant (3, n) of the displacement's gradient.

    `coefficients` (3, k, j, i) are in voxels; `values` and `slopes` (m, 4) are the weights of m places in each cell,
    the same along every axis. Samples are listed by their places along z, y and x.
    """
    per_cell = len(values)
    nk, nj, ni = coefficients.shape[1] - 3, coefficients.shape[2] - 3, coefficients.shape[3] - 3
    terms = np.empty((3, nk * nj * ni * per_cell**3))
    lines = np.empty((3, 3, ni + 3))  # by derivative (x, y, z), component and control point
    gradient = np.empty((3, 3))
    at = 0
    for row in range(nk * per_cell * nj * per_cell):
        k, c = row // (nj * per_cell) // per_cell, row // (nj * per_cell) % per_cell
        j, b = row % (nj * per_cell) // per_cell, row % (nj * per_cell) % per_cell
        along_z, along_y = (values[c], slopes[c] / cell_voxels[2]), (values[b], slopes[b] / cell_voxels[1])
        _sum_row(coefficients[:, k : k + 4, j : j + 4], along_z, along_y, lines)
        for i in range(ni):
            for a in range(per_cell):
                for axis in range(3):
                    weights = slopes[a] if axis == 0 else values[a]
                    scale = 1.0 / cell_voxels[0] if axis == 0 else 1.0
                    for part in range(3):
                        total = 0.0
                        for n in range(4):
                            total += weights[n] * lines[axis, part, i + n]
                        gradient[part, axis] = total * scale
                _write_terms(gradient, terms, at)
                at += 1
    return terms


@inner
def _sum_row(rows: Any, along_z: Any, along_y: Any, lines: Any) -> None:
    """Sum up sixteen `rows` (3, 4, 4, i) of control points for the derivatives along x, y and z."""
    lines[:] = 0.0
    for c in range(4):
        for b in range(4):
            plain = along_z[0][c] * along_y[0][b]
            in_y, in_z = along_z[0][c] * along_y[1][b], along_z[1][c] * along_y[0][b]
            for part in range(3):
                source = rows[part, c, b]
                for i in range(len(source)):
                    lines[0, part, i] += plain * source[i]
                    lines[1, part, i] += in_y * source[i]
                    lines[2, part, i] += in_z * source[i]


@inner
def _write_terms(g: Any, terms: Any, at: int) -> None:
    """Write the three invariants of a gradient (3, 3)."""
    terms[0, at] = g[0, 0] + g[1, 1] + g[2, 2]
    terms[1, at] = (
        (g[0, 0] * g[1, 1] - g[0, 1] * g[1, 0])
        + (g[0, 0] * g[2, 2] - g[0, 2] * g[2, 0])
        + (g[1, 1] * g[2, 2] - g[1, 2] * g[2, 1])
    )
    terms[2, at] = (
        g[0, 0] * (g[1, 1] * g[2, 2] - g[1, 2] * g[2, 1])
        - g[0, 1] * (g[1, 0] * g[2, 2] - g[1, 2] * g[2, 0])
        + g[0, 2] * (g[1, 0] * g[2, 1] - g[1, 1] * g[2, 0])
    )
