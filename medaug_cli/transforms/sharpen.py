"""Sharpen: what a blur would take away, added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.lazy import np
from medaug_cli.core.smoothing import Border, Kernel, smooth
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene


class Sharpen(IntensityStep):
    """Smooth with `sigma1` against noise, then add `alpha` times what smoothing with `sigma2` would take away.

    b + alpha · (b - G(sigma2) * b), with b = G(sigma1) * x, as monai.GaussianSharpen, whose voxels come out with unit:
    voxel, kernel: integrated and border: zero.
    """

    code: ClassVar[tuple[str, str, str]] = ("113089", "DCM", "Unsharp mask")
    peer: ClassVar[str] = "monai.RandGaussianSharpen, albumentations.UnsharpMask"
    needs_regular_grid: ClassVar[bool] = True

    sigma1: Annotated[Span, Bounds(ge=0, le=50)] = Field(
        default=Span.of([0.5, 1.0]), description="Width (1 sigma) of the first smoothing, in units of unit."
    )
    sigma2: Annotated[Span, Bounds(ge=0, le=50)] = Field(
        default=Span.of(0.5), description="Width (1 sigma) of what counts as detail, in units of unit."
    )
    alpha: Annotated[Span, Bounds(ge=0, le=100)] = Field(
        default=Span.of([2, 10]), description="Weight of the detail; 0, with sigma1: 0, changes nothing."
    )
    unit: Literal["mm", "voxel"] = Field(default="mm", description="Unit of both widths.")
    kernel: Kernel = Field(
        default="sampled", description="Weights at voxel centres (SciPy), or integrated over voxels (MONAI's erf)."
    )
    border: Border = Field(
        default="mirror", description="What lies beyond the border: the mirrored image, or zero as in MONAI."
    )

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        first, second = (_voxels(span.value, self.unit, scene.geometry) for span in (self.sigma1, self.sigma2))
        weight = np.float32(self.alpha.value)
        for component in array:
            smooth(component, first, self.kernel, self.border)
            if weight and any(second):
                blurred = component.copy()
                smooth(blurred, second, self.kernel, self.border)
                np.subtract(component, blurred, out=blurred)
                blurred *= weight
                np.add(component, blurred, out=component)


def _voxels(sigma: float, unit: str, grid: Geometry) -> tuple[float, float, float]:
    """Return `sigma` along the array axes x, y, z in voxels; 0 along the single voxel of a 2-D image."""
    spacing = grid.spacing_mm if unit == "mm" else (1.0, 1.0, 1.0)
    x, y, z = (0.0 if grid.size[axis] == 1 else sigma / spacing[axis] for axis in range(3))
    return x, y, z
