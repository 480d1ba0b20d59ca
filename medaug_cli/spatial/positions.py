"""Compiled loops over positions: where the voxels of an output come from, as rows of doubles (x, y, z)."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled, inner
from medaug_cli.spatial.bspline import EDGE
from medaug_cli.spatial.projection import BEYOND, HORIZON


@compiled
def locate_affine(first: int, size: Any, matrix: Any, positions: Any) -> None:
    """Write the positions (3, n) of rows from number `first` on, each of size[0] voxels."""
    nx, ny = size[0], size[1]
    for row in range(positions.shape[1] // nx):
        y, z = (first + row) % ny, (first + row) // ny
        for axis in range(3):
            start = matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]
            step = matrix[axis, 0]
            line = positions[axis][row * nx : (row + 1) * nx]
            for x in range(nx):
                line[x] = start + step * x


@inner
def _sum_four(rows: Any, start: int, weights: Any, target: Any) -> None:
    """Write four neighbours of `rows` (n, m), weighted and summed up."""
    for m in range(len(target)):
        total = 0.0
        for c in range(4):
            total += weights[c] * rows[start + c, m]
        target[m] = total


@inner
def _deform_run(points: Any, cell: int, weights: Any, begin: int, target: Any) -> None:
    """Write the spline of four control `points` from `cell` on, by the `weights` (4, nx) from `begin` on."""
    p0, p1, p2, p3 = points[cell], points[cell + 1], points[cell + 2], points[cell + 3]
    w0, w1, w2, w3 = weights[0][begin:], weights[1][begin:], weights[2][begin:], weights[3][begin:]
    for n in range(len(target)):
        target[n] = w0[n] * p0 + w1[n] * p1 + w2[n] * p2 + w3[n] * p3


@compiled
def locate_aligned(first: int, spline: Any, positions: Any) -> None:
    """Write the positions (3, n) of rows from number `first` on, through a B-spline along the output's axes.

    `spline` holds: `layers` (k, j · 3 · i), its coefficients in voxels; `runs` (3, r), first control points, begins and
    ends of the voxels along x that share them; `along_x` (5, nx), four weights and the position in the B-spline's grid;
    `along_y` and `along_z` (n, 6), the same and the first control point; `lines` (j, 3 · i) and `line` (3, i), which
    are overwritten.
    """
    layers, runs, along_x, along_y, along_z, lines, line = spline
    nx, ny = along_x.shape[1], len(along_y)
    at = -1
    for row in range(positions.shape[1] // nx):
        y, z = (first + row) % ny, (first + row) // ny
        if z != at:
            _sum_four(layers, int(along_z[z, 5]), along_z[z], lines.reshape(-1))
            at = z
        _sum_four(lines, int(along_y[y, 5]), along_y[y], line.reshape(-1))
        xs, ys = positions[0][row * nx : (row + 1) * nx], positions[1][row * nx : (row + 1) * nx]
        zs = positions[2][row * nx : (row + 1) * nx]
        for run in range(runs.shape[1]):
            cell, begin, end = runs[0, run], runs[1, run], runs[2, run]
            _deform_run(line[0], cell, along_x, begin, xs[begin:end])
            _deform_run(line[1], cell, along_x, begin, ys[begin:end])
            _deform_run(line[2], cell, along_x, begin, zs[begin:end])
        base_x, base_y, base_z = along_x[4], along_y[y, 4], along_z[z, 4]
        for n in range(nx):  # the displacement becomes a position
            xs[n] += base_x[n]
            ys[n] += base_y
            zs[n] += base_z


@compiled
def transform(positions: Any, matrix: Any) -> None:
    """Apply `matrix` (4, 4) to `positions` (3, n) in place."""
    xs, ys, zs = positions[0], positions[1], positions[2]
    # Out of the loop, so that it holds nothing but what changes.
    a, b, c, d = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    e, f, g, h = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    i, j, k, m = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    for n in range(len(xs)):
        x, y, z = xs[n], ys[n], zs[n]
        xs[n] = a * x + b * y + c * z + d
        ys[n] = e * x + f * y + g * z + h
        zs[n] = i * x + j * y + k * z + m


@compiled
def project(first: Any, second: Any, matrix: Any) -> None:
    """Apply a homography (3, 3) to the positions (n,) along two axes in place, as Projection.pull does."""
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    for n in range(len(first)):
        x, y = first[n], second[n]
        weight = g * x + h * y + i
        if weight > HORIZON:
            first[n] = (a * x + b * y + c) / weight
            second[n] = (d * x + e * y + f) / weight
        else:
            first[n] = second[n] = BEYOND


@inner
def _cell_weights(t: float, cubic: bool) -> Any:
    """Return the weights of four control points at the fraction `t` of a cell; the last two 0 where it is linear."""
    if not cubic:
        return 1 - t, t, 0.0, 0.0
    return (
        (1 - t) * (1 - t) * (1 - t) / 6,
        (3 * t * t * t - 6 * t * t + 4) / 6,
        (-3 * t * t * t + 3 * t * t + 3 * t + 1) / 6,
        t * t * t / 6,
    )


@compiled
def deform(positions: Any, coefficients: Any, cell_voxels: Any, mesh: Any, cubic: bool) -> None:
    """Move `positions` (3, n) by a B-spline (i, j, k, 3) in place; outside its domain nothing moves."""
    starts, cells = np.empty(3, np.int64), np.empty(3)
    for n in range(positions.shape[1]):
        inside = True
        for axis in range(3):
            cells[axis] = (positions[axis, n] + EDGE) / cell_voxels[axis]
            if not 0.0 <= cells[axis] <= mesh[axis]:
                inside = False
                break
            starts[axis] = min(int(cells[axis]), mesh[axis] - 1)
        if not inside:
            continue
        along_x, along_y = _cell_weights(cells[0] - starts[0], cubic), _cell_weights(cells[1] - starts[1], cubic)
        w0, w1, w2, w3 = _cell_weights(cells[2] - starts[2], cubic)
        moved_x, moved_y, moved_z = 0.0, 0.0, 0.0
        for a in range(4):
            for b in range(4):
                weight = along_x[a] * along_y[b]
                four = coefficients[starts[0] + a, starts[1] + b, starts[2] : starts[2] + 4]
                moved_x += weight * (w0 * four[0, 0] + w1 * four[1, 0] + w2 * four[2, 0] + w3 * four[3, 0])
                moved_y += weight * (w0 * four[0, 1] + w1 * four[1, 1] + w2 * four[2, 1] + w3 * four[3, 1])
                moved_z += weight * (w0 * four[0, 2] + w1 * four[1, 2] + w2 * four[2, 2] + w3 * four[3, 2])
        positions[0, n] += moved_x
        positions[1, n] += moved_y
        positions[2, n] += moved_z
