"""Read: a SEG as one label map, or where its segments overlap or are fractions as a stack of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import LabelMap, LabelStack
from medaug_cli.core.lazy import np
from medaug_cli.core.sample import Loaded
from medaug_cli.formats.dicom.seg.maker import check_maker
from medaug_cli.formats.dicom.seg.parts import Parts, decode_frames, hash_parts, parse_parts
from medaug_cli.formats.dicom.seg.planes import in_axes_of_image, place_frames
from medaug_cli.formats.dicom.template import clean_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.sample import FileEntry, Source
    from medaug_cli.formats import Limits


@dataclass(frozen=True, eq=False)
class SegTemplate:
    """What a copy takes from its source: the header without pixels and private elements, and its segments."""

    header: Dataset
    parts: Parts


def read_segmentation(
    header: Dataset, source: Source, entry: FileEntry, limits: Limits, images: Sequence[Loaded]
) -> Loaded:
    """Return the segments in `header`, read from the file of `entry`, on a grid that covers `images`.

    Segments that share no voxel become a map whose values are segment numbers. Raises SampleError, also where copies
    could not be written.
    """
    file = source.files[0]
    if source.copy_format == "dicom":
        check_maker(file)
    parts = parse_parts(header, file)
    stored = decode_frames(parts)
    grid, places = place_frames(parts, images)
    _check_size(parts, grid, 1, limits)
    (x, y, _), (rows, columns) = places[0], stored.shape[1:]
    window = (slice(y, y + rows), slice(x, x + columns))
    planes = [z for _, _, z in places]
    content = _to_map(parts, stored, grid, planes, window) if parts.kind != "FRACTIONAL" else None
    if content is None:
        _check_size(parts, grid, len(parts.numbers), limits)
        content = _to_stack(parts, stored, grid, planes, window)
    if source.copy_format != "dicom":
        content = in_axes_of_image(content, [image.volume.geometry for image in images])
    entry = replace(entry, voxel_sha256=hash_parts(parts, stored), dtype=parts.instance.dtype)
    return Loaded(source, content, (entry,), SegTemplate(clean_header(header), parts), modality="SEG")


def _check_size(parts: Parts, grid: Geometry, components: int, limits: Limits) -> None:
    voxels = grid.size[0] * grid.size[1] * grid.size[2] * components
    if voxels > limits.max_voxels:
        file = parts.instance.file
        message = f"{file}: its labels take {voxels} voxels over their image; limits.max_voxels allows"
        raise SampleError("too_large", f"{message} {limits.max_voxels:g}")


def _to_map(
    parts: Parts, stored: AnyArray, grid: Geometry, planes: Sequence[int], window: tuple[slice, slice]
) -> Labels | None:
    """Return the segments as one map; None where two of them share a voxel."""
    kind = stored.dtype if parts.kind == "LABELMAP" else np.min_scalar_type(max(parts.numbers, default=0))
    array = np.zeros(grid.size[::-1], dtype=kind)
    for frame, plane, pixels in zip(parts.frames, planes, stored, strict=True):
        there = array[(plane, *window)]
        value = _labels(parts, pixels) if parts.kind == "LABELMAP" else pixels.astype(kind) * kind.type(frame.segment)
        if ((there != 0) & (value != 0)).any():
            return None
        there += value
    return LabelMap(array, grid, dict(zip(parts.numbers, parts.names, strict=True)))


def _labels(parts: Parts, pixels: AnyArray) -> AnyArray:
    """Return the pixels of a LABELMAP's frame with 0 where no segment is, whatever value the file has for that."""
    return np.where(pixels == parts.padding, pixels.dtype.type(0), pixels) if parts.padding else pixels


def _to_stack(
    parts: Parts, stored: AnyArray, grid: Geometry, planes: Sequence[int], window: tuple[slice, slice]
) -> LabelStack:
    """Return one component a segment, in the order of their descriptions; fractions as float32 from 0 to 1."""
    soft = parts.kind == "FRACTIONAL"
    array = np.zeros((len(parts.numbers), *grid.size[::-1]), dtype=np.float32 if soft else np.uint8)
    for frame, plane, pixels in zip(parts.frames, planes, stored, strict=True):
        there = array[(parts.numbers.index(frame.segment), plane, *window)]
        if there.any() and pixels.any():
            message = f"{parts.instance.file}: two frames show segment {frame.segment} in one plane; export it again"
            raise SampleError("duplicate_position", message)
        there += pixels.astype(array.dtype) / np.float32(parts.most) if soft else pixels
    return LabelStack(array, grid, parts.names, soft)
