"""Cubic B-spline free-form deformation (Rueckert 1999) on a control grid aligned with an image's grid.

The grid is that of ITK's BSplineTransformInitializer: the domain is the image's bounding box, wider by an eighth of a
voxel on each side, cut into `control points - 3` cells an axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np, sitk

if TYPE_CHECKING:
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import Array64

ORDER = 3
_EDGE = 0.625  # half a voxel, and the eighth of one that ITK adds
_SAMPLES_PER_CELL = 6


@dataclass(frozen=True, eq=False)
class SplineGrid:
    """Displacements `coefficients_mm` (i, j, k, 3), LPS, at control points over the grid of `affine` and `size`.

    `affine` (4, 4) takes indices (x, y, z) to LPS mm. Outside the domain nothing moves.
    """

    affine: Array64
    size: tuple[int, int, int]
    coefficients_mm: Array64

    @property
    def cell_voxels(self) -> Array64:
        """Distance between control points along x, y, z, in voxels."""
        mesh = np.array(self.coefficients_mm.shape[:3]) - ORDER
        return np.asarray((np.array(self.size) + 2 * _EDGE - 1) / mesh)

    def scaled(self, factor: float) -> SplineGrid:
        """Return the same deformation, `factor` times as strong."""
        return SplineGrid(self.affine, self.size, self.coefficients_mm * factor)

    def index_coefficients(self) -> Array64:
        """Return the coefficients (i, j, k, 3) as displacements in voxels along x, y, z."""
        return np.asarray(self.coefficients_mm @ np.linalg.inv(self.affine[:3, :3]).T)

    def to_sitk(self) -> sitk.BSplineTransform:
        """Return the deformation as SimpleITK's transform between indices of the grid (spacing 1, origin 0)."""
        transform = sitk.BSplineTransform(3, ORDER)
        mesh = [n - ORDER for n in self.coefficients_mm.shape[:3]]
        transform.SetTransformDomainOrigin([-_EDGE] * 3)
        transform.SetTransformDomainPhysicalDimensions([float(n) + 2 * _EDGE - 1 for n in self.size])
        transform.SetTransformDomainDirection(np.eye(3).ravel().tolist())
        transform.SetTransformDomainMeshSize(mesh)
        transform.SetParameters(self.index_coefficients().ravel(order="F").tolist())
        return transform

    def pull(self, points_mm: Array64) -> Array64:
        """Return where positions (n, 3) in LPS mm come from."""
        index = (points_mm - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T
        cells = (index + _EDGE) / self.cell_voxels
        mesh = np.array(self.coefficients_mm.shape[:3]) - ORDER
        inside = ((cells >= 0) & (cells <= mesh)).all(axis=1)
        rows = [_weights(cells[inside, axis], self.coefficients_mm.shape[axis])[0] for axis in range(3)]
        moved = points_mm.copy()
        moved[inside] += np.einsum("ni,nj,nk,ijkd->nd", *rows, self.coefficients_mm, optimize=True)
        return moved

    def jacobian_terms(self) -> tuple[Array64, Array64, Array64]:
        """Return trace, sum of principal minors and determinant of the displacement's gradient over the domain.

        Sampled at six points a cell and axis; the determinant at strength s is 1 + s·trace + s²·minors + s³·det.
        """
        coefficients = self.index_coefficients()
        mesh = np.array(coefficients.shape[:3]) - ORDER
        values, slopes = [], []
        for axis in range(3):
            cells = np.linspace(0, mesh[axis], int(mesh[axis]) * _SAMPLES_PER_CELL + 1)
            value, slope = _weights(cells, coefficients.shape[axis])
            values.append(value)
            slopes.append(slope / self.cell_voxels[axis])
        columns = []
        for axis in range(3):
            rows = [slopes[n] if n == axis else values[n] for n in range(3)]
            columns.append(np.einsum("ai,bj,ck,ijkd->abcd", *rows, coefficients, optimize=True))
        gradient = np.stack(columns, axis=-1)
        trace = np.trace(gradient, axis1=-2, axis2=-1)
        minors = (trace**2 - np.trace(gradient @ gradient, axis1=-2, axis2=-1)) / 2
        return trace, minors, np.linalg.det(gradient)


def to_array_axes(coefficients_mm: Array64, geometry: Geometry) -> Array64:
    """Return ITK's coefficients (i, j, k, 3) reordered from the axes of its domain to the array axes of `geometry`.

    BSplineTransformInitializer turns its domain towards the world's axes by a rule of its own, so ITK is asked.
    """
    image = sitk.Image(geometry.size, sitk.sitkUInt8)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    domain = sitk.BSplineTransformInitializer(image, [n - ORDER for n in coefficients_mm.shape[:3]])
    own = np.array(geometry.direction).reshape(3, 3)
    turn = own.T @ np.array(domain.GetTransformDomainDirection()).reshape(3, 3)
    order = np.abs(turn).argmax(axis=1)  # the domain's axis along each array axis
    ordered = coefficients_mm.transpose(*order, 3)
    reversed_ = tuple(axis for axis in range(3) if turn[axis, order[axis]] < 0)
    return np.asarray(np.flip(ordered, axis=reversed_))


def jacobian_range(grid: SplineGrid) -> tuple[float, float]:
    """Return the least and greatest Jacobian determinant of the deformation."""
    trace, minors, determinant = grid.jacobian_terms()
    total = 1 + trace + minors + determinant
    return float(total.min()), float(total.max())


def unfolding_factor(grid: SplineGrid, least_jacobian: float) -> float:
    """Return the factor, at most 1, by which the deformation keeps its Jacobian determinant at `least_jacobian`."""
    trace, minors, determinant = grid.jacobian_terms()

    def least(factor: float) -> float:
        return float((1 + factor * trace + factor**2 * minors + factor**3 * determinant).min())

    if least(1.0) >= least_jacobian:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if least(middle) >= least_jacobian else (low, middle)
    return low


def _weights(cells: Array64, count: int) -> tuple[Array64, Array64]:
    """Return the B-spline weights (n, count) of control points at positions in cells, and their derivatives."""
    first = np.clip(np.floor(cells).astype(int), 0, count - ORDER - 1)
    t = cells - first
    value = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    slope = np.stack([-((1 - t) ** 2), 3 * t**2 - 4 * t, -3 * t**2 + 2 * t + 1, t**2], axis=1) / 2
    values, slopes = np.zeros((len(t), count)), np.zeros((len(t), count))
    columns = first[:, None] + np.arange(ORDER + 1)
    np.put_along_axis(values, columns, value, axis=1)
    np.put_along_axis(slopes, columns, slope, axis=1)
    return values, slopes
