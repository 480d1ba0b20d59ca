"""gzip: decode within a budget and check CRC and length of every member; encode without name and time."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from isal import igzip_lib, isal_zlib

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Bytes8: TypeAlias = npt.NDArray[np.uint8]

Effort = Literal["none", "fast", "small"]
# Of the levels of ISA-L, 3 is the fastest on images, 2 on label maps, each as small as the others or within 1 %.
LEVEL = 3
SPARSE_LEVEL = 2
_ZLIB_LEVEL = {"none": 0, "small": 6}
# Deflate codes at most 258 bytes in 2 bits, so that no gzip file can hold more than this times its size.
MAX_RATIO = 1032
# Some writers fill their last block with zeros.
PADDING_BYTES = 511
# A member's head may carry a name, a comment and 64 KiB of extra fields before its first block.
LONGEST_HEAD_BYTES = 1 << 17
_MAGIC = b"\x1f\x8b"
_RESERVED_FLAGS = 0xE0
_PACKED_PIECE = 1 << 16
_UNPACKED_PIECE = 1 << 20
# Pieces that stay in the cache, and blocks of codes as large as they come: a fifth less time than ISA-L's defaults.
_PACKED_AT_ONCE = 1 << 18
_LARGEST_BLOCKS = 9
# Below level 3, ISA-L's main loop takes the second hash of a stream from a register that holds an address: one label
# map in 10 000 came out otherwise packed. 4 to 16 bytes in a block of their own leave that out: the loop has a past.
FIRST_BLOCK_BYTES = 8


def first_bytes(name: str, packed: bytes, count: int) -> bytes:
    """Return at least `count` decoded bytes of the gzip file that begins with `packed`, or all that `packed` holds.

    Raises SampleError for what is not gzip.
    """
    block = b""
    try:
        for piece in _unpack(name, packed, count):
            block += piece
            if len(block) >= count:
                break
    except SampleError as error:
        if error.reason != "truncated":  # `packed` may be a part of the file
            raise
    return block


def decode(name: str, packed: bytes, declared_bytes: int) -> Bytes8:
    """Return the first `declared_bytes` of all members of `packed`, read to their end.

    Raises SampleError: `truncated`, `crc_mismatch`, `trailing_bytes`, or `too_large` as soon as more comes out than
    the header declares and padding allows.
    """
    unpacked = np.empty(declared_bytes, np.uint8)
    filled = 0
    for piece in _unpack(name, packed, _UNPACKED_PIECE):
        kept = min(len(piece), max(declared_bytes - filled, 0))
        unpacked[filled : filled + kept] = np.frombuffer(piece, np.uint8, count=kept)
        filled += len(piece)
        if filled > declared_bytes + PADDING_BYTES:
            raise SampleError(
                "too_large", f"{name}: unpacks to more than the {declared_bytes} bytes its header asks for"
            )
        check_padding(name, piece[kept:])
    if filled < declared_bytes:
        raise SampleError("truncated", f"{name}: unpacks to {filled} bytes, its header asks for {declared_bytes}")
    return unpacked


def encode(*parts: bytes | memoryview, effort: Effort = "fast", sparse: bool = False) -> bytearray:
    """Return one gzip member of `parts` joined; the same parts give the same bytes.

    `none` stores without packing, `small` takes zlib's slow levels, `fast` ISA-L; `sparse` says that most is equal. The
    first part holds FIRST_BLOCK_BYTES at least, as every header does.
    """
    packer: Any
    packed = bytearray()
    if effort == "fast":
        level = SPARSE_LEVEL if sparse else LEVEL
        packer = isal_zlib.compressobj(level, isal_zlib.DEFLATED, 16 + isal_zlib.MAX_WBITS, _LARGEST_BLOCKS)
        if sparse:
            packed += packer.compress(parts[0][:FIRST_BLOCK_BYTES])
            packed += packer.flush(isal_zlib.Z_SYNC_FLUSH)
            parts = (parts[0][FIRST_BLOCK_BYTES:], *parts[1:])
    else:
        packer = zlib.compressobj(_ZLIB_LEVEL[effort], zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for part in parts:
        for start in range(0, len(part), _PACKED_AT_ONCE):  # piece by piece: the packed bytes are never held twice
            packed += packer.compress(part[start : start + _PACKED_AT_ONCE])
    packed += packer.flush()
    return packed


def check_padding(name: str, trailing: bytes | memoryview) -> None:
    """Raise SampleError where what follows the voxels is more than zeros that fill up a block."""
    if len(trailing) > PADDING_BYTES or any(trailing):
        raise SampleError(
            "trailing_bytes", f"{name}: {len(trailing)} bytes follow the voxels; at most {PADDING_BYTES} zeros may"
        )


def _unpack(name: str, packed: bytes, most: int) -> Iterator[bytes]:
    """Yield the decoded bytes in pieces of at most `most`; zeros after the last member are padding (gzip(1))."""
    position = 0
    while position < len(packed) and not (position and packed[position] == 0 and not any(packed[position:])):
        _check_member_head(name, packed[position : position + 10], first=position == 0)
        member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        while not member.eof:
            piece = packed[position : position + _PACKED_PIECE] if member.needs_input else b""
            if member.needs_input and not piece:
                raise SampleError("truncated", f"{name}: the gzip stream ends early; copy the file again")
            position += len(piece)
            try:
                yield member.decompress(piece, most)
            except igzip_lib.error as error:  # type: ignore[misc]  # the stub says instance, it is a class
                raise _damaged(name) from error
        position -= len(member.unused_data)


def _check_member_head(name: str, head: bytes, *, first: bool = True) -> None:
    """Raise SampleError unless `head` opens a gzip member (RFC 1952 2.3)."""
    if not _MAGIC.startswith(head[:2]):  # a head of one byte may be cut
        if first:
            raise SampleError("bad_header", f"{name}: not gzip, though its name says so; name it .nii if it is NIfTI")
        raise SampleError("trailing_bytes", f"{name}: bytes that are not gzip follow its last member")
    if len(head) > 3 and head[3] & _RESERVED_FLAGS:  # noqa: PLR2004  FLG is byte 3
        raise _damaged(name)


def _damaged(name: str) -> SampleError:
    return SampleError("crc_mismatch", f"{name}: the gzip stream is damaged (its check sum fails); copy the file again")
