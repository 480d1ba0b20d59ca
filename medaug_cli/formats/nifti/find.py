"""Find NIfTI volumes by their headers; reads the first block of each file and no voxels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.formats import Found, FoundVolume, Limits
from medaug_cli.formats.nifti import fields, gzip_member, header, names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medaug_cli.formats.nifti.header import NiftiHeader


def find_volumes(root: Path, files: Sequence[str]) -> Found:
    """Return one volume a file or pair; what is wrong with one is its `problem`."""
    return Found(volumes=tuple(_find_volume(root, group) for group in names.group_files(files)))


def check_declared(name: str, found: NiftiHeader, file_bytes: int, *, packed: bool) -> None:
    """Raise SampleError where a file of `file_bytes` cannot hold, or holds more than, the voxels of its header."""
    most = file_bytes * gzip_member.MAX_RATIO if packed else file_bytes
    if found.declared_bytes > most:
        # A count that no dataset has tells of a damaged or hostile header rather than of a lost end.
        reason = "too_large" if found.samples > Limits().max_voxels else "truncated"
        raise SampleError(
            reason, f"{name}: its header asks for {found.declared_bytes} bytes, {most} are the most it holds"
        )
    if not packed and file_bytes > found.declared_bytes + gzip_member.PADDING_BYTES:
        raise SampleError(
            "trailing_bytes", f"{name}: {file_bytes} bytes, its header asks for {found.declared_bytes}; mend the header"
        )


def check_names(group: tuple[str, ...]) -> None:
    """Raise SampleError for names that tell of CIFTI, or of half a pair."""
    if names.is_cifti_name(group[0]):
        raise SampleError("cifti_not_supported", f"{group[0]}: CIFTI-2 holds surfaces, not a volume; leave it out")
    if len(group) == 1 and names.container_of(group[0]) == "pair":
        missing = ".hdr" if group[0].lower().endswith(".img") else ".img"
        raise SampleError("pair_incomplete", f"{group[0]}: no {missing} file of the same name beside it; add it")


def _find_volume(root: Path, group: tuple[str, ...]) -> FoundVolume:
    name = names.stem_of(group[0])
    stamps: tuple[tuple[int, int], ...] = ()
    try:
        stamps = tuple(_stamp(root, file) for file in group)
        check_names(group)
        found = _read_header(root, group, stamps)
    except SampleError as error:
        return FoundVolume(names.FORMAT_NAME, name, group, stamps, problem=(error.reason, error.message))
    return FoundVolume(
        format=names.FORMAT_NAME,
        name=name,
        files=group,
        stamps=stamps,
        geometry=found.geometry,
        dtype=found.dtype_name,
        components=found.components,
        warnings=found.warnings,
    )


def _stamp(root: Path, file: str) -> tuple[int, int]:
    try:
        status = os.stat(f"{root}/{file}")  # noqa: PTH116  a Path takes longer to make than the system to answer
    except OSError as error:
        raise SampleError("unreadable", f"{file}: {error.strerror}") from error
    return status.st_size, status.st_mtime_ns


def _read_header(root: Path, group: tuple[str, ...], stamps: tuple[tuple[int, int], ...]) -> NiftiHeader:
    packed = names.container_of(group[0]) == "gzip"
    pair = len(group) > 1
    block = _read_block(root, group[0], packed=packed)
    found = header.parse_header(group[0], block, pair=pair)
    fields.check_extensions(group[0], found.head, block, end=stamps[0][0] if pair else found.voxel_offset)
    check_declared(group[-1], found, stamps[-1][0], packed=packed)
    return found


def _read_block(root: Path, file: str, *, packed: bool) -> bytes:
    try:
        with open(f"{root}/{file}", "rb", buffering=0) as stream:  # noqa: PTH123  a Path takes longer, as above
            if not packed:
                return stream.read(fields.FIRST_BLOCK_BYTES)
            start = stream.read(fields.FIRST_BLOCK_BYTES)
            block = gzip_member.first_bytes(file, start, fields.FIRST_BLOCK_BYTES)
            if len(block) >= fields.HEADER_BYTES[2]:
                return block
            start += stream.read(gzip_member.LONGEST_HEAD_BYTES)
            return gzip_member.first_bytes(file, start, fields.FIRST_BLOCK_BYTES)
    except OSError as error:
        raise SampleError("unreadable", f"{file}: {error.strerror}") from error
