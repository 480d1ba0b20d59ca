"""Mappings: from positions of the output to positions of the input, in LPS mm, part by part.

An affine part is a (4, 4) matrix; other parts are a B-spline on a grid of control points, and a homography in a plane.
Parts are listed in the order in which they are applied to an output position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from medaug_cli.core.lazy import np
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.spatial.projection import Projection

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.geometry import Geometry

    Part: TypeAlias = Array64 | SplineGrid | Projection


@dataclass(frozen=True, eq=False)
class Mapping:
    """A chain of parts; the empty chain is the identity."""

    parts: tuple[Part, ...] = ()

    def after(self, later: tuple[Part, ...]) -> Mapping:
        """Return the mapping of a chain in which the step with parts `later` follows this one's steps.

        Content moves through the earlier step first, so an output position is pulled through the later one first.
        """
        return Mapping((*later, *self.parts))

    def pull(self, points_mm: Array64) -> Array64:
        """Return the input positions (n, 3) of output positions (n, 3), both in LPS mm."""
        points = points_mm
        for part in self.parts:
            points = part.pull(points) if isinstance(part, SplineGrid | Projection) else apply_affine(part, points)
        return points

    def stages(self, output: Geometry, source: Geometry) -> tuple[Part, ...]:
        """Return the mapping from output to source indices, neighbouring affine parts multiplied into one.

        Between two parts of other kinds, and before and after each, stands exactly one matrix (4, 4).
        """
        stages: list[Part] = []
        matrix = output.affine
        for part in self.parts:
            if isinstance(part, SplineGrid | Projection):
                stages.extend((np.linalg.inv(part.affine) @ matrix, part))
                matrix = part.affine
            else:
                matrix = part @ matrix
        return (*stages, np.linalg.inv(source.affine) @ matrix)

    def jacobian(self, point_mm: Array64) -> Array64:
        """Return the Jacobian (3, 3) of the mapping at an LPS position (3,), by central differences over 1 mm."""
        steps = np.vstack([np.eye(3), -np.eye(3)]) * 0.5
        moved = self.pull(point_mm + steps)
        return np.asarray((moved[:3] - moved[3:]).T)


def apply_affine(matrix: Array64, points: Array64) -> Array64:
    """Return `matrix` (4, 4) applied to `points` (n, 3)."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def about(center_mm: Array64, linear: Array64, shift_mm: Array64 | None = None) -> Array64:
    """Return the matrix (4, 4) that applies `linear` (3, 3) about `center_mm`, then moves by `shift_mm`."""
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = center_mm - linear @ center_mm + (0.0 if shift_mm is None else shift_mm)
    return matrix
