"""Compiled loops over positions: where the voxels of an output come from.

What sampling takes of a position are its corners: `at` (n,), the flat index of the lowest of the eight voxels around
it, `weights` (3, n), the linear weights of the upper ones along x, y, z, and `marks` (n,), whether it lies beyond the
array. They are found in single precision, segment by segment of at most SEGMENT voxels of a row, from the distances to
a whole voxel near the middle of the segment, which are exact to 1e-5 voxels. No loop over voxels has a branch: a
position beyond the outer voxel centres is put there. Chains of several parts are followed in doubles first.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medaug_cli.core.jit import compiled, inner
from medaug_cli.spatial.bspline import EDGE
from medaug_cli.spatial.projection import BEYOND, HORIZON

SEGMENT = 256
RUN = 32  # voxels that vector instructions of any processor take in whole turns
_HALF_SEGMENT = SEGMENT // 2
_FAR = float(1 << 22)  # voxels; further away nothing is, and a float32 still holds whole numbers
_FEW = 1 << 32  # voxels whose flat indices 32 bits hold
_F = np.float32
_ONE, _HALF = _F(1), _F(0.5)


def make_corners(count: int, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Return room for the corners of `count` positions in an array of `shape`."""
    return np.empty(count, index_type(shape)), np.empty((3, count), np.float32), np.empty(count, np.bool_)


def index_type(shape: tuple[int, ...]) -> Any:
    """Return the type of flat indices into an array of `shape`."""
    return np.uint32 if math.prod(shape) < _FEW else np.uint64


def segment_middles(width: int) -> Any:
    """Return for each voxel of a row the voxel in the middle of its segment."""
    begin = np.arange(width) // SEGMENT * SEGMENT
    return begin + np.minimum(SEGMENT, width - begin) // 2


def make_room() -> tuple[Any, Any, Any]:
    """Return what following a segment works in: distances (3, SEGMENT) from its base, the base, and whole numbers.

    The whole numbers are those of the voxels of a segment, counted from its middle.
    """
    ramp = np.arange(-_HALF_SEGMENT, _HALF_SEGMENT, dtype=np.float32)
    return np.empty((3, SEGMENT), np.float32), np.empty(3, np.int64), ramp


@inner
def _place_of(row: int, block: Any) -> Any:
    """Return y and z of a row of a block: (y, z) of its first row, and how many rows it has of each slice."""
    y, z, height = block
    return y + row % height, z + row // height


@inner
def least(one: Any, other: Any) -> Any:
    """Return the less of two numbers by a plain comparison; min() looks for NaN."""
    return one if one < other else other  # noqa: FURB136  min() would look for NaN


@inner
def _greatest(one: Any, other: Any) -> Any:
    """Return the greater of two numbers, as `least`."""
    return one if one > other else other  # noqa: FURB136  max() would look for NaN


@inner
def _ends(base: int, count: int) -> Any:
    """Return how far the first and the last of `count` voxel centres, and the last but one, lie from number `base`."""
    low, high = np.float32(-base), np.float32(count - 1 - base)
    return low, high, high - _ONE if count > 1 else low


@inner
def _find_corners(near: Any, bases: Any, shape: Any, corners: Any, first: int, count: int) -> None:
    """Write the `corners`, from `first` on, of positions that lie so far as `near` (3, count) tells from `bases`."""
    at, weights, marks = corners
    lx, hx, last_x = _ends(bases[0], shape[2])
    ly, hy, last_y = _ends(bases[1], shape[1])
    lz, hz, last_z = _ends(bases[2], shape[0])
    whole = at.dtype.type  # in which indices wrap round and come out right; of 32 bits wherever these do, and quick
    row, plane, offset = whole(shape[2]), whole(shape[1] * shape[2]), np.uint64(first)
    start = whole((bases[2] * shape[1] + bases[1]) * shape[2] + bases[0])
    for m in range(count):
        n = np.uint64(m)  # unsigned: no test for negative indices
        px, py, pz = near[0, n], near[1, n], near[2, n]
        x, y, z = least(_greatest(px, lx), hx), least(_greatest(py, ly), hy), least(_greatest(pz, lz), hz)
        i, j, k = np.floor(x), np.floor(y), np.floor(z)
        i, j, k = least(i, last_x), least(j, last_y), least(k, last_z)
        weights[0, offset + n], weights[1, offset + n], weights[2, offset + n] = x - i, y - j, z - k
        line = whole(whole(whole(np.int32(k)) * plane) + whole(whole(np.int32(j)) * row))
        at[offset + n] = whole(whole(start + line) + whole(np.int32(i)))
        px, py, pz = px - x, py - y, pz - z
        # Half a voxel before the first centre is inside, half a voxel behind the last is not.
        marks[offset + n] = (least(least(px, py), pz) < -_HALF) | (_greatest(_greatest(px, py), pz) >= _HALF)


@inner
def _base_of(position: float) -> Any:
    """Return the whole voxel below a position; one that is very far away is put nearer."""
    return math.floor(least(_greatest(position, -_FAR), _FAR))


@compiled
def follow_affine(block: Any, nx: int, matrix: Any, shape: Any, corners: Any, room: Any) -> None:
    """Write the corners of the rows of a `block`, each of `nx` voxels, through one `matrix` (4, 4)."""
    near, bases, ramp = room
    for row in range(len(corners[0]) // nx):
        y, z = _place_of(row, block)
        for begin in range(0, nx, SEGMENT):
            count = least(SEGMENT, nx - begin)
            before = count // 2
            for axis in range(len(bases)):
                across = matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]
                middle = matrix[axis, 0] * (begin + before) + across
                bases[axis] = _base_of(middle)
                _fill_line(near, axis, count, middle - bases[axis], matrix[axis, 0], ramp, _HALF_SEGMENT - before)
            _find_corners(near, bases, shape, corners, row * nx + begin, count)


@inner
def _fill_line(near: Any, axis: int, count: int, rest: float, step: float, ramp: Any, shift: int) -> None:
    rest32, step32, offset = np.float32(rest), np.float32(step), np.uint64(shift)
    for m in range(count):
        n = np.uint64(m)
        near[axis, n] = rest32 + step32 * ramp[offset + n]


@compiled
def relate(positions: Any, width: int, shape: Any, corners: Any, room: Any) -> None:
    """Write the corners of `positions` (3, n) in doubles, of whole rows of `width` voxels."""
    near, bases, _ = room
    for first in range(0, positions.shape[1], width):
        for begin in range(first, first + width, SEGMENT):
            count = least(SEGMENT, first + width - begin)
            for axis in range(3):
                bases[axis] = _base_of(positions[axis, begin + count // 2])
                base, offset = np.float64(bases[axis]), np.uint64(begin)
                for m in range(count):
                    n = np.uint64(m)
                    near[axis, n] = np.float32(positions[axis, offset + n] - base)
            _find_corners(near, bases, shape, corners, begin, count)


@compiled
def locate(block: Any, nx: int, matrix: Any, positions: Any) -> None:
    """Write the positions (3, n) of the rows of a `block`, each of `nx` voxels, in doubles."""
    for row in range(positions.shape[1] // nx):
        y, z = _place_of(row, block)
        for axis in range(3):
            start = matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]
            step = matrix[axis, 0]
            line = positions[axis][row * nx : (row + 1) * nx]
            for x in range(nx):
                line[x] = start + step * x


@inner
def _sum_four(rows: Any, along: Any, at: int, target: Any) -> None:
    """Write four neighbours of `rows` (n, m), weighted and summed up as row `at` of `along` says."""
    start = int(along[at, 5])
    for m in range(len(target)):
        total = 0.0
        for c in range(4):
            total += along[at, c] * rows[start + c, m]
        target[m] = total


@inner
def _deform_run(line: Any, point: int, weights: Any, begin: int, end: int, moved: Any, axis: int) -> None:
    """Write the spline of the four control points from `point` of a `line` on, by the `weights` (4, nx)."""
    p0, p1, p2, p3 = _F(line[point]), _F(line[point + 1]), _F(line[point + 2]), _F(line[point + 3])
    for m in range(begin, end):
        n = np.uint64(m)
        moved[axis, n] = weights[0, n] * p0 + weights[1, n] * p1 + weights[2, n] * p2 + weights[3, n] * p3


@inner
def _turn(along_x: Any, moved: Any, begin: int, count: int, a: Any, b: Any, c: Any, rest: Any, near: Any) -> None:  # noqa: PLR0913  a compiled loop
    """Write one coordinate of displacements, and of the ramp along x beneath them, turned by a row of a matrix."""
    offset = np.uint64(begin)
    for m in range(count):
        n = np.uint64(m)
        x, y, z = along_x[4, offset + n] + moved[0, offset + n], moved[1, offset + n], moved[2, offset + n]
        near[n] = rest + a * x + b * y + c * z


@compiled
def follow_aligned(block: Any, spline: Any, matrix: Any, shape: Any, corners: Any, room: Any) -> None:
    """Write the corners of the rows of a `block`, through a B-spline along the output's axes, then `matrix`.

    `spline` holds: `layers` (k, j · 3 · i), its coefficients in voxels; `runs` (3, r), first control points, begins and
    ends of the voxels along x that share them; `along_x` (5, nx + RUN), four weights and the position in the B-spline's
    grid from the middle of the segment; `along_y` and `along_z` (n, 6), weights, position and first control point;
    `bases_x` (nx,), positions along x; `layer` (j · 3 · i,), the same numbers as `lines` (j, 3 · i), `line` (3 · i,)
    and `moved` (3, nx + RUN), which are overwritten.
    """
    layers, runs, along_x, along_y, along_z, bases_x, layer, lines, line, moved = spline
    nx = len(bases_x)
    near, bases, _ = room
    at = -1
    for row in range(len(corners[0]) // nx):
        y, z = _place_of(row, block)
        if z != at:
            _sum_four(layers, along_z, z, layer)
            at = z
        _sum_four(lines, along_y, y, line)
        for run in range(runs.shape[1]):
            begin = runs[1, run]
            end = begin + (runs[2, run] - begin + RUN - 1) // RUN * RUN  # whole vectors; the next run overwrites these
            for axis in range(len(bases)):
                _deform_run(line, axis * len(line) // 3 + runs[0, run], along_x, begin, end, moved, axis)
        for begin in range(0, nx, SEGMENT):
            count = least(SEGMENT, nx - begin)
            x, y_at, z_at = bases_x[begin + count // 2], along_y[y, 4], along_z[z, 4]
            for axis in range(len(bases)):
                a, b, c = matrix[axis, 0], matrix[axis, 1], matrix[axis, 2]
                middle = a * x + (b * y_at + c * z_at + matrix[axis, 3])
                bases[axis] = _base_of(middle)
                _turn(along_x, moved, begin, count, _F(a), _F(b), _F(c), _F(middle - bases[axis]), near[axis])
            _find_corners(near, bases, shape, corners, row * nx + begin, count)


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
        seen = weight > HORIZON
        share = 1.0 / (weight if seen else 1.0)
        first[n] = (a * x + b * y + c) * share if seen else BEYOND
        second[n] = (d * x + e * y + f) * share if seen else BEYOND


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
