"""Low-pass filters of volumes: the frequencies within an ellipsoid or a ball of k-space.

Sums of cosines and sines along one axis after the other lead to the spectrum, restricted to the frequencies that
matter: those that are kept, or those that are lost where these are fewer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled, inner
from medaug_cli.core.kspace import BLOCK, LANES, LONGEST, fold, multiply, turns, unfold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import Array64, FloatArray

    Tables = tuple[Array64, FloatArray, FloatArray]

_ROUNDING = 1e-9  # what lies on the surface is kept


def keep_ellipsoid(array: FloatArray, radius: float) -> None:
    """Keep in `array` (z, y, x) the frequencies whose shares of their axes' highest have a length up to `radius`."""
    squares = [(2 * (np.arange(count) - count // 2) / count) ** 2 for count in array.shape]
    # Beyond the faces of the spectrum the ellipsoid loses less than it keeps: then that is what is computed.
    _keep(array, squares, radius * radius + _ROUNDING, inverse=radius > 1)


def keep_ball(array: FloatArray, radius: float) -> None:
    """Keep in `array` (z, y, x) the points within `radius` of the middle of the spectrum, as monai.GibbsNoise.

    The middle lies between two points where their number is even, so the kept part is complex; its real part counts.
    """
    squares = [(np.arange(count) - (count - 1) / 2) ** 2 for count in array.shape]
    _keep(array, squares, radius * radius, inverse=2 * radius > max(array.shape))


def _keep(array: FloatArray, squares: Sequence[Array64], limit: float, *, inverse: bool) -> None:
    """Keep of the spectrum of `array` the points whose `squares` along z, y, x sum up to `limit`.

    Zero frequency lies at n // 2. The real part is kept, so opposite frequencies get the mean of their gains.
    """
    if max(array.shape) > LONGEST:
        _filter_spectrum(array, squares, limit)
    else:
        z, y, x = map(_tables, squares)
        _filter_volume(array, z, y, x, limit, inverse)


def _filter_spectrum(array: FloatArray, squares: Sequence[Array64], limit: float) -> None:
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


def _tables(squares: Array64) -> Tables:
    """Return for the frequencies 0 to n // 2 the `squares` of both signs (2, k), and the way there and back.

    There and back are cosines and sines (2, k, n) and (2, n, k). Frequencies and voxels are padded to whole blocks.
    """
    count, half = len(squares), len(squares) // 2
    number = np.arange(half + 1)
    cosine, sine = (table[number[:, None] * number % count] for table in turns(count))
    alone = np.where((number == 0) | (2 * number == count), 0.5, 1.0)  # these are their own mirror images
    missing = -(half + 1) % BLOCK
    pad = ((0, missing), (0, missing))
    there = np.stack([np.pad(one * alone, pad) for one in (cosine, sine)])
    back = np.stack([np.pad(one * alone * (2 / count), pad) for one in (cosine, sine)])
    signs = np.stack([squares[(sign * number + half) % count] for sign in (1, -1)])
    signs = np.pad(signs, ((0, 0), (0, missing)), constant_values=np.inf)
    return signs, there.astype(np.float32), back.astype(np.float32)


@compiled
def _filter_volume(array: Any, z: Any, y: Any, x: Any, limit: float, inverse: bool) -> None:
    """Keep what lies up to `limit` or, if `inverse`, take away what lies beyond."""
    squares, there, back = x
    first, last = _range(squares, limit - _greatest(y[0]) - _greatest(z[0]), limit, inverse)
    coefficients = np.zeros((array.shape[0], 2, last - first, array.shape[1]), np.float32)
    for plane in range(array.shape[0]):
        _analyse(array[plane], there[:, first:last], coefficients[plane])
    for k in range(first, last):
        _filter_planes(coefficients[:, :, k - first], z, y, squares[:, k], limit, inverse)
    if inverse:
        coefficients *= np.float32(-1.0)
    else:
        array[:] = 0.0
    for plane in range(array.shape[0]):
        _synthesise(coefficients[plane], back[:, :, first:last], array[plane])


@inner
def _filter_planes(planes: Any, z: Any, y: Any, across_x: Any, limit: float, inverse: bool) -> None:
    """Set `planes` (z, cosine and sine along x, y) to the part of them that matters; `across_x` are their squares."""
    squares, there, back = y
    first, last = _range(squares, limit - across_x.max() - _greatest(z[0]), limit - across_x.min(), inverse)
    rows = np.zeros((2, 2, last - first, planes.shape[0]), np.float32)
    for parity in range(2):
        _analyse(planes[:, parity], there[:, first:last], rows[parity])
    for start in range(first, last, LANES):
        end = min(start + LANES, last)
        _filter_rows(rows[:, :, start - first : end - first], z, across_x, squares[:, start:end], limit, inverse)
    planes[:] = 0.0
    for parity in range(2):
        _synthesise(rows[parity], back[:, :, first:last], planes[:, parity])


@inner
def _filter_rows(rows: Any, z: Any, across_x: Any, across_y: Any, limit: float, inverse: bool) -> None:
    """Set `rows` (cosine and sine along x, and along y, k, z) to the part of them that matters."""
    squares, there, back = z
    lowest = limit - across_x.max() - _greatest(across_y)
    first, last = _range(squares, lowest, limit - across_x.min() - across_y.min(), inverse)
    coefficients = np.zeros((2, 2, 2, last - first, rows.shape[2]), np.float32)
    for parity_x in range(2):
        for parity_y in range(2):
            _analyse(rows[parity_x, parity_y], there[:, first:last], coefficients[parity_x, parity_y])
    for k in range(first, last):
        for row in range(rows.shape[2]):
            _weigh(coefficients[:, :, :, k - first, row], across_x, across_y[:, row], squares[:, k], limit, inverse)
    rows[:] = 0.0
    for parity_x in range(2):
        for parity_y in range(2):
            _synthesise(coefficients[parity_x, parity_y], back[:, :, first:last], rows[parity_x, parity_y])


@inner
def _weigh(part: Any, x: Any, y: Any, z: Any, limit: float, inverse: bool) -> None:
    """Multiply the coefficients (2, 2, 2) of one frequency by the gains of its four pairs of opposite signs."""
    same = _gain(x, y[0] + z[0], y[1] + z[1], limit, inverse)
    z_turned = _gain(x, y[0] + z[1], y[1] + z[0], limit, inverse)
    y_turned = _gain(x, y[1] + z[0], y[0] + z[1], limit, inverse)
    both_turned = _gain(x, y[1] + z[1], y[0] + z[0], limit, inverse)
    total = same + z_turned + y_turned + both_turned
    if total == 0.0:
        part[:] = 0.0
    elif total < 4.0:  # noqa: PLR2004  of the four pairs
        _mix(part, same, z_turned, y_turned, both_turned)


@inner
def _gain(x: Any, one: float, other: float, limit: float, inverse: bool) -> Any:
    """Return the mean of what a point and the opposite one let through."""
    kept = np.float32(0.0)
    if x[0] + one <= limit:
        kept += np.float32(0.5)
    if x[1] + other <= limit:
        kept += np.float32(0.5)
    return np.float32(1.0) - kept if inverse else kept


@inner
def _mix(part: Any, same: float, z_turned: float, y_turned: float, both_turned: float) -> None:
    """Multiply the waves cos(x ± y ± z) and sin(x ± y ± z), of which the products of cosines and sines are sums."""
    quarter = np.float32(0.25)
    for odd in range(2):
        # Of the even waves ccc, css, ssc, scs; of the odd ones scc, sss, and with the other sign csc, ccs.
        sign = np.float32(1.0 if odd else -1.0)
        a, b = part[odd, 0, 0], part[odd, 1, 1]
        c, d = sign * part[1 - odd, 1, 0], sign * part[1 - odd, 0, 1]
        first = quarter * same * (a - b + c + d)
        second = quarter * z_turned * (a + b + c - d)
        third = quarter * y_turned * (a + b - c + d)
        fourth = quarter * both_turned * (a - b - c - d)
        part[odd, 0, 0] = first + second + third + fourth
        part[odd, 1, 1] = second + third - first - fourth
        part[1 - odd, 1, 0] = sign * (first + second - third - fourth)
        part[1 - odd, 0, 1] = sign * (first - second + third - fourth)


@inner
def _range(squares: Any, low: float, high: float, inverse: bool) -> tuple[int, int]:
    """Return the whole blocks of frequencies of which a sign lies up to `high` or, if `inverse`, beyond `low`."""
    first, last = squares.shape[1], 0
    for n in range(squares.shape[1]):
        small, great = min(squares[0, n], squares[1, n]), max(squares[0, n], squares[1, n])
        if great < np.inf and (great > low if inverse else small <= high):
            first, last = min(first, n), n + 1
    return (first // BLOCK * BLOCK, (last + BLOCK - 1) // BLOCK * BLOCK) if last else (0, 0)


@inner
def _greatest(squares: Any) -> float:
    greatest = 0.0
    for square in squares.ravel():
        if square < np.inf:
            greatest = max(greatest, square)
    return greatest


@inner
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


@inner
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
        unfold(even, odd, some.T, True)  # noqa: FBT003  numba takes positions here
