"""How small baseline JPEG makes 8-bit images, counted in the bits of its standard entropy code, without a file.

ITU-T T.81, Annex F (the coding of coefficients) and Annex K (the tables that libjpeg writes unless it optimises them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaug_cli.core.jpeg import quantisation

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray

_SIDE = 8
_MOST_SLICES = 8  # of a volume: more change the ratio in no digit that matters
_MARKERS = 8 * 331  # bits of what libjpeg writes around the code of a grey image
_LUMA = np.array([0.299, 0.587, 0.114])  # of red, green and blue (JFIF)
_COLOURS = 3
# Bits of the luminance code (tables K.3 and K.5): of DC by category; of AC by run 0 to 15, each by category 1 to 10.
_DC_BITS = np.array([2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9])
_AC_TEXT = """
    02 02 03 04 05 07 08 10 16 16  04 05 07 09 11 16 16 16 16 16  05 08 10 12 16 16 16 16 16 16
    06 09 12 16 16 16 16 16 16 16  06 10 16 16 16 16 16 16 16 16  07 11 16 16 16 16 16 16 16 16
    07 12 16 16 16 16 16 16 16 16  08 12 16 16 16 16 16 16 16 16  09 15 16 16 16 16 16 16 16 16
    09 16 16 16 16 16 16 16 16 16  09 16 16 16 16 16 16 16 16 16  10 16 16 16 16 16 16 16 16 16
    10 16 16 16 16 16 16 16 16 16  11 16 16 16 16 16 16 16 16 16  16 16 16 16 16 16 16 16 16 16
    16 16 16 16 16 16 16 16 16 16"""
_AC_BITS = np.array(_AC_TEXT.split(), int).reshape(16, 10)
_END_BITS, _LONG_RUN_BITS, _LONG_RUN = 4, 11, 16


def jpeg_ratio(slices: AnyArray, quality: int, *, subsampled: bool | None = None) -> float:
    """Return bytes of uint8 `slices` (slice, component, y, x) over those of their JPEGs of `quality`, a few for all.

    `subsampled` (4:2:0) or not, three components are red, green and blue of one JPEG; None: each is a grey one.
    """
    chosen = slices[:: max(1, -(-len(slices) // _MOST_SLICES))]
    as_colours = subsampled is not None and chosen.shape[1] == _COLOURS
    bits = sum(
        _count_colour(planes, quality, 2 if subsampled else 1)
        if as_colours
        else sum(_MARKERS + _count_bits(plane, quantisation(quality)) for plane in planes)
        for planes in chosen
    )
    return float(8 * chosen.size / bits)


def _count_colour(planes: AnyArray, quality: int, step: int) -> int:
    """Return the bits of brightness and two differences of colour, the latter at every `step`-th place."""
    light = np.tensordot(_LUMA, planes, axes=1)
    blue, red = (128 + (planes[place] - light) / (2 - 2 * _LUMA[place]) for place in (2, 0))
    table = quantisation(quality, chrominance=True)
    differences = sum(_count_bits(_means(plane, step), table) for plane in (blue, red))
    return 2 * _MARKERS + _count_bits(light, quantisation(quality)) + differences


def _means(plane: AnyArray, step: int) -> AnyArray:
    """Return the means of `step` by `step` values, without what is left over at the border, which counts for little."""
    height, width = (max(1, extent // step) for extent in plane.shape)
    cut = plane[: height * step, : width * step]
    return cut.reshape(height, -1, width, cut.shape[1] // width).mean(axis=(1, 3)) if cut.size else plane


def _count_bits(plane: AnyArray, table: AnyArray) -> int:
    blocks = _quantised(plane, table)
    steps = np.diff(blocks[:, 0], prepend=0)
    categories = _category(steps)
    bits = int((_DC_BITS[categories] + categories).sum())
    block, place = np.nonzero(blocks[:, 1:])
    before = np.where(np.diff(block, prepend=-1) > 0, -1, np.roll(place, 1))
    runs = place - before - 1
    sizes = _category(blocks[:, 1:][block, place])
    bits += int((_AC_BITS[runs % _LONG_RUN, np.minimum(sizes, 10) - 1] + sizes).sum())
    bits += _LONG_RUN_BITS * int((runs // _LONG_RUN).sum())
    return bits + _END_BITS * int((blocks[:, -1] == 0).sum())


def _quantised(plane: AnyArray, table: AnyArray) -> AnyArray:
    """Return the quantised coefficients (block, 64) in zigzag order, the plane's border repeated to whole blocks."""
    height, width = (-(-extent // _SIDE) * _SIDE for extent in plane.shape)
    padded = np.pad(plane, ((0, height - plane.shape[0]), (0, width - plane.shape[1])), mode="edge")
    blocks = padded.reshape(height // _SIDE, _SIDE, width // _SIDE, _SIDE).swapaxes(1, 2).reshape(-1, _SIDE, _SIDE)
    k, n = np.mgrid[:_SIDE, :_SIDE]
    cosines = np.cos((2 * n + 1) * k * np.pi / 16) / 2 * np.where(k == 0, np.sqrt(0.5), 1)
    coefficients = cosines @ (blocks - 128.0) @ cosines.T
    y, x = np.divmod(np.arange(_SIDE * _SIDE), _SIDE)
    zigzag = np.lexsort((np.where((y + x) % 2, y, x), y + x))
    whole = np.rint(coefficients.reshape(-1, _SIDE * _SIDE) / table)
    return np.asarray(whole[:, zigzag].astype(np.int64))


def _category(values: AnyArray) -> AnyArray:
    """Return how many bits the size of each value takes, 0 for 0."""
    return np.asarray(np.frexp(np.abs(values).astype(np.float64))[1])
