"""Compiled loops over voxels: linear, nearest and label-linear sampling as ITK does it, to rounding.

They take the corners that `spatial.positions` finds: `at`, `weights` and `marks`. Loops that compute fetch nothing and
loops that fetch compute nothing, since only the former use the processor's vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from medaug_cli.core.jit import compiled, inner
from medaug_cli.spatial.positions import index_type, least

_F = np.float32
_HALF = _F(0.5)
_CHUNK = 256  # positions whose neighbours are fetched at once
_CORNERS = 8  # of a voxel
_PAIRS = {1: np.uint16, 2: np.uint32, 4: np.uint64}


def flat_pairs(array: Any) -> Any:
    """Return the contiguous `array` (z, y, x), of elements of at most 4 bytes, flat and read-only, to load pairs of."""
    flat = array.reshape(-1)
    flat = np.append(flat, flat[-1:]) if array.shape[-1] == 1 else flat.view()  # each row's last but one has a next one
    flat.flags.writeable = False
    return flat


def make_pairs(array: Any) -> tuple[Any, Any]:
    """Return room for four pairs of neighbours each, as words and as voxels."""
    words = np.empty((4, _CHUNK), _PAIRS[array.itemsize])
    return words, words.view(array.dtype)


def _type_pair_load(context: Any, flat: Any, index: Any) -> Any:
    """Return type and code of a load of two neighbours of a flat array, from `index` on, as one word."""
    del context
    bits = 2 * flat.dtype.bitwidth
    word = types.Integer.from_bitwidth(bits, signed=False)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(bits).as_pointer())
        return builder.load(place, align=bits // 16)  # that of one neighbour

    return word(flat, index), generate


_load_pair: Any = intrinsic(_type_pair_load)


@inner
def strides_of(shape: Any) -> Any:
    """Return how far behind a voxel the next row and the next slice begin; 0 where there is but one."""
    return shape[2] if shape[1] > 1 else 0, shape[1] * shape[2] if shape[0] > 1 else 0


@inner
def _fetch(flat: Any, shift: int, at: Any, first: int, count: int, fetched: Any, pair: int) -> None:
    behind, offset = np.uint64(shift), np.uint64(first)
    for m in range(count):
        n = np.uint64(m)  # unsigned, here and below: no test for negative indices
        fetched[pair, n] = _load_pair(flat, np.uint64(at[offset + n]) + behind)


def _in_type_of(target: Any, value: Any) -> Any:
    """Return a float32 `value` as `target` holds it: rounded, halves to even, for integers."""
    raise NotImplementedError  # compiled loops take the one below


@overload(_in_type_of, strict=False)  # lambdas bear no annotations
def _choose_type(target: Any, value: Any) -> Any:
    del value
    if isinstance(target.dtype, types.Integer):
        return lambda target, value: np.int32(np.rint(value))  # noqa: ARG005  numba passes both
    return lambda target, value: value  # noqa: ARG005  numba passes both


@inner
def blend_plane(pairs: Any, corners: Any, first: int, fill: Any, outside: bool, target: Any) -> None:
    """Fill `target` with bilinear values of two `pairs` of neighbours, of one line and of the next.

    `corners` are those from `first` on.
    """
    _, weights, marks = corners
    offset = np.uint64(first)
    for m in range(len(target)):
        n, even, odd = np.uint64(m), np.uint64(2 * m), np.uint64(2 * m + 1)
        u, v = weights[0, offset + n], weights[1, offset + n]
        a0, a1, b0, b1 = _F(pairs[0, even]), _F(pairs[0, odd]), _F(pairs[1, even]), _F(pairs[1, odd])
        c0, c1 = a0 + u * (a1 - a0), b0 + u * (b1 - b0)
        value = c0 + v * (c1 - c0)
        target[n] = _in_type_of(target, fill if marks[offset + n] & outside else value)


@inner
def _blend_cube(pairs: Any, corners: Any, first: int, fill: Any, outside: bool, target: Any) -> None:
    """Fill `target` with trilinear values of four `pairs` of neighbours; `corners` are those from `first` on."""
    _, weights, marks = corners
    offset = np.uint64(first)
    for m in range(len(target)):
        n, even, odd = np.uint64(m), np.uint64(2 * m), np.uint64(2 * m + 1)
        u, v, w = weights[0, offset + n], weights[1, offset + n], weights[2, offset + n]
        a0, a1, b0, b1 = _F(pairs[0, even]), _F(pairs[0, odd]), _F(pairs[1, even]), _F(pairs[1, odd])
        c0, c1, d0, d1 = _F(pairs[2, even]), _F(pairs[2, odd]), _F(pairs[3, even]), _F(pairs[3, odd])
        a0, b0, c0, d0 = a0 + u * (a1 - a0), b0 + u * (b1 - b0), c0 + u * (c1 - c0), d0 + u * (d1 - d0)
        a0, c0 = a0 + v * (b0 - a0), c0 + v * (d0 - c0)
        value = a0 + w * (c0 - a0)
        target[n] = _in_type_of(target, fill if marks[offset + n] & outside else value)


@inner
def fill_marked(marks: Any, fill: Any, target: Any) -> None:
    """Write `fill` where `marks` says that nothing is seen."""
    for n in range(len(target)):
        target[n] = fill if marks[n] else target[n]


def choose_loop(array: Any, interpolation: str) -> tuple[Any, Any, Any]:
    """Return the loop that samples an `array` (z, y, x), the array as the loop takes it, and the room it works in.

    Arrays of one slice have a linear loop of their own, so that only one of the two has to be compiled.
    """
    if interpolation == "linear":
        return _sample_cubes if len(array) > 1 else _sample_planes, flat_pairs(array), make_pairs(array)
    flat = array.reshape(-1)
    if interpolation == "nearest":
        return _sample_nearest, flat, np.empty(_CHUNK, index_type(array.shape))
    return _sample_label_linear, flat, (np.empty(_CORNERS, flat.dtype), np.empty(_CORNERS))


@compiled
def _sample_planes(
    flat: Any, shape: Any, corners: Any, fill: Any, extend: bool, result: Any, strips: Any, room: Any
) -> None:
    """Do what `_sample_cubes` does, for an array of one slice."""
    fetched, pairs = room
    below, _ = strides_of(shape)
    for first in range(0, len(corners[0]), strips[2]):
        start = _start_of(strips, first)
        for begin in range(0, strips[2], _CHUNK):
            target = result[start + begin : start + least(begin + _CHUNK, strips[2])]
            for pair in range(2):
                _fetch(flat, pair * below, corners[0], first + begin, len(target), fetched, pair)
            blend_plane(pairs, corners, first + begin, fill, not extend, target)


@compiled
def _sample_cubes(
    flat: Any, shape: Any, corners: Any, fill: Any, extend: bool, result: Any, strips: Any, room: Any
) -> None:
    """Write linear values at the positions of `corners` to `strips` of `result`, rounded where it holds integers.

    `flat` is `flat_pairs` of an array (z, y, x) of `shape`, `room` that of `make_pairs`; with `extend` the outer voxels
    stand beyond the edge, else the float32 `fill`. Of `strips` the first begins at strips[0], the next each strips[1]
    further on; all are strips[2] long.
    """
    fetched, pairs = room
    below, behind = strides_of(shape)
    for first in range(0, len(corners[0]), strips[2]):
        start = _start_of(strips, first)
        for begin in range(0, strips[2], _CHUNK):
            target = result[start + begin : start + least(begin + _CHUNK, strips[2])]
            for pair in range(len(fetched)):
                shift = pair % 2 * below + pair // 2 * behind
                _fetch(flat, shift, corners[0], first + begin, len(target), fetched, pair)
            _blend_cube(pairs, corners, first + begin, fill, not extend, target)


@inner
def _start_of(strips: Any, first: int) -> Any:
    """Return where the strip begins whose corners begin at number `first`."""
    return strips[0] + first // strips[2] * strips[1]


@compiled
def _sample_nearest(
    flat: Any, shape: Any, corners: Any, fill: Any, extend: bool, result: Any, strips: Any, room: Any
) -> None:
    """Write the voxels of a `flat` array of `shape` nearest to the positions of `corners`; halves round up.

    `room` is a chunk of their `at`, which is overwritten.
    """
    at, _, marks = corners
    steps = 1 if shape[2] > 1 else 0, *strides_of(shape)
    for first in range(0, len(at), strips[2]):
        start = _start_of(strips, first)
        for begin in range(0, strips[2], _CHUNK):
            target = result[start + begin : start + least(begin + _CHUNK, strips[2])]
            _find_nearest(corners, first + begin, len(target), steps, room)
            for m in range(len(target)):
                n = np.uint64(m)
                target[n] = flat[np.uint64(room[n])]
            if not extend:
                fill_marked(marks[first + begin :], fill, target)


@inner
def _find_nearest(corners: Any, first: int, count: int, steps: Any, nearest: Any) -> None:
    """Write the flat indices of the voxels nearest to so many positions from `first` on."""
    at, weights, _ = corners
    whole = at.dtype.type
    right, below, behind, none = whole(steps[0]), whole(steps[1]), whole(steps[2]), whole(0)
    offset = np.uint64(first)
    for m in range(count):
        n = np.uint64(m)
        u, v, w = weights[0, offset + n], weights[1, offset + n], weights[2, offset + n]
        step = whole((right if u >= _HALF else none) + (below if v >= _HALF else none))
        nearest[n] = whole(whole(at[offset + n] + step) + (behind if w >= _HALF else none))


@compiled
def _sample_label_linear(
    flat: Any, shape: Any, corners: Any, fill: Any, extend: bool, result: Any, strips: Any, room: Any
) -> None:
    """Write the label of the largest linear weight, the smaller of equals (itk::LabelImageGenericInterpolate).

    `room` is one for eight labels and one for their weights, which are overwritten.
    """
    at, weights, marks = corners
    steps, (labels, sums) = (1 if shape[2] > 1 else 0, *strides_of(shape)), room
    for first in range(0, len(at), strips[2]):
        ahead = _start_of(strips, first) - first
        for n in range(first, first + strips[2]):
            if marks[n] and not extend:
                result[ahead + n] = fill
                continue
            u, v, w = np.float64(weights[0, n]), np.float64(weights[1, n]), np.float64(weights[2, n])
            result[ahead + n] = _heaviest(flat, np.int64(at[n]), steps, (u, v, w), labels, sums)


@inner
def _heaviest(flat: Any, at: Any, steps: Any, weights: Any, labels: Any, sums: Any) -> Any:
    """Return the label of the largest weight around a position; `labels` and `sums` (8,) are overwritten."""
    u, v, w = weights
    found = 0
    for corner in range(_CORNERS):
        a, b, c = corner & 1, corner >> 1 & 1, corner >> 2 & 1
        weight = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
        label = flat[at + a * steps[0] + b * steps[1] + c * steps[2]]
        for m in range(found):
            if labels[m] == label:
                sums[m] += weight
                break
        else:
            labels[found], sums[found] = label, weight
            found += 1
    best = 0
    for m in range(1, found):
        if sums[m] > sums[best] or (sums[m] == sums[best] and labels[m] < labels[best]):
            best = m
    return labels[best]
