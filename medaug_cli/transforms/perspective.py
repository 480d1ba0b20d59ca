"""Perspective: the picture as if it were seen at an angle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.lazy import np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.spatial.projection import Projection, homography
from medaug_cli.step import ResamplingStep

if TYPE_CHECKING:
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.spatial.mapping import Part
    from medaug_cli.step import Scene

_NORMALS = {"axial": "SI", "coronal": "AP", "sagittal": "LR"}


class Perspective(ResamplingStep):
    """Move the four corners of the picture inwards at random and all else with them, by a homography.

    Each corner moves along both axes by up to `strength` of half the picture, as torchvision.RandomPerspective moves
    it. The slices of a volume are all changed alike. The corners follow from the seed and are not stored.
    """

    peer: ClassVar[str] = "torchvision.RandomPerspective, albumentations.Perspective"

    strength: Annotated[Span, Bounds(ge=0, le=0.9)] = Field(
        default=Span.of([0, 0.2]), description="Greatest move of a corner, as a share of half the picture."
    )
    plane: Literal["axial", "coronal", "sagittal", "picture"] = Field(
        default="axial", description="The plane of a volume that is changed; a 2-D image is changed in its own."
    )

    def check(self, scene: Scene) -> None:
        """Raise SampleError for a plane that the header does not determine."""
        super().check(scene)
        self._axes(scene.geometry)

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return the projection from output to input positions."""
        grid = scene.geometry
        first, second = self._axes(grid)
        # The outer faces, from the top left on round the picture.
        half = np.array([grid.size[first], grid.size[second]]) / 2
        middle = (np.array([grid.size[first], grid.size[second]]) - 1) / 2
        corners = middle + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        inwards = scene.generator("corners").uniform(0.0, 1.0, (4, 2)) * self.strength.value * half
        moved = corners + inwards * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
        return (Projection(grid.affine, (first, second), homography(corners, moved)),)

    def _axes(self, grid: Geometry) -> tuple[int, int]:
        if grid.flat_axis is not None:
            return grid.plane_axes
        across = 2 if self.plane == "picture" else grid.array_axis(_NORMALS[self.plane])
        first, second = (axis for axis in range(3) if axis != across)
        return first, second
