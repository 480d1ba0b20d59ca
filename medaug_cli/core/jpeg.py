"""JPEG: what baseline storage does to 8-bit images, in the integers of libjpeg, bit for bit.

Encoding and decoding lose in the colour transform, the subsampling and the quantised cosine transform; the entropy
code between them is lossless and left out. The arithmetic is that of libjpeg 6b and libjpeg-turbo with the default
"islow" transform and fancy upsampling (jfdctint.c, jidctint.c, jccolor.c, jcsample.c, jdsample.c, jdcolor.c).

Operators make 64 bits of two numbers of 32; np.add, np.multiply and their like keep 32, several times as fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray

_SIDE = 8
_LUMINANCE = """
    16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
    18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""
_CHROMINANCE = """
    17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
    99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"""
_BITS, _PASS_BITS = 13, 2  # of the constants below, and those kept between the passes
_HALF = 1 << 15


def quantisation(quality: int, *, chrominance: bool = False) -> AnyArray:
    """Return the divisors (64) of ITU-T T.81 Annex K, scaled to `quality` (1-100) as libjpeg does."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality  # noqa: PLR2004  libjpeg's own
    table = np.array((_CHROMINANCE if chrominance else _LUMINANCE).split(), np.int32)
    return np.clip((table * scale + 50) // 100, 1, 255).astype(np.int32)


def store_grey(plane: AnyArray, quality: int) -> None:
    """Change uint8 `plane` (y, x) in place to what a reader finds after it was stored as grey JPEG."""
    _code(plane, plane, quantisation(quality))


def store_colour(planes: AnyArray, quality: int, *, subsampled: bool) -> None:
    """Change uint8 `planes` (3, y, x), red, green and blue, in place to what a reader finds after colour JPEG.

    `subsampled` halves the colour differences along both axes (4:2:0), else they are kept whole (4:4:4).
    """
    luminance, blue, red = np.empty_like(planes)
    _to_differences(planes, luminance, blue, red)
    _code(luminance, luminance, quantisation(quality))
    table = quantisation(quality, chrominance=True)
    height, width = luminance.shape
    for plane in (blue, red):
        if not subsampled:
            _code(plane, plane, table)
            continue
        rows, columns = -(-height // 2), -(-width // 2)
        # Blocks at the right edge see the last column of the image repeated, and their rounding goes on alternating.
        half = np.empty((rows, -(-columns // _SIDE) * _SIDE), np.uint8)
        _halve(plane, half)
        _code(half, half, table)
        _double(half[:, :columns].copy(), plane)
    _to_colours(luminance, blue, red, planes)


def to_bytes(planes: AnyArray, low: float, high: float) -> AnyArray:
    """Return float32 `planes` (component, y, x) as uint8: `low` is 0, `high` is 255, what lies beyond is clipped."""
    stored = np.empty(planes.shape, np.uint8)
    _to_bytes(planes, stored, np.float32(low), np.float32(255 / (high - low)))
    return stored


def from_bytes(stored: AnyArray, planes: AnyArray, low: float, high: float) -> None:
    """Fill float32 `planes` from `stored`, the inverse of to_bytes."""
    _from_bytes(stored, planes, np.float32(low), np.float32((high - low) / 255))


@compiled
def _to_bytes(planes: Any, stored: Any, low: Any, factor: Any) -> None:
    for n in range(planes.shape[0]):
        for y in range(planes.shape[1]):
            for x in range(planes.shape[2]):
                value = np.rint((planes[n, y, x] - low) * factor)
                stored[n, y, x] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))


@compiled
def _from_bytes(stored: Any, planes: Any, low: Any, factor: Any) -> None:
    for n in range(planes.shape[0]):
        for y in range(planes.shape[1]):
            for x in range(planes.shape[2]):
                planes[n, y, x] = np.float32(stored[n, y, x]) * factor + low


@inner
def _down(value: Any, bits: Any) -> Any:
    """Return `value` >> `bits` in 32 bits, so that the compiler need not work the sum out in 64."""
    return np.right_shift(np.int32(value), np.int32(bits))


@inner
def _times(value: Any, factor: Any) -> Any:
    """Return the product in 32 bits, which the processor multiplies many times faster than 64."""
    return np.multiply(np.int32(value), np.int32(factor))


@compiled
def _to_differences(planes: Any, luminance: Any, blue: Any, red: Any) -> None:
    """Fill the planes Y, Cb, Cr (jccolor.c)."""
    offset = (128 << 16) + _HALF - 1
    for y in range(luminance.shape[0]):
        for x in range(luminance.shape[1]):
            r, g, b = np.int32(planes[0, y, x]), np.int32(planes[1, y, x]), np.int32(planes[2, y, x])
            luminance[y, x] = np.uint8(_down(19595 * r + 38470 * g + 7471 * b + _HALF, 16))
            blue[y, x] = np.uint8(_down(-11059 * r - 21709 * g + 32768 * b + offset, 16))
            red[y, x] = np.uint8(_down(32768 * r - 27439 * g - 5329 * b + offset, 16))


@compiled
def _to_colours(luminance: Any, blue: Any, red: Any, planes: Any) -> None:
    """Fill the planes red, green and blue (jdcolor.c)."""
    for y in range(luminance.shape[0]):
        for x in range(luminance.shape[1]):
            level = np.int32(luminance[y, x])
            cb, cr = np.int32(blue[y, x]) - 128, np.int32(red[y, x]) - 128
            planes[0, y, x] = _byte(level + _down(91881 * cr + _HALF, 16))
            planes[1, y, x] = _byte(level + _down(-22554 * cb - 46802 * cr + _HALF, 16))
            planes[2, y, x] = _byte(level + _down(116130 * cb + _HALF, 16))


@inner
def _byte(value: Any) -> Any:
    return np.uint8(min(max(np.int32(value), np.int32(0)), np.int32(255)))


@compiled
def _halve(plane: Any, half: Any) -> None:
    """Fill `half` with the means of 2 by 2 voxels, rounded down and up in turn (jcsample.c)."""
    height, width = plane.shape
    for y in range(half.shape[0]):
        upper, lower = 2 * y, min(2 * y + 1, height - 1)
        for x in range(half.shape[1]):
            left, right = min(2 * x, width - 1), min(2 * x + 1, width - 1)
            total = np.int32(plane[upper, left]) + np.int32(plane[upper, right])
            total += np.int32(plane[lower, left]) + np.int32(plane[lower, right])
            half[y, x] = np.uint8((total + 1 + (x & 1)) >> 2)


@compiled
def _double(half: Any, plane: Any) -> None:
    """Fill `plane` from `half` by triangle interpolation, or by repetition where it is 2 wide or less (jdsample.c)."""
    rows, columns = half.shape
    sums = np.empty(columns + 2, np.int32)
    for y in range(plane.shape[0]):
        near = y >> 1
        far = min(max(near + (1 if y & 1 else -1), 0), rows - 1)
        if columns <= 2:  # noqa: PLR2004
            for x in range(plane.shape[1]):
                plane[y, x] = half[near, x >> 1]
            continue
        for x in range(columns):
            sums[x + 1] = 3 * np.int32(half[near, x]) + np.int32(half[far, x])
        sums[0], sums[columns + 1] = sums[1], sums[columns]
        for x in range(plane.shape[1]):
            n = (x >> 1) + 1
            plane[y, x] = np.uint8((3 * sums[n] + (sums[n + 1] + 7 if x & 1 else sums[n - 1] + 8)) >> 4)


def _code(plane: AnyArray, target: AnyArray, table: AnyArray) -> None:
    """Fill `target` with `plane`, transformed block by block, quantised and transformed back; they may be the same."""
    divisors = np.ascontiguousarray(table.reshape(_SIDE, _SIDE).T).reshape(-1)  # x before y, as the passes leave them
    steps = np.repeat(divisors, _SIDE).astype(np.float32)  # one for each lane of the blocks beside each other
    _code_blocks(plane, target, steps, (1 / (_SIDE * divisors.repeat(_SIDE))).astype(np.float32))


@compiled
def _code_blocks(plane: Any, target: Any, steps: Any, reciprocals: Any) -> None:
    """Code eight blocks beside each other at a time, one in each lane of the processor's vectors."""
    work, turned = np.empty(512, np.int32), np.empty(512, np.int32)  # (y, x, block) and (x, y, block)
    for top in range(0, plane.shape[0], 8):
        for left in range(0, plane.shape[1], 64):
            _load(plane, top, left, work)
            for y in range(0, 512, 64):
                _forward(work[y : y + 64], 0)
            _turn(work, turned)
            for x in range(0, 512, 64):
                _forward(turned[x : x + 64], 1)
            _quantise(turned, steps, reciprocals)
            for x in range(0, 512, 64):
                _inverse(turned[x : x + 64], 0)
            _turn(turned, work)
            for y in range(0, 512, 64):
                _inverse(work[y : y + 64], 1)
            _store(work, target, top, left)


@inner
def _load(plane: Any, top: int, left: int, work: Any) -> None:
    """Fill `work` from `plane`, whose border is repeated beyond the image."""
    height, width = plane.shape
    if left + 64 <= width:
        for y in range(8):
            row = plane[min(top + y, height - 1), left : left + 64]
            for x in range(8):
                for block in range(8):
                    work[64 * y + 8 * x + block] = np.int32(row[8 * block + x]) - np.int32(128)
        return
    for y in range(8):
        row = plane[min(top + y, height - 1)]
        for n in range(64):
            work[64 * y + 8 * (n & 7) + (n >> 3)] = np.int32(row[min(left + n, width - 1)]) - np.int32(128)


@inner
def _store(work: Any, target: Any, top: int, left: int) -> None:
    height, width = target.shape
    if left + 64 <= width:
        for y in range(min(8, height - top)):
            row = target[top + y, left : left + 64]
            for block in range(8):
                for x in range(8):
                    row[8 * block + x] = _byte(work[64 * y + 8 * x + block] + np.int32(128))
        return
    for y in range(min(8, height - top)):
        row = target[top + y]
        for n in range(width - left):
            row[left + n] = _byte(work[64 * y + 8 * (n & 7) + (n >> 3)] + np.int32(128))


@inner
def _turn(work: Any, turned: Any) -> None:
    for y in range(8):
        for x in range(8):
            for block in range(8):
                turned[64 * x + 8 * y + block] = work[64 * y + 8 * x + block]


@inner
def _quantise(turned: Any, steps: Any, reciprocals: Any) -> None:
    """Round coefficients, eightfold as the transform left them, to multiples of their divisors; halves away from 0.

    In float32, where one loop over all uses vector instructions: it holds whole numbers below 2**24, and divides
    sums below 2**17, half a step beyond a whole number of divisors at least, without a mistake.
    """
    for n in range(512):
        value = np.float32(turned[n])
        size = abs(value) + np.float32(4) * steps[n] + np.float32(0.5)
        whole = np.floor(size * reciprocals[n]) * steps[n]
        turned[n] = np.int32(whole if value >= np.float32(0) else -whole)


@inner
def _forward(block: Any, second: int) -> None:
    """Transform `block` (n, lane) along its first axis, eight lanes at once (jfdctint.c).

    The first pass keeps two bits more, which the second drops.
    """
    shift = np.int32(_BITS + _PASS_BITS) if second else np.int32(_BITS - _PASS_BITS)
    half = np.left_shift(np.int32(1), np.int32(shift - np.int32(1)))
    for n in range(8):
        s0, d0 = np.add(block[n], block[56 + n]), np.subtract(block[n], block[56 + n])
        s1, d1 = np.add(block[8 + n], block[48 + n]), np.subtract(block[8 + n], block[48 + n])
        s2, d2 = np.add(block[16 + n], block[40 + n]), np.subtract(block[16 + n], block[40 + n])
        s3, d3 = np.add(block[24 + n], block[32 + n]), np.subtract(block[24 + n], block[32 + n])
        even, odd = np.add(s0, s3), np.add(s1, s2)
        middle, outer = np.subtract(s1, s2), np.subtract(s0, s3)
        if second:
            block[n], block[32 + n] = _down(even + odd + 2, 2), _down(even - odd + 2, 2)
        else:
            block[n], block[32 + n] = (even + odd) << 2, (even - odd) << 2
        z1 = np.add(_times(np.add(middle, outer), 4433), half)
        block[16 + n] = _down(z1 + _times(outer, 6270), shift)
        block[48 + n] = _down(z1 - _times(middle, 15137), shift)
        z5 = _times(np.add(np.add(d0, d1), np.add(d2, d3)), 9633)
        z1, z2 = np.add(_times(np.add(d3, d0), -7373), half), np.add(_times(np.add(d2, d1), -20995), half)
        z3, z4 = np.add(_times(np.add(d3, d1), -16069), z5), np.add(_times(np.add(d2, d0), -3196), z5)
        block[56 + n] = _down(np.add(np.add(_times(d3, 2446), z1), z3), shift)
        block[40 + n] = _down(np.add(np.add(_times(d2, 16819), z2), z4), shift)
        block[24 + n] = _down(np.add(np.add(_times(d1, 25172), z2), z3), shift)
        block[8 + n] = _down(np.add(np.add(_times(d0, 12299), z1), z4), shift)


@inner
def _inverse(block: Any, second: int) -> None:
    """Transform `block` (n, lane) back along its first axis, eight lanes at once (jidctint.c)."""
    shift = np.int32(_BITS + _PASS_BITS + 3) if second else np.int32(_BITS - _PASS_BITS)
    half = np.left_shift(np.int32(1), np.int32(shift - np.int32(1)))
    for n in range(8):
        z1 = _times(np.add(block[16 + n], block[48 + n]), 4433)
        low, high = np.subtract(z1, _times(block[48 + n], 15137)), np.add(z1, _times(block[16 + n], 6270))
        sum04 = np.add(np.left_shift(np.add(block[n], block[32 + n]), np.int32(_BITS)), half)
        gap04 = np.add(np.left_shift(np.subtract(block[n], block[32 + n]), np.int32(_BITS)), half)
        e0, e3 = np.add(sum04, high), np.subtract(sum04, high)
        e1, e2 = np.add(gap04, low), np.subtract(gap04, low)
        i7, i5, i3, i1 = block[56 + n], block[40 + n], block[24 + n], block[8 + n]
        z5 = _times(np.add(np.add(i7, i5), np.add(i3, i1)), 9633)
        z1, z2 = _times(np.add(i7, i1), -7373), _times(np.add(i5, i3), -20995)
        z3, z4 = np.add(_times(np.add(i7, i3), -16069), z5), np.add(_times(np.add(i5, i1), -3196), z5)
        o0, o1 = np.add(np.add(_times(i7, 2446), z1), z3), np.add(np.add(_times(i5, 16819), z2), z4)
        o2, o3 = np.add(np.add(_times(i3, 25172), z2), z3), np.add(np.add(_times(i1, 12299), z1), z4)
        block[n], block[56 + n] = _down(np.add(e0, o3), shift), _down(np.subtract(e0, o3), shift)
        block[8 + n], block[48 + n] = _down(np.add(e1, o2), shift), _down(np.subtract(e1, o2), shift)
        block[16 + n], block[40 + n] = _down(np.add(e2, o1), shift), _down(np.subtract(e2, o1), shift)
        block[24 + n], block[32 + n] = _down(np.add(e3, o0), shift), _down(np.subtract(e3, o0), shift)
