"""Regions: the calibrated parts of an ultrasound picture, moved with it (DICOM PS3.3 C.8.5.5).

A region is a box of pixels along the axes, so that only flips, quarter turns, shifts, scaling and another grid leave it
one; what leaves the picture is cut off or dropped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydicom.sequence import Sequence as Items

from medaug_cli.formats.dicom.header import number, text, values
from medaug_cli.formats.dicom.template import shallow_copy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.sample import IndexMap

_REGIONS = "SequenceOfUltrasoundRegions"
_NAMES = ("RegionLocationMin{}0", "RegionLocationMax{}1", "ReferencePixel{}0", "PhysicalDelta{}")
_BY_AXIS = ("PhysicalUnits{}Direction", "ReferencePixelPhysicalValue{}")
# Set anew: the axis that comes to lie along this one may have none of its own.
_OF_AN_AXIS = tuple(pattern.format(axis) for axis in "XY" for pattern in (*_NAMES[2:], *_BY_AXIS))
# Points of the picture, which C.8.5.5 leaves optional: no reader here tells whether they count from the region.
_POINTS = (
    *(f"DopplerSampleVolume{axis}Position{old}" for axis in "XY" for old in ("", "Retired")),
    *(f"TMLinePosition{axis}{end}{old}" for axis in "XY" for end in "01" for old in ("", "Retired")),
)
_DROPPED = "; regions of ultrasound dropped, the picture is not parallel to them any more"
_LONGEST_ST = 1024


def move_regions(header: Dataset, index_map: IndexMap | None, size: Sequence[int], file: str) -> None:
    """Move the regions of `header` by `index_map` into a picture of `size` (columns, rows).

    Where the map is unknown or oblique they are dropped, and DerivationDescription says so.
    """
    if _REGIONS not in header:
        return
    axes = None if index_map is None else _parallel_axes(index_map, size)
    if axes is None:
        del header[_REGIONS]
        said = text(header, "DerivationDescription", file)
        header.DerivationDescription = said[: _LONGEST_ST - len(_DROPPED)] + _DROPPED
        return
    moved = [_move(shallow_copy(region), axes, size, file) for region in values(header, _REGIONS, file)]
    kept = [region for region in moved if region is not None]
    if kept:
        setattr(header, _REGIONS, Items(kept))
    else:
        del header[_REGIONS]


_Axis = tuple[int, float, float]


def _parallel_axes(index_map: IndexMap, size: Sequence[int]) -> tuple[_Axis, _Axis] | None:
    """Return for x and y of the copy (axis of the source, factor, shift); None where one bends off half a pixel."""
    axes: list[_Axis] = []
    for row in index_map[:2]:
        source = 0 if abs(row[0]) >= abs(row[1]) else 1
        if row[source] == 0 or abs(row[1 - source]) * max(size) >= 0.5:  # noqa: PLR2004  pixels
            return None
        axes.append((source, row[source], row[3]))
    return (axes[0], axes[1]) if {axes[0][0], axes[1][0]} == {0, 1} else None


def _move(region: Dataset, axes: tuple[_Axis, _Axis], size: Sequence[int], file: str) -> Dataset | None:
    """Return `region` where it lies in the copy, None where nothing of it is left."""
    old = shallow_copy(region)
    for keyword in (*_POINTS, *_OF_AN_AXIS):
        if keyword in region:
            del region[keyword]
    for name, (source, factor, shift), length in zip("XY", axes, size, strict=False):
        was = "XY"[source]
        low, high, reference, delta = (pattern.format(was) for pattern in _NAMES)
        first, last = number(old, low, file, 0.0), number(old, high, file, 0.0)
        # The outer edges of the first and the last pixel, and the first and last pixel between them.
        edges = sorted((factor * (first - 0.5) + shift, factor * (last + 0.5) + shift))
        start, end = max(0, math.floor(edges[0] + 1)), min(length - 1, math.ceil(edges[1] - 1))
        if start > end:
            return None
        changed: dict[str, float] = {_NAMES[0].format(name): start, _NAMES[1].format(name): end}
        if reference in old:
            changed[_NAMES[2].format(name)] = round(factor * (first + number(old, reference, file)) + shift) - start
        if delta in old:
            changed[_NAMES[3].format(name)] = number(old, delta, file) / factor
        for keyword, value in changed.items():
            setattr(region, keyword, value)
        for pattern in _BY_AXIS:
            if pattern.format(was) in old:
                setattr(region, pattern.format(name), old[pattern.format(was)].value)
    return region
