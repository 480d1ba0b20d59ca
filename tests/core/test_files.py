"""Files: what is written is on the disk before it has its name, many at a time, and few bytes in all."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING

import pytest

from medaug_cli.core.errors import ResourceError, RootError
from medaug_cli.core.files import Published, publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANY = 30  # more than go to the disk at once


class Disk:
    """A disk that tells which files were brought to it, by their first byte; the one named `broken` never arrives."""

    def __init__(self, broken: int | None = None) -> None:
        self.arrived: set[int] = set()
        self.broken = broken
        self.real = os.fsync

    def __call__(self, descriptor: int) -> None:
        content = os.pread(descriptor, 1, 0) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
        if content and content[0] == self.broken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.real(descriptor)
        self.arrived.update(content)


def test_what_many_files_hold_is_told_in_their_order(tmp_path: Path) -> None:
    contents = [bytes([number]) * (number + 1) for number in range(MANY)]
    published = publish((tmp_path / f"{number}", content) for number, content in enumerate(contents))
    assert published == [Published(len(one), hashlib.sha256(one).hexdigest()) for one in contents]
    assert [(tmp_path / f"{number}").read_bytes() for number in range(MANY)] == contents


def test_no_file_has_its_name_before_all_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, real = Disk(), os.replace
    found: list[int] = []

    def replace(*paths: str) -> None:
        found.append(len(disk.arrived))
        real(*paths)

    monkeypatch.setattr(os, "fsync", disk)
    monkeypatch.setattr(os, "replace", replace)
    publish((tmp_path / f"{number}", bytes([number])) for number in range(MANY))
    assert found == [MANY] * MANY


@pytest.mark.parametrize("broken", [0, 14, MANY - 1])
def test_a_file_that_does_not_reach_the_disk_keeps_all_others_from_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    monkeypatch.setattr(os, "fsync", Disk(broken))
    with pytest.raises(ResourceError, match=rf"{tmp_path}/{broken}: No space left on device: 1 bytes needed"):
        publish((tmp_path / f"{number}", bytes([number])) for number in range(MANY))
    assert list(tmp_path.iterdir()) == []


def test_the_next_file_is_made_only_once_a_large_one_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    there: list[set[int]] = []

    def files() -> Iterator[tuple[Path, bytes]]:
        for number in range(3):
            there.append(set(disk.arrived))
            yield tmp_path / f"{number}", bytes([number]) * (17 << 20)

    monkeypatch.setattr(os, "fsync", disk)
    publish(files())
    assert there == [set(), {0}, {0, 1}]


PARTS = (b"head", memoryview(b"pixels" * 99_999), bytearray(b""), b"tail")


def test_a_file_of_several_buffers_holds_one_after_another(tmp_path: Path) -> None:
    (published,) = publish([(tmp_path / "x", PARTS)])
    whole = b"".join(PARTS)
    assert (tmp_path / "x").read_bytes() == whole
    assert published == Published(len(whole), hashlib.sha256(whole).hexdigest())


@pytest.mark.parametrize("place", [0, 4, 500_000, 599_998, 600_001])
@pytest.mark.parametrize("changed", [b"\xff", b"longer than it was"])
def test_whichever_buffer_is_read_back_differently_nothing_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, changed: bytes
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: os.pwrite(descriptor, changed, place))
    with pytest.raises(RootError, match="what was read back differs from what was written"):
        publish([(tmp_path / "x", PARTS)])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_lost_its_end_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: os.truncate(descriptor, 599_999))
    with pytest.raises(RootError, match="what was read back differs from what was written"):
        publish([(tmp_path / "x", PARTS)])
