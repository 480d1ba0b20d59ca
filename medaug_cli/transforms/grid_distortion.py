"""Grid distortion: a grid of cells whose widths change at random, linear within each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from medaug_cli.core.lazy import np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.step import ResamplingStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.spatial.mapping import Part
    from medaug_cli.step import Scene

Cells = Annotated[int, Field(ge=2, le=64)]


class GridDistortion(ResamplingStep):
    """Stretch and squeeze the cells of a grid along each array axis, within the same field of view; never folds.

    Every cell's width is multiplied by 1 + U(-strength, strength), then all are scaled to fill the axis again. The
    widths follow from the seed and are not stored.
    """

    peer: ClassVar[str] = "monai.RandGridDistortion, albumentations.GridDistortion"

    cells: Cells | tuple[Cells, Cells, Cells] = Field(
        default=5, description="Cells an axis, or along the array axes [i, j, k]."
    )
    strength: Annotated[Span, Bounds(ge=0, le=0.9)] = Field(
        default=Span.of([0, 0.3]), description="Greatest relative change of a cell's width; 0 changes nothing."
    )

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return the piecewise linear deformation from output to input positions."""
        grid = scene.geometry
        steps = self._displacements(scene)
        nodes = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)  # each axis by its own numbers alone
        return (SplineGrid(grid.affine, grid.size, nodes @ grid.affine[:3, :3].T, order=1),)

    def report(self, scene: Scene, parts: tuple[Part, ...]) -> dict[str, Any]:
        """Return the range of the Jacobian determinant: the product of the changes along the axes."""
        del parts
        grid = scene.geometry
        low = high = 1.0
        for axis, steps in enumerate(self._displacements(scene)):
            change = 1 + np.diff(steps) / (_width(grid, axis) / (len(steps) - 1))
            low, high = low * float(change.min()), high * float(change.max())
        return {"jacobian": [round(low, 6), round(high, 6)]}

    def _displacements(self, scene: Scene) -> list[Array64]:
        """Return by how many voxels the corners of the cells are moved along each axis; the outer ones stay."""
        grid, generator = scene.geometry, scene.generator("cells")
        counts = (self.cells,) * 3 if isinstance(self.cells, int) else self.cells
        found = []
        for axis, count in enumerate(counts):
            if axis == grid.flat_axis:
                found.append(np.zeros(2))
                continue
            widths = 1 + generator.uniform(-1.0, 1.0, count) * self.strength.value
            corners = np.concatenate([np.zeros(1), np.cumsum(widths)])
            shares = corners / corners[-1] - np.arange(count + 1) / count
            shares[-1] = 0.0
            found.append(shares * _width(grid, axis))
        return found


def _width(grid: Geometry, axis: int) -> float:
    """Return the voxels that the domain of a deformation spans along an axis."""
    unit = SplineGrid(grid.affine, grid.size, np.zeros((2, 2, 2, 3)), order=1)
    return float(unit.cell_voxels[axis])
