"""Points: where positions of the source lie in a copy, by the true inverse of its mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.spatial.mapping import apply_affine
from medaug_cli.spatial.projection import Projection

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64
    from medaug_cli.spatial.mapping import Mapping

GREATEST_RESIDUAL_MM = 0.01
_AIM_MM = 1e-7
_MOST_STEPS = 60
_BLOCK = 4096  # points whose 64 control points each are held at once


def push(mapping: Mapping, points_mm: Array64) -> Array64:
    """Return where content at positions (n, 3), LPS mm, of the source lies in the copy.

    Affine parts are inverted, free-form parts solved by Newton's method. What a free-form deformation carries over the
    border of its domain, where it breaks off, is shown nowhere in the copy; it gets the place outside to which the
    border's own displacement leads. Raises SampleError where a point is not found within 0.01 mm.
    """
    points = np.array(points_mm, dtype=np.float64).reshape(-1, 3)
    for part in reversed(mapping.parts):
        if isinstance(part, SplineGrid):
            blocks = [_solve(part, points[start : start + _BLOCK]) for start in range(0, len(points), _BLOCK)]
            points = np.concatenate(blocks) if blocks else points
        elif isinstance(part, Projection):
            points = part.inverse().pull(points)
        else:
            points = apply_affine(np.asarray(np.linalg.inv(part), np.float64), points)
    return points


def _solve(grid: SplineGrid, wanted: Array64) -> Array64:
    """Return the positions that `grid` pulls from `wanted`; a step that leads away from there is halved."""
    points = 2 * wanted - grid.pull(wanted)
    moved, jacobian = grid.pull_and_jacobian(points)
    off = moved - wanted
    residual = np.linalg.norm(off, axis=1)
    shares = np.ones(len(wanted))
    for _ in range(_MOST_STEPS):
        left = np.flatnonzero(residual > _AIM_MM)
        if not left.size:
            break
        step = np.linalg.solve(jacobian[left], off[left][..., None])[..., 0]
        tried = points[left] - shares[left, None] * step
        moved, slopes = grid.pull_and_jacobian(tried)
        found = np.linalg.norm(moved - wanted[left], axis=1)
        better = found < residual[left]
        shares[left] = np.where(better, np.minimum(1.0, 2 * shares[left]), shares[left] / 2)
        kept = left[better]
        points[kept], off[kept], jacobian[kept] = tried[better], (moved - wanted[left])[better], slopes[better]
        residual[kept] = found[better]
    if (residual > GREATEST_RESIDUAL_MM).any():
        count, worst = int((residual > GREATEST_RESIDUAL_MM).sum()), float(residual.max())
        raise SampleError(
            "point_not_invertible",
            f"{count} of {len(wanted)} points have no place in the copy within {GREATEST_RESIDUAL_MM} mm "
            f"(nearest: {worst:.3g} mm): the deformation folds; give elastic a min_jacobian",
        )
    # Beyond the domain nothing moves, though the search went on as if its border did.
    stays = ~grid.holds(points) & ~grid.holds(wanted)
    points[stays] = wanted[stays]
    return points
