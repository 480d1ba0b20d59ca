"""Slice motion: slices that were taken one after another, moved against each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from medaug_cli.core.lazy import np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.spatial.affine import pull_matrix
from medaug_cli.spatial.mapping import Mapping
from medaug_cli.spatial.resample import Request, resample
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene


class SliceMotion(IntensityStep):
    """Move the slices of an image against each other within their plane, as a patient does between 2-D acquisitions.

    Slices of one pass (every second one for two passes, as in interleaved MR) move alike: by up to `translation_mm`
    along each axis of the plane and `rotation_deg` about its centre, drawn for each pass. Labels stay. The slices are
    those along the array axis with the longest voxels; a 2-D image stays as it is.
    """

    code: ClassVar[tuple[str, str, str]] = ("113085", "DCM", "Spatial resampling")
    peer: ClassVar[str] = "none; the inter-slice motion that fetal and cardiac reconstruction (SVRTK) undoes"
    needs_regular_grid: ClassVar[bool] = True

    translation_mm: Annotated[Span, Bounds(ge=0, le=50, unit="mm")] = Field(
        default=Span.of([0, 1.5]), description="Greatest shift of a pass along each axis of the plane."
    )
    rotation_deg: Annotated[Span, Bounds(ge=0, le=45, unit="deg")] = Field(
        default=Span.of([0, 1.5]), description="Greatest rotation of a pass about the centre of the plane."
    )
    passes: Annotated[int, Field(ge=2, le=1024)] = Field(
        default=2, description="Acquisitions that the slices were taken in; as many as slices: each on its own."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        grid = scene.geometry
        if grid.flat_axis is not None:
            return
        across = max(range(3), key=lambda axis: (grid.spacing_mm[axis], axis))
        generator = scene.generator("passes")
        moves = generator.uniform(-1.0, 1.0, (self.passes, 4))
        plane = _single_slice(grid, across)
        for number in range(min(self.passes, grid.size[across])):
            mapping = Mapping((self._matrix(plane, moves[number]),))
            for index in range(number, grid.size[across], self.passes):
                place: tuple[Any, ...] = tuple(index if axis == 2 - across else slice(None) for axis in range(3))
                slices = [np.expand_dims(component[place], 2 - across) for component in array]
                moved = resample([Request(one, plane, "linear", None) for one in slices], mapping, scene.resampler)
                for component, one in zip(array, moved, strict=True):
                    component[place] = one.squeeze(2 - across)

    def _matrix(self, plane: Geometry, shares: Any) -> Any:
        """Return the matrix (4, 4) of one pass; what would leave the plane is left out."""
        shift = [float(share) * self.translation_mm.value for share in shares[:3]]
        angle = float(shares[3]) * self.rotation_deg.value
        still, same = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        return pull_matrix(plane, (angle,) * 3, (shift[0], shift[1], shift[2]), same, still, plane.center_mm)


def _single_slice(grid: Geometry, across: int) -> Geometry:
    """Return the grid of one slice; where it lies across the plane does not matter."""
    i, j, k = (1 if axis == across else count for axis, count in enumerate(grid.size))
    return replace(grid, size=(i, j, k))
