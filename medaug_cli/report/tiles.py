"""Tiles: a sample or a copy as one picture, a plane beside the other, a channel below the other, labels outlined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaug_cli.core.label_maps import LabelMap, LabelStack
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Contours
from medaug_cli.core.sample import Volume
from medaug_cli.report.planes import PLANE_NAMES, focus_of, plane_name, planes_of
from medaug_cli.report.window import Window, copy_window, measured, source_window
from medaug_cli.spatial.drawn import draw_regions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medaug_cli.core.arrays import AnyArray, Array64
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import LoadedSample
    from medaug_cli.program import Copy
    from medaug_cli.report.planes import Plane

Colour = tuple[int, int, int]
_COLOURS: tuple[Colour, ...] = (
    *((255, 99, 71), (64, 224, 208), (255, 215, 0), (186, 85, 211), (124, 252, 0), (255, 140, 0)),
    *((30, 144, 255), (255, 105, 180), (0, 250, 154), (210, 180, 140), (173, 216, 230), (240, 128, 128)),
)
_GAP = 3
_HALF = 0.5


@dataclass(frozen=True)
class Legend:
    """Which colour outlines which value of which label map, and what to call it."""

    entries: tuple[tuple[str, float, Colour, str], ...]

    def colour(self, name: str, value: float) -> Colour:
        """Return the colour of `value` in label map `name`."""
        for other, number, colour, _ in self.entries:
            if (other, number) == (name, value):
                return colour
        return _COLOURS[int(abs(value)) % len(_COLOURS)]


@dataclass(frozen=True, eq=False)
class Painter:
    """Paints a sample and its copies alike: the same planes, scale, window and colours."""

    focus_mm: Array64
    mm_a_pixel: float
    cells: tuple[tuple[int, int], ...]
    windows: Mapping[str, Window]
    ranges: Mapping[str, Window]
    legend: Legend
    plane_names: tuple[str, ...]

    def planes(self, grid: Geometry) -> tuple[Plane, ...]:
        """Return the planes of `grid` that are shown."""
        return tuple(plane for plane in planes_of(grid, self.focus_mm) if plane_name(plane) in self.plane_names)

    def paint(self, images: Mapping[str, Volume], labels: Mapping[str, LabelMap]) -> tuple[AnyArray, str]:
        """Return the picture (rows, columns, 3) and a remark where a channel has a window of its own."""
        strips, remarks = [], []
        for channel, volume in images.items():
            window = self.windows[channel]
            if not volume.rgb:
                window = copy_window(window, self.ranges[channel], volume)
            if window is not self.windows[channel]:
                remarks.append(f"{channel} shown from {window.low:.4g} to {window.high:.4g}")
            planes = self.planes(volume.geometry)
            scale = self._scale(planes)
            cells = [
                _centred(self._cell(plane, volume, labels, window, scale), size)
                for plane, size in zip(planes, self.cells, strict=False)
            ]
            strips.append(_beside(cells))
        return _below(strips), "; ".join(remarks)

    def _scale(self, planes: Sequence[Plane]) -> float:
        """Return mm a pixel: the source's, or more where a larger grid would not fit into the cells."""
        needed = [
            length / pixels
            for plane, cell in zip(planes, self.cells, strict=False)
            for length, pixels in zip(plane.extent_mm, cell, strict=True)
        ]
        largest = max(needed, default=0.0)
        return self.mm_a_pixel if largest <= self.mm_a_pixel * 1.02 else largest

    def _cell(
        self, plane: Plane, volume: Volume, labels: Mapping[str, LabelMap], window: Window, mm_a_pixel: float
    ) -> AnyArray:
        components = volume.pictures(volume.array)[0] if volume.rgb else volume.array[:1]  # of time points the first
        greys = [window.grey(plane.grey(component, mm_a_pixel)) for component in components]
        cell = np.stack(greys if volume.rgb else greys * 3, axis=-1)
        for name, label in labels.items():
            self._outline(cell, plane.labels(label, mm_a_pixel), name)
        return cell

    def _outline(self, cell: AnyArray, labels: AnyArray, name: str) -> None:
        """Paint the pixels of every label that touch another one."""
        edged = np.pad(labels, 1, mode="edge")
        border = np.zeros(labels.shape, dtype=bool)
        for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
            border |= edged[rows : rows + labels.shape[0], columns : columns + labels.shape[1]] != labels
        for value in np.unique(labels[border & (labels != 0)]):
            cell[border & (labels == value)] = self.legend.colour(name, float(value))


def make_painter(sample: LoadedSample, side: int, shown: Sequence[str] = ("", *PLANE_NAMES)) -> Painter:
    """Return the painter for `sample` and its copies; the longest edge of a plane takes `side` pixels.

    `shown` names the planes, the empty name being the one of a projection image.
    """
    images = images_of(sample)
    first = next(iter(images.values()))
    labels = labels_of(sample)
    focus = focus_of(first.geometry, labels.values())
    planes = [plane for plane in planes_of(first.geometry, focus) if plane_name(plane) in shown]
    mm_a_pixel = max(max(plane.extent_mm) for plane in planes) / side
    windows = {
        channel: Window(0, 255, "colours") if volume.rgb else source_window(sample.images[channel], volume)
        for channel, volume in images.items()
    }
    return Painter(
        focus_mm=focus,
        mm_a_pixel=mm_a_pixel,
        cells=tuple(plane.size(mm_a_pixel) for plane in planes),
        windows=windows,
        ranges={channel: measured(volume) for channel, volume in images.items()},
        legend=_legend(labels, sample.label_names),
        plane_names=tuple(map(plane_name, planes)),
    )


def images_of(sample: LoadedSample) -> dict[str, Volume]:
    """Return the volumes of a sample by channel."""
    return {name: one.content for name, one in sample.images.items() if isinstance(one.content, Volume)}


def labels_of(sample: LoadedSample | Copy) -> dict[str, LabelMap]:
    """Return the label maps of a sample or a copy by name, and its contours drawn on their image's grid.

    Each label of a stack is a map of its own: where its share is a half.
    """
    maps: dict[str, LabelMap] = {}
    for name, held in sample.labels.items():
        content = getattr(held, "content", held)
        if isinstance(content, LabelMap):
            maps[name] = content
        elif isinstance(content, LabelStack):
            maps |= dict(_maps_of(name, content))
    images: dict[str, Any] = {name: getattr(one, "content", one) for name, one in sample.images.items()}
    for name, one in sample.marks.items():
        marks = getattr(one, "content", one)
        if isinstance(marks, Contours):
            maps[name] = draw_regions(marks, images[marks.image or next(iter(images))].geometry)
    return maps


def _maps_of(name: str, stack: LabelStack) -> Iterator[tuple[str, LabelMap]]:
    """Yield a map for each component, whose value is its number; of a partition not for the background."""
    for number, part in enumerate(stack.array, start=1):
        called = stack.names[number - 1] if stack.names else f"{name}[{number}]"
        if not (stack.partition and number == 1):
            yield called, LabelMap((part >= _HALF).astype(np.int32) * number, stack.geometry, {number: called})


def _legend(labels: Mapping[str, LabelMap], names: Mapping[int, str]) -> Legend:
    seen = [(name, float(value)) for name, label in labels.items() for value in np.unique(label.array) if value]
    return Legend(
        tuple(
            (name, value, _COLOURS[place % len(_COLOURS)], _called(labels[name], value, names) or f"{name} {value:g}")
            for place, (name, value) in enumerate(seen)
        )
    )


def _called(label: LabelMap, value: float, names: Mapping[int, str]) -> str:
    """Return the name of a value: the recipe's, else the file's own."""
    return names.get(int(value)) or label.names.get(int(value), "")


def _centred(picture: AnyArray, size: tuple[int, int]) -> AnyArray:
    """Return `picture` in the middle of a black cell of `size`, cut where it is larger."""
    cell = np.zeros((*size, 3), dtype=np.uint8)
    picture = picture[: size[0], : size[1]]
    top, left = ((size[axis] - picture.shape[axis]) // 2 for axis in (0, 1))
    cell[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return cell


def _beside(cells: Sequence[AnyArray]) -> AnyArray:
    height = max(cell.shape[0] for cell in cells)
    gap = np.zeros((height, _GAP, 3), dtype=np.uint8)
    padded = [_centred(cell, (height, cell.shape[1])) for cell in cells]
    return np.concatenate([part for cell in padded for part in (cell, gap)][:-1], axis=1)


def _below(strips: Sequence[AnyArray]) -> AnyArray:
    gap = np.zeros((_GAP, strips[0].shape[1], 3), dtype=np.uint8)
    return np.concatenate(
        [part for strip in strips for part in (_centred(strip, (strip.shape[0], gap.shape[1])), gap)][:-1]
    )
