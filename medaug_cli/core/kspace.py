"""K-space: filters along one axis and single waves, without a Fourier transform of the volume.

A real gain of the spatial frequencies of one axis is a circular convolution along that axis. Lines are folded into
their even and odd parts, which halves the work, and many lines are done side by side. Additions and multiplications
only, in a fixed order: the same bits on every processor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64, FloatArray

LANES = 64  # lines that are done side by side, in the cache
BLOCK = 4  # rows of a matrix that are done side by side
LONGEST = 768
"""Beyond so many voxels along a line its Fourier transform is the faster way."""
_TERMS = 12  # of the series of sine and cosine, up to an eighth of a turn


def add_filtered(source: FloatArray, axis: int, gain: Array64, target: FloatArray) -> None:
    """Add to `target` what `gain` leaves of `source`, both float32 (z, y, x); they may be one array.

    `gain` holds one real factor for each frequency along `axis` of the array, zero frequency at index n // 2. The
    result is the real part, as if each pair of opposite frequencies had the mean of its two gains.
    """
    if source.shape[axis] == 1:
        target += np.float32(gain[0]) * source
        return
    if source.shape[axis] > LONGEST:
        _filter_long_lines(source, axis, gain, target)
        return
    even, odd = _folded(impulse_response(gain))
    _filter_lines(np.moveaxis(source, axis, 0), np.moveaxis(target, axis, 0), even, odd, axis == source.ndim - 1)


def _filter_long_lines(source: FloatArray, axis: int, gain: Array64, target: FloatArray) -> None:
    factors = np.fft.ifftshift(gain)
    factors = (factors + np.roll(factors[::-1], 1))[: len(gain) // 2 + 1].astype(np.float32) / 2
    for lines, into in zip(np.moveaxis(source, axis, -1), np.moveaxis(target, axis, -1), strict=True):
        into[:] += np.fft.irfft(np.fft.rfft(lines) * factors, len(gain))


def impulse_response(gain: Array64) -> Array64:
    """Return the real part of the inverse Fourier transform of a centred `gain` (n,)."""
    count = len(gain)
    cosine, _ = turns(count)
    response = np.zeros(count)
    position = np.arange(count)
    for frequency, factor in enumerate(gain, start=-(count // 2)):
        if factor:
            response += factor * cosine[frequency * position % count]
    return response / count


def turns(count: int) -> tuple[Array64, Array64]:
    """Return cosine and sine of 0, 1, … count - 1 parts of a full turn, the same bits on every processor."""
    quarter, rest = np.divmod(4 * np.arange(count), count)
    far = 2 * rest > count
    angle = np.where(far, count - rest, rest) / count * (math.pi / 2)
    square = angle * angle
    cosine, sine = np.ones(count), np.ones(count)
    for term in range(_TERMS, 0, -1):
        cosine = 1 - square * cosine / (2 * term * (2 * term - 1))
        sine = 1 - square * sine / (2 * term * (2 * term + 1))
    sine = angle * sine
    near_cosine, near_sine = np.where(far, sine, cosine), np.where(far, cosine, sine)
    turned = [
        (near_cosine, near_sine),
        (-near_sine, near_cosine),
        (-near_cosine, -near_sine),
        (near_sine, -near_cosine),
    ]
    chosen = [quarter == number for number in range(4)]
    return np.select(chosen, [one for one, _ in turned]), np.select(chosen, [one for _, one in turned])


def add_wave(array: FloatArray, frequency: tuple[int, int, int], real: float, imaginary: float) -> None:
    """Add to `array` (z, y, x) the real part of (real + i · imaginary) · exp(2πi · frequency · position / size).

    `frequency` counts periods along z, y, x.
    """
    _add_wave(array, *_waves(array, frequency), real, imaginary)


def coefficient(array: FloatArray, frequency: tuple[int, int, int]) -> complex:
    """Return the Fourier coefficient of `array` (z, y, x) at `frequency`, periods along z, y, x."""
    real, imaginary = _coefficient(array, *_waves(array, frequency))
    return complex(real, -imaginary)


def largest_magnitude(array: FloatArray) -> float:
    """Return the greatest magnitude in the spectrum of `array` (z, y, x): that of zero frequency, where it can be told.

    No other coefficient exceeds the sum of the distances from any constant, such as 0 or the mean.
    """
    total = abs(float(array.sum(dtype=np.float64)))
    if float(array.min()) >= 0 or total >= _sum_of_distances(array, total / array.size):
        return total
    return float(np.abs(np.fft.rfftn(array)).max())


def _waves(array: FloatArray, frequency: tuple[int, int, int]) -> tuple[Array64, Array64, Array64]:
    """Return for z, y, x the cosine and sine (2, n) of the phase at each voxel."""
    parts = []
    for count, periods in zip(array.shape, frequency, strict=True):
        index = periods * np.arange(count) % count
        parts.append(np.stack([table[index] for table in turns(count)]))
    return parts[0], parts[1], parts[2]


def _folded(response: Array64) -> tuple[FloatArray, FloatArray]:
    """Return the matrices that convolve the even and the odd part of a line, as sums and differences of mirror voxels.

    Rows are outputs, padded to whole blocks; the halves of the mean are in the matrices.
    """
    count, half = len(response), len(response) // 2
    here = np.arange(half + 1)
    apart, across = response[(here[:, None] - here) % count], response[(here[:, None] + here) % count]
    even, odd = (apart + across) / 2, (apart - across) / 2
    alone = [0, half] if count % 2 == 0 else [0]  # these voxels are their own mirror images
    even[:, alone] /= 2
    missing = ((0, -(half + 1) % BLOCK), (0, 0))
    return np.pad(even, missing).astype(np.float32), np.pad(odd, missing).astype(np.float32)


@inner
def multiply(matrix: Any, lines: Any, result: Any) -> None:
    """Set `result` (rows, LANES) to `matrix` (rows, n) times `lines` (n, LANES); rows come in whole blocks."""
    for row in range(0, matrix.shape[0], BLOCK):
        first, second, third, fourth = result[row], result[row + 1], result[row + 2], result[row + 3]
        for lane in range(LANES):
            first[lane], second[lane], third[lane], fourth[lane] = 0.0, 0.0, 0.0, 0.0
        for n in range(lines.shape[0]):
            a, b, c, d = matrix[row, n], matrix[row + 1, n], matrix[row + 2, n], matrix[row + 3, n]
            for lane in range(LANES):
                value = lines[n, lane]
                first[lane] += a * value
                second[lane] += b * value
                third[lane] += c * value
                fourth[lane] += d * value


@compiled
def _filter_lines(source: Any, target: Any, even: Any, odd: Any, along_rows: bool) -> None:
    """Filter along the first axis; `along_rows` says that its voxels, not those of the last axis, are neighbours."""
    half = source.shape[0] // 2
    sums = np.zeros((half + 1, LANES), np.float32)
    differences = np.zeros((half + 1, LANES), np.float32)
    symmetric = np.empty((len(even), LANES), np.float32)
    antisymmetric = np.empty((len(odd), LANES), np.float32)
    for plane in range(source.shape[1]):
        for start in range(0, source.shape[2], LANES):
            lanes = min(LANES, source.shape[2] - start)
            fold(source[:, plane, start : start + lanes], sums, differences, along_rows)
            multiply(even, sums, symmetric)
            multiply(odd, differences, antisymmetric)
            unfold(symmetric, antisymmetric, target[:, plane, start : start + lanes], along_rows)


@inner
def fold(lines: Any, sums: Any, differences: Any, along_rows: bool) -> None:
    """Set sums and differences (n // 2 + 1, LANES) of the mirror voxels of `lines` (n, lane)."""
    count = lines.shape[0]
    if along_rows:
        for lane in range(lines.shape[1]):
            for n in range(count // 2 + 1):
                one, other = lines[n, lane], lines[(count - n) % count, lane]
                sums[n, lane], differences[n, lane] = one + other, one - other
    else:
        for n in range(count // 2 + 1):
            mirror = (count - n) % count
            for lane in range(lines.shape[1]):
                one, other = lines[n, lane], lines[mirror, lane]
                sums[n, lane], differences[n, lane] = one + other, one - other


@inner
def unfold(symmetric: Any, antisymmetric: Any, lines: Any, along_rows: bool) -> None:
    """Add to `lines` (n, lane) what their symmetric and antisymmetric parts (n // 2 + 1, LANES) make."""
    count = lines.shape[0]
    if along_rows:
        for lane in range(lines.shape[1]):
            for n in range(count // 2 + 1):
                lines[n, lane] += symmetric[n, lane] + antisymmetric[n, lane]
            for n in range(1, (count - 1) // 2 + 1):
                lines[count - n, lane] += symmetric[n, lane] - antisymmetric[n, lane]
    else:
        for n in range(count // 2 + 1):
            for lane in range(lines.shape[1]):
                lines[n, lane] += symmetric[n, lane] + antisymmetric[n, lane]
        for n in range(1, (count - 1) // 2 + 1):
            for lane in range(lines.shape[1]):
                lines[count - n, lane] += symmetric[n, lane] - antisymmetric[n, lane]


@compiled
def _add_wave(array: Any, wave_z: Any, wave_y: Any, wave_x: Any, real: float, imaginary: float) -> None:
    cosine, sine = wave_x[0].astype(np.float32), wave_x[1].astype(np.float32)
    for z in range(array.shape[0]):
        for y in range(array.shape[1]):
            row_real = wave_z[0, z] * wave_y[0, y] - wave_z[1, z] * wave_y[1, y]
            row_imaginary = wave_z[0, z] * wave_y[1, y] + wave_z[1, z] * wave_y[0, y]
            a = np.float32(real * row_real - imaginary * row_imaginary)
            b = np.float32(real * row_imaginary + imaginary * row_real)
            row = array[z, y]
            for x in range(len(row)):
                row[x] += a * cosine[x] - b * sine[x]


@compiled
def _coefficient(array: Any, wave_z: Any, wave_y: Any, wave_x: Any) -> tuple[float, float]:
    real, imaginary = 0.0, 0.0
    for z in range(array.shape[0]):
        for y in range(array.shape[1]):
            row = array[z, y]
            a, b = 0.0, 0.0
            for x in range(len(row)):
                a += row[x] * wave_x[0, x]
                b += row[x] * wave_x[1, x]
            row_real = wave_z[0, z] * wave_y[0, y] - wave_z[1, z] * wave_y[1, y]
            row_imaginary = wave_z[0, z] * wave_y[1, y] + wave_z[1, z] * wave_y[0, y]
            real += a * row_real - b * row_imaginary
            imaginary += a * row_imaginary + b * row_real
    return real, imaginary


@compiled
def _sum_of_distances(array: Any, value: float) -> float:
    total = 0.0
    for z in range(array.shape[0]):
        for y in range(array.shape[1]):
            for x in range(array.shape[2]):
                total += abs(array[z, y, x] - value)
    return total
