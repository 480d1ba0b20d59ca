"""Moving: a chain of spatial steps as one mapping and one resampling for everything in a sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medaug_cli.core.intensity import border_background, constant_of, mean_and_deviation
from medaug_cli.core.label_maps import LabelStack
from medaug_cli.core.lazy import np
from medaug_cli.program.copy import Copy
from medaug_cli.program.drawing import grid_after
from medaug_cli.program.swapping import swap_labels
from medaug_cli.spatial.grids import matching_grid
from medaug_cli.spatial.mapping import Mapping
from medaug_cli.spatial.resample import Request, label_request, resample
from medaug_cli.step import SpatialStep, join_resampling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.sample import Volume
    from medaug_cli.program.copy import Drawn
    from medaug_cli.spatial.resample import Resampler
    from medaug_cli.step import Resampling, Scene


def settings_of(chain: Sequence[Drawn]) -> Resampling | None:
    """Return what suits all spatial steps of a chain, None where they differ."""
    settings: Resampling | None = (None, None, None)
    for drawn in chain:
        if settings is not None and isinstance(drawn.step, SpatialStep):
            settings = join_resampling(settings, drawn.step.resampling())
    return settings


def move(chain: Sequence[Drawn], copy: Copy, scene: Scene, names: dict[int, str], *, whole: bool) -> Copy:
    """Apply a chain of spatial steps: one mapping and one resampling for everything in the sample.

    `whole` says that files will store whole numbers of the images as they are now: integers stay integers, rounded.
    """
    mapping, laterality = Mapping(), copy.swaps_laterality
    swaps: list[tuple[str, str]] = []
    reports: dict[str, Any] = {}
    grids = _Grids(copy)
    for drawn in chain:
        if not isinstance(drawn.step, SpatialStep):
            raise TypeError(drawn.name)
        here = replace(scene.at(drawn.path), geometry=grids.frame)
        grids.follow(grid_after(drawn.step, here))
        parts = drawn.step.mapping(here)
        mapping = mapping.after(parts)
        swaps.extend(drawn.step.swaps(here))
        laterality ^= drawn.step.swaps_laterality(here)
        report = drawn.step.report(here, parts)
        reports |= {drawn.path: report} if report else {}
    settings = settings_of(chain) or (None, None, None)
    images, labels = _resample(copy, mapping, grids, settings, scene.resampler, whole=whole)
    return Copy(
        images,
        swap_labels(labels, swaps, names, scene.label_names),
        copy.mapping.after(mapping.parts),
        laterality,
        (*copy.swaps, *swaps),
        reports=copy.reports | reports,
    )


class _Grids:
    """The grids of a copy on their way through a chain: `frame` is that of the first image."""

    def __init__(self, copy: Copy) -> None:
        self.frame = next(iter(copy.images.values())).geometry
        contents: list[Volume | Labels] = [*copy.images.values(), *copy.labels.values()]
        self._now = {content.geometry: content.geometry for content in contents}

    def follow(self, frame: Geometry) -> None:
        """Let every grid follow the first image's, which is now `frame`."""
        if frame is not self.frame:
            self._now = {source: matching_grid(self.frame, frame, grid) for source, grid in self._now.items()}
        self.frame = frame

    def of(self, source: Geometry) -> Geometry:
        """Return the grid that has taken the place of `source`."""
        return self._now[source]


def _resample(
    copy: Copy, mapping: Mapping, grids: _Grids, settings: Resampling, resampler: Resampler, *, whole: bool
) -> tuple[dict[str, Volume], dict[str, Labels]]:
    """Pull every image, void and label map of a copy through `mapping` onto its new grid, all at once."""
    interpolation, label_interpolation = settings[0] or "linear", settings[1] or "nearest"
    fill = "minimum" if settings[2] is None else settings[2]
    requests: list[Request] = []
    rooms: dict[str, AnyArray] = {}
    for name, volume in copy.images.items():
        old, new = volume.geometry, grids.of(volume.geometry)
        value = fill_value(volume, fill)
        dtype = volume.array.dtype if whole and _stays_whole(volume.array, interpolation, value) else np.float32
        rooms[name] = np.empty((len(volume.array), *new.size[::-1]), dtype)
        requests += [
            Request(one, old, interpolation, value, dtype, new, room)
            for one, room in zip(volume.array, rooms[name], strict=True)
        ]
        if volume.void is not None:
            void = volume.void.astype(np.uint8)
            requests.append(Request(void, old, "nearest", 1.0 if volume.grows else 0.0, output=new))
    for label in copy.labels.values():
        old, new = label.geometry, grids.of(label.geometry)
        if isinstance(label, LabelStack) and label.soft:
            outside = [float(label.partition and number == 0) for number in range(len(label.array))]
            parts = zip(label.parts(), outside, strict=True)
            requests += [Request(part, old, "linear", share, np.float32, new) for part, share in parts]
        else:
            requests += [label_request(part, old, label_interpolation, new) for part in label.parts()]
    moved = iter(resample(requests, mapping, resampler))
    images = {name: _with_moved(volume, rooms[name], moved, grids) for name, volume in copy.images.items()}
    labels = {
        name: label.with_parts([next(moved) for _ in label.parts()], grids.of(label.geometry))
        for name, label in copy.labels.items()
    }
    return images, labels


def _stays_whole(array: AnyArray, interpolation: str, fill: float | None) -> bool:
    """Say whether all that a resampling of integers can give, rounded, is in the range of their type."""
    return (
        array.dtype.kind in "iu"
        and interpolation != "bspline"  # which overshoots; what is clipped is counted when it is stored
        and (fill is None or (fill.is_integer() and np.iinfo(array.dtype).min <= fill <= np.iinfo(array.dtype).max))
    )


def _with_moved(volume: Volume, array: AnyArray, moved: Iterator[AnyArray], grids: _Grids) -> Volume:
    """Return `volume` with `array`, whose components are the next of `moved`, and its void, which follows them."""
    for _ in volume.array:
        next(moved)
    void = None if volume.void is None else next(moved).astype(bool)
    return replace(volume, array=array, geometry=grids.of(volume.geometry), void=void)


def fill_value(volume: Volume, fill: str | float) -> float | None:
    """Return the intensity that stands outside the field of view; None for the nearest voxel's."""
    valid = None if volume.void is None else ~volume.void
    match fill:
        case "minimum":
            return constant_of(volume.array, valid, "minimum")
        case "mean":
            return mean_and_deviation(volume.array, valid)[0]
        case "edge":
            return None
        case "air":
            return -1024.0
        case "otsu_background":
            return border_background(volume.array, valid)
        case _:
            return float(fill)


def turn_of(mapping: Mapping, grid: Geometry) -> tuple[tuple[int, int], ...]:
    """Return for each array axis of the copy the source axis that now lies along it, and its sign.

    Read off the mapping's Jacobian at the centre of the grid: flips and quarter turns show, small rotations do not.
    """
    axes = np.array(grid.direction).reshape(3, 3)
    jacobian = np.linalg.inv(axes) @ mapping.jacobian(grid.center_mm) @ axes
    turn = []
    for axis in range(3):
        source = int(np.abs(jacobian[:, axis]).argmax())
        turn.append((source, 1 if jacobian[source, axis] > 0 else -1))
    return tuple(turn)
