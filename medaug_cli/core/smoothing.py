"""Smoothing: separable Gaussian convolution of float32 arrays; `convolution` does the work."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from medaug_cli.core.lazy import convolution, np

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray

Kernel = Literal["sampled", "integrated"]
Border = Literal["mirror", "zero"]
_TRUNCATE = 4.0  # standard deviations of kernel, as SciPy and MONAI


def smooth(
    array: FloatArray,
    sigma_voxels: tuple[float, float, float],
    kernel: Kernel = "sampled",
    border: Border = "mirror",
) -> None:
    """Convolve contiguous `array` (z, y, x) in place with a Gaussian of `sigma_voxels` along x, y, z.

    Beyond the border lies the image mirrored about the edge of the outer voxels (scipy.ndimage's reflect), or zero.
    """
    for axis, sigma in enumerate(sigma_voxels):
        if sigma > 0:
            convolution.convolve(array, 2 - axis, gaussian_weights(sigma, kernel), mirror=border == "mirror")


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
