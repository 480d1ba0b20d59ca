"""What `elastic` and `elastic_field` share: a free-form deformation that is weakened until it does not fold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from medaug_cli.core.lazy import np
from medaug_cli.spatial.bspline import ORDER, SplineGrid, jacobian_range, unfolding_factor
from medaug_cli.step import ResamplingStep, SpatialStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.spatial.mapping import Part
    from medaug_cli.step import Scene


class DeformationStep(ResamplingStep):
    """A spatial step that is one B-spline over the frame of the sample."""

    places: ClassVar[int | None] = None
    """Samples a cell and axis that find its least Jacobian determinant; None where control points are not smooth."""

    min_jacobian: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=0.05, description="Least Jacobian determinant; null lets the deformation fold."
    )
    folding_factor: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0, description="Weakens the deformation; drawn so that it does not fold."
    )

    def grid(self, scene: Scene) -> SplineGrid:
        """Return the control grid over the frame of the sample, for a drawn step."""
        raise NotImplementedError

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its displacement drawn, weakened so far that it does not fold."""
        drawn = super().fix(generator, scene)
        if self.min_jacobian is None:
            return drawn
        factor = unfolding_factor(drawn.grid(scene), self.min_jacobian, self.places)
        # Cut off, so that the last bits of a processor's linear algebra do not reach the voxels.
        factor = math.floor(self.folding_factor * factor * 1e6) / 1e6
        return drawn.model_copy(update={"folding_factor": factor})

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return the free-form deformation from output to input positions."""
        return (self.grid(scene),)

    def report(self, scene: Scene, parts: tuple[Part, ...]) -> dict[str, Any]:
        """Return the range of the Jacobian determinant."""
        del scene
        grids = [part for part in parts if isinstance(part, SplineGrid)]
        return {"jacobian": [round(value, 6) for value in jacobian_range(grids[0], self.places)]}

    def values(self) -> dict[str, Any]:
        """Return the drawn displacement and settings."""
        return SpatialStep.values(self) | {"min_jacobian": self.min_jacobian}


def within_plane(coefficients_mm: Array64, grid: Geometry) -> Array64:
    """Return coefficients (i, j, k, 3) that keep a 2-D image in its plane: all layers alike, none moved across it."""
    if grid.flat_axis is None:
        return coefficients_mm
    flat = grid.flat_axis
    coefficients = np.repeat(coefficients_mm.take([0], axis=flat), ORDER + 1, axis=flat)
    axes = np.array(grid.direction).reshape(3, 3)
    along_axes = coefficients @ np.linalg.inv(axes).T  # not by the normal: a sheared grid has oblique axes
    along_axes[..., flat] = 0.0
    return np.asarray(along_axes @ axes.T)
