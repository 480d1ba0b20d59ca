"""Programs: the drawn steps of one copy, and the one pure function that applies them to a sample.

Replay, the run, a redraw and a preview all go through `apply_program`; it never changes the sample it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.intensity import border_background, low_and_high, mean_and_deviation
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Move
from medaug_cli.core.sample import LabelMap, LabelStack, Volume
from medaug_cli.spatial.grids import matching_grid
from medaug_cli.spatial.mapping import Mapping
from medaug_cli.spatial.marks import move_marks
from medaug_cli.spatial.resample import Request, label_request, resample
from medaug_cli.step import GridStep, IntensityStep, LabelStep, Policy, Scene, SpatialStep, Step, join_resampling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.sample import Labels, LoadedSample
    from medaug_cli.spatial.resample import Resampler
    from medaug_cli.step import Resampling


@dataclass(frozen=True)
class Drawn:
    """One step as drawn for one copy; `step` is None where chance left it out. A policy names what it chose."""

    path: str
    name: str
    step: Step | None
    chosen: tuple[int, ...] | None = None


Program = tuple[Drawn, ...]


@dataclass(frozen=True, eq=False)
class Copy:
    """One copy's voxels and marks, by channel, and what happened on the way.

    `swaps` are the pairs of label names that reflections have exchanged, in order.
    """

    images: dict[str, Volume]
    labels: dict[str, Labels]
    mapping: Mapping = field(default_factory=Mapping)
    swaps_laterality: bool = False
    swaps: tuple[tuple[str, str], ...] = ()
    marks: dict[str, Marks] = field(default_factory=dict)
    reports: dict[str, Any] = field(default_factory=dict)


def scene_of(
    sample: LoadedSample,
    seed: int,
    copy: int,
    resampler: Resampler = "kernel",
    max_voxels: float = 4.0e8,
    dtype: str = "preserve",
) -> Scene:
    """Return what the steps of copy number `copy` may know of `sample`; the first image sets the frame.

    `dtype` is that of the copies' images, which DICOM always preserves.
    """
    first = next(iter(sample.images.values()))
    modalities = sample.modalities()
    names = [*sample.label_names.values(), *map(str, sample.label_names), *sample.labels]
    return Scene(
        geometry=first.volume.geometry,
        seed=seed,
        words=(sample.id, copy),
        modality=modalities[0],
        modalities=modalities,
        label_names=tuple(dict.fromkeys(names)),
        resampler=resampler,
        irregular=next((loaded.irregular for loaded in sample.images.values() if loaded.irregular), ""),
        channels=tuple(sample.images),
        windows=tuple(loaded.window for loaded in sample.images.values()),
        rgb=all(loaded.volume.rgb for loaded in sample.images.values()),
        eight_bit=all(loaded.volume.array.dtype == np.uint8 for loaded in sample.images.values()),
        whole_numbers=any(
            "int" in entry.dtype and (entry.format == "dicom" or dtype == "preserve")
            for loaded in sample.images.values()
            for entry in loaded.entries
        ),
        labels={name: one.content for name, one in sample.labels.items() if isinstance(one.content, LabelMap)},
        label_values=sample.label_names,
        max_voxels=max_voxels,
    )


def draw_program(steps: Sequence[Step], scene: Scene) -> Program:
    """Draw every step for one copy; each has a generator of its own, keyed by its path."""
    return tuple(_draw_all(steps, scene, "steps")[0])


def _draw_all(
    steps: Sequence[Step], scene: Scene, path: str, order: Sequence[int] | None = None
) -> tuple[list[Drawn], Scene]:
    """Return the drawn steps and the scene that they leave behind."""
    made: list[Drawn] = []
    for index in range(len(steps)) if order is None else order:
        step, here = steps[index], f"{path}[{index}]"
        drawn = step.draw(scene.at(here))
        if drawn is None or not isinstance(drawn, Policy):
            made.append(Drawn(here, step.step_name(), drawn))
            scene = _scene_after(drawn, scene, here)
            continue
        chosen = drawn.choose(scene.at(here).generator("choose"))
        made.append(Drawn(here, step.step_name(), drawn, chosen))
        children, scene = _draw_all(drawn.steps, scene, f"{here}.{step.step_name()}", chosen)
        made.extend(children)
    return made, scene


def _scene_after(step: Step | None, scene: Scene, path: str) -> Scene:
    """Return the scene as the steps after the drawn `step` find it."""
    if not isinstance(step, SpatialStep):
        return scene
    here = scene.at(path)
    return replace(scene, geometry=_grid_after(step, here), history=(*scene.history, (step, here)))


def _grid_after(step: SpatialStep, here: Scene) -> Geometry:
    """Return the grid that a drawn step leaves behind; raises SampleError where it has too many voxels."""
    grid = step.new_grid(here) if isinstance(step, GridStep) else here.geometry
    voxels = grid.size[0] * grid.size[1] * grid.size[2]
    if grid is not here.geometry and voxels > here.max_voxels:
        allowed = f"limits.max_voxels allows {here.max_voxels:g}"
        raise SampleError("too_large", f"{step.step_name()} makes a grid of {voxels} voxels; {allowed}")
    return grid


def apply_program(program: Program, sample: LoadedSample, scene: Scene) -> Copy:
    """Return a copy of `sample` to which the drawn steps have been applied."""
    copy = Copy(
        {channel: loaded.volume for channel, loaded in sample.images.items()},
        {name: loaded.label for name, loaded in sample.labels.items()},
    )
    applied = [drawn for drawn in program if drawn.step is not None and not isinstance(drawn.step, Policy)]
    fresh = False
    for chain in _chains(applied):
        if isinstance(chain[0].step, IntensityStep):
            if not fresh:
                copy = replace(copy, images={name: _own(volume) for name, volume in copy.images.items()})
                fresh = True
            for drawn in chain:
                _change_intensities(drawn, copy, scene)
        elif isinstance(chain[0].step, LabelStep):
            for drawn in chain:
                copy = replace(copy, labels=_change_labels(drawn, copy, scene))
        else:
            copy = _move(chain, copy, scene, sample.label_names)
            fresh = True
    return replace(copy, marks=_move_marks(sample, copy))


def _move_marks(sample: LoadedSample, copy: Copy) -> dict[str, Marks]:
    """Return the sample's marks where the copy's whole mapping, from its first step to its last, shows them."""
    before, after = next(iter(sample.images.values())).volume, next(iter(copy.images.values()))
    move = Move(before.geometry, after.geometry, copy.swaps)
    return {name: move_marks(loaded.marked, copy.mapping, move) for name, loaded in sample.marks.items()}


def _own(volume: Volume) -> Volume:
    """Return `volume` with an array of its own, which intensity steps may change."""
    return replace(volume, array=volume.array.astype(np.float32))


def _chains(applied: Sequence[Drawn]) -> Iterator[list[Drawn]]:
    """Yield neighbours that belong together: intensity or label steps, or spatial steps that one resampling can do."""
    chain: list[Drawn] = []
    for drawn in applied:
        if chain and not _joins(chain, drawn):
            yield chain
            chain = []
        chain.append(drawn)
    if chain:
        yield chain


def _joins(chain: Sequence[Drawn], drawn: Drawn) -> bool:
    for kind in (IntensityStep, LabelStep):
        if isinstance(drawn.step, kind) or isinstance(chain[0].step, kind):
            return isinstance(drawn.step, kind) and isinstance(chain[0].step, kind)
    return _settings_of([*chain, drawn]) is not None


def _settings_of(chain: Sequence[Drawn]) -> Resampling | None:
    """Return what suits all spatial steps of a chain, None where they differ."""
    settings: Resampling | None = (None, None, None)
    for drawn in chain:
        if settings is not None and isinstance(drawn.step, SpatialStep):
            settings = join_resampling(settings, drawn.step.resampling())
    return settings


def _change_intensities(drawn: Drawn, copy: Copy, scene: Scene) -> None:
    """Apply one intensity step to every channel, in place.

    Each channel has generators of its own, or all have the same ones (`channels: shared`).
    """
    if not isinstance(drawn.step, IntensityStep):
        raise TypeError(drawn.name)
    for index, (channel, volume) in enumerate(copy.images.items()):
        here = scene.of_image(index).at(drawn.path)
        if drawn.step.channels != "shared":
            here = here.at(channel)
        valid = None if volume.void is None else ~volume.void
        known = replace(here, geometry=volume.geometry, valid=valid, rgb=volume.rgb)
        drawn.step.for_channel(channel).apply(volume.array, known)


def _change_labels(drawn: Drawn, copy: Copy, scene: Scene) -> dict[str, Labels]:
    """Return all labels after one label step; each map, and each part of a stack, has generators of its own.

    Soft labels are no labels of voxels and stay as they are.
    """
    if not isinstance(drawn.step, LabelStep):
        raise TypeError(drawn.name)
    changed: dict[str, Labels] = {}
    for name, label in copy.labels.items():
        here = replace(scene.at(drawn.path).at(name), geometry=label.geometry)
        if isinstance(label, LabelMap):
            changed[name] = replace(label, array=drawn.step.apply(label.array, here))
        elif not label.soft:
            parts = [drawn.step.apply(part, here.at(str(number))) for number, part in enumerate(label.parts())]
            changed[name] = label.with_parts(parts, label.geometry)
        else:
            changed[name] = label
    return changed


def _move(chain: Sequence[Drawn], copy: Copy, scene: Scene, names: dict[int, str]) -> Copy:
    """Apply a chain of spatial steps: one mapping and one resampling for everything in the sample."""
    mapping, laterality = Mapping(), copy.swaps_laterality
    swaps: list[tuple[str, str]] = []
    reports: dict[str, Any] = {}
    grids = _Grids(copy)
    for drawn in chain:
        if not isinstance(drawn.step, SpatialStep):
            raise TypeError(drawn.name)
        here = replace(scene.at(drawn.path), geometry=grids.frame)
        grids.follow(_grid_after(drawn.step, here))
        mapping = mapping.after(drawn.step.mapping(here))
        swaps.extend(drawn.step.swaps(here))
        laterality ^= drawn.step.swaps_laterality(here)
        report = drawn.step.report(here)
        reports |= {drawn.path: report} if report else {}
    settings = _settings_of(chain) or (None, None, None)
    images, labels = _resample(copy, mapping, grids, settings, scene.resampler)
    return Copy(
        images,
        _swap_labels(labels, swaps, names),
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
    copy: Copy, mapping: Mapping, grids: _Grids, settings: Resampling, resampler: Resampler
) -> tuple[dict[str, Volume], dict[str, Labels]]:
    """Pull every image, void and label map of a copy through `mapping` onto its new grid, all at once."""
    interpolation, label_interpolation = settings[0] or "linear", settings[1] or "nearest"
    fill = "minimum" if settings[2] is None else settings[2]
    requests: list[Request] = []
    for volume in copy.images.values():
        old, new = volume.geometry, grids.of(volume.geometry)
        value = fill_value(volume, fill)
        requests += [Request(one, old, interpolation, value, np.float32, new) for one in volume.array]
        if volume.void is not None:
            void = volume.void.astype(np.uint8)
            requests.append(Request(void, old, "nearest", 1.0 if volume.grows else 0.0, output=new))
    for label in copy.labels.values():
        old, new = label.geometry, grids.of(label.geometry)
        if isinstance(label, LabelStack) and label.soft:
            requests += [Request(part, old, "linear", 0.0, np.float32, new) for part in label.parts()]
        else:
            requests += [label_request(part, old, label_interpolation, new) for part in label.parts()]
    moved = iter(resample(requests, mapping, resampler))
    images = {name: _with_moved(volume, moved, grids) for name, volume in copy.images.items()}
    labels = {
        name: label.with_parts([next(moved) for _ in label.parts()], grids.of(label.geometry))
        for name, label in copy.labels.items()
    }
    return images, labels


def _with_moved(volume: Volume, moved: Iterator[AnyArray], grids: _Grids) -> Volume:
    """Return `volume` with its next arrays of `moved`: its components, then its void."""
    components = [next(moved) for _ in volume.array]
    array = np.stack(components) if len(components) > 1 else components[0][None]
    void = None if volume.void is None else next(moved).astype(bool)
    return replace(volume, array=array, geometry=grids.of(volume.geometry), void=void)


def fill_value(volume: Volume, fill: str | float) -> float | None:
    """Return the intensity that stands outside the field of view; None for the nearest voxel's."""
    valid = None if volume.void is None else ~volume.void
    match fill:
        case "minimum":
            return low_and_high(volume.array, valid)[0]
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


def _swap_labels(
    labels: dict[str, Labels], swaps: Sequence[tuple[str, str]], names: dict[int, str]
) -> dict[str, Labels]:
    """Exchange paired labels: values within the maps, parts of stacks, or whole maps where the pair names those."""
    for first, second in swaps if labels else ():
        if first in labels and second in labels:
            one_map, other_map = labels[first], labels[second]
            if not one_map.geometry.same_grid(other_map.geometry) or one_map.array.dtype != other_map.array.dtype:
                raise SampleError("geometry_mismatch", f"swap_labels: {first} and {second} differ in grid or type")
            labels = {**labels, first: labels[second], second: labels[first]}
            continue
        labels = {key: _swap_within(label, first, second, names) for key, label in labels.items()}
    return labels


def _swap_within(label: Labels, first: str, second: str, names: dict[int, str]) -> Labels:
    """Exchange two values of a map, or two parts of a stack where it has both."""
    if isinstance(label, LabelMap):
        known = {**label.names, **names}
        one, other = _label_value(first, known), _label_value(second, known)
        return replace(label, array=_exchange(label.array, one, other))
    if first not in label.names or second not in label.names:
        return label
    renamed = {first: second, second: first}
    order = [label.names.index(renamed.get(name, name)) for name in label.names]
    return replace(label, array=label.array[order])


def _exchange(array: Any, one: int, other: int) -> Any:
    swapped = array.copy()
    for old, new in ((one, other), (other, one)):
        found = array == old
        if not found.any():
            continue
        if array.dtype.kind in "iu" and not np.iinfo(array.dtype).min <= new <= np.iinfo(array.dtype).max:
            raise SampleError("unknown_label", f"swap_labels: a label map of {array.dtype} cannot hold the value {new}")
        swapped[found] = new
    return swapped


def _label_value(name: str, names: dict[int, str]) -> int:
    found = [value for value, text in names.items() if text == name]
    if found:
        return found[0]
    if name.lstrip("-").isdigit():
        return int(name)
    raise SampleError("unknown_label", f"swap_labels names {name}, which dataset.label_names does not")


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
