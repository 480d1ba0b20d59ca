"""Read: the voxels of a DICOM volume in real values, and the headers to write its copies with."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.sample import FileEntry, Loaded, Volume
from medaug_cli.formats.dicom.enhanced import join_frames
from medaug_cli.formats.dicom.grid import stack_geometry
from medaug_cli.formats.dicom.header import MALFORMED, quiet, read_dataset
from medaug_cli.formats.dicom.instance import parse_instance
from medaug_cli.formats.dicom.picture import describe_picture
from medaug_cli.formats.dicom.pixels import decode_stored, hash_planes
from medaug_cli.formats.dicom.repair import fill_uids
from medaug_cli.formats.dicom.storage import parse_storage
from medaug_cli.formats.dicom.template import FramesTemplate, SliceTemplate, clean_header, find_lossy, shallow_copy
from medaug_cli.formats.dicom.window import read_window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import AnyArray, BoolArray
    from medaug_cli.core.sample import Source
    from medaug_cli.formats import Limits
    from medaug_cli.formats.dicom.instance import Instance


def read_volume(root: Path, source: Source, limits: Limits) -> Loaded:
    """Read all slices of `source` in their order into one volume (component, z, y, x) of real values.

    Raises SampleError.
    """
    templates: list[SliceTemplate] = []
    entries: list[FileEntry] = []
    array: AnyArray | None = None
    void: BoolArray | None = None
    for index, file in enumerate(source.files):
        with quiet():
            template, stored, entry = _read_slice(root, source, index, limits)
        if isinstance(template, FramesTemplate):
            return join_frames(source, template, stored, entry)
        kind = template.storage.short_type(stored)
        if array is None:
            array = np.empty((len(stored), len(source.files), *stored.shape[1:]), dtype=kind)
        elif stored.shape != (len(array), *array.shape[2:]):
            raise SampleError(
                "geometry_mismatch", f"{file}: {stored.shape[1:]} pixels, its series has {array.shape[2:]}"
            )
        if array.dtype not in (kind, np.float32):
            array = array.astype(np.float32)
        template.storage.fill_real(stored, array[:, index])
        padding = template.storage.find_padding(stored)
        if padding is not None:
            void = np.zeros(array.shape[1:], dtype=np.bool_) if void is None else void
            void[index] = padding
        templates.append(template)
        entries.append(entry)
    if array is None:
        raise SampleError("bad_header", "a DICOM volume without files cannot be read")
    return _join(source, array, void, templates, entries)


def _join(
    source: Source,
    array: AnyArray,
    void: BoolArray | None,
    templates: Sequence[SliceTemplate],
    entries: Sequence[FileEntry],
) -> Loaded:
    if void is not None and void.any() and not void.all():
        # Padding far below all measurements would bend every percentile and ring in every interpolation.
        for component in array:
            component[void] = component[~void].min()
    geometry, irregular = stack_geometry([template.instance for template in templates])
    return Loaded(
        source=source,
        content=Volume(array, geometry, void, grows=void is not None, rgb=templates[0].instance.is_rgb),
        entries=tuple(entries),
        template=tuple(templates),
        modality=templates[0].instance.modality,
        irregular=irregular,
        window=read_window(templates[len(templates) // 2]),
    )


def _read_slice(root: Path, source: Source, index: int, limits: Limits) -> tuple[SliceTemplate, AnyArray, FileEntry]:
    file = source.files[index]
    data = read_bytes(root, source, index)
    header = read_dataset(io.BytesIO(data), file, data=data)
    if limits.repair:
        fill_uids(header, file, lambda: data)
    untouched = shallow_copy(header)  # parsing decodes elements, which a template keeps as they are
    instance = parse_instance(header, file)
    voxels = instance.rows * instance.columns * instance.frames * instance.samples * len(source.files)
    if voxels > limits.max_voxels:
        allowed = f"limits.max_voxels allows {limits.max_voxels:g}"
        raise SampleError("too_large", f"{file}: its volume has {voxels} voxels; {allowed}")
    stored = decode_stored(header, instance)
    entry = FileEntry(
        role=source.role,
        channel=source.channel,
        path=file,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        voxel_sha256=hash_planes(stored, instance),
        format="dicom",
        dtype=instance.dtype,
        uids=instance_uids(instance),
    )
    return _make_template(header, untouched, instance, stored), stored, entry


def instance_uids(instance: Instance) -> dict[str, str]:
    """Return the UIDs that a manifest keeps of an instance."""
    uids = {"sop_instance": instance.sop_instance, "series_instance": instance.series}
    if instance.frame_of_reference:
        uids["frame_of_reference"] = instance.frame_of_reference
    return uids


def read_bytes(root: Path, source: Source, index: int) -> bytes:
    """Return the bytes of a file that is, when they are read, still as it was found; raises SampleError."""
    file = source.files[index]
    try:
        with (root / file).open("rb") as stream:
            data = stream.read()
            # After reading: what was written meanwhile would be a mixture.
            status = os.fstat(stream.fileno())
    except OSError as error:
        raise SampleError("unreadable", f"{file}: {error.strerror or type(error).__name__}") from error
    stamp = (status.st_size, status.st_mtime_ns)
    if (source.stamps and stamp != source.stamps[index]) or len(data) != status.st_size:
        raise SampleError("source_changed", f"{file}: changed since the dataset was scanned; run again")
    return data


def _make_template(header: Dataset, untouched: Dataset, instance: Instance, stored: AnyArray) -> SliceTemplate:
    file = instance.file
    try:
        cleaned = describe_picture(clean_header(untouched), instance.modality, file)
    except MALFORMED as error:
        raise SampleError("bad_header", f"{file}: an element cannot be decoded; its bytes break its VR") from error
    storage = parse_storage(cleaned, instance.dtype, file)
    if instance.stack is not None:
        frames = instance.stack.frames
        storages = tuple(replace(storage, slope=frame.slope, intercept=frame.intercept) for frame in frames)
        return FramesTemplate(cleaned, instance, storage, find_lossy(header, stored, file), storages=storages)
    is_range = storage.padding is not None and storage.padding[0] != storage.padding[1]
    return SliceTemplate(
        header=cleaned,
        instance=instance,
        storage=storage,
        lossy=find_lossy(header, stored, file),
        padded=stored.copy() if is_range else None,
    )
