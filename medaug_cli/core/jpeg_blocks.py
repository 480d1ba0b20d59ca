"""The blocks of JPEG: 8 by 8 voxels transformed, quantised and transformed back, in the integers of libjpeg.

The transform is the default "islow" of libjpeg 6b and libjpeg-turbo (jfdctint.c, jidctint.c), bit for bit. Operators
make 64 bits of two numbers of 32; np.add, np.multiply and their like keep 32, several times as fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray

SIDE = 8
_GROUP = 8  # blocks beside each other that are worked on at once, one in each lane of the processor's vectors
_BITS, _PASS_BITS = 13, 2  # of the constants below, and those kept between the passes
_HALVES, _QUARTERS, _EIGHTHS = (np.uint64(mask) for mask in (0xFFFFFFFF, 0xFFFF0000FFFF, 0xFF00FF00FF00FF))


def blank(height: int, width: int) -> AnyArray:
    """Return room (uint8) for `height` by `width` voxels in whole groups of blocks."""
    wide = SIDE * _GROUP
    return np.empty((-(-height // SIDE) * SIDE, -(-width // wide) * wide), np.uint8)


def code(plane: AnyArray, table: AnyArray, height: int, width: int) -> None:
    """Change `plane` (uint8, from `blank`) in place to what divisors `table` (64) leave of its blocks.

    Beyond `height` and `width` its last row and column are repeated first.
    """
    plane[:height, width:] = plane[:height, width - 1 : width]
    plane[height:] = plane[height - 1]
    divisors = np.ascontiguousarray(table.reshape(SIDE, SIDE).T).reshape(-1)  # x before y, as blocks are laid out
    steps = np.repeat(divisors, _GROUP).astype(np.float32)  # one for each lane
    _code_blocks(plane.view(np.uint64), steps, (1 / (SIDE * divisors.repeat(_GROUP))).astype(np.float32))


@compiled
def _code_blocks(plane: Any, steps: Any, reciprocals: Any) -> None:
    """Code `plane`, whose words are rows of blocks, one row of blocks after another."""
    groups = plane.shape[1] // 8
    words = np.empty((8, 8 * groups), np.uint64)  # (block, (group, y)), each the eight x of one row of a block
    tones = words.view(np.uint8)  # turned: (x, (group, y, block))
    work = np.empty(512, np.int32)  # (x, y, block)
    for top in range(0, plane.shape[0], 8):
        rows = plane[top : top + 8]
        _take(rows, words)
        _turn(words)
        for first in range(0, 64 * groups, 64):
            _load(tones[:, first : first + 64], work)
            _code(work, steps, reciprocals)
            _store(work, tones[:, first : first + 64])
        _turn(words)
        _put(words, rows)


@inner
def _take(rows: Any, words: Any) -> None:
    for y in range(8):
        for n in range(rows.shape[1]):
            words[n & 7, (n & ~7) + y] = rows[y, n]


@inner
def _put(words: Any, rows: Any) -> None:
    for y in range(8):
        for n in range(rows.shape[1]):
            rows[y, n] = words[n & 7, (n & ~7) + y]


@inner
def _code(work: Any, steps: Any, reciprocals: Any) -> None:
    """Change `work` (x, y, block) to what the divisors leave of eight blocks."""
    for y in range(0, 64, 8):
        _forward(work[y:], 64, 0)
    for x in range(0, 512, 64):
        _forward(work[x:], 8, 1)
    _quantise(work, steps, reciprocals)
    for x in range(0, 512, 64):
        _inverse(work[x:], 8, 0)
    for y in range(0, 64, 8):
        _inverse(work[y:], 64, 1)


@inner
def _turn(words: Any) -> None:
    """Exchange byte n of word m (of eight, along the first axis) with byte m of word n: halves, quarters, eighths."""
    for n in range(4):
        _exchange(words[n], words[n + 4], np.uint64(32), _HALVES)
    for n in (0, 1, 4, 5):
        _exchange(words[n], words[n + 2], np.uint64(16), _QUARTERS)
    for n in range(0, 8, 2):
        _exchange(words[n], words[n + 1], np.uint64(8), _EIGHTHS)


@inner
def _exchange(one: Any, other: Any, bits: Any, mask: Any) -> None:
    """Exchange the upper parts of the words in `one` with the lower ones of those in `other`."""
    for n in range(len(one)):
        moved = ((one[n] >> bits) ^ other[n]) & mask
        other[n] ^= moved
        one[n] ^= moved << bits


@inner
def _load(tones: Any, work: Any) -> None:
    for x in range(8):
        row, target = tones[x], work[64 * x : 64 * x + 64]
        for n in range(64):
            target[n] = np.int32(row[n]) - np.int32(128)


@inner
def _store(work: Any, tones: Any) -> None:
    for x in range(8):
        row, target = work[64 * x : 64 * x + 64], tones[x]
        for n in range(64):
            target[n] = as_byte(row[n] + np.int32(128))


@inner
def down(value: Any, bits: Any) -> Any:
    """Return `value` >> `bits` in 32 bits, so that the compiler need not work the sum out in 64."""
    return np.right_shift(np.int32(value), np.int32(bits))


@inner
def times(value: Any, factor: Any) -> Any:
    """Return the product in 32 bits, which the processor multiplies many times faster than 64."""
    return np.multiply(np.int32(value), np.int32(factor))


@inner
def as_byte(value: Any) -> Any:
    """Return `value`, cut to 0 and 255."""
    return np.uint8(min(max(np.int32(value), np.int32(0)), np.int32(255)))


@inner
def _quantise(work: Any, steps: Any, reciprocals: Any) -> None:
    """Round coefficients, eightfold as the transform left them, to multiples of their divisors; halves away from 0.

    In float32, where one loop over all uses vector instructions: it holds whole numbers below 2**24, and divides
    sums below 2**17, half a step beyond a whole number of divisors at least, without a mistake.
    """
    for n in range(512):
        value = np.float32(work[n])
        size = abs(value) + np.float32(4) * steps[n] + np.float32(0.5)
        whole = np.floor(size * reciprocals[n]) * steps[n]
        work[n] = np.int32(whole if value >= np.float32(0) else -whole)


@inner
def _forward(block: Any, step: int, second: int) -> None:
    """Transform eight lanes beside each other, whose eight numbers lie `step` apart (jfdctint.c).

    The first pass keeps two bits more, which the second drops.
    """
    shift = np.int32(_BITS + _PASS_BITS) if second else np.int32(_BITS - _PASS_BITS)
    half = np.left_shift(np.int32(1), np.int32(shift - np.int32(1)))
    for n in range(8):
        s0, d0 = np.add(block[n], block[7 * step + n]), np.subtract(block[n], block[7 * step + n])
        s1, d1 = np.add(block[step + n], block[6 * step + n]), np.subtract(block[step + n], block[6 * step + n])
        s2, d2 = np.add(block[2 * step + n], block[5 * step + n]), np.subtract(block[2 * step + n], block[5 * step + n])
        s3, d3 = np.add(block[3 * step + n], block[4 * step + n]), np.subtract(block[3 * step + n], block[4 * step + n])
        even, odd = np.add(s0, s3), np.add(s1, s2)
        middle, outer = np.subtract(s1, s2), np.subtract(s0, s3)
        if second:
            block[n], block[4 * step + n] = down(even + odd + 2, 2), down(even - odd + 2, 2)
        else:
            block[n], block[4 * step + n] = (even + odd) << 2, (even - odd) << 2
        z1 = np.add(times(np.add(middle, outer), 4433), half)
        block[2 * step + n] = down(z1 + times(outer, 6270), shift)
        block[6 * step + n] = down(z1 - times(middle, 15137), shift)
        z5 = times(np.add(np.add(d0, d1), np.add(d2, d3)), 9633)
        z1, z2 = np.add(times(np.add(d3, d0), -7373), half), np.add(times(np.add(d2, d1), -20995), half)
        z3, z4 = np.add(times(np.add(d3, d1), -16069), z5), np.add(times(np.add(d2, d0), -3196), z5)
        block[7 * step + n] = down(np.add(np.add(times(d3, 2446), z1), z3), shift)
        block[5 * step + n] = down(np.add(np.add(times(d2, 16819), z2), z4), shift)
        block[3 * step + n] = down(np.add(np.add(times(d1, 25172), z2), z3), shift)
        block[step + n] = down(np.add(np.add(times(d0, 12299), z1), z4), shift)


@inner
def _inverse(block: Any, step: int, second: int) -> None:
    """Transform eight lanes beside each other back, whose eight numbers lie `step` apart (jidctint.c)."""
    shift = np.int32(_BITS + _PASS_BITS + 3) if second else np.int32(_BITS - _PASS_BITS)
    half = np.left_shift(np.int32(1), np.int32(shift - np.int32(1)))
    for n in range(8):
        z1 = times(np.add(block[2 * step + n], block[6 * step + n]), 4433)
        low, high = np.subtract(z1, times(block[6 * step + n], 15137)), np.add(z1, times(block[2 * step + n], 6270))
        sum04 = np.add(np.left_shift(np.add(block[n], block[4 * step + n]), np.int32(_BITS)), half)
        gap04 = np.add(np.left_shift(np.subtract(block[n], block[4 * step + n]), np.int32(_BITS)), half)
        e0, e3 = np.add(sum04, high), np.subtract(sum04, high)
        e1, e2 = np.add(gap04, low), np.subtract(gap04, low)
        i7, i5, i3, i1 = block[7 * step + n], block[5 * step + n], block[3 * step + n], block[step + n]
        z5 = times(np.add(np.add(i7, i5), np.add(i3, i1)), 9633)
        z1, z2 = times(np.add(i7, i1), -7373), times(np.add(i5, i3), -20995)
        z3, z4 = np.add(times(np.add(i7, i3), -16069), z5), np.add(times(np.add(i5, i1), -3196), z5)
        o0, o1 = np.add(np.add(times(i7, 2446), z1), z3), np.add(np.add(times(i5, 16819), z2), z4)
        o2, o3 = np.add(np.add(times(i3, 25172), z2), z3), np.add(np.add(times(i1, 12299), z1), z4)
        block[n], block[7 * step + n] = down(np.add(e0, o3), shift), down(np.subtract(e0, o3), shift)
        block[step + n], block[6 * step + n] = down(np.add(e1, o2), shift), down(np.subtract(e1, o2), shift)
        block[2 * step + n], block[5 * step + n] = down(np.add(e2, o1), shift), down(np.subtract(e2, o1), shift)
        block[3 * step + n], block[4 * step + n] = down(np.add(e3, o0), shift), down(np.subtract(e3, o0), shift)
