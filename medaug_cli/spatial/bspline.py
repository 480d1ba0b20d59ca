"""B-spline free-form deformation (Rueckert 1999; cubic, or linear) on a control grid aligned with an image's grid.

The grid is that of ITK's BSplineTransformInitializer: the domain is the image's bounding box, wider by an eighth of a
voxel on each side, cut into `control points - 3` cells an axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from medaug_cli.core.lazy import np, sitk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medaug_cli.core.arrays import AnyArray, Array64, BoolArray
    from medaug_cli.core.geometry import Geometry

ORDER = 3
Terms: TypeAlias = "tuple[Array64, Array64, Array64]"
EDGE = 0.625  # half a voxel, and the eighth of one that ITK adds
_MOST_SAMPLES_PER_CELL = 6
_LOWEST_CELLS = 6
_FEW_CELLS = 8  # along an axis
_BLOCK = 512  # positions whose 64 control points each are held at once
_FINE_SAMPLES = 13
_SLACK = 1e-6  # of a determinant, for its rounding


@dataclass(frozen=True, eq=False)
class SplineGrid:
    """Displacements `coefficients_mm` (i, j, k, 3), LPS, at control points over the grid of `affine` and `size`.

    `affine` (4, 4) takes indices (x, y, z) to LPS mm. Outside the domain nothing moves. `order` 3 is smooth; of order 1
    the displacement is that of the control points, at the corners of the cells, and linear between them.
    """

    affine: Array64
    size: tuple[int, int, int]
    coefficients_mm: Array64
    order: int = ORDER

    @property
    def mesh(self) -> tuple[int, int, int]:
        """Number of cells along x, y, z."""
        i, j, k = self.coefficients_mm.shape[:3]
        return i - self.order, j - self.order, k - self.order

    @property
    def cell_voxels(self) -> Array64:
        """Distance between control points along x, y, z, in voxels."""
        return np.asarray((np.array(self.size) + 2 * EDGE - 1) / np.array(self.mesh))

    def scaled(self, factor: float) -> SplineGrid:
        """Return the same deformation, `factor` times as strong."""
        return replace(self, coefficients_mm=self.coefficients_mm * factor)

    def index_coefficients(self) -> Array64:
        """Return the coefficients (i, j, k, 3) as displacements in voxels along x, y, z."""
        return np.asarray(self.coefficients_mm @ np.linalg.inv(self.affine[:3, :3]).T)

    def on_indices(self) -> SplineGrid:
        """Return the same deformation of indices."""
        return replace(self, affine=np.eye(4), coefficients_mm=self.index_coefficients())

    def four_wide(self) -> Array64:
        """Return the index coefficients for loops that weight four control points an axis, whatever the order."""
        return np.pad(self.index_coefficients(), [(0, ORDER - self.order)] * 3 + [(0, 0)])

    def to_sitk(self) -> sitk.BSplineTransform:
        """Return the deformation as SimpleITK's transform between indices of the grid (spacing 1, origin 0)."""
        transform = sitk.BSplineTransform(3, self.order)
        transform.SetTransformDomainOrigin([-EDGE] * 3)
        transform.SetTransformDomainPhysicalDimensions([float(n) + 2 * EDGE - 1 for n in self.size])
        transform.SetTransformDomainDirection(np.eye(3).ravel().tolist())
        transform.SetTransformDomainMeshSize(self.mesh)
        transform.SetParameters(self.index_coefficients().ravel(order="F").tolist())
        return transform

    def holds(self, points_mm: Array64) -> BoolArray:
        """Say of each position (n, 3) in LPS mm whether it lies in the domain."""
        index = (points_mm - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T
        cells = (index + EDGE) / self.cell_voxels
        mesh = np.array(self.mesh)
        return np.asarray(((cells >= 0) & (cells <= mesh)).all(axis=1))

    def pull(self, points_mm: Array64) -> Array64:
        """Return where positions (n, 3) in LPS mm come from."""
        moved = points_mm.copy()
        inside = np.flatnonzero(self.holds(points_mm))
        for start in range(0, len(inside), _BLOCK):
            block = inside[start : start + _BLOCK]
            local, rows, _ = self._near(points_mm[block])
            moved[block] += _weigh(local, rows)
        return moved

    def pull_and_jacobian(self, points_mm: Array64) -> tuple[Array64, Array64]:
        """Return where positions (n, 3) in LPS mm come from, and the Jacobian (n, 3, 3) there.

        Beyond the domain the displacement of its border goes on, so that the way there is smooth.
        """
        local, (a, b, c), (da, db, dc) = self._near(points_mm)
        slopes = np.stack([_weigh(local, rows) for rows in ((da, b, c), (a, db, c), (a, b, dc))], axis=-1)
        to_index = np.linalg.inv(self.affine[:3, :3])
        return points_mm + _weigh(local, (a, b, c)), np.eye(3) + slopes / self.cell_voxels @ to_index

    def _near(self, points_mm: Array64) -> tuple[Array64, Terms, Terms]:
        """Return the control points (n, …, 3) about positions, their weights and derivatives along x, y and z."""
        index = (points_mm - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T
        cells = (index + EDGE) / self.cell_voxels
        bounded = np.clip(cells, 0, self.mesh)
        tables = [cell_weights(bounded[:, n], self.mesh[n], self.order) for n in range(3)]
        i, j, k = (first[:, None] + np.arange(self.order + 1) for first, _, _ in tables)
        _, wide, deep = self.coefficients_mm.shape[:3]
        at = (i[:, :, None, None] * wide + j[:, None, :, None]) * deep + k[:, None, None, :]
        local = self.coefficients_mm.reshape(-1, 3).take(at, axis=0)
        values = [value for _, value, _ in tables]
        slopes = [np.where(bounded[:, n, None] == cells[:, n, None], tables[n][2], 0.0) for n in range(3)]
        return local, (values[0], values[1], values[2]), (slopes[0], slopes[1], slopes[2])

    def jacobian_terms(self, cells: Sequence[Array64]) -> Terms:
        """Return trace, sum of principal minors and determinant of the displacement's gradient.

        On the lattice of positions `cells` along x, y, z, counted in cells from the edge of the domain. The Jacobian
        determinant of the deformation at strength s is 1 + s·trace + s²·minors + s³·det.
        """
        tables = [_weights(cells[axis], self.mesh[axis], self.order) for axis in range(3)]
        (x, dx), (y, dy), (z, dz) = (
            (value, slope / n) for (value, slope), n in zip(tables, self.cell_voxels, strict=True)
        )
        points = self.index_coefficients()
        plain = _sum_axis(x, points, 0)  # axis by axis: the three derivatives share what they can
        parts = (
            _sum_axis(z, _sum_axis(y, _sum_axis(dx, points, 0), 1), 2),
            _sum_axis(z, _sum_axis(dy, plain, 1), 2),
            _sum_axis(dz, _sum_axis(y, plain, 1), 2),
        )
        columns = tuple(np.moveaxis(part, -1, 0) for part in parts)
        (xx, yx, zx), (xy, yy, zy), (xz, yz, zz) = columns
        minors = xx * yy - xy * yx + xx * zz - xz * zx + yy * zz - yz * zy
        determinant = xx * (yy * zz - yz * zy) - xy * (yx * zz - yz * zx) + xz * (yx * zy - yy * zx)
        return xx + yy + zz, minors, determinant


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


def jacobian_range(grid: SplineGrid, places: int | None = None) -> tuple[float, float]:
    """Return the least and greatest Jacobian determinant of the deformation, `places` as in `unfolding_factor`."""
    found = [_determinant(terms, 1.0) for terms in _sampled_terms(grid, 1.0, places)]
    return min(float(one.min()) for one in found), max(float(one.max()) for one in found)


def unfolding_factor(grid: SplineGrid, least_jacobian: float, places: int | None = None) -> float:
    """Return the factor, at most 1, by which the deformation keeps its Jacobian determinant at `least_jacobian`.

    It is sampled at `places` a cell and axis; if left out, at as many as control points that are not smooth need. A
    deformation that is too weak to fold anywhere needs no sampling.
    """
    if _least_possible(grid) >= least_jacobian:
        return 1.0
    factor, previous = 1.0, 2.0
    while factor < previous:  # a weaker deformation may have its least determinant elsewhere
        previous = factor
        for terms in _sampled_terms(grid, previous, places):
            factor = _weaken(terms, factor, least_jacobian)
    return factor


def _least_possible(grid: SplineGrid) -> float:
    """Return what the Jacobian determinant can nowhere fall below.

    A spline's slope along an axis is a mean of the differences between control points there, and a matrix that differs
    from the identity by a norm s < 1 has a determinant of at least (1 - s)^3.
    """
    steps = [np.diff(grid.index_coefficients(), axis=axis) / grid.cell_voxels[axis] for axis in range(3)]
    norm = np.sqrt(sum(float((np.abs(step).max(axis=(0, 1, 2), initial=0) ** 2).sum()) for step in steps))
    return float((1 - norm) ** 3) if norm < 1 else -np.inf


def _weaken(terms: Terms, factor: float, least_jacobian: float) -> float:
    """Return `factor`, made smaller where the determinant is below `least_jacobian`."""
    if _determinant(terms, factor).min() >= least_jacobian:
        return factor
    terms = _reaching(terms, factor, least_jacobian)
    low, high = 0.0, factor
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _determinant(terms, middle).min() >= least_jacobian else (low, middle)
    return low


def _reaching(terms: Terms, factor: float, least_jacobian: float) -> Terms:
    """Return the terms of the samples whose determinant may be below `least_jacobian` at some lower factor."""
    bound = 1 + sum(np.minimum(factor**power * term, 0) for power, term in enumerate(terms, start=1))
    trace, minors, determinant = (term[bound < least_jacobian + _SLACK] for term in terms)
    return trace, minors, determinant


def _determinant(terms: Terms, factor: float) -> Array64:
    trace, minors, determinant = terms
    return 1 + factor * (trace + factor * (minors + factor * determinant))


def _sampled_terms(grid: SplineGrid, factor: float, places: int | None = None) -> Iterator[Terms]:
    """Yield the Jacobian terms over the domain, then those about the least determinants, finer.

    A compiled loop finds them where cells are many. `places` are the samples a cell and axis where the control points
    are smooth themselves.
    """
    mesh = grid.mesh
    samples = [int(n) for n in np.clip(np.ceil(grid.cell_voxels), 3, _MOST_SAMPLES_PER_CELL)]
    if max(mesh) > _FEW_CELLS:
        yield from _compiled_terms(grid, places or max(samples), factor)
        return
    terms = grid.jacobian_terms([np.linspace(0, n, n * count + 1) for n, count in zip(mesh, samples, strict=True)])
    yield terms
    determinant = _determinant(terms, factor)
    least = determinant
    for axis, count in enumerate(samples):
        least = np.minimum.reduceat(least, np.arange(mesh[axis]) * count, axis=axis)
    for at in least.argsort(axis=None, kind="stable")[:_LOWEST_CELLS]:
        cell = np.unravel_index(at, mesh)
        inside = tuple(slice(n * count, (n + 1) * count + 1) for n, count in zip(cell, samples, strict=True))
        yield _finer_terms(grid, cell, samples, determinant[inside])


def _compiled_terms(grid: SplineGrid, places: int, factor: float) -> Iterator[Terms]:
    """Yield the same by a compiled loop."""
    from medaug_cli.spatial.gradients import lattice_terms  # noqa: PLC0415  numba takes half a second to import

    _, values, slopes = cell_weights(np.arange(places) / places, 1)
    trace, minors, determinant = lattice_terms(
        np.ascontiguousarray(grid.index_coefficients().T), grid.cell_voxels, values, slopes
    )
    yield trace, minors, determinant
    least = _determinant((trace, minors, determinant), factor)
    shape = [n * places for n in reversed(grid.mesh)]
    for at in np.argpartition(least, _LOWEST_CELLS)[:_LOWEST_CELLS]:
        cell = [int(n) // places for n in reversed(np.unravel_index(at, shape))]
        around = grid.jacobian_terms([np.linspace(first, first + 1, places + 1) for first in cell])
        yield _finer_terms(grid, cell, (places,) * 3, _determinant(around, factor))


def _finer_terms(grid: SplineGrid, cell: Sequence[Any], samples: Sequence[int], determinant: Array64) -> Terms:
    """Return the Jacobian terms about the least `determinant` of the samples in one cell, as far as those beside it."""
    least = np.unravel_index(determinant.argmin(), determinant.shape)
    fine = []
    for first, at, count, end in zip(cell, least, samples, grid.mesh, strict=True):
        middle = first + at / count
        fine.append(np.linspace(middle - 1 / count, middle + 1 / count, _FINE_SAMPLES).clip(0, end))
    return grid.jacobian_terms(fine)


def _sum_axis(weights: Array64, points: Array64, axis: int) -> Array64:
    """Return `points` (i, j, k, 3) summed up along `axis` by `weights` (n, control points)."""
    shape = points.shape
    summed = weights @ points.reshape(*shape[: axis + 1], -1)
    return np.asarray(summed.reshape(*shape[:axis], len(weights), *shape[axis + 1 :]))


def _weigh(local: Array64, rows: Terms) -> Array64:
    """Return the sums (n, 3) of control points (n, a, b, c, 3), weighted along each axis."""
    n, a, b, c, _ = local.shape
    across = (rows[0][:, :, None] * rows[1][:, None, :]).reshape(n, a * b)
    summed = np.einsum("np,npm->nm", across, local.reshape(n, a * b, c * 3))  # no BLAS: the same on every processor
    return np.asarray(np.einsum("nc,ncd->nd", rows[2], summed.reshape(n, c, 3)))


def cell_weights(cells: Array64, mesh: int, order: int = ORDER) -> tuple[AnyArray, Array64, Array64]:
    """Return for positions in cells the first of order + 1 control points (n,), their weights and the derivatives."""
    first = np.clip(np.floor(cells).astype(int), 0, mesh - 1)
    t = cells - first
    if order == 1:
        ones = np.ones_like(t)
        return first, np.stack([1 - t, t], axis=1), np.stack([-ones, ones], axis=1)
    value = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    slope = np.stack([-((1 - t) ** 2), 3 * t**2 - 4 * t, -3 * t**2 + 2 * t + 1, t**2], axis=1) / 2
    return first, value, slope


def _weights(cells: Array64, mesh: int, order: int) -> tuple[Array64, Array64]:
    """Return the B-spline weights (n, mesh + order) of control points at positions in cells, and their derivatives."""
    first, value, slope = cell_weights(cells, mesh, order)
    values, slopes = np.zeros((len(cells), mesh + order)), np.zeros((len(cells), mesh + order))
    columns = first[:, None] + np.arange(order + 1)
    np.put_along_axis(values, columns, value, axis=1)
    np.put_along_axis(slopes, columns, slope, axis=1)
    return values, slopes
