"""Deflated datasets (PS3.5 A.5): what one unpacks to is counted before pydicom unpacks it in one go."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from pydicom.uid import DeflatedExplicitVRLittleEndian

from medaug_cli.core.errors import SampleError

if TYPE_CHECKING:
    from collections.abc import Iterator

# A single-frame image of 11000 by 11000 pixels fits; deflate packs a thousand times as many zeros.
MOST_BYTES = 1 << 28
_HEAD_BYTES = 8192  # what a buffered stream reads at first anyway
_META_STARTS = 132
_LONG_VRS = frozenset({b"OB", b"OW", b"OD", b"OF", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"})
_PIECE = 1 << 20


def bounded(stream: BinaryIO, file: str) -> BinaryIO:
    """Return `stream` (at its start), its reading guarded where the dataset is deflated or cannot be told to be not."""
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    return stream if _is_not_deflated(head) else cast("BinaryIO", _Guarded(stream, file))


def _is_not_deflated(head: bytes) -> bool:
    """Say whether the file meta information ends within `head` and names another transfer syntax."""
    position = _META_STARTS
    while head[position : position + 2] == b"\2\0" and position + 12 <= len(head):
        is_long = head[position + 4 : position + 6] in _LONG_VRS
        start = position + (12 if is_long else 8)
        (length,) = struct.unpack_from("<I" if is_long else "<H", head, position + (8 if is_long else 6))
        value = head[start : start + length].rstrip(b"\0 ")
        if head[position : position + 4] == b"\2\0\x10\0" and value == DeflatedExplicitVRLittleEndian.encode():
            return False
        position = start + length
    return position + 2 <= len(head) and head[position : position + 2] != b"\2\0"


class _Guarded:
    """A stream whose rest, which pydicom reads at once only to inflate it, is inflated here first and counted."""

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self._stream, self._file = stream, file
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1, /) -> bytes:
        """Return `size` bytes, or the rest; raises SampleError `too_large` where that unpacks to too much."""
        data = self._stream.read(size)
        if size < 0 and sum(len(piece) for piece in self._unpack(data)) > MOST_BYTES:
            raise SampleError(
                "too_large", f"{self._file}: its deflated dataset unpacks to more than {MOST_BYTES} bytes"
            )
        return data

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` inflates to, until that is too much or damaged, which pydicom will notice."""
        inflater, left, total = zlib.decompressobj(-zlib.MAX_WBITS), data, 0
        while left and not inflater.eof and total <= MOST_BYTES:
            try:
                piece = inflater.decompress(left, _PIECE)
            except zlib.error:
                return
            left = inflater.unconsumed_tail
            total += len(piece)
            yield piece
