"""Intensities: a chain of intensity steps on one image, on its bytes for as long as these hold the result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medaug_cli.core.lazy import np, tones
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import AnyArray, BoolArray, FloatArray
    from medaug_cli.core.sample import Volume
    from medaug_cli.program.copy import Copy, Drawn
    from medaug_cli.step import Scene

_TONES = 256


def change_intensities(chain: Sequence[Drawn], copy: Copy, scene: Scene, *, own: bool) -> dict[str, Volume]:
    """Return all images after a chain of intensity steps; only arrays of the copy's `own` are changed in place.

    Each channel has generators of its own, or all have the same ones (`channels: shared`).
    """
    changed: dict[str, Volume] = {}
    for index, (channel, volume) in enumerate(copy.images.items()):
        pixels = _Pixels(volume, own=own)
        whole = replace(scene.of_image(index), geometry=volume.geometry, rgb=volume.rgb)
        for drawn in chain:
            if not isinstance(drawn.step, IntensityStep):
                raise TypeError(drawn.name)
            here = whole.at(drawn.path)
            step, where = drawn.step.for_channel(channel), here if drawn.step.channels == "shared" else here.at(channel)
            pixels.change(step, where, alone=len(chain) == 1)
        changed[channel] = pixels.finish()
    return changed


class _Pixels:
    """The intensities of one image: an array, and what steps have made of each of its 256 tones since, if any have.

    Steps that go by tones change those (component, 1, 1, 256) instead of all the voxels of an 8-bit image, neighbours
    after each other. The result is what they make of the voxels in float32, and stays bytes where it is bytes.
    """

    def __init__(self, volume: Volume, *, own: bool) -> None:
        self._volume, self._array, self._own = volume, volume.array, own
        self._valid: BoolArray | None = None if volume.void is None else ~volume.void
        self._tones: FloatArray | None = None

    def change(self, step: IntensityStep, scene: Scene, *, alone: bool) -> None:
        """Apply a drawn step, to the bytes at once if it is `alone` and takes them; alpha is no intensity and stays."""
        if self._array.dtype == np.uint8 and step.by_tone and not (alone and step.takes_bytes(scene)):
            counts = None if scene.eight_bit and step.knows_bytes else tones.count_tones(self._array, self._valid)
            tables = self._parts(self._tones_now(), step)
            weights = tables if counts is None else self._parts(counts, step)
            for table, weight in zip(tables, weights, strict=True):
                step.apply(table, replace(scene, valid=None if counts is None else weight))
            return
        as_bytes = step.takes_bytes(scene)
        if self._is_whole_source(step, np.uint8 if as_bytes else np.float32):
            self._array, self._own = step.applied(self._array, replace(scene, valid=self._valid)), True
            return
        self._settle(as_bytes=as_bytes)
        for part in self._parts(self._array, step):
            step.apply(part, replace(scene, valid=self._valid))

    def finish(self) -> Volume:
        """Return the image as the steps have left it."""
        self._settle(as_bytes=True)
        return replace(self._volume, array=self._array)

    def _parts(self, array: AnyArray, step: IntensityStep) -> Sequence[AnyArray]:
        """Return what a step changes as one: all components, or of colours each picture's."""
        apart = self._volume.rgb and (step.by_picture or self._volume.alpha)
        return self._volume.pictures(array) if apart else (array,)

    def _is_whole_source(self, step: IntensityStep, kind: Any) -> bool:
        """Say that the image is still as it was read, in the type `kind`, and that `step` changes all of it as one."""
        untouched = not self._own and self._tones is None and self._array.dtype == kind
        return untouched and not self._volume.alpha and len(self._parts(self._array, step)) == 1

    def _tones_now(self) -> FloatArray:
        if self._tones is None:
            all_tones = np.arange(_TONES, dtype=np.float32)
            self._tones = np.tile(all_tones, (len(self._array), 1, 1, 1))
        return self._tones

    def _settle(self, *, as_bytes: bool) -> None:
        """Make one array of the copy's own of array and tones: bytes where they are welcome and lose nothing."""
        table, self._tones = self._tones, None
        if self._array.dtype == np.uint8:
            kind = np.uint8 if as_bytes and (table is None or tones.are_bytes(table)) else np.float32
            if table is not None:
                self._array = tones.look_up(self._array, table.astype(kind))
            elif kind != np.uint8 or not self._own:
                self._array = self._array.astype(kind)
        elif not self._own:
            self._array = self._array.astype(np.float32)
        self._own = True
