"""The fixed part of a NIfTI file: size, magic, extensions and where the voxels begin."""

from __future__ import annotations

import struct

from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np

HEADER_BYTES = {1: 348, 2: 540}
EXTENDER_BYTES = 4
# Enough for the header, and for the heads of the extensions that a first block holds.
FIRST_BLOCK_BYTES = 4096
# No more may stand before the voxels: it would be unpacked before anything shows that it is worth it.
MOST_EXTENSION_BYTES = 1 << 24
_EOL_CHECK = b"\r\n\x1a\n"
_VOXEL_ALIGNMENT = 16
_EXTENSION_HEAD_BYTES = 8


def version_of(fields: Nifti1Header) -> int:
    """Return 1 or 2."""
    return 2 if isinstance(fields, Nifti2Header) else 1


def open_fields(name: str, block: bytes | memoryview, *, pair: bool) -> Nifti1Header:
    """Return the fields at the start of `block`, in whichever byte order, once size and magic are right.

    Raises SampleError: `truncated`, `bad_header`, `analyze_not_supported`.
    """
    fields = _cut_fields(name, block)
    _check_magic(name, fields, pair=pair)
    return fields


def read_voxel_offset(name: str, fields: Nifti1Header, *, pair: bool) -> int:
    """Return where the voxels begin; raises SampleError `bad_header`."""
    offset = float(fields["vox_offset"])
    least, step = (0, 1) if pair else (HEADER_BYTES[version_of(fields)] + EXTENDER_BYTES, _VOXEL_ALIGNMENT)
    if not (np.isfinite(offset) and least <= offset <= MOST_EXTENSION_BYTES and offset % step == 0):
        raise SampleError(
            "bad_header",
            f"{name}: vox_offset is {offset}; multiples of {step} from {least} to {MOST_EXTENSION_BYTES} are allowed",
        )
    return int(offset)


def check_extensions(name: str, fields: Nifti1Header, block: bytes | memoryview, *, end: int) -> None:
    """Walk the heads of the extensions that `block` holds; raises SampleError where one passes `end`."""
    start = HEADER_BYTES[version_of(fields)]
    position = start + EXTENDER_BYTES
    if len(block) <= start or block[start] == 0:
        return
    while position < end and position + _EXTENSION_HEAD_BYTES <= len(block):
        (length,) = struct.unpack(f"{fields.endianness}i", block[position : position + 4])
        if not _EXTENSION_HEAD_BYTES <= length <= end - position:
            raise SampleError("bad_header", f"{name}: an extension of {length} bytes; {end - position} are left for it")
        position += length


def _cut_fields(name: str, block: bytes | memoryview) -> Nifti1Header:
    if len(block) < HEADER_BYTES[1]:
        raise SampleError("truncated", f"{name}: {len(block)} bytes, a NIfTI header has {HEADER_BYTES[1]}")
    for order in "<>":
        (length,) = struct.unpack(f"{order}i", block[:4])
        if length == HEADER_BYTES[1]:
            return Nifti1Header(bytes(block[:length]), order, check=False)
        if length == HEADER_BYTES[2] and len(block) >= length:
            return Nifti2Header(bytes(block[:length]), order, check=False)
    raise SampleError("bad_header", f"{name}: not NIfTI: its first four bytes are neither 348 nor 540")


def _check_magic(name: str, fields: Nifti1Header, *, pair: bool) -> None:
    version = version_of(fields)
    magic = bytes(fields["magic"].item())
    if magic not in {b"n+%d" % version, b"ni%d" % version}:
        if version == 1:
            raise SampleError(
                "analyze_not_supported", f"{name}: ANALYZE 7.5, whose orientation is unknown; convert to NIfTI"
            )
        raise SampleError("bad_header", f"{name}: no NIfTI-2 magic")
    if version == 2 and fields["eol_check"].tobytes() != _EOL_CHECK:  # noqa: PLR2004 (NIfTI-2)
        raise SampleError("bad_header", f"{name}: line ends were changed in transfer; copy the file as binary")
    if magic.startswith(b"ni") is not pair:
        place = "in the same file" if pair else "in an .img file"
        raise SampleError("bad_header", f"{name}: its magic says that the voxels are {place}, its name does not")
