"""JPEG: what lossy storage leaves of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.errors import SampleError
from medaug_cli.core.intensity import EIGHT_BITS
from medaug_cli.core.lazy import jpeg, jpeg_size, np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import Ascending, IntensityStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray, FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import Volume
    from medaug_cli.step import Scene


_COLOURS = 3


class Jpeg(IntensityStep):
    """Store each slice as baseline JPEG of a `quality` and read it again.

    Bit for bit what libjpeg-turbo makes of it (TorchVision, Pillow), on every processor. JPEG holds 8 bits: images
    of more need the `range` that becomes 0 to 255, what lies beyond is clipped; write the `output` of a window step.
    """

    code: ClassVar[tuple[str, str, str]] = ("113040", "DCM", "Lossy Compression")
    peer: ClassVar[str] = "torchvision.JPEG, albumentations.ImageCompression"

    by_picture: ClassVar[bool] = True

    quality: Annotated[Span, Bounds(ge=1, le=100, whole=True, neutral=100)] = Field(
        default=Span.of([40, 90]), description="libjpeg's quality; 100 is nearly lossless."
    )
    subsampling: Literal["4:2:0", "4:4:4"] = Field(
        default="4:2:0", description="Whether colour is stored at half the resolution (4:2:0, the usual) or whole."
    )
    range: Ascending | None = Field(
        default=None, description="Intensities that are stored as 0 and 255; needed for images of more than 8 bits."
    )

    def check(self, scene: Scene) -> None:
        """Raise SampleError where the image would not fit into 8 bits."""
        super().check(scene)
        if self.range is None and not scene.eight_bit:
            raise SampleError(
                "not_8_bit",
                "jpeg stores 8 bits, and an image of this sample has more; put a window step before it and give "
                "range: [low, high], the window's output",
            )

    def takes_bytes(self, scene: Scene) -> bool:
        """Say that 8-bit images are stored as they are."""
        return scene.eight_bit and self.range is None

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change `array` (component, z, y, x), float32 or the bytes of an 8-bit image, in place, slice by slice."""
        low, high = self.range or EIGHT_BITS
        slices = _slices(array, scene.geometry)
        for z in range(slices.shape[1]):
            if array.dtype == np.uint8:
                self._store(slices[:, z], rgb=scene.rgb)
                continue
            planes = jpeg.to_bytes(slices[:, z], low, high)
            self._store(planes, rgb=scene.rgb)
            jpeg.from_bytes(planes, slices[:, z], low, high)

    def lossy_ratio(self, volume: Volume) -> float:
        """Return about how many times smaller the JPEGs of `volume` are than 8 bits a voxel, alpha left out."""
        low, high = self.range or EIGHT_BITS
        pictures = volume.pictures(volume.array) if volume.rgb else (volume.array,)
        slices = np.concatenate([np.moveaxis(_slices(one, volume.geometry), 0, 1) for one in pictures])
        stored = np.clip((slices - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
        subsampled = self.subsampling == "4:2:0" if volume.rgb else None
        return float(jpeg_size.jpeg_ratio(stored, int(self.quality.value), subsampled=subsampled))

    def _store(self, planes: AnyArray, *, rgb: bool) -> None:
        """Change 8-bit `planes` (component, y, x) in place: colours together, other components one by one."""
        quality = int(self.quality.value)
        if rgb and len(planes) == _COLOURS:
            jpeg.store_colour(planes, quality, subsampled=self.subsampling == "4:2:0")
            return
        for plane in planes:
            jpeg.store_grey(plane, quality)


def _slices(array: FloatArray, grid: Geometry) -> FloatArray:
    """Return `array` (component, z, y, x) as (component, slice, row, column); a picture is one slice."""
    return array if grid.flat_axis is None else np.moveaxis(array, 3 - grid.flat_axis, 1)
