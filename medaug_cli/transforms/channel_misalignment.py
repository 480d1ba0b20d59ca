"""Channel misalignment: co-registered channels, moved against each other by a little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from medaug_cli.core.lazy import np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.spatial.affine import pull_matrix
from medaug_cli.spatial.mapping import Mapping
from medaug_cli.spatial.resample import Request, resample
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene


class ChannelMisalignment(IntensityStep):
    """Move every channel but the first by a little of its own, as registration between sequences leaves them.

    Each is shifted by up to `translation_mm` along every axis and rotated by up to `rotation_deg` about every axis
    through the centre. The first channel stays, and the labels with it; a sample of one channel stays as it is.
    """

    code: ClassVar[tuple[str, str, str]] = ("113085", "DCM", "Spatial resampling")
    peer: ClassVar[str] = "batchgeneratorsv2.ChannelMisalignmentTransform"
    needs_regular_grid: ClassVar[bool] = True

    translation_mm: Annotated[Span, Bounds(ge=0, le=50, unit="mm")] = Field(
        default=Span.of([0, 1.5]), description="Greatest shift of a channel along each axis."
    )
    rotation_deg: Annotated[Span, Bounds(ge=0, le=45, unit="deg")] = Field(
        default=Span.of([0, 1.5]), description="Greatest rotation of a channel about each axis."
    )

    @model_validator(mode="after")
    def _check_own(self) -> Self:
        if self.channels == "shared":
            raise ValueError("channels: shared would move all channels alike; leave it out, or use affine")
        return self

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        if len(scene.channels) < 2 or scene.channel == scene.channels[0]:  # noqa: PLR2004  nothing to move against
            return
        shares = scene.generator("move").uniform(-1.0, 1.0, 6)
        grid, still, same = scene.geometry, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        x, y, z = (float(share) * self.translation_mm.value for share in shares[:3])
        a, b, c = (float(share) * self.rotation_deg.value for share in shares[3:])
        if not any((x, y, z, a, b, c)):
            return
        mapping = Mapping((pull_matrix(grid, (a, b, c), (x, y, z), same, still, grid.center_mm),))
        requests = [Request(component, grid, "linear", None) for component in array]
        np.copyto(array, np.stack(resample(requests, mapping, scene.resampler)))
