"""Colour pictures through a projection: one position, and one fetch of four neighbours, for all three colours.

The values are those of `spatial.sampling`, bit for bit: the same positions, weights and order of the sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled, inner
from medaug_cli.spatial.positions import locate, make_corners, make_room, project, relate, transform
from medaug_cli.spatial.projection import Projection
from medaug_cli.spatial.sampling import fill_marked, strides_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.spatial.mapping import Part

_COLOURS = 3


def is_projected(stages: tuple[Part, ...]) -> bool:
    """Say whether a chain is one projection between two matrices."""
    kinds = [isinstance(stage, np.ndarray) for stage in stages]
    return kinds == [True, False, True] and isinstance(stages[1], Projection)


def are_colours(arrays: Sequence[AnyArray]) -> bool:
    """Say whether `arrays` (z, y, x) are the three colours of an 8-bit picture."""
    same = len({array.shape for array in arrays}) == 1
    return same and len(arrays) == _COLOURS and all(one.dtype == np.uint8 and len(one) == 1 for one in arrays)


def sample_projected(
    arrays: Sequence[AnyArray], stages: tuple[Any, ...], size: tuple[int, int, int], fill: float | None, made: Any
) -> None:
    """Fill three arrays `made` with linear values of three uint8 `arrays` (1, y, x), of `are_colours`.

    They are float32, or uint8 where values are to be rounded. `stages` suit `is_projected`, `size` (x, y, z) is that of
    the output; without a `fill` the edge is extended.
    """
    before, projection, after = stages
    words = np.empty(arrays[0].size + 1, np.uint32)  # the last pixel, too, has a neighbour, of no weight
    red, green, blue = (array.reshape(-1) for array in arrays)
    _pack(red, green, blue, words)
    after = np.empty((0, 0)) if np.array_equal(after, np.eye(4)) else np.ascontiguousarray(after)
    way = (np.ascontiguousarray(before), projection.axes, projection.homography, after)
    targets = tuple(array.reshape(-1) for array in made)
    room = make_corners(size[0], arrays[0].shape), make_room(), np.empty(size[0], np.float32)
    outside = (np.float32(fill or 0), fill is None, made[0].dtype == np.uint8)
    _sample(words, arrays[0].shape, way, size, room, outside, targets)


@compiled
def _pack(red: Any, green: Any, blue: Any, words: Any) -> None:
    words[len(red)] = 0
    for n in range(len(red)):
        words[n] = np.uint32(red[n]) | np.uint32(green[n]) << np.uint32(8) | np.uint32(blue[n]) << np.uint32(16)


@compiled
def _sample(words: Any, shape: Any, way: Any, size: Any, room: Any, outside: Any, targets: Any) -> None:
    before, axes, homography, after = way
    fill, extend, rounded = outside
    corners, segment, line = room
    at, weights, marks = corners
    width, below = size[0], strides_of(shape)[0]
    positions, colours = np.empty((3, width)), np.empty((4, width), np.uint32)
    for y in range(size[1] * size[2]):
        locate((y % size[1], y // size[1], 1), width, before, positions)
        project(positions[axes[0]], positions[axes[1]], homography)
        if len(after):
            transform(positions, after)
        relate(positions, width, shape, corners, segment)
        _fetch(words, below, at, colours)
        for k in range(3):
            _blend(colours, 8 * k, weights[0], weights[1], line)
            if not extend:
                fill_marked(marks, fill, line)
            _write(line, targets[k], y * width, rounded)


@inner
def _fetch(words: Any, stride: int, at: Any, corners: Any) -> None:
    """Write the four neighbours, all colours of each in one word."""
    c00, c01, c10, c11 = corners[0], corners[1], corners[2], corners[3]
    right, below = np.uint64(1), np.uint64(stride)
    for n in range(len(at)):
        here = np.uint64(at[n])  # unsigned: no test for negative indices
        c00[n], c01[n] = words[here], words[here + right]
        c10[n], c11[n] = words[here + below], words[here + below + right]


@inner
def _colour(word: Any, shift: Any) -> Any:
    """Return one colour of a word, without the 64 bits that operators make of two numbers of 32."""
    return np.float32(np.int32(np.bitwise_and(np.right_shift(word, shift), np.uint32(255))))


@inner
def _blend(corners: Any, bits: int, u: Any, v: Any, row: Any) -> None:
    """Write the bilinear values of the colour that stands so many `bits` up in the words."""
    c00, c01, c10, c11, shift = corners[0], corners[1], corners[2], corners[3], np.uint32(bits)
    for n in range(len(row)):
        a0, a1, b0, b1 = _colour(c00[n], shift), _colour(c01[n], shift), _colour(c10[n], shift), _colour(c11[n], shift)
        c0, c1 = a0 + u[n] * (a1 - a0), b0 + u[n] * (b1 - b0)
        row[n] = c0 + v[n] * (c1 - c0)


@inner
def _write(line: Any, target: Any, first: int, rounded: bool) -> None:
    offset = np.uint64(first)
    for m in range(len(line)):
        n = np.uint64(m)
        target[offset + n] = np.int32(np.rint(line[n])) if rounded else line[n]
