"""What `affine` and its short forms share: their parameters, declared once, and the matrix they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from medaug_cli.core.geometry import PATIENT_AXES, SLICE_AXIS
from medaug_cli.core.values import AxisSpan, Bounds
from medaug_cli.spatial.affine import Center, Triple, center_mm, pull_matrix
from medaug_cli.step import ResamplingStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.spatial.mapping import Part
    from medaug_cli.step import Scene

RotationDeg = Annotated[
    AxisSpan,
    Bounds(ge=-180, le=180, unit="deg"),
    Field(description="Angles about LR, AP, SI (RAS, right-handed)."),
]
TranslationMm = Annotated[
    AxisSpan,
    Bounds(ge=-1000, le=1000, unit="mm"),
    Field(description="Shift of the content towards right, anterior, superior."),
]
ScaleFactor = Annotated[
    AxisSpan,
    Bounds(ge=0.1, le=10, neutral=1),
    Field(description="Size of the content along LR, AP, SI; above 1 enlarges it."),
]
ShearDeg = Annotated[
    AxisSpan,
    Bounds(ge=-45, le=45, unit="deg"),
    Field(description="Slant in the plane across LR, AP, SI."),
]

_SIGNED = ("rotation_deg", "translation_mm")
_ALONG_AN_AXIS = 1 - 1e-6


class AffineStep(ResamplingStep):
    """A spatial step that is one matrix, made from those of the four parameters above that it has."""

    center: Center = Field(default="image", description="image, origin, or [right, anterior, superior] in mm.")
    isotropic: bool = Field(default=False, description="Draw one number for all axes where none is named.")

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return the matrix (4, 4) from output to input positions."""
        grid = scene.geometry
        matrix = pull_matrix(
            grid,
            rotation_deg=self._triple("rotation_deg", grid),
            translation_mm=self._triple("translation_mm", grid),
            scale=self._triple("scale", grid, neutral=1.0),
            shear_deg=self._triple("shear_deg", grid),
            center=center_mm(self.center, grid),
        )
        return (matrix,)

    def crosses_slices(self, scene: Scene) -> bool:
        """Say whether content may leave its slice; what stays in it is moved alike wherever the other slices lie.

        Slices that are stacked aslant, or not parallel, never count as moved alike.
        """
        return not scene.has_parallel_slices() or not self._stays_in_slices(scene.geometry)

    def _stays_in_slices(self, grid: Geometry) -> bool:
        """Say whether no draw takes content out of slices that lie across one of the patient's axes."""
        normal = grid.nearest_patient_axes()[SLICE_AXIS]
        if abs(grid.direction[3 * normal + SLICE_AXIS]) < _ALONG_AN_AXIS:
            return False
        others = [axis for axis in range(3) if axis != normal]
        along = self._is_fixed("translation_mm", [normal]) and self._is_fixed("scale", [normal], neutral=1.0)
        return along and self._is_fixed("rotation_deg", others) and self._is_fixed("shear_deg", others)

    def _is_fixed(self, name: str, axes: Sequence[int], neutral: float = 0.0) -> bool:
        """Say whether the parameter `name` is always `neutral` for the patient's `axes`."""
        if name not in type(self).model_fields:
            return True
        span: AxisSpan = getattr(self, name)
        spans = [span.every or dict(span.named).get(PATIENT_AXES[axis]) for axis in axes]
        return all(one is None or (one.kind == "fixed" and one.value == neutral) for one in spans)

    def _triple(self, name: str, grid: Geometry, neutral: float = 0.0) -> Triple:
        if name not in type(self).model_fields:
            return (neutral,) * 3
        span: AxisSpan = getattr(self, name)
        return span.vector(grid, neutral, signed=name in _SIGNED)
