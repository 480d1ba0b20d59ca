"""Low-pass filters of volumes: the frequencies within an ellipsoid or a ball of k-space.

An ellipsoid treats opposite frequencies of each axis alike, so sums of cosines and sines along one axis after the other
do for it, restricted to the frequencies that matter: those that are kept, or those that are lost where these are fewer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled
from medaug_cli.core.kspace import BLOCK, LANES, LONGEST, fold, multiply, turns, unfold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import Array64, FloatArray

    Tables = tuple[Array64, FloatArray, FloatArray]

_ROUNDING = 1e-9  # what lies on the surface is kept


def keep_ellipsoid(array: FloatArray, radius: float) -> None:
    """Keep in `array` (z, y, x) the frequencies whose shares of their axes' highest have a length up to `radius`."""
    limit = radius * radius + _ROUNDING
    if max(array.shape) > LONGEST:
        _filter_spectrum(array, [_squares(np.arange(count) - count // 2, count) for count in array.shape], limit)
        return
    z, y, x = (_tables(count) for count in array.shape)
    # Beyond the faces of the spectrum the ellipsoid loses less than it keeps: then that is what is computed.
    inverse = not radius <= 1
    low, high = (limit, math.inf) if inverse else (-math.inf, limit)
    _filter_volume(array, z, y, x, low, high)


def keep_ball(array: FloatArray, radius: float) -> None:
    """Keep in `array` (z, y, x) the points within `radius` of the middle of the spectrum, as monai.GibbsNoise.

    The middle lies between two points where their number is even, so the kept part is complex; its real part counts.
    """
    _filter_spectrum(array, [(np.arange(count) - (count - 1) / 2) ** 2 for count in array.shape], radius * radius)


def _filter_spectrum(array: FloatArray, squares: Sequence[Array64], limit: float) -> None:
    """Keep of the spectrum of `array` the points whose `squares` along z, y, x sum up to `limit`.

    Zero frequency lies at n // 2.
    """
    spectrum = np.fft.rfftn(array)
    ends = (array.shape[0], array.shape[1], spectrum.shape[2])  # negative frequencies of the last axis are left out
    for frequency in range(len(spectrum)):
        gain = np.zeros(spectrum.shape[1:], np.float32)
        for sign in (1, -1):  # the real part of the result has the mean of the gains of opposite frequencies
            z, y, x = (
                square[(sign * np.arange(end) + len(square) // 2) % len(square)]
                for square, end in zip(squares, ends, strict=True)
            )
            gain += x + y[:, None] + z[frequency] <= limit
        spectrum[frequency] *= gain / 2
    array[:] = np.fft.irfftn(spectrum, array.shape, axes=(0, 1, 2))


def _squares(frequency: Any, count: int) -> Array64:
    """Return the squares of frequencies as shares of the highest; 0 along a single voxel."""
    return np.asarray((2 * frequency / count) ** 2)


def _tables(count: int) -> Tables:
    """Return squares of the frequencies 0 to n // 2, and the cosines and sines that lead there (2, k, n) and back.

    Rows are padded to whole blocks.
    """
    half = count // 2
    number = np.arange(half + 1)
    cosine, sine = (table[number[:, None] * number % count] for table in turns(count))
    alone = np.where((number == 0) | (2 * number == count), 0.5, 1.0)  # these are their own mirror images
    missing = -(half + 1) % BLOCK
    pad = ((0, missing), (0, missing))
    squares = np.pad(_squares(number, count), (0, missing), constant_values=np.inf)
    there = np.stack([np.pad(one * alone, pad) for one in (cosine, sine)])
    back = np.stack([np.pad(one * alone * (2 / count), pad) for one in (cosine, sine)])
    return squares, there.astype(np.float32), back.astype(np.float32)


@compiled
def _filter_volume(array: Any, z: Any, y: Any, x: Any, low: float, high: float) -> None:
    """Keep what lies up to `high` or, where that is infinite, take away what lies above `low`."""
    squares, there, back = x
    first, last = _range(squares, low - _greatest(y[0]) - _greatest(z[0]), high)
    coefficients = np.zeros((array.shape[0], 2, last - first, array.shape[1]), np.float32)
    for plane in range(array.shape[0]):
        _analyse(array[plane], there[:, first:last], coefficients[plane])
    for k in range(first, last):
        for parity in range(2):
            _filter_plane(coefficients[:, parity, k - first], z, y, low - squares[k], high - squares[k])
    if high < np.inf:
        array[:] = 0.0
    else:
        coefficients *= np.float32(-1.0)
    for plane in range(array.shape[0]):
        _synthesise(coefficients[plane], back[:, :, first:last], array[plane])


@compiled
def _filter_plane(plane: Any, z: Any, y: Any, low: float, high: float) -> None:
    """Set `plane` (z, y) to its part with low < f_y² + f_z² ≤ high."""
    squares, there, back = y
    first, last = _range(squares, low - _greatest(z[0]), high)
    rows = np.zeros((2, last - first, plane.shape[0]), np.float32)
    _analyse(plane, there[:, first:last], rows)
    for parity in range(2):
        for start in range(first, last, LANES):
            end = min(start + LANES, last)
            _filter_rows(rows[parity, start - first : end - first], z, squares[start:end], low, high)
    plane[:] = 0.0
    _synthesise(rows, back[:, :, first:last], plane)


@compiled
def _filter_rows(rows: Any, z: Any, across: Any, low: float, high: float) -> None:
    """Set `rows` (k, z), whose frequencies along y have the squares `across`, to their part between low and high."""
    squares, there, back = z
    first, last = _range(squares, low - _greatest(across), high - across[0])
    coefficients = np.zeros((2, last - first, len(rows)), np.float32)
    _analyse(rows, there[:, first:last], coefficients)
    for parity in range(2):
        for k in range(first, last):
            for row in range(len(rows)):
                if not low < across[row] + squares[k] <= high:
                    coefficients[parity, k - first, row] = 0.0
    rows[:] = 0.0
    _synthesise(coefficients, back[:, :, first:last], rows)


@compiled
def _range(squares: Any, low: float, high: float) -> tuple[int, int]:
    """Return the whole blocks of frequencies that hold all with low < square ≤ high."""
    first, last = len(squares), 0
    for n in range(len(squares)):
        if low < squares[n] <= high and squares[n] < np.inf:
            first, last = min(first, n), n + 1
    return (first // BLOCK * BLOCK, (last + BLOCK - 1) // BLOCK * BLOCK) if last else (0, 0)


@compiled
def _greatest(squares: Any) -> float:
    greatest = 0.0
    for square in squares:
        if square < np.inf:
            greatest = max(greatest, square)
    return greatest


@compiled
def _analyse(lines: Any, there: Any, coefficients: Any) -> None:
    """Set `coefficients` (2, k, line), sums of cosines and of sines, of `lines` (line, n)."""
    sums = np.zeros((there.shape[2], LANES), np.float32)
    differences = np.zeros_like(sums)
    result = np.zeros((there.shape[1], LANES), np.float32)
    for start in range(0, len(lines), LANES):
        some = lines[start : start + LANES]
        fold(some.T, sums, differences, True)  # noqa: FBT003  numba takes positions here
        for parity in range(2):
            multiply(there[parity], differences if parity else sums, result)
            for k in range(len(result)):
                for lane in range(len(some)):
                    coefficients[parity, k, start + lane] = result[k, lane]


@compiled
def _synthesise(coefficients: Any, back: Any, lines: Any) -> None:
    """Add to `lines` (line, n) what `coefficients` (2, k, line) make."""
    even = np.zeros((back.shape[1], LANES), np.float32)
    odd = np.zeros_like(even)
    given = np.zeros((back.shape[2], LANES), np.float32)
    for start in range(0, len(lines), LANES):
        some = lines[start : start + LANES]
        for parity in range(2):
            for k in range(len(given)):
                for lane in range(len(some)):
                    given[k, lane] = coefficients[parity, k, start + lane]
            multiply(back[parity], given, odd if parity else even)
        unfold(even, odd, some.T, True)  # noqa: FBT003
