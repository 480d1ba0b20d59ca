"""What `affine` and its short forms share: their parameters, declared once, and the matrix they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from medaug_cli.core.values import AxisSpan, Bounds
from medaug_cli.spatial.affine import Center, Triple, center_mm, pull_matrix
from medaug_cli.step import ResamplingStep

if TYPE_CHECKING:
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

    def _triple(self, name: str, grid: Geometry, neutral: float = 0.0) -> Triple:
        if name not in type(self).model_fields:
            return (neutral,) * 3
        span: AxisSpan = getattr(self, name)
        return span.vector(grid, neutral)
