"""The fixed part of a NIfTI file: size, magic, extensions and where the voxels begin."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import without

with without("pydicom"):  # nibabel would import it, with all its codecs, for an extension that is never read
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER_BYTES = {1: 348, 2: 540}
EXTENDER_BYTES = 4
# Enough for the header, and for the heads of the extensions that a first block holds.
FIRST_BLOCK_BYTES = 4096
# No more may stand before the voxels: it would be unpacked before anything shows that it is worth it.
MOST_EXTENSION_BYTES = 1 << 24
_EOL_CHECK = b"\r\n\x1a\n"
_VOXEL_ALIGNMENT = 16
_EXTENSION_HEAD_BYTES = 8


# NIfTI-1 and NIfTI-2 from their first byte on; what is not needed is passed over.
_LAYOUTS = {1: "40x8h12xhh4x8ffff3xB128xhh6f12f16x4s", 2: "4x4s4sh2x8q24x8dqdd152xii6d12d4xii"}
_STRUCTS = {(version, order): struct.Struct(order + _LAYOUTS[version]) for version in _LAYOUTS for order in "<>"}


@dataclass(frozen=True, eq=False, slots=True)
class Head:
    """The fields of a header as plain numbers, by their names in nifti1.h.

    nibabel's own header, which takes twenty times as long to make, is made of `block` where one is to be written.
    """

    version: int
    endianness: str
    block: bytes
    values: Mapping[str, Any]

    def __getitem__(self, field: str) -> Any:
        return self.values[field]

    def to_nibabel(self) -> Nifti1Header:
        """Return the whole header as nibabel holds it."""
        if self.version == 2:  # noqa: PLR2004  NIfTI-2
            return Nifti2Header(self.block, self.endianness, check=False)
        return Nifti1Header(self.block, self.endianness, check=False)


def open_head(name: str, block: bytes | memoryview, *, pair: bool) -> Head:
    """Return the fields at the start of `block`, in whichever byte order, once size and magic are right.

    Raises SampleError: `truncated`, `bad_header`, `analyze_not_supported`.
    """
    head = _cut_head(name, block)
    _check_magic(name, head, pair=pair)
    return head


def head_of(fields: Nifti1Header) -> Head:
    """Return the numbers of a header that nibabel holds."""
    return _unpack(2 if isinstance(fields, Nifti2Header) else 1, fields.endianness, bytes(fields.binaryblock))


def read_voxel_offset(name: str, head: Head, *, pair: bool) -> int:
    """Return where the voxels begin; raises SampleError `bad_header`."""
    offset = float(head["vox_offset"])
    least, step = (0, 1) if pair else (HEADER_BYTES[head.version] + EXTENDER_BYTES, _VOXEL_ALIGNMENT)
    if not (math.isfinite(offset) and least <= offset <= MOST_EXTENSION_BYTES and offset % step == 0):
        raise SampleError(
            "bad_header",
            f"{name}: vox_offset is {offset}; multiples of {step} from {least} to {MOST_EXTENSION_BYTES} are allowed",
        )
    return int(offset)


def check_extensions(name: str, head: Head, block: bytes | memoryview, *, end: int) -> None:
    """Walk the heads of the extensions that `block` holds; raises SampleError where one passes `end`."""
    start = HEADER_BYTES[head.version]
    position = start + EXTENDER_BYTES
    if len(block) <= start or block[start] == 0:
        return
    while position < end and position + _EXTENSION_HEAD_BYTES <= len(block):
        (length,) = struct.unpack(f"{head.endianness}i", block[position : position + 4])
        if not _EXTENSION_HEAD_BYTES <= length <= end - position:
            raise SampleError("bad_header", f"{name}: an extension of {length} bytes; {end - position} are left for it")
        position += length


def _cut_head(name: str, block: bytes | memoryview) -> Head:
    if len(block) < HEADER_BYTES[1]:
        raise SampleError("truncated", f"{name}: {len(block)} bytes, a NIfTI header has {HEADER_BYTES[1]}")
    for order in "<>":
        (length,) = struct.unpack(f"{order}i", block[:4])
        for version, header_bytes in HEADER_BYTES.items():
            if length == header_bytes <= len(block):
                return _unpack(version, order, bytes(block[:header_bytes]))
    raise SampleError("bad_header", f"{name}: not NIfTI: its first four bytes are neither 348 nor 540")


def _unpack(version: int, order: str, block: bytes) -> Head:
    numbers = _STRUCTS[version, order].unpack_from(block)
    if version == 1:
        *dim, intent, kind = numbers[:10]
        *pixdim, offset, slope, intercept, units, qform, sform = numbers[10:24]
        *places, magic = numbers[24:]
        eol = _EOL_CHECK
    else:
        magic, eol, kind, *dim = numbers[:11]
        *pixdim, offset, slope, intercept, qform, sform = numbers[11:24]
        *places, units, intent = numbers[24:]
    b, c, d, x, y, z = places[:6]
    values = {
        "dim": dim,
        "intent_code": intent,
        "datatype": kind,
        "pixdim": tuple(pixdim),
        "vox_offset": offset,
        "scl_slope": slope,
        "scl_inter": intercept,
        "xyzt_units": units,
        "qform_code": qform,
        "sform_code": sform,
        "quatern_b": b,
        "quatern_c": c,
        "quatern_d": d,
        "qoffset_x": x,
        "qoffset_y": y,
        "qoffset_z": z,
        "srow_x": tuple(places[6:10]),
        "srow_y": tuple(places[10:14]),
        "srow_z": tuple(places[14:18]),
        "magic": magic.rstrip(b"\0"),
        "eol_check": eol,
    }
    return Head(version, order, block, values)


def _check_magic(name: str, head: Head, *, pair: bool) -> None:
    version, magic = head.version, head["magic"]
    if magic not in {b"n+%d" % version, b"ni%d" % version}:
        if version == 1:
            raise SampleError(
                "analyze_not_supported", f"{name}: ANALYZE 7.5, whose orientation is unknown; convert to NIfTI"
            )
        raise SampleError("bad_header", f"{name}: no NIfTI-2 magic")
    if head["eol_check"] != _EOL_CHECK:
        raise SampleError("bad_header", f"{name}: line ends were changed in transfer; copy the file as binary")
    if magic.startswith(b"ni") is not pair:
        place = "in the same file" if pair else "in an .img file"
        raise SampleError("bad_header", f"{name}: its magic says that the voxels are {place}, its name does not")
