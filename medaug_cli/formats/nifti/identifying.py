"""Identifying: where a NIfTI file holds free text, extensions, or what gzip notes of a file; no value is told."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections import Counter
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.formats import Place
from medaug_cli.formats.nifti import fields, names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from medaug_cli.formats.nifti.fields import Head

_TEXTS = ("descrip", "aux_file", "db_name", "data_type", "intent_name", "unused_str")
_HEAD_BYTES = 8  # of an extension
_GZIP_FLAGS, _GZIP_TIME = 3, slice(4, 8)  # RFC 1952 2.3
_GZIP_NOTES = {0x04: "extra field", 0x08: "file name", 0x10: "comment"}


def find_places(path: Path, file: str) -> Counter[Place]:
    """Return the texts of the header, the extensions by their codes, and what gzip notes; none for an `.img`.

    `file` is what messages call `path`. Raises SampleError: `unreadable`, `truncated`, `bad_header`.
    """
    if file.lower().endswith(".img"):
        return Counter()
    packed, pair = names.container_of(file) == "gzip", names.container_of(file) == "pair"
    try:
        with path.open("rb") as plain:
            start = plain.read(10)
        with gzip.open(path) if packed else path.open("rb") as stream:
            block = stream.read(fields.HEADER_BYTES[2])
            head = fields.open_head(file, block, pair=pair)
            end = fields.MOST_EXTENSION_BYTES if pair else fields.read_voxel_offset(file, head, pair=pair)
            block += stream.read(max(0, end - len(block)))
    except (OSError, EOFError, zlib.error) as error:
        raise SampleError("unreadable", f"{file}: {type(error).__name__}; copy it again") from error
    return Counter([*_in_gzip(start if packed else b""), *_texts(head), *_extensions(file, head, block[:end])])


def _in_gzip(start: bytes) -> Iterator[Place]:
    if not start:
        return
    yield from (Place("gzip", note) for flag, note in _GZIP_NOTES.items() if start[_GZIP_FLAGS] & flag)
    if any(start[_GZIP_TIME]):
        yield Place("gzip", "time")


def _texts(head: Head) -> Iterator[Place]:
    header = head.to_nibabel()
    for name in _TEXTS:
        if name in header and bytes(header[name].tobytes()).strip(b" \0"):
            yield Place("header", name)


def _extensions(file: str, head: Head, block: bytes) -> Iterator[Place]:
    """Yield the code of each extension before the voxels (nifti1.h)."""
    fields.check_extensions(file, head, block, end=len(block))
    start = fields.HEADER_BYTES[head.version]
    if not block[start : start + 1].strip(b"\0"):
        return
    position = start + fields.EXTENDER_BYTES
    while position + _HEAD_BYTES <= len(block):
        length, code = struct.unpack_from(f"{head.endianness}ii", block, position)
        yield Place("extension", f"code {code}")
        position += length
