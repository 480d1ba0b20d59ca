"""Read NIfTI voxels: each file once, its bytes hashed, its gzip members and its length checked."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.hashing import hash_voxels
from medaug_cli.core.lazy import np
from medaug_cli.core.sample import FileEntry, Loaded
from medaug_cli.formats.nifti import fields, gzip_member, header, names, sidecar
from medaug_cli.formats.nifti.find import check_declared, check_names
from medaug_cli.formats.nifti.stacks import to_labels
from medaug_cli.formats.nifti.voxels import to_volume

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.sample import Source
    from medaug_cli.formats import Limits
    from medaug_cli.formats.nifti.header import NiftiHeader

_WIDEST_VOXEL_BYTES = 8


def read_source(root: Path, source: Source, limits: Limits) -> Loaded:
    """Return the voxels of `source` and an entry for each of its files.

    Intensities become float32 (24 bits), so that int32, int64 and float64 images lose what is beyond; labels are exact.
    Raises SampleError: `source_changed`, `unreadable`, `truncated`, `crc_mismatch`, `too_large`, `trailing_bytes`,
    `label_not_integer`, and what a header can have wrong.
    """
    files = sidecar.files_of_volume(source.files)
    check_names(files)
    raws = tuple(_read_bytes(root, source, index, limits) for index in range(len(source.files)))
    hashes = tuple(hashlib.sha256(raw).hexdigest() for raw in raws)
    lengths = tuple(len(raw) for raw in raws)
    found, data = _unpack(files, raws[: len(files)], limits)
    kept = sidecar.read_kept(raws[-1]) if len(files) < len(raws) else {}
    del raws  # the packed bytes would stand beside the float32 volume
    stored = found.view_stored(data)
    voxel_sha256 = hash_voxels(stored, found.geometry)
    holds = [(voxel_sha256, found.dtype_name)] * len(files) + [("", sidecar.DTYPE)] * (len(lengths) - len(files))
    entries = tuple(
        FileEntry(source.role, source.channel, path, length, sha256, voxels, names.FORMAT_NAME, dtype)
        for path, length, sha256, (voxels, dtype) in zip(source.files, lengths, hashes, holds, strict=True)
    )
    if source.role == "label":
        labels, template = to_labels(files[-1], stored, found, soft=source.declared == "soft")
        return Loaded(source, labels, entries, template)
    volume, template = to_volume(stored, found)
    return Loaded(source, volume, entries, replace(template, sidecar=kept), window=found.window)


def _read_bytes(root: Path, source: Source, index: int, limits: Limits) -> bytes:
    """Return a whole file, which must be as it was found and stay so while it is read."""
    name = source.files[index]
    try:
        with (root / name).open("rb") as stream:
            before = os.fstat(stream.fileno())
            if before.st_size > limits.max_voxels * _WIDEST_VOXEL_BYTES + fields.MOST_EXTENSION_BYTES:
                raise SampleError(
                    "too_large", f"{name}: {before.st_size} bytes; limits.max_voxels is {limits.max_voxels:.0f}"
                )
            raw = stream.read()
            after = os.fstat(stream.fileno())
    except OSError as error:
        raise SampleError("unreadable", f"{name}: {error.strerror}") from error
    stamp = (after.st_size, after.st_mtime_ns)
    expected = source.stamps[index] if source.stamps else (before.st_size, before.st_mtime_ns)
    if stamp != expected or len(raw) != after.st_size:
        raise SampleError("source_changed", f"{name}: changed since it was found; run again")
    return raw


def _unpack(files: tuple[str, ...], raws: tuple[bytes, ...], limits: Limits) -> tuple[NiftiHeader, AnyArray]:
    """Return the header and the whole file (uint8) that holds the voxels, unpacked."""
    packed = names.container_of(files[0]) == "gzip"
    pair = len(files) > 1
    found = header.parse_header(files[0], _first_block(files[0], raws[0], packed=packed), pair=pair)
    if found.samples > limits.max_voxels:
        raise SampleError(
            "too_large", f"{files[0]}: {found.samples} voxels; limits.max_voxels is {limits.max_voxels:.0f}"
        )
    check_declared(files[-1], found, len(raws[-1]), packed=packed)
    if packed:
        data = gzip_member.decode(files[0], raws[0], found.declared_bytes)
    else:
        data = np.frombuffer(raws[-1], np.uint8)
        gzip_member.check_padding(files[-1], memoryview(raws[-1])[found.declared_bytes :])
    head = raws[0] if pair else data[: found.voxel_offset].data
    fields.check_extensions(files[0], found.head, head, end=len(head))
    return found, data


def _first_block(name: str, raw: bytes, *, packed: bool) -> bytes:
    if not packed:
        return raw[: fields.FIRST_BLOCK_BYTES]
    return gzip_member.first_bytes(name, raw[: gzip_member.LONGEST_HEAD_BYTES], fields.FIRST_BLOCK_BYTES)
