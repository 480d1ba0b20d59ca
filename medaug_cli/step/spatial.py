"""Steps that move content or change the grid; they give a mapping and never resample themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from medaug_cli.step.base import Step

if TYPE_CHECKING:
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.spatial.mapping import Part
    from medaug_cli.step.scene import Scene

Fill = Literal["minimum", "mean", "edge", "air", "otsu_background"] | float
Resampling = tuple[str | None, str | None, str | float | None]
"""Interpolation, label interpolation and fill; None where a step does not mind."""


class SpatialStep(Step):
    """A step that moves content: it gives a mapping, and the one resampler applies it to everything in the sample."""

    code: ClassVar[tuple[str, str, str]] = ("113085", "DCM", "Spatial resampling")
    needs_regular_grid: ClassVar[bool] = True
    moves_anatomy: ClassVar[bool] = True
    """Whether anatomy leaves its place in the patient's coordinates, so that the frame of reference is another."""

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return the parts of the mapping from output to input positions, for a drawn step."""
        raise NotImplementedError

    def resampling(self) -> Resampling:
        """Return how voxels are found where this step needs them; neighbours that agree are resampled as one."""
        return None, None, None

    def swaps(self, scene: Scene) -> tuple[tuple[str, str], ...]:
        """Return the pairs of label names that change places."""
        del scene
        return ()

    def swaps_laterality(self, scene: Scene) -> bool:
        """Say whether left becomes right in what the header calls laterality."""
        del scene
        return False

    def report(self, scene: Scene, parts: tuple[Part, ...]) -> dict[str, Any]:
        """Return what the manifest says about the quality of `parts`, the drawn mapping: its Jacobian's range."""
        del scene, parts
        return {}


class GridStep(SpatialStep):
    """A step that leaves the content in its place and gives the sample another grid."""

    moves_anatomy: ClassVar[bool] = False

    def new_grid(self, scene: Scene) -> Geometry:
        """Return the grid that takes the place of `scene.geometry`, for a drawn step."""
        raise NotImplementedError

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return no part: what is at a position stays there."""
        del scene
        return ()


class ResamplingStep(SpatialStep):
    """A spatial step whose result lies between voxels."""

    interpolation: Literal["linear", "bspline", "nearest"] = Field(
        default="linear", description="How intensities between voxels are found."
    )
    label_interpolation: Literal["nearest", "label_linear"] = Field(
        default="nearest", description="label_linear takes the label with the largest linear weight."
    )
    fill: Fill = Field(
        default="minimum",
        description="Intensity outside the field of view: minimum, mean, edge, air (-1024 HU), otsu_background "
        "(mean of the darker part of the outer faces) or a number.",
    )

    def resampling(self) -> Resampling:
        """Return interpolation, label interpolation and fill; neighbours that agree are resampled as one."""
        return self.interpolation, self.label_interpolation, self.fill


def join_resampling(one: Resampling, other: Resampling) -> Resampling | None:
    """Return what suits two steps at once, None where they differ."""
    if any(
        first is not None and second is not None and first != second for first, second in zip(one, other, strict=True)
    ):
        return None
    return one[0] or other[0], one[1] or other[1], other[2] if one[2] is None else one[2]
