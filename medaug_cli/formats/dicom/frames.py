"""Frames: where each frame of an enhanced multi-frame image lies, and how it stores its values (PS3.3 C.7.6.16).

The order of frames is not spatial: planes are sorted by their positions, and what passes the same planes again (time
points, echoes, diffusion weights) becomes another component.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.formats.dicom.grid import (
    SAME_PLACE_MM,
    distances_mm,
    same_plane_grid,
    slice_geometry,
    slice_order,
    stack_geometry,
)
from medaug_cli.formats.dicom.header import number, numbers, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.formats.dicom.instance import Instance

SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
# What tells frames of one plane apart, in the order of their components: (functional group, attribute).
_TURNS = (
    ("FrameContentSequence", "TemporalPositionIndex"),
    ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    ("MREchoSequence", "EffectiveEchoTime"),
    ("MRDiffusionSequence", "DiffusionBValue"),
)


@dataclass(frozen=True)
class Frame:
    """One frame: its place in the file, and its plane and rescaling; `plane` is its instance seen as one slice."""

    index: int
    plane: Instance
    slope: float
    intercept: float
    turn: tuple[float, ...]


@dataclass(frozen=True)
class FrameStack:
    """The frames of one object as a volume: `order[component][slice]` is a frame's place in the file."""

    frames: tuple[Frame, ...]
    order: tuple[tuple[int, ...], ...]
    geometry: Geometry
    irregular: str = ""


def parse_frames(header: Dataset, instance: Instance, count: int) -> FrameStack:
    """Return how the `count` frames of `header` form a volume. Raises SampleError where groups are missing."""
    file = instance.file
    if values(header, "ConcatenationUID", file):
        raise SampleError("not_supported", f"{file}: one part of a concatenation; join its parts to one object first")
    items = values(header, PER_FRAME, file)
    if len(items) != count:
        message = f"{file}: {len(items)} items in {PER_FRAME} for {count} frames; their places are not known"
        raise SampleError("bad_header", message)
    shared = values(header, SHARED, file)
    frames = tuple(_parse_frame(index, [item, *shared[:1]], instance) for index, item in enumerate(items))
    return _stack(frames)


def find_group(items: Sequence[Dataset], group: str, file: str) -> Dataset | None:
    """Return the item of functional group `group` in the first of `items` (a frame's, the shared one) that has it."""
    for item in items:
        found = values(item, group, file)
        if found:
            group_item: Dataset = found[0]
            return group_item
    return None


def _parse_frame(index: int, items: Sequence[Dataset], instance: Instance) -> Frame:
    file = instance.file
    position = find_group(items, "PlanePositionSequence", file)
    orientation = find_group(items, "PlaneOrientationSequence", file)
    measures = find_group(items, "PixelMeasuresSequence", file)
    if position is None or orientation is None or measures is None:
        raise SampleError("bad_header", f"{file}: frame {index + 1} has no plane position, orientation or measures")
    spacing = numbers(measures, "PixelSpacing", file, 2)
    plane = replace(
        instance,
        position_mm=numbers(position, "ImagePositionPatient", file, 3),
        orientation=numbers(orientation, "ImageOrientationPatient", file, 6),
        spacing_mm=(spacing[1], spacing[0]) if spacing and min(spacing) > 0 else None,
        thickness_mm=number(measures, "SliceThickness", file, 1.0) or 1.0,
        frames=1,
    )
    if not plane.in_patient or plane.spacing_mm is None:
        raise SampleError("bad_header", f"{file}: frame {index + 1} has no place or pixel spacing")
    values_of = find_group(items, "PixelValueTransformationSequence", file)
    slope = 1.0 if values_of is None else number(values_of, "RescaleSlope", file, 1.0)
    if slope == 0:
        raise SampleError("bad_header", f"{file}: frame {index + 1} has a RescaleSlope of 0")
    intercept = 0.0 if values_of is None else number(values_of, "RescaleIntercept", file, 0.0)
    return Frame(index, plane, slope, intercept, _turn(items, file))


def _turn(items: Sequence[Dataset], file: str) -> tuple[float, ...]:
    found = []
    for group, keyword in _TURNS:
        item = find_group(items, group, file)
        found.append(0.0 if item is None else number(item, keyword, file, 0.0))
    return tuple(found)


def _stack(frames: tuple[Frame, ...]) -> FrameStack:
    """Return the volume that `frames` form; what forms none keeps the order of the file and says why."""
    first = frames[0].plane
    for frame in frames:
        slice_geometry(frame.plane)
    if not all(same_plane_grid(first, frame.plane) for frame in frames):
        reason = "mixed_orientations: frames differ in orientation or spacing; export each orientation by itself"
        return _in_file_order(frames, reason)
    planes = _planes(frames)
    if len({len(plane) for plane in planes}) > 1:
        fewest, most = min(map(len, planes)), max(map(len, planes))
        reason = f"duplicate_position: planes have {fewest} to {most} frames; export each time point by itself"
        return _in_file_order(frames, reason)
    order = tuple(tuple(plane[turn].index for plane in planes) for turn in range(len(planes[0])))
    geometry, irregular = stack_geometry([plane[0].plane for plane in planes])
    return FrameStack(frames, order, geometry, irregular)


def _in_file_order(frames: tuple[Frame, ...], reason: str) -> FrameStack:
    one = slice_geometry(frames[0].plane)
    geometry = replace(one, size=(*one.size[:2], len(frames)))
    return FrameStack(frames, (tuple(range(len(frames))),), geometry, reason)


def _planes(frames: tuple[Frame, ...]) -> list[list[Frame]]:
    """Return the frames plane by plane along the normal, those of one plane by their turn and place in the file."""
    by_place = {id(frame.plane): frame for frame in frames}
    along = [by_place[id(plane)] for plane in slice_order([frame.plane for frame in frames])]
    places = distances_mm([frame.plane for frame in along])
    planes: list[list[Frame]] = []
    last = -float("inf")
    for place, frame in zip(places, along, strict=True):
        if place - last < SAME_PLACE_MM:
            planes[-1].append(frame)
        else:
            planes.append([frame])
        last = place
    return [sorted(plane, key=lambda frame: (frame.turn, frame.index)) for plane in planes]
