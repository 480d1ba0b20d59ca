"""Projections: a homography in the plane of two array axes, the same in every slice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64

HORIZON = 1e-6  # least weight of a position that is seen
BEYOND = 1e9  # where the others are put: outside of everything


@dataclass(frozen=True, eq=False)
class Projection:
    """The `homography` (3, 3) of indices along `axes`; `affine` (4, 4) takes indices (x, y, z) to LPS mm."""

    affine: Array64
    axes: tuple[int, int]
    homography: Array64

    def pull(self, points_mm: Array64) -> Array64:
        """Return where positions (n, 3) in LPS mm come from; infinitely far for what is behind the horizon."""
        index = (points_mm - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T
        first, second = self.axes
        flat = np.column_stack([index[:, first], index[:, second], np.ones(len(index))]) @ self.homography.T
        seen = flat[:, 2] > HORIZON
        for axis, column in zip(self.axes, flat.T[:2], strict=True):
            index[:, axis] = np.where(seen, column / np.where(seen, flat[:, 2], 1.0), BEYOND)
        return np.asarray(index @ self.affine[:3, :3].T + self.affine[:3, 3])

    def inverse(self) -> Projection:
        """Return the way back, its weight 1 where this one's is."""
        back = np.asarray(np.linalg.inv(self.homography), np.float64)
        return replace(self, homography=back / back[2, 2])

    def on_indices(self) -> Projection:
        """Return the same projection of indices."""
        return replace(self, affine=np.eye(4))


def homography(wanted: Array64, given: Array64) -> Array64:
    """Return the matrix (3, 3) that takes four positions `given` (4, 2) to those `wanted` (4, 2)."""
    rows, right = [], []
    for (x, y), (u, v) in zip(given, wanted, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    found = np.linalg.solve(np.array(rows, dtype=np.float64), np.array(right, dtype=np.float64))
    return np.append(found, 1.0).reshape(3, 3)
