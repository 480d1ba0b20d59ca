"""Scenes: what a step may know of the sample it is drawn for or applied to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from medaug_cli.core.seeding import make_generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import LabelMap
    from medaug_cli.spatial.resample import Resampler
    from medaug_cli.step.spatial import SpatialStep

_PARALLEL = frozenset({"", "missing_slices", "irregular_spacing", "duplicate_position"})


@dataclass(frozen=True, eq=False)
class Scene:
    """What a step may know of the sample it is drawn for or applied to.

    `geometry` is the grid of the first image when drawing and mapping, as the steps before have left it, and that of
    the array itself when changing intensities; `valid` (z, y, x) marks the voxels that hold a measurement, None
    meaning all; where `array` is a table of tones, it holds how many voxels have each. `words` key the generators.
    `labels` are the label maps as read, with the names of their values; `history` are the spatial steps drawn so
    far, each with its scene.
    `channels` are the names of the sample's images, `channel` is that of the array when applying; `rgb` says that all
    images (the array itself when applying) are colour images of red, green and blue; `eight_bit` that all were read as
    8-bit numbers from 0 to 255.
    `modality` is that of the first image, `modalities` are those of all images; empty where nothing tells.
    `whole_numbers` says that the copy of an image is stored as integers, `headers_only` that only the geometry is
    known yet.
    `windows` are the display windows (centre, width) of all images, `window` is that of the array when applying.
    """

    geometry: Geometry
    seed: int
    words: tuple[str | int, ...]
    modality: str = ""
    modalities: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()
    irregular: str = ""
    resampler: Resampler = "kernel"
    valid: AnyArray | None = None
    channels: tuple[str, ...] = ()
    channel: str = ""
    rgb: bool = False
    eight_bit: bool = False
    whole_numbers: bool = False
    headers_only: bool = False
    windows: tuple[tuple[float, float] | None, ...] = ()
    window: tuple[float, float] | None = None
    labels: Mapping[str, LabelMap] = field(default_factory=dict)
    label_values: Mapping[int, str] = field(default_factory=dict)
    history: tuple[tuple[SpatialStep, Scene], ...] = ()
    max_voxels: float = 4.0e8

    def generator(self, purpose: str) -> Generator:
        """Return the generator for `purpose`; the same words give the same numbers."""
        return make_generator(self.seed, *self.words, purpose)

    def has_parallel_slices(self) -> bool:
        """Say whether slices lie one above the other, at whatever distances: not aslant, and in one direction."""
        return self.irregular.partition(":")[0] in _PARALLEL

    def of_image(self, index: int) -> Scene:
        """Return the scene of one image of the sample, with its own name, modality and window."""
        modality = self.modalities[index] if self.modalities else self.modality
        window = self.windows[index] if self.windows else self.window
        return replace(self, channel=self.channels[index], modality=modality, window=window)

    def at(self, path: str) -> Scene:
        """Return the scene of the step at `path`."""
        return replace(self, words=(*self.words, path))
