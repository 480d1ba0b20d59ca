"""Rotate90: quarter turns of the content about the grid's centre."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import SLICE_AXIS
from medaug_cli.core.lazy import np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.spatial.mapping import about
from medaug_cli.step import ResamplingStep

if TYPE_CHECKING:
    from medaug_cli.spatial.mapping import Part
    from medaug_cli.step import Scene

_PLANES = {"axial": ("LR", "AP"), "coronal": ("LR", "SI"), "sagittal": ("AP", "SI"), "picture": (None, None)}


class Rotate90(ResamplingStep):
    """Turn the content by quarter turns in one plane about the grid's centre.

    A turn goes from the plane's first array axis towards its second. Exact where the grid's voxels fall on each other;
    what leaves a grid that is not square is cut off.
    """

    peer: ClassVar[str] = "monai.RandRotate90"

    plane: Literal["axial", "coronal", "sagittal", "picture"] = Field(
        default="axial", description="The plane that turns; picture: that of a 2-D image."
    )
    turns: Annotated[Span, Bounds(ge=-3, le=3, whole=True)] = Field(
        default=Span.of({"choice": [1, 2, 3]}), description="Number of quarter turns."
    )

    def check(self, scene: Scene) -> None:
        """Raise SampleError for a plane that a 2-D image does not lie in, or that the header does not determine."""
        super().check(scene)
        self._array_axes(scene)

    def crosses_slices(self, scene: Scene) -> bool:
        """Say whether the plane that turns is another than that of slices stacked straight."""
        return not scene.has_parallel_slices() or SLICE_AXIS in self._array_axes(scene)

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return the matrix (4, 4) from output to input positions."""
        grid = scene.geometry
        first, second = self._array_axes(scene)
        quarter = np.eye(3)
        quarter[[first, second], [first, second]] = 0.0
        quarter[second, first], quarter[first, second] = 1.0, -1.0
        turn = np.linalg.matrix_power(quarter, int(self.turns.value) % 4)
        # Turned in mm along the array axes, so that anisotropic voxels are not sheared.
        axes = np.array(grid.direction).reshape(3, 3)
        return (about(grid.center_mm, axes @ turn.T @ np.linalg.inv(axes)),)

    def _array_axes(self, scene: Scene) -> tuple[int, int]:
        grid = scene.geometry
        if grid.flat_axis is None and self.plane != "picture":
            first, second = (grid.array_axis(str(axis)) for axis in _PLANES[self.plane])
            return first, second
        if grid.flat_axis is None:
            raise SampleError("axis_undetermined", "rotate90 in plane picture is for 2-D images; name axial, …")
        normal = grid.nearest_patient_axes()[grid.flat_axis]
        own = ("sagittal", "coronal", "axial")[normal]
        if self.plane not in (own, "picture"):
            raise SampleError("axis_undetermined", f"rotate90 in plane {self.plane} leaves this {own} 2-D image")
        return grid.plane_axes
