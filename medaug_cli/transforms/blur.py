"""Blur: Gaussian smoothing whose width is given in mm, so that anisotropic voxels blur alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from medaug_cli.core.lazy import np
from medaug_cli.core.smoothing import Kernel, smooth
from medaug_cli.core.values import AxisSpan, Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene


class Blur(IntensityStep):
    """Smooth with a Gaussian of standard deviation `sigma_mm`, or `sigma` voxels with `unit: voxel`."""

    code: ClassVar[tuple[str, str, str]] = ("113088", "DCM", "Gaussian blur")
    peer: ClassVar[str] = "torchio.RandomBlur, monai.RandGaussianSmooth, batchgeneratorsv2.GaussianBlurTransform"
    needs_regular_grid: ClassVar[bool] = True
    alternatives: ClassVar[tuple[str, ...]] = ("sigma_mm", "sigma")

    sigma_mm: Annotated[AxisSpan, Bounds(ge=0, le=50, unit="mm")] | None = Field(
        default=None, description="Width (1 sigma) along LR, AP, SI, [0, 1.5] unless sigma is given."
    )
    sigma: Annotated[Span, Bounds(ge=0, le=50, unit="voxel")] | None = Field(
        default=None, description="Width in voxels, the same along every axis; needs unit: voxel."
    )
    unit: Literal["mm", "voxel"] = Field(default="mm", description="voxel goes with sigma.")
    kernel: Kernel = Field(
        default="sampled", description="Weights at voxel centres (SciPy), or integrated over voxels (MONAI's erf)."
    )
    isotropic: bool = Field(default=True, description="Draw one width for all axes where none is named.")

    @model_validator(mode="before")
    @classmethod
    def _check_one_width(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        voxels = values.get("sigma") is not None
        if voxels and values.get("sigma_mm") is not None:
            raise ValueError("give sigma_mm, or sigma with unit: voxel, not both")
        if voxels != (values.get("unit", "mm") == "voxel"):
            raise ValueError("sigma goes with unit: voxel, sigma_mm with unit: mm")
        return values if voxels or values.get("sigma_mm") is not None else {**values, "sigma_mm": [0.0, 1.5]}

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        sigma = self._sigma_voxels(scene.geometry)
        if not any(sigma):
            return
        for component in array:
            smooth(component, sigma, self.kernel)

    def _sigma_voxels(self, grid: Geometry) -> tuple[float, float, float]:
        """Return sigma along the array axes x, y, z in voxels; 0 along the single voxel of a 2-D image."""
        if self.sigma is not None:
            widths = np.full(3, self.sigma.value)
        else:
            patient = np.array((self.sigma_mm or AxisSpan.of(0)).vector(grid))
            widths = patient[list(grid.nearest_patient_axes())] / np.array(grid.spacing_mm)
        x, y, z = (0.0 if grid.size[axis] == 1 else float(widths[axis]) for axis in range(3))
        return x, y, z
