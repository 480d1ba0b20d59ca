"""Quality: a copy against its source, in numbers for the manifest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.intensity import measured
from medaug_cli.core.lazy import np, tallies
from medaug_cli.core.marks import Contours
from medaug_cli.spatial.resample import outside_fraction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.sample import LoadedSample, Volume
    from medaug_cli.program import Copy

_SSIM_VOXELS = 1 << 16  # that settle the mean; a volume of more is thinned evenly
_SSIM_WINDOW_VOXELS = 4  # side of a window; they lie beside each other
_STABILISERS = (0.01, 0.03)  # K1 and K2 of Wang 2004, of the source's range


def measure(copy: Copy, sample: LoadedSample) -> dict[str, Any]:
    """Return what the manifest says of a copy: share outside the field of view, Jacobian, intensities, SSIM.

    `remade_contours` names the structure sets that are no longer the contours that were drawn.
    """
    first = next(iter(sample.images.values())).volume.geometry
    now = next(iter(copy.images.values())).geometry
    found: dict[str, Any] = {"outside_fov": round(outside_fraction(first, now, copy.mapping), 6), **copy.reports}
    found["intensity"] = {channel: _statistics(volume) for channel, volume in copy.images.items()}
    found["ssim"] = {
        channel: round(structural_similarity(loaded.volume, copy.images[channel]), 4)
        for channel, loaded in sample.images.items()
    }
    remade = sorted(name for name, marks in copy.marks.items() if isinstance(marks, Contours) and marks.remade)
    return found | ({"remade_contours": remade} if remade else {})


def check_finite(found: Mapping[str, Any]) -> None:
    """Raise SampleError where what `measure` found tells of NaN or Inf in a copy, whose source had none measured."""
    for channel, statistics in found["intensity"].items():
        if not all(map(math.isfinite, statistics.values())):
            raise SampleError(
                "not_finite",
                f"{channel}: intensities of the copy outgrow single precision (3.4e38) and would be Inf or NaN; divide "
                "those of the source, which must be huge, before augmenting them",
            )


def structural_similarity(source: Volume, copy: Volume) -> float:
    """Return the mean SSIM (Wang 2004, uniform windows) of the first components, from -1 to 1; 1 for equal volumes.

    Both are thinned to every n-th voxel, so that the mean is over about a thousand windows; this tells how far a
    copy is from its source, not how it would look at full resolution. Where the copy has another grid, the source is
    looked up on it.
    """
    other = _thinned(copy)
    one = _thinned(source) if source.geometry == copy.geometry else _looked_up(source, copy)
    low, high = float(one.min()), float(one.max())
    if one.shape != other.shape or high <= low:
        return 1.0 if np.array_equal(one, other) else 0.0
    first, second = ((k * (high - low)) ** 2 for k in _STABILISERS)
    mean_one, mean_other = _local_mean(one), _local_mean(other)
    spread_one = _local_mean(one * one) - mean_one * mean_one
    spread_other = _local_mean(other * other) - mean_other * mean_other
    together = _local_mean(one * other) - mean_one * mean_other
    numerator = (2 * mean_one * mean_other + first) * (2 * together + second)
    denominator = (mean_one**2 + mean_other**2 + first) * (spread_one + spread_other + second)
    return float((numerator / denominator).mean(dtype=np.float64))


def _thinned(volume: Volume) -> Array64:
    """Return every n-th voxel (z, y, x) of the first component, n the same along every axis; squares need its range."""
    array, step = volume.array[0], _thinning(volume.array[0].shape)
    return np.asarray(array[::step, ::step, ::step], dtype=np.float64)


def _thinning(shape: tuple[int, ...]) -> int:
    axes = sum(count > 1 for count in shape)
    return max(1, round(float((math.prod(shape) / _SSIM_VOXELS) ** (1 / max(1, axes)))))


def _looked_up(source: Volume, copy: Volume) -> Array64:
    """Return the voxels of `source` nearest to those of the thinned `copy`, whose grid is another."""
    step = _thinning(copy.array[0].shape)
    x, y, z = (np.arange(0, count, step) for count in copy.geometry.size)
    index = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1).reshape(-1, 3)
    matrix = np.linalg.inv(source.geometry.affine) @ copy.geometry.affine
    found = np.rint(index @ matrix[:3, :3].T + matrix[:3, 3]).astype(int)
    i, j, k = np.clip(found, 0, np.array(source.geometry.size) - 1).T
    return np.asarray(source.array[0][k, j, i], dtype=np.float64).reshape(len(z), len(y), len(x))


def _local_mean(array: Array64) -> Array64:
    """Return the mean of each window of four voxels a side, or of the whole axis where it has fewer."""
    sides = [min(_SSIM_WINDOW_VOXELS, count) for count in array.shape]
    z, y, x = (count // side for count, side in zip(array.shape, sides, strict=True))
    whole = array[: z * sides[0], : y * sides[1], : x * sides[2]]
    windows = whole.reshape(z, sides[0], y, sides[1], x, sides[2])
    return np.asarray(windows.mean(axis=(1, 3, 5), dtype=np.float64))


def _statistics(volume: Volume) -> dict[str, float]:
    valid = None if volume.void is None else ~volume.void
    found = dict(zip(("min", "max", "mean", "std"), tallies.summarise(measured(volume.array, valid)), strict=True))
    return {name: float(f"{value:.6g}") for name, value in found.items()}
