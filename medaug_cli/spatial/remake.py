"""Remake: a region's contours rasterised, resampled through a mapping and outlined again on the copy's slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import np
from medaug_cli.spatial.coverage import cover
from medaug_cli.spatial.mapping import apply_affine
from medaug_cli.spatial.outline import outline
from medaug_cli.spatial.points import push
from medaug_cli.spatial.resample import Request, resample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medaug_cli.core.arrays import Array64, FloatArray
    from medaug_cli.core.marks import Move
    from medaug_cli.spatial.mapping import Mapping

_FINE_MM = 1.0  # pixels longer than this are divided, but into no more than _MOST_PARTS
_MOST_PARTS = 4
_MOST_CELLS = 5e7
_MARGIN_MM = 3.0  # more than a smooth mapping moves between the points of the lattice
_LATTICE = 13  # points along each axis
_SAME_PLANE = 0.01  # slices


def remake_region(outlines: Sequence[Array64], mapping: Mapping, move: Move) -> Iterator[Array64]:
    """Yield the outlines (n, 3), LPS mm, of what `mapping` makes of the region within `outlines`, slice by slice.

    The region is a share of each pixel that its contours cover, held for half the distance between contour planes to
    both sides, moved by linear interpolation and outlined where it falls through a half. What lies outside the image
    is not known and counts as empty. A hole is joined to the outline around it (DICOM PS3.3 C.8.8.6.3, keyhole).
    """
    to_index = np.asarray(np.linalg.inv(move.before.affine))
    indexed = [apply_affine(to_index, points) for points in outlines]
    numbers = np.array([index[:, 2].mean() for index in indexed])
    step = _plane_step(numbers)
    everything = np.concatenate(indexed)
    source = _window(move.before, everything, step)
    target = _target(everything, step, mapping, move)
    if source is None or target is None:
        return
    field = _rasterise(indexed, numbers, step, source, move.before)
    (moved,) = resample([Request(field, source, "linear", 0.0, output=target)], mapping, move.resampler)
    for number, plane in enumerate(moved):
        for polygon in outline(plane):
            yield apply_affine(target.affine, np.column_stack([polygon, np.full(len(polygon), float(number))]))


def _plane_step(numbers: Array64) -> float:
    """Return the usual distance between contour planes, in slices; that of the slices where there is one plane."""
    planes = np.unique(np.round(numbers, 2))
    return float(np.median(np.diff(planes))) if len(planes) > 1 else 1.0


def _target(index: Array64, step: float, mapping: Mapping, move: Move) -> Geometry | None:
    """Return the part of the copy's grid where the region may be, its pixels divided; None if it is nowhere.

    It is the box about a lattice across the region's own box, moved.
    """
    reach = np.array([0, 0, step / 2])
    low, high = index.min(axis=0) - reach, index.max(axis=0) + reach
    ticks = np.meshgrid(*(np.linspace(low[axis], high[axis], _LATTICE) for axis in range(3)))
    lattice = apply_affine(move.before.affine, np.stack(ticks, axis=-1).reshape(-1, 3))
    moved = push(mapping, lattice)
    return _window(move.after, apply_affine(np.asarray(np.linalg.inv(move.after.affine)), moved), None)


def _window(grid: Geometry, index: Array64, step: float | None) -> Geometry | None:
    """Return a grid of finer pixels over the part of `grid` about the positions `index`; None if that is empty.

    Its planes are the grid's own slices, or from one before the first contour on, `step` slices apart.
    """
    size = np.array(grid.size)
    margin = np.ceil(_MARGIN_MM / np.array(grid.spacing_mm)).astype(int) + 1
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - margin, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + margin, size - 1)
    if (high < low).any():
        return None
    pixels = (high - low + 1)[:2]
    first, planes = float(low[2]), int(high[2] - low[2] + 1)
    if step is not None:
        ends = np.clip(index[:, 2], -1.0, float(size[2]))
        first, planes = float(ends.min()) - step, int(np.rint(np.ptp(ends) / step)) + 3
    parts = _divide(grid, int(pixels.prod()) * planes)
    matrix = np.eye(4)
    matrix[[0, 1, 2], [0, 1, 2]] = [*(1 / parts), step or 1.0]
    matrix[:3, 3] = [*(low[:2] - 0.5 + 0.5 / parts), first]
    x, y = (int(count) for count in pixels * parts)
    return Geometry.from_affine((x, y, planes), np.asarray(grid.affine @ matrix))


def _divide(grid: Geometry, cells: int) -> Array64:
    """Return into how many parts pixels are divided along x and y, fewer where there are very many."""
    parts = np.clip(np.ceil(np.array(grid.spacing_mm[:2]) / _FINE_MM - 1e-3), 1, _MOST_PARTS)
    while parts.max() > 1 and cells * parts.prod() > _MOST_CELLS:
        parts = np.maximum(parts - 1, 1)
    return np.asarray(parts, np.float64)


def _rasterise(
    indexed: Sequence[Array64], numbers: Array64, step: float, window: Geometry, grid: Geometry
) -> FloatArray:
    """Return the share (z, y, x) of each cell of `window` that the contours cover; `indexed` are indices in `grid`."""
    to_window = np.asarray(np.linalg.inv(window.affine) @ grid.affine)
    planes = apply_affine(to_window, np.column_stack([np.zeros((len(numbers), 2)), numbers]))[:, 2]
    places = np.rint(planes).astype(int)
    x, y, z = window.size
    field = np.zeros((z, y, x), np.float32)
    for place in np.unique(places[(places >= 0) & (places < z)]):
        # Of planes closer together than the others the nearest counts, or their contours would cancel out.
        off = np.abs(planes - place)
        nearest = off[places == place].min()
        chosen = (places == place) & (off <= nearest + _SAME_PLANE / step)
        polygons = [apply_affine(to_window, one)[:, :2] for one, taken in zip(indexed, chosen, strict=True) if taken]
        field[place] = cover(polygons, (y, x))
    return field
