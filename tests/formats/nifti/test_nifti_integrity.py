"""Integrity: what is damaged, cut, padded or changed is refused; nothing wrong is ever read as sound."""

from __future__ import annotations

import gzip
import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import Source
from medaug_cli.formats import Limits
from medaug_cli.formats.nifti import FORMAT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.formats.nifti.fixtures import Read, Save

NOISE = np.random.default_rng(7).integers(-500, 500, (20, 15, 10)).astype(np.int16)


def reason_of(read: Read, *files: str) -> str:
    with pytest.raises(SampleError) as caught:
        read(*files)
    return caught.value.reason


def test_200_flipped_bits_of_a_packed_file_are_all_noticed(save: Save, read: Read) -> None:
    """Bytes 3 to 9 (flags, time, system) and the last of the stream (padding) carry no voxels: another test."""
    packed = gzip.compress(save("a.nii", NOISE).read_bytes(), mtime=0)
    path = save("a.nii.gz", NOISE)
    bits = np.random.default_rng(1).choice(np.arange(8 * 10, 8 * (len(packed) - 9)), 200, replace=False)
    for bit in [0, 9, 16, *bits.tolist(), 8 * (len(packed) - 8), 8 * len(packed) - 1]:
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert reason_of(read, "a.nii.gz") in {"crc_mismatch", "truncated", "bad_header", "trailing_bytes", "too_large"}


def test_a_flipped_bit_that_is_not_noticed_has_changed_no_voxel(save: Save, read: Read) -> None:
    packed = gzip.compress(save("a.nii", NOISE).read_bytes(), mtime=0)
    path = save("a.nii.gz", NOISE)
    for bit in [*range(8 * 10), *range(8 * (len(packed) - 10), 8 * len(packed))]:
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            loaded = read("a.nii.gz")
        except SampleError:
            continue
        assert np.array_equal(loaded.content.array[0].T, NOISE)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_50_truncations_are_all_noticed(save: Save, read: Read, name: str) -> None:
    path = save(name, NOISE)
    whole = gzip.compress(path.read_bytes()) if name.endswith("gz") else path.read_bytes()
    for length in [*np.linspace(0, len(whole) - 2, 49).astype(int).tolist(), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert reason_of(read, name) == "truncated"


def test_a_sound_gzip_file_of_a_cut_image_is_truncated(save: Save, read: Read) -> None:
    path = save("a.nii.gz", NOISE)
    path.write_bytes(gzip.compress(path.read_bytes()[:-1]))
    assert reason_of(read, "a.nii.gz") == "truncated"


def test_a_file_that_cannot_be_opened_is_unreadable(read: Read) -> None:
    assert reason_of(read, "gone.nii") == "unreadable"


def test_members_and_zeros_that_follow_belong_to_the_file(save: Save, read: Read) -> None:
    raw = save("a.nii", NOISE).read_bytes()
    members = [gzip.compress(raw[:100]), gzip.compress(raw[100:1000]), gzip.compress(raw[1000:]), bytes(100)]
    save("a.nii.gz", NOISE).write_bytes(b"".join(members))
    assert np.array_equal(read("a.nii.gz").content.array[0].T, NOISE)


def test_a_damaged_second_member_is_noticed(save: Save, read: Read) -> None:
    raw = save("a.nii", NOISE).read_bytes()
    last = bytearray(gzip.compress(raw[1000:]))
    last[-8] ^= 1
    save("a.nii.gz", NOISE).write_bytes(gzip.compress(raw[:1000]) + last)
    assert reason_of(read, "a.nii.gz") == "crc_mismatch"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("tail", "reason"), [(b"\0", ""), (bytes(511), ""), (b"\1", "trailing_bytes"), (bytes(512), "trailing_bytes")]
)
def test_at_most_511_zeros_may_follow_the_voxels(
    save: Save, read: Read, tail: bytes, reason: str, packed: bool
) -> None:
    name = "a.nii.gz" if packed else "a.nii"
    path = save(name, NOISE)
    raw = path.read_bytes() + tail
    path.write_bytes(gzip.compress(raw) if packed else raw)
    if reason:
        assert reason_of(read, name) == ("too_large" if packed and len(tail) > 511 else reason)
    else:
        assert np.array_equal(read(name).content.array[0].T, NOISE)


def test_bytes_that_are_not_gzip_after_the_last_member_are_refused(save: Save, read: Read) -> None:
    path = save("a.nii.gz", NOISE)
    path.write_bytes(gzip.compress(path.read_bytes()) + b"more")
    assert reason_of(read, "a.nii.gz") == "trailing_bytes"


def test_a_bomb_is_left_after_one_piece_beyond_what_its_header_asks_for(save: Save, read: Read) -> None:
    path = save("a.nii.gz", NOISE)
    path.write_bytes(gzip.compress(path.read_bytes() + bytes(50_000_000)))
    assert reason_of(read, "a.nii.gz") == "too_large"


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_more_voxels_than_the_limit_are_refused(save: Save, read: Read, name: str) -> None:
    path = save(name, NOISE)
    path.write_bytes(gzip.compress(path.read_bytes()) if name.endswith("gz") else path.read_bytes())
    with pytest.raises(SampleError, match=r"^too_large:"):
        read(name, limits=Limits(max_voxels=2999))
    assert read(name, limits=Limits(max_voxels=3000)).content.array.size == 3000


def test_a_file_that_changed_since_it_was_found_is_refused(save: Save, tmp_path: Path) -> None:
    path = save("a.nii", NOISE)
    (found,) = FORMAT.find(tmp_path, ["a.nii"]).volumes
    source = Source("image", "a", "nifti", found.files, found.stamps)
    FORMAT.read(tmp_path, source, Limits())
    os.utime(path, ns=(0, found.stamps[0][1] + 1))
    with pytest.raises(SampleError, match=r"^source_changed:"):
        FORMAT.read(tmp_path, source, Limits())


def test_an_entry_hashes_the_very_bytes_of_the_file(save: Save, read: Read) -> None:
    path = save("a.nii", NOISE)
    (entry,) = read("a.nii").entries
    assert entry.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (entry.path, entry.bytes, entry.format, entry.dtype) == ("a.nii", 352 + 6000, "nifti", "int16")


def test_packed_and_plain_files_of_the_same_voxels_have_the_same_voxel_hash(save: Save, read: Read) -> None:
    path = save("a.nii", NOISE)
    path.with_name("b.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read("a.nii").entries[0].voxel_sha256 == read("b.nii.gz").entries[0].voxel_sha256


def test_reading_leaves_the_source_as_it_is(save: Save, read: Read) -> None:
    path = save("a.nii", NOISE.astype(np.float32))
    before = path.read_bytes(), path.stat().st_mtime_ns
    read("a.nii").content.array[...] = 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
