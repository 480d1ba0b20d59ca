"""Intensity scales: statistics of the voxels that hold a measurement, in float32 and without copies where possible."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeGuard

from medaug_cli.core.lazy import np, tallies

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray, Array64, FloatArray

RelativeTo = Literal["none", "std", "range", "percentile"]
Constant = Literal["minimum", "mean", "air"] | float
EIGHT_BITS = (0.0, 255.0)
AIR_HU = -1000.0
_OTSU_BINS = 128
_ENOUGH = 1 << 20  # voxels that settle a percentile; more are sampled evenly


def measured(array: FloatArray, valid: AnyArray | None) -> FloatArray:
    """Return the voxels of `array` (component, z, y, x) that `valid` (z, y, x) marks; all of them for None.

    `array` may be a table of tones and `valid` how many voxels have each: then those that any voxel has.
    """
    if valid is None:
        return array
    return array[valid > 0] if _are_counts(valid) else array[:, valid]


def _are_counts(valid: AnyArray | None) -> TypeGuard[AnyArray]:
    return valid is not None and valid.dtype != np.bool_


def mean_and_deviation(array: FloatArray, valid: AnyArray | None) -> tuple[float, float]:
    """Return mean and standard deviation, summed in double precision."""
    if _are_counts(valid):
        return _weighted_moments(array, valid)
    return tallies.summarise(measured(array, valid))[2:]


def low_and_high(array: FloatArray, valid: AnyArray | None) -> tuple[float, float]:
    """Return minimum and maximum; (0, 0) where nothing is measured."""
    voxels = measured(array, valid)
    return (float(voxels.min()), float(voxels.max())) if voxels.size else (0.0, 0.0)


def percentiles(array: FloatArray, valid: AnyArray | None, low: float, high: float) -> tuple[float, float]:
    """Return the percentiles `low` and `high`, of an even sample where there are many voxels; 0 and 100 are exact."""
    voxels: AnyArray = measured(array, valid).reshape(-1)
    if voxels.size == 0:
        return 0.0, 0.0
    if _are_counts(valid):
        return _weighted_percentile(array, valid, low), _weighted_percentile(array, valid, high)
    inside = [share for share in (low, high) if 0 < share < 100]  # noqa: PLR2004  per cent
    sample = voxels[:: even_step(voxels.size, _ENOUGH)]
    found = dict(zip(inside, np.percentile(sample, inside), strict=True)) if inside else {}
    ends = {0.0: voxels.min, 100.0: voxels.max}
    one, other = (float(found[share] if share in found else ends[share]()) for share in (low, high))
    return one, other


def even_step(count: int, wanted: int) -> int:
    """Return every which of `count` voxels an even sample of about the `wanted` number takes.

    It shares no factor with their number and so with no axis: a sample in step with the rows would see a few columns.
    """
    step = max(1, count // wanted)
    while math.gcd(step, count) > 1:
        step += 1
    return step


def _weighted_moments(tones: FloatArray, counts: AnyArray) -> tuple[float, float]:
    """Return mean and standard deviation of `tones`, each of which stands `counts` times."""
    if not counts.any():
        return 0.0, 0.0
    values = tones.astype(np.float64)
    mean = float(np.average(values, weights=counts))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))


def _weighted_percentile(tones: FloatArray, counts: AnyArray, share: float) -> float:
    """Return a percentile of `tones`, each of which stands `counts` times: what numpy.percentile gives for them all."""
    order = np.argsort(tones, axis=None, kind="stable")
    ascending, ends = tones.reshape(-1)[order].astype(np.float64), np.cumsum(counts.reshape(-1)[order])
    place = share / 100 * (int(ends[-1]) - 1)
    below, above = ascending[np.searchsorted(ends, [np.floor(place), np.ceil(place)], side="right")]
    return float(below + (above - below) * (place - np.floor(place)))


def robust_range(array: FloatArray, valid: AnyArray | None) -> float:
    """Return the distance from the 1st to the 99th percentile."""
    low, high = percentiles(array, valid, 1, 99)
    return high - low


def zero_level(array: FloatArray, valid: AnyArray | None, modality: str) -> float:
    """Return the intensity of no signal: air for CT (-1000 HU), else 0, or the minimum of a signed image."""
    return AIR_HU if modality == "CT" else min(0.0, low_and_high(array, valid)[0])


def scale_of(array: FloatArray, valid: AnyArray | None, relative_to: RelativeTo) -> float:
    """Return the unit of strength that `relative_to` names; 1 for `none`."""
    match relative_to:
        case "none":
            return 1.0
        case "std":
            return mean_and_deviation(array, valid)[1]
        case "range":
            low, high = low_and_high(array, valid)
            return high - low
        case "percentile":
            return robust_range(array, valid)


def constant_of(array: FloatArray, valid: AnyArray | None, constant: Constant) -> float:
    """Return the intensity that `constant` names; air is -1024 HU."""
    if constant == "air":
        return -1024.0
    if not isinstance(constant, str):
        return float(constant)
    voxels = measured(array, valid)
    if voxels.size == 0:
        return 0.0
    return float(voxels.min() if constant == "minimum" else voxels.mean(dtype=np.float64))


def brightest(array: FloatArray, valid: AnyArray | None, *, eight_bit: bool) -> float:
    """Return the greatest value of a colour: 255 for 8-bit images, the image's maximum for others, at least 0."""
    return EIGHT_BITS[1] if eight_bit else max(0.0, low_and_high(array, valid)[1])


def border_background(array: FloatArray, valid: AnyArray | None) -> float:
    """Return the mean of the darker part of the outer faces, as torchio's `otsu`; of all of them where they are alike.

    Darker is what lies below Otsu's threshold, of 128 bins, of the faces themselves (Otsu 1979).
    """
    faces = []
    for axis in range(3):
        if array.shape[axis + 1] == 1 < max(array.shape[1:]):
            continue  # the whole of a 2-D image is no border
        for end in (0, -1):
            face = np.asarray(array.take(end, axis=axis + 1))
            faces.append((face if valid is None else face[:, valid.take(end, axis=axis)]).reshape(-1))
    values = np.concatenate(faces).astype(np.float64)
    if not values.size:
        return 0.0
    darker = values[values < _otsu_threshold(values)]
    return float(darker.mean() if darker.size else values.mean())


def _otsu_threshold(values: Array64) -> float:
    """Return the upper edge of the bin that parts `values` into the two classes of greatest variance between them."""
    counts, edges = np.histogram(values, _OTSU_BINS)
    weight = np.cumsum(counts)
    total = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    below, above = weight[:-1], weight[-1] - weight[:-1]
    parted = (below > 0) & (above > 0)
    if not parted.any():
        return float(edges[0])
    between = np.zeros(len(below))
    apart = total[:-1][parted] / below[parted] - (total[-1] - total[:-1][parted]) / above[parted]
    between[parted] = below[parted] * above[parted] * apart * apart
    return float(edges[1 + int(between.argmax())])
