"""JPEG: what baseline storage does to 8-bit images, in the integers of libjpeg, bit for bit.

Encoding and decoding lose in the colour transform, the subsampling and the quantised cosine transform; the entropy
code between them is lossless and left out. The arithmetic is that of libjpeg 6b and libjpeg-turbo with fancy
upsampling (jccolor.c, jcsample.c, jdsample.c, jdcolor.c); that of the transform stands in `jpeg_blocks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled, inner
from medaug_cli.core.jpeg_blocks import as_byte, blank, code, down, times

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray

_LUMINANCE = """
    16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
    18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""
_CHROMINANCE = """
    17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
    99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"""
_HALF = 1 << 15


def quantisation(quality: int, *, chrominance: bool = False) -> AnyArray:
    """Return the divisors (64) of ITU-T T.81 Annex K, scaled to `quality` (1-100) as libjpeg does."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality  # noqa: PLR2004  libjpeg's own
    table = np.array((_CHROMINANCE if chrominance else _LUMINANCE).split(), np.int32)
    return np.clip((table * scale + 50) // 100, 1, 255).astype(np.int32)


def store_grey(plane: AnyArray, quality: int) -> None:
    """Change uint8 `plane` (y, x) in place to what a reader finds after it was stored as grey JPEG."""
    height, width = plane.shape
    coded = blank(height, width)
    coded[:height, :width] = plane
    code(coded, quantisation(quality), height, width)
    plane[:] = coded[:height, :width]


def store_colour(planes: AnyArray, quality: int, *, subsampled: bool) -> None:
    """Change uint8 `planes` (3, y, x), red, green and blue, in place to what a reader finds after colour JPEG.

    `subsampled` halves the colour differences along both axes (4:2:0), else they are kept whole (4:4:4).
    """
    height, width = planes.shape[1:]
    rows, columns = (-(-height // 2), -(-width // 2)) if subsampled else (height, width)
    luminance, blue, red = blank(height, width), blank(rows, columns), blank(rows, columns)
    (_to_halved_differences if subsampled else _to_differences)(planes, luminance, blue, red)
    code(luminance, quantisation(quality), height, width)
    # Blocks at the right edge see the last column of the image repeated, and their rounding goes on alternating.
    seen = blue.shape[1] if subsampled else columns
    for plane in (blue, red):
        code(plane, quantisation(quality, chrominance=True), rows, seen)
    (_to_doubled_colours if subsampled else _to_colours)(luminance, blue, red, planes)


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


@compiled
def _to_differences(planes: Any, luminance: Any, blue: Any, red: Any) -> None:
    """Fill the planes Y, Cb, Cr from red, green and blue."""
    for y in range(planes.shape[1]):
        _weigh(planes[:, y], luminance[y], blue[y], red[y])


@compiled
def _to_halved_differences(planes: Any, luminance: Any, blue: Any, red: Any) -> None:
    """Fill Y, and Cb and Cr with the means of 2 by 2 voxels, over their whole width."""
    height, width = planes.shape[1:]
    blues, reds = np.empty((2, 2 * blue.shape[1]), np.uint8), np.empty((2, 2 * red.shape[1]), np.uint8)
    for y in range(0, height, 2):
        for n in range(2):
            row = min(y + n, height - 1)
            _weigh(planes[:, row], luminance[row], blues[n], reds[n])
        blues[:, width:], reds[:, width:] = blues[:, width - 1 : width], reds[:, width - 1 : width]
        _halve(blues, blue[y >> 1])
        _halve(reds, red[y >> 1])


@inner
def _weigh(colours: Any, luminance: Any, blue: Any, red: Any) -> None:
    """Fill a row of Y, Cb and Cr (jccolor.c)."""
    _sum_up(colours, luminance, 19595, 38470, 7471, _HALF)
    _sum_up(colours, blue, -11059, -21709, 32768, (128 << 16) + _HALF - 1)
    _sum_up(colours, red, 32768, -27439, -5329, (128 << 16) + _HALF - 1)


@inner
def _sum_up(colours: Any, target: Any, of_red: int, of_green: int, of_blue: int, offset: int) -> None:
    reds, greens, blues = colours[0], colours[1], colours[2]
    for x in range(len(reds)):
        total = np.add(times(reds[x], of_red), times(greens[x], of_green))
        target[x] = np.uint8(down(np.add(np.add(total, times(blues[x], of_blue)), np.int32(offset)), 16))


@inner
def _halve(pair: Any, half: Any) -> None:
    """Fill `half` from two rows with the means of 2 by 2 voxels, rounded down and up in turn (jcsample.c)."""
    upper, lower = pair[0], pair[1]
    for x in range(len(half)):
        total = np.int32(upper[2 * x]) + np.int32(upper[2 * x + 1])
        total += np.int32(lower[2 * x]) + np.int32(lower[2 * x + 1])
        half[x] = np.uint8(down(total + 1 + (x & 1), 2))


@compiled
def _to_colours(luminance: Any, blue: Any, red: Any, planes: Any) -> None:
    """Fill the planes red, green and blue from Y, Cb, Cr."""
    for y in range(planes.shape[1]):
        _mix(luminance[y], blue[y], red[y], planes[:, y])


@compiled
def _to_doubled_colours(luminance: Any, blue: Any, red: Any, planes: Any) -> None:
    """Fill the planes red, green and blue from Y, and Cb and Cr of half the resolution."""
    height, width = planes.shape[1:]
    rows, columns = (height + 1) // 2, (width + 1) // 2
    blues, reds = np.empty(2 * columns, np.uint8), np.empty(2 * columns, np.uint8)
    sums = np.empty(columns + 2, np.int32)
    for y in range(height):
        near = y >> 1
        far = min(max(near + (1 if y & 1 else -1), 0), rows - 1)
        _double(blue[near], blue[far], sums, blues)
        _double(red[near], red[far], sums, reds)
        _mix(luminance[y], blues, reds, planes[:, y])


@inner
def _double(near: Any, far: Any, sums: Any, row: Any) -> None:
    """Fill `row` by triangle interpolation, or by repetition where the half is 2 wide or less (jdsample.c)."""
    columns = len(sums) - 2
    if columns <= 2:  # noqa: PLR2004  libjpeg's own
        for x in range(len(row)):
            row[x] = near[x >> 1]
        return
    for x in range(columns):
        sums[x + 1] = np.add(times(near[x], 3), np.int32(far[x]))
    sums[0], sums[columns + 1] = sums[1], sums[columns]
    for x in range(columns):
        mine = times(sums[x + 1], 3)
        row[2 * x] = np.uint8(down(np.add(np.add(mine, sums[x]), np.int32(8)), 4))
        row[2 * x + 1] = np.uint8(down(np.add(np.add(mine, sums[x + 2]), np.int32(7)), 4))


@inner
def _mix(luminance: Any, blue: Any, red: Any, colours: Any) -> None:
    """Fill a row of red, green and blue (jdcolor.c)."""
    _add_up(luminance, blue, red, colours[0], 0, 91881)
    _add_up(luminance, blue, red, colours[1], -22554, -46802)
    _add_up(luminance, blue, red, colours[2], 116130, 0)


@inner
def _add_up(luminance: Any, blue: Any, red: Any, target: Any, of_blue: int, of_red: int) -> None:
    for x in range(len(target)):
        blues, reds = np.int32(blue[x]) - np.int32(128), np.int32(red[x]) - np.int32(128)
        shade = down(np.add(np.add(times(blues, of_blue), times(reds, of_red)), np.int32(_HALF)), 16)
        target[x] = as_byte(np.add(np.int32(luminance[x]), shade))
