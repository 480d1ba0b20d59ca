"""Contours moved: point by point where slices stay slices, else rasterised, resampled and outlined again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Contour, Contours
from medaug_cli.spatial.mapping import apply_affine
from medaug_cli.spatial.points import push
from medaug_cli.spatial.remake import remake_region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.marks import Move
    from medaug_cli.spatial.mapping import Mapping

FLAT_MM = 0.01
"""So far contour points may leave the plane that the rest of their slice is moved to."""
GREATEST_TILT_MM = 0.5
"""So far the points of one contour may lie apart along the slice axis for it to be one that is drawn on slices."""
_LATTICE = np.linspace(0.0, 1.0, 5)
_BORDER = 0.5  # voxels


def move_contours(contours: Contours, mapping: Mapping, move: Move) -> Contours:
    """Return `contours` where `mapping` (output to input positions) shows them.

    Points move by the mapping itself where it takes slices to slices, a step of one slice to a step of one slice;
    this is measured at the points and on a lattice across each contour, to 0.01 mm. Otherwise the closed contours are
    made again on the slices of the copy. Contours wholly outside the copy's field of view are dropped; those that
    reach over its border stay whole. Raises SampleError where the mapping folds, and for contours that would have to
    be made again but are not drawn on slices.
    """
    contours = _exchange(contours, move)
    closed = [contour for contour in contours.contours if contour.closed]
    remade = not _keeps_slices(closed, mapping, move)
    kept = [contour for contour in contours.contours if not (remade and contour.closed)]
    moved = [one for one in _push_all(kept, mapping) if _is_in_view(one, move)]
    if remade:
        moved += _remake(closed, mapping, move)
    return replace(contours, contours=tuple(moved), remade=contours.remade or remade)


def _exchange(contours: Contours, move: Move) -> Contours:
    """Exchange regions whose names change places; a region without a counterpart takes the other name.

    The contours go to the other region and not its name to them, so that all else the file says of it stays true.
    """
    counts = Counter(contours.names.values())
    region_of = {name: region for region, name in contours.names.items() if counts[name] == 1}
    target, names = {}, dict(contours.names)
    for region, name in contours.names.items():
        new = move.renamed(name)
        if new != name and name in region_of and new in region_of:
            target[region] = region_of[new]
        else:
            names[region] = new
    placed = tuple(replace(one, region=target.get(one.region, one.region)) for one in contours.contours)
    return replace(contours, contours=placed, names=names, exchanged=frozenset(target))


def _keeps_slices(closed: Sequence[Contour], mapping: Mapping, move: Move) -> bool:
    """Say whether the copy's slice number of every position is the source's, or its negative, but for a shift."""
    if not closed:
        return True
    lattices = np.concatenate([_lattice(contour.points_mm, move.before) for contour in closed])
    if not _shifts_slices(lattices, mapping, move):
        return False  # most often so, and told by few points
    points = np.concatenate([contour.points_mm for contour in closed])
    return _shifts_slices(np.concatenate([lattices, points]), mapping, move)


def _shifts_slices(positions: Array64, mapping: Mapping, move: Move) -> bool:
    before = slice_numbers(positions, move.before)
    after = slice_numbers(push(mapping, positions), move.after)
    off = min(float(np.ptp(after - sign * before)) for sign in (1, -1))
    return off * move.after.spacing_mm[2] <= FLAT_MM


def slice_numbers(points_mm: Array64, grid: Geometry) -> Array64:
    """Return the index (n,) along the third axis of `grid` of each position (n, 3)."""
    return np.asarray(apply_affine(np.asarray(np.linalg.inv(grid.affine)), points_mm)[:, 2])


def _lattice(points_mm: Array64, grid: Geometry) -> Array64:
    """Return a lattice of 5 x 5 positions across the rectangle about a contour."""
    to_index = np.asarray(np.linalg.inv(grid.affine))
    index = apply_affine(to_index, points_mm)
    low, high = index.min(axis=0), index.max(axis=0)
    x, y = np.meshgrid(*(low[axis] + _LATTICE * (high - low)[axis] for axis in (0, 1)))
    lattice = np.stack([x.ravel(), y.ravel(), np.full(x.size, index[:, 2].mean())], axis=1)
    return apply_affine(grid.affine, lattice)


def _push_all(contours: Sequence[Contour], mapping: Mapping) -> list[Contour]:
    """Return the contours with their points moved, all points at once."""
    if not contours:
        return []
    moved = push(mapping, np.concatenate([contour.points_mm for contour in contours]))
    ends = np.cumsum([len(contour.points_mm) for contour in contours])[:-1]
    return [replace(contour, points_mm=points) for contour, points in zip(contours, np.split(moved, ends), strict=True)]


def _is_in_view(contour: Contour, move: Move) -> bool:
    """Say whether the box about a contour meets the field of view; of uneven slices only their rows and columns."""
    index = apply_affine(np.asarray(np.linalg.inv(move.after.affine)), contour.points_mm)
    meets = (index.max(axis=0) >= -_BORDER) & (index.min(axis=0) <= np.array(move.after.size) - 1 + _BORDER)
    return bool(meets.all() if move.regular else meets[:2].all())


def _remake(closed: Sequence[Contour], mapping: Mapping, move: Move) -> list[Contour]:
    made: list[Contour] = []
    for region in dict.fromkeys(contour.region for contour in closed):
        outlines = [contour.points_mm for contour in closed if contour.region == region]
        _check_on_slices(outlines, move.before)
        made += [Contour(points, region) for points in remake_region(outlines, mapping, move)]
    return made


def _check_on_slices(outlines: Sequence[Array64], grid: Geometry) -> None:
    for points in outlines:
        apart = float(np.ptp(slice_numbers(points, grid))) * grid.spacing_mm[2]
        if apart > GREATEST_TILT_MM:
            raise SampleError(
                "contour_off_slice",
                f"a contour reaches over {apart:.3g} mm along the slice axis of its image, {GREATEST_TILT_MM} mm are "
                "allowed where contours have to be rasterised; use steps that move within slices, or draw on them",
            )
