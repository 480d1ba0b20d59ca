"""Marks moved: points, boxes and contours to where their content lies in the copy."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Boxes, Contours, Marks, Points
from medaug_cli.spatial.contours import move_contours
from medaug_cli.spatial.mapping import apply_affine
from medaug_cli.spatial.points import push

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64, BoolArray
    from medaug_cli.core.marks import Move, Space
    from medaug_cli.spatial.mapping import Mapping

_BORDER = 0.5  # voxels from the centre of an outermost voxel to the border of the field of view
_SLACK = 1e-6
_SLICES = 2  # the array axis that a third coordinate counts along


def move_marks(marks: Marks, mapping: Mapping, move: Move) -> Marks:
    """Return `marks` where `mapping` (output to input positions) shows them; raises SampleError where it folds.

    Points outside the copy's field of view are dropped; boxes become the boxes around their moved corners, are cut at
    the field of view and dropped where less than the rules ask for is left. Rules may also keep all that is outside.
    Raises SampleError `third_coordinate_missing` for two coordinates in a volume. For contours see
    `move_contours`.
    """
    if not isinstance(marks, Contours) and marks.planar and move.before.flat_axis != _SLICES:
        raise SampleError(
            "third_coordinate_missing", "points or boxes of two coordinates are for 2-D images; give volumes three"
        )
    if isinstance(marks, Points):
        return _move_points(marks, mapping, move)
    if isinstance(marks, Boxes):
        return _move_boxes(marks, mapping, move)
    return move_contours(marks, mapping, move)


def _move_points(points: Points, mapping: Mapping, move: Move) -> Points:
    moved = _push(points.positions, points.space, mapping, move)
    all_stay = points.whole or move.rules.outside == "keep"
    kept = np.arange(len(moved)) if all_stay else np.flatnonzero(_is_inside(moved, move))
    return replace(
        points,
        positions=_from_index(moved[kept], points.space, move),
        names=tuple(move.renamed(points.names[number]) for number in kept),
        rows=tuple(points.rows[number] for number in kept),
    )


def _move_boxes(boxes: Boxes, mapping: Mapping, move: Move) -> Boxes:
    corners = np.stack([np.where(ends, boxes.high, boxes.low) for ends in itertools.product((False, True), repeat=3)])
    moved = _push(corners.reshape(-1, 3), boxes.space, mapping, move)
    around = _from_index(moved, boxes.space, move).reshape(8, -1, 3)
    low, high = around.min(axis=0), around.max(axis=0)
    if move.rules.outside == "keep":
        names = tuple(map(move.renamed, boxes.names))
        return replace(boxes, low=low, high=high, names=names)
    least, most = _field_of_view(boxes.space, move)
    cut_low, cut_high = np.clip(low, least, most), np.clip(high, least, most)
    share = _share(cut_low, cut_high, low, high)
    kept = np.flatnonzero((share >= move.rules.min_box_share) & (share > 0))
    return replace(
        boxes,
        low=cut_low[kept],
        high=cut_high[kept],
        names=tuple(move.renamed(boxes.names[number]) for number in kept),
        rows=tuple(boxes.rows[number] for number in kept),
    )


def _share(cut_low: Array64, cut_high: Array64, low: Array64, high: Array64) -> Array64:
    """Return what share of each box is left; an axis along which it has no extent counts whole or not at all."""
    extent, left = high - low, cut_high - cut_low
    flat = extent <= _SLACK
    shares = np.where(flat, np.abs(cut_low - low) <= _SLACK, left / np.where(flat, 1.0, extent))
    return np.asarray(shares.prod(axis=1))


def _push(positions: Array64, space: Space, mapping: Mapping, move: Move) -> Array64:
    """Return the indices (n, 3) in the copy's grid of content at `positions` of the source."""
    there = apply_affine(move.before.affine, positions) if space == "index" else positions
    to_index = np.asarray(np.linalg.inv(move.after.affine), np.float64)
    return apply_affine(to_index, push(mapping, there))


def _from_index(index: Array64, space: Space, move: Move) -> Array64:
    return index if space == "index" else apply_affine(move.after.affine, index)


def _is_inside(index: Array64, move: Move) -> BoolArray:
    most = np.array(move.after.size) - 1 + _BORDER + _SLACK
    return np.asarray(((index >= -_BORDER - _SLACK) & (index <= most)).all(axis=1))


def _field_of_view(space: Space, move: Move) -> tuple[Array64, Array64]:
    """Return the corners of the copy's field of view, or of the box around it along the patient's axes."""
    ends = [(-_BORDER, extent - 1 + _BORDER) for extent in move.after.size]
    corners = _from_index(np.array(list(itertools.product(*ends)), dtype=np.float64), space, move)
    return corners.min(axis=0), corners.max(axis=0)
