"""Contact sheet: one slice of a sample and of its copies, side by side, with the labels outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.copies import load_sample
from medaug_cli.core.lazy import np, sitk
from medaug_cli.core.sample import LabelMap, Source, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.sample import FileEntry, LoadedSample
    from medaug_cli.manifest import Record

_COLOURS = ((255, 99, 71), (64, 224, 208), (255, 215, 0), (186, 85, 211), (124, 252, 0), (255, 140, 0))
_GAP = 6
_WINDOW_PERCENTILES = (0.5, 99.5)


def write_sheet(records: Sequence[Record], dataset: Path, root: Path, target: Path, *, columns: int, zoom: int) -> None:
    """Write a PNG: the source of `records` first, then each copy, by its middle axial slice.

    All tiles share the window of the source, from its 0.5th to its 99.5th percentile; `zoom` repeats each pixel.
    """
    first = records[0]
    samples = [_load(first.source, dataset, first)]
    samples += [_load(record.output, root, record) for record in records]
    window = _window(samples[0])
    tiles = [_tile(sample, window, zoom) for sample in samples]
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3), 255, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        top, left = (number // columns) * (height + _GAP), (number % columns) * (width + _GAP)
        sheet[top : top + height, left : left + width] = tile
    sitk.WriteImage(sitk.GetImageFromArray(sheet, isVector=True), str(target))


def _load(entries: Sequence[FileEntry], folder: Path, record: Record) -> LoadedSample:
    paths: dict[tuple[str, str], list[FileEntry]] = {}
    for entry in entries:
        paths.setdefault((entry.role, entry.channel), []).append(entry)
    sources = [
        Source(group[0].role, group[0].channel, group[0].format, tuple(entry.path for entry in group))
        for group in paths.values()
    ]
    return load_sample(folder, record.sample_id, sources, record.settings.label_names, max_voxels=float("inf"))


def _window(sample: LoadedSample) -> tuple[float, float]:
    volume = next(iter(sample.images.values())).content
    low, high = np.percentile(volume.array, _WINDOW_PERCENTILES)
    return float(low), float(high)


def _tile(sample: LoadedSample, window: tuple[float, float], zoom: int) -> AnyArray:
    """Return RGB pixels (y, x, 3) of the middle slice as a radiologist sees it: anterior up, patient's right left."""
    volume = next(iter(sample.images.values())).content
    if not isinstance(volume, Volume):
        raise TypeError(sample.id)
    low, high = window
    grey = (_upright(volume.array[0], volume) - low) / max(high - low, 1e-6)
    tile = np.repeat((np.clip(grey, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=-1)
    tile = tile.repeat(zoom, axis=0).repeat(zoom, axis=1)
    for loaded in sample.labels.values():
        if isinstance(loaded.content, LabelMap):
            labels = _upright(loaded.content.array, volume).repeat(zoom, axis=0).repeat(zoom, axis=1)
            _outline(tile, labels)
    return tile


def _upright(array: AnyArray, volume: Volume) -> AnyArray:
    """Return the middle axial slice (y, x), x towards the patient's left and y towards posterior."""
    grid = volume.geometry
    if grid.letters is not None:
        return np.asarray(array[0])
    order = grid.nearest_patient_axes()
    x_axis, y_axis, z_axis = (order.index(axis) for axis in range(3))
    turned = array.transpose(2 - z_axis, 2 - y_axis, 2 - x_axis)
    middle = turned[turned.shape[0] // 2]
    for dimension, axis, patient in ((1, x_axis, 0), (0, y_axis, 1)):
        if grid.direction[3 * patient + axis] < 0:
            middle = np.flip(middle, axis=dimension)
    return np.asarray(middle)


def _outline(tile: AnyArray, labels: AnyArray) -> None:
    """Paint the border pixels of every label into `tile`."""
    border = np.zeros(labels.shape, dtype=bool)
    border[1:] |= labels[1:] != labels[:-1]
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    for value in np.unique(labels[labels != 0]):
        tile[border & (labels == value)] = _COLOURS[(int(value) - 1) % len(_COLOURS)]
