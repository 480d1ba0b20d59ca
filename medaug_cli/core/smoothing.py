"""Smoothing: separable Gaussian convolution of float32 arrays, panel by panel so that the work stays in the cache."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray

Kernel = Literal["sampled", "integrated"]
_TRUNCATE = 4.0  # standard deviations of kernel, as SciPy and MONAI


def smooth(array: FloatArray, sigma_voxels: tuple[float, float, float], kernel: Kernel = "sampled") -> None:
    """Convolve `array` (z, y, x) in place with a Gaussian of `sigma_voxels` along x, y, z.

    The border is mirrored about the edge of the outer voxels, as scipy.ndimage's mode reflect.
    """
    for axis, sigma in enumerate(sigma_voxels):
        if sigma > 0:
            _convolve(array, 2 - axis, gaussian_weights(sigma, kernel))


def gaussian_weights(sigma: float, kernel: Kernel = "sampled") -> FloatArray:
    """Return the weights of offsets 0, 1, 2, … voxels, normalised over both sides.

    `sampled` takes the Gaussian at voxel centres (SciPy, TorchIO, nnU-Net), `integrated` its mean over each voxel
    (MONAI's `erf`).
    """
    offsets = range(max(1, int(_TRUNCATE * sigma + 0.5)) + 1)
    if kernel == "sampled":
        apart = [offset / sigma for offset in offsets]
        weights = [math.exp(-0.5 * distance * distance) for distance in apart]  # ** raises where it overflows
    else:
        narrow = 1 / (sigma * math.sqrt(2))
        weights = [math.erf((offset + 0.5) * narrow) - math.erf((offset - 0.5) * narrow) for offset in offsets]
    return np.array(weights, dtype=np.float32) / np.float32(2 * sum(weights) - weights[0])


def _convolve(array: FloatArray, axis: int, weights: FloatArray) -> None:
    """Convolve in place along `axis`, one panel of the array at a time."""
    along_first = array.swapaxes(0, 1) if axis == 0 else array
    for panel in along_first:  # (z, x) for axis 0, (y, x) otherwise
        rows = panel.T if axis == array.ndim - 1 else panel
        rows[:] = _convolve_rows(np.ascontiguousarray(rows), weights)


def _convolve_rows(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """Return `rows` (n, m) convolved along the first axis."""
    count, radius = len(rows), len(weights) - 1
    padded = np.pad(rows, ((radius, radius), (0, 0)), mode="symmetric")
    result = padded[radius : radius + count] * weights[0]
    pair = np.empty_like(result)
    for offset in range(1, radius + 1):
        left, right = radius - offset, radius + offset
        np.add(padded[left : left + count], padded[right : right + count], out=pair)
        pair *= weights[offset]
        result += pair
    return np.asarray(result)
