"""Elastic field: a random displacement everywhere, smoothed by a Gaussian."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.smoothing import smooth
from medaug_cli.core.values import AxisSpan, Bounds, Span
from medaug_cli.spatial.bspline import ORDER, SplineGrid
from medaug_cli.step.deformation import DeformationStep, within_plane

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64, FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene

_FINEST = 0.5  # distance of control points in sigmas; up to 1 where they would be too many
_MOST_CELLS = 96  # along an axis


class ElasticField(DeformationStep):
    """Deform the content by random displacements that a Gaussian of `sigma_mm` has smoothed (Simard 2003).

    The greatest displacement along each axis is `displacement_mm`. The field is held as cubic B-spline coefficients on
    a lattice half a sigma wide: uniform random numbers, smoothed by a Gaussian of variance sigma² - h²/3, to which the
    B-spline of spacing h adds its own h²/3. A draw that would fold is weakened, as in `elastic`.
    """

    peer: ClassVar[str] = "monai.Rand3DElastic, batchgeneratorsv2.SpatialTransform, albumentations.ElasticTransform"
    places: ClassVar[int | None] = 2

    sigma_mm: Annotated[Span, Bounds(ge=1, le=200, unit="mm", strength=False)] = Field(
        default=Span.of([8, 16]), description="Width (1 sigma) of the Gaussian; more is smoother."
    )
    displacement_mm: Annotated[AxisSpan, Bounds(ge=0, le=200, unit="mm")] = Field(
        default=AxisSpan.of([0, 5]), description="Greatest displacement along LR, AP, SI."
    )
    isotropic: bool = Field(default=False, description="Draw one displacement for all axes where none is named.")

    def grid(self, scene: Scene) -> SplineGrid:
        """Return the control grid over the frame of the sample, for a drawn step."""
        grid = scene.geometry
        mesh = self._mesh(grid)
        generator = scene.generator("displacements")
        field = np.stack([self._component(generator.uniform(-1.0, 1.0, mesh), grid) for _ in range(3)], axis=-1)
        coefficients = field * (np.array(self.displacement_mm.vector(grid)) * self.folding_factor)
        return SplineGrid(grid.affine, grid.size, within_plane(coefficients, grid))

    def _component(self, noise: Array64, grid: Geometry) -> Array64:
        """Return random numbers (i, j, k) of the control points smoothed; the field's greatest at a knot is 1."""
        array = np.ascontiguousarray(noise.T, dtype=np.float32)
        sigmas = [self._sigma_cells(axis, noise.shape[axis] - ORDER, grid) for axis in range(3)]
        smooth(array, (sigmas[0], sigmas[1], sigmas[2]))
        greatest = np.abs(_at_knots(array)).max()
        return np.asarray(array.T / greatest if greatest > 0 else array.T, np.float64)

    def _sigma_cells(self, axis: int, cells: int, grid: Geometry) -> float:
        """Return the width of the Gaussian along an axis, in cells, less what the B-spline adds."""
        if axis == grid.flat_axis:
            return 0.0
        width = grid.size[axis] * grid.spacing_mm[axis] / cells
        return math.sqrt(max((self.sigma_mm.value / width) ** 2 - 1 / 3, 0.0))

    def _mesh(self, grid: Geometry) -> tuple[int, int, int]:
        """Return the number of control points along the array axes; raises SampleError where they are too many."""
        counts = []
        for axis in range(3):
            extent = grid.size[axis] * grid.spacing_mm[axis]
            cells = max(1, math.ceil(extent / (_FINEST * self.sigma_mm.value)))
            if cells > _MOST_CELLS and axis != grid.flat_axis:
                cells = max(_MOST_CELLS, math.ceil(extent / self.sigma_mm.value))
                if cells > _MOST_CELLS:
                    found = f"elastic_field: a sigma of {self.sigma_mm.value:g} mm is too fine for {extent:.0f} mm"
                    raise SampleError("too_fine", f"{found}; give at least {extent / _MOST_CELLS:.1f} mm")
            counts.append((1 if axis == grid.flat_axis else cells) + ORDER)
        return counts[0], counts[1], counts[2]


def _at_knots(array: FloatArray) -> FloatArray:
    """Return the cubic B-spline of control points (k, j, i) at the corners of its cells."""
    for axis in range(3):
        along = array.swapaxes(0, axis)
        array = np.asarray((along[:-2] + 4 * along[1:-1] + along[2:]) / 6, np.float32).swapaxes(0, axis)
    return array
