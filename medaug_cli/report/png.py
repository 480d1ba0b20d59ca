"""PNG: an RGB picture as the bytes of a file, in memory, with the name of the program that made it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB_8_BIT = (8, 2, 0, 0, 0)
_UP = 2


def encode_png(picture: AnyArray, software: str) -> bytes:
    """Return `picture` (rows, columns, 3), uint8, as PNG; each row is stored as its difference from the one above."""
    rows, columns = picture.shape[:2]
    flat = picture.reshape(rows, -1)
    lines = np.full((rows, flat.shape[1] + 1), _UP, dtype=np.uint8)
    lines[:, 1:] = flat
    lines[1:, 1:] -= flat[:-1]  # modulo 256, as the format wants it
    chunks = [
        (b"IHDR", struct.pack(">II5B", columns, rows, *_RGB_8_BIT)),
        (b"tEXt", b"Software\0" + software.encode("latin-1")),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    ]
    return SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
