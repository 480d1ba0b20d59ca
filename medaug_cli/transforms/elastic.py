"""Elastic: cubic B-spline free-form deformation that does not fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from medaug_cli.core.lazy import np
from medaug_cli.core.values import AxisSpan, Bounds
from medaug_cli.spatial.bspline import ORDER, SplineGrid, to_array_axes
from medaug_cli.step.deformation import DeformationStep, within_plane

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene

Count = Annotated[int, Field(ge=4, le=64)]
Coefficients = tuple[tuple[tuple[tuple[float, float, float], ...], ...], ...]


class Elastic(DeformationStep):
    """Deform the content smoothly: a cubic B-spline through control points that move at random.

    Each control point moves by up to `displacement_mm` along each axis (Rueckert 1999; torchio.ElasticDeformation). A
    draw whose Jacobian determinant falls below `min_jacobian` is weakened until it does not; `folding_factor` says by
    how much. The drawn control points follow from the seed and are not stored.
    """

    peer: ClassVar[str] = "torchio.RandomElasticDeformation"

    control_points: Count | tuple[Count, Count, Count] = Field(
        default=7, description="Control points an axis, or along the array axes [i, j, k]; more is finer."
    )
    spacing_mm: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Distance of the control points in mm, instead of control_points."
    )
    displacement_mm: Annotated[AxisSpan, Bounds(ge=0, le=200, unit="mm")] = Field(
        default=AxisSpan.of([0, 6]), description="Greatest move of a control point along LR, AP, SI."
    )
    isotropic: bool = Field(default=False, description="Draw one displacement for all axes where none is named.")
    locked_borders: Annotated[int, Field(ge=0, le=3)] = Field(
        default=2, description="Layers of control points at the border that do not move."
    )
    coefficients_mm: Coefficients | None = Field(
        default=None, description="B-spline coefficients (i, j, k, 3) in LPS mm, instead of random ones."
    )

    @model_validator(mode="after")
    def _check_coefficients(self) -> Self:
        if self.coefficients_mm is not None:
            lengths = {len(row) for plane in self.coefficients_mm for row in plane}
            planes = {len(plane) for plane in self.coefficients_mm}
            if len(lengths) != 1 or len(planes) != 1 or min(len(self.coefficients_mm), *planes, *lengths) <= ORDER:
                raise ValueError("coefficients_mm must have the shape (i, j, k, 3) with at least 4 along i, j, k")
        return self

    def grid(self, scene: Scene) -> SplineGrid:
        """Return the control grid over the frame of the sample, for a drawn step."""
        grid = scene.geometry
        if self.coefficients_mm is not None:
            coefficients = to_array_axes(np.array(self.coefficients_mm, dtype=float), grid)
        else:
            coefficients = self._random_coefficients(scene)
        return SplineGrid(grid.affine, grid.size, coefficients * self.folding_factor)

    def _random_coefficients(self, scene: Scene) -> Array64:
        """Return coefficients (i, j, k, 3), LPS mm; on a 2-D image all layers are alike and none leaves the plane."""
        grid = scene.geometry
        counts = self._counts(grid)
        generator = scene.generator("control points")
        coefficients = generator.uniform(-1.0, 1.0, (*counts, 3)) * np.array(self.displacement_mm.vector(grid))
        for axis in range(3):
            if axis == grid.flat_axis:
                continue
            locked = min(self.locked_borders, (counts[axis] - 1) // 2)  # at least one layer moves
            border = np.r_[0:locked, counts[axis] - locked : counts[axis]]
            coefficients[tuple(border if n == axis else slice(None) for n in range(3))] = 0.0
        return within_plane(coefficients, grid)

    def _counts(self, grid: Geometry) -> tuple[int, int, int]:
        if self.spacing_mm is not None:
            extent = np.array(grid.size) * np.array(grid.spacing_mm)
            wanted = np.clip(np.ceil(extent / self.spacing_mm).astype(int) + ORDER, ORDER + 1, 64)
            first, second, third = (int(n) for n in wanted)
        elif isinstance(self.control_points, int):
            first = second = third = self.control_points
        else:
            first, second, third = self.control_points
        counts = [first, second, third]
        if grid.flat_axis is not None:
            counts[grid.flat_axis] = ORDER + 1
        return counts[0], counts[1], counts[2]
