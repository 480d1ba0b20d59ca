"""gzip: every effort gives back what was packed, and the same bytes wherever the compressor lies in memory."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from medaug_cli.formats.nifti.gzip_member import FIRST_BLOCK_BYTES, encode

if TYPE_CHECKING:
    from medaug_cli.formats.nifti.gzip_member import Effort

HEAD = np.random.default_rng(3).integers(0, 256, 352, np.uint8).tobytes()
# What a flush writes (RFC 1951 3.2.4): no bytes, stored.
EMPTY_BLOCK = b"\0\0\xff\xff"
_GZIP = 16 + zlib.MAX_WBITS


def blocks(size: int) -> bytes:
    """Return `size` bytes of a label map: runs of 0 to 3."""
    return np.repeat(np.random.default_rng(size).integers(0, 4, size // 17 + 1, np.uint8), 17)[:size].tobytes()


@pytest.mark.parametrize("size", [0, 1, 7, 1008, 70_000, 600_000])
@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("effort", ["none", "fast", "small"])
def test_what_is_packed_comes_back(effort: Effort, sparse: bool, size: int) -> None:
    voxels = blocks(size)
    assert gzip.decompress(encode(HEAD, voxels, effort=effort, sparse=sparse)) == HEAD + voxels


def test_the_first_bytes_of_a_label_map_are_a_block_of_their_own() -> None:
    """Else ISA-L packs one in 10 000 otherwise, by its own address, which no test can choose (see gzip_member)."""
    packed = encode(HEAD, blocks(1008), sparse=True)
    flushed = packed.index(EMPTY_BLOCK) + len(EMPTY_BLOCK)
    assert zlib.decompressobj(_GZIP).decompress(packed[:flushed]) == HEAD[:FIRST_BLOCK_BYTES]


@pytest.mark.parametrize("sparse", [True, False])
def test_other_places_in_memory_give_the_same_bytes(sparse: bool) -> None:
    voxels, kept, made = blocks(1008), [], set()
    for number in range(200):
        kept.append(bytes([number]) * (65_536 + 4096 * (number % 16)))  # what is freed is filled, and places move on
        made.add(bytes(encode(HEAD, voxels, sparse=sparse)))
    assert len(made) == 1
