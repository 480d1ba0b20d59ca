"""Compiled loops over positions: where the voxels of an output come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled
from medaug_cli.spatial.bspline import EDGE


@compiled
def locate_affine(first: int, size: Any, matrix: Any, positions: Any) -> None:
    """Write the positions of rows from number `first` on, each of size[0] voxels."""
    nx, ny = size[0], size[1]
    for row in range(len(positions) // nx):
        y, z = (first + row) % ny, (first + row) // ny
        for axis in range(3):
            start = matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]
            for x in range(nx):
                positions[row * nx + x, axis] = start + matrix[axis, 0] * x


@compiled
def locate_aligned(first: int, size: Any, coefficients: Any, tables: Any, matrix: Any, positions: Any) -> None:
    """Write positions through a B-spline along the output's axes, then `matrix`.

    `coefficients` (i, j, k, 3) are in voxels; `tables` hold for each axis the positions of its voxels in the B-spline's
    grid, their first control points and the weights of four.
    """
    bases, starts, weights = tables
    nx, ny = size[0], size[1]
    line = np.empty((coefficients.shape[0], 3))
    for row in range(len(positions) // nx):
        y, z = (first + row) % ny, (first + row) // ny
        line[:] = 0.0
        for b in range(4):
            for c in range(4):
                weight = weights[1][y, b] * weights[2][z, c]
                for i in range(coefficients.shape[0]):
                    for axis in range(3):
                        line[i, axis] += weight * coefficients[i, starts[1][y] + b, starts[2][z] + c, axis]
        for x in range(nx):
            i = starts[0][x]
            w0, w1, w2, w3 = weights[0][x, 0], weights[0][x, 1], weights[0][x, 2], weights[0][x, 3]
            px = bases[0][x] + w0 * line[i, 0] + w1 * line[i + 1, 0] + w2 * line[i + 2, 0] + w3 * line[i + 3, 0]
            py = bases[1][y] + w0 * line[i, 1] + w1 * line[i + 1, 1] + w2 * line[i + 2, 1] + w3 * line[i + 3, 1]
            pz = bases[2][z] + w0 * line[i, 2] + w1 * line[i + 1, 2] + w2 * line[i + 2, 2] + w3 * line[i + 3, 2]
            for axis in range(3):
                positions[row * nx + x, axis] = (
                    matrix[axis, 0] * px + matrix[axis, 1] * py + matrix[axis, 2] * pz + matrix[axis, 3]
                )


@compiled
def transform(positions: Any, matrix: Any) -> None:
    """Apply `matrix` (4, 4) to `positions` (n, 3) in place."""
    for n in range(len(positions)):
        x, y, z = positions[n, 0], positions[n, 1], positions[n, 2]
        for axis in range(3):
            positions[n, axis] = matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]


@compiled
def deform(positions: Any, coefficients: Any, cell_voxels: Any, mesh: Any) -> None:
    """Move `positions` (n, 3) by a B-spline in place; outside its domain nothing moves."""
    starts = np.empty(3, np.int64)
    w = np.empty((3, 4))
    for n in range(len(positions)):
        inside = True
        for axis in range(3):
            cell = (positions[n, axis] + EDGE) / cell_voxels[axis]
            if not 0.0 <= cell <= mesh[axis]:
                inside = False
                break
            start = min(int(cell), mesh[axis] - 1)
            t = cell - start
            starts[axis] = start
            w[axis, 0] = (1 - t) * (1 - t) * (1 - t) / 6
            w[axis, 1] = (3 * t * t * t - 6 * t * t + 4) / 6
            w[axis, 2] = (-3 * t * t * t + 3 * t * t + 3 * t + 1) / 6
            w[axis, 3] = t * t * t / 6
        if not inside:
            continue
        moved_x, moved_y, moved_z = 0.0, 0.0, 0.0
        for a in range(4):
            for b in range(4):
                weight = w[0, a] * w[1, b]
                for c in range(4):
                    point = coefficients[starts[0] + a, starts[1] + b, starts[2] + c]
                    moved_x += weight * w[2, c] * point[0]
                    moved_y += weight * w[2, c] * point[1]
                    moved_z += weight * w[2, c] * point[2]
        positions[n, 0] += moved_x
        positions[n, 1] += moved_y
        positions[n, 2] += moved_z
