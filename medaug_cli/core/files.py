"""Files: published whole or not at all; never over a source."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import ResourceError, RootError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Executor, Future
    from io import FileIO
    from pathlib import Path

    Buffer = bytes | bytearray | memoryview
    Content = bytes | bytearray | tuple[Buffer, ...] | Iterable[bytes]

_PIECE = 1 << 18  # read back at once
_UNDERWAY = 8  # files on their way to the disk together, which file systems bring there in one turn
_BYTES_UNDERWAY = 16 << 20
_KEPT = (bytes, bytearray, tuple)  # content that is there until it has been read back
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)


@dataclass(frozen=True)
class Published:
    """What a published file holds."""

    bytes: int
    sha256: str


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def temporary_of(target: Path) -> Path:
    """Return the one name under which `target` is written first; the same in every run, so that none is left over."""
    return target.with_name(f".medaug-{hashlib.sha256(target.name.encode()).hexdigest()[:16]}.tmp")


def publish(files: Iterable[tuple[Path, Content]]) -> list[Published]:
    """Write `files` beside their targets, fsync and read each back, then rename them all; return what they hold.

    What one file holds may lie in several buffers; what is too much for memory comes in pieces from an iterator.

    Raises ResourceError for a full disk and RootError for any other fault; nothing is renamed then, and no temporary
    file stays.
    """
    with explained():
        return _publish(files)


def _publish(files: Iterable[tuple[Path, Content]]) -> list[Published]:
    begun: list[Path] = []
    written: list[Published] = []
    try:
        with ThreadPoolExecutor(_UNDERWAY) as pool:
            _write_all(files, begun, written, pool)
        for target in begun:
            temporary_of(target).replace(target)
    finally:
        for target in begun:
            temporary_of(target).unlink(missing_ok=True)
    for folder in {target.parent for target in begun}:
        sync_folder(folder)
    return written


def _write_all(
    files: Iterable[tuple[Path, Content]], begun: list[Path], written: list[Published], pool: Executor
) -> None:
    """Write each file beside its target; the next is made while some, and few bytes in all, are on their way."""
    underway: deque[tuple[Future[None], int]] = deque()
    for target, data in files:
        begun.append(target)
        published, settled = _begin(target, data, pool)
        written.append(published)
        underway.append((settled, published.bytes))
        while len(underway) > _UNDERWAY or sum(size for _, size in underway) > _BYTES_UNDERWAY:
            underway.popleft()[0].result()
    for settled, _ in underway:
        settled.result()


def _begin(target: Path, data: Content, pool: Executor) -> tuple[Published, Future[None]]:
    """Write `data` beside `target`, and hash it while the system brings it to the disk; pieces before they are gone."""
    hashed = hashlib.sha256()
    content = data if isinstance(data, _KEPT) else _hashing(data, hashed)
    with _full_disk_explained(target, data):
        target.parent.mkdir(parents=True, exist_ok=True)
        length = _write_temporary(temporary_of(target), content)
    settled = pool.submit(_settle, target, data, hashed)
    if isinstance(data, _KEPT):
        for part in _parts_of(data):
            hashed.update(part)
    return Published(length, hashed.hexdigest()), settled


def _hashing(pieces: Iterable[bytes], hashed: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        hashed.update(piece)
        yield piece


def _write_temporary(path: Path, data: Content) -> int:
    with path.open("wb") as stream:
        return sum(stream.write(part) for part in _parts_of(data))


def _parts_of(data: Content) -> Iterable[Buffer]:
    return (data,) if isinstance(data, (bytes, bytearray)) else data


def _settle(target: Path, data: Content, hashed: hashlib._Hash) -> None:
    """Bring what was written for `target` to the disk and read it back; raises OSError and ResourceError."""
    with _full_disk_explained(target, data), temporary_of(target).open("r+b", buffering=0) as stream:
        os.fsync(stream.fileno())
        if not _reads_back(stream, data, hashed):
            raise OSError(errno.EIO, "what was read back differs from what was written", str(target))


def _reads_back(stream: FileIO, data: Content, hashed: hashlib._Hash) -> bool:
    """Say whether a file holds what was written to it: byte by byte, or by its hash where the bytes are gone."""
    if not isinstance(data, _KEPT):
        return hashlib.file_digest(stream, "sha256").digest() == hashed.digest()
    piece = bytearray(_PIECE)
    return all(_holds(stream, memoryview(part), piece) for part in _parts_of(data)) and not stream.read(1)


def _holds(stream: FileIO, part: memoryview, piece: bytearray) -> bool:
    """Say whether `part` comes next in `stream`, which is read into `piece`."""
    while part:
        count = stream.readinto(memoryview(piece)[: len(part)])
        if not count or not piece.startswith(part[:count]):
            return False
        part = part[count:]
    return True


@contextlib.contextmanager
def _full_disk_explained(target: Path, data: Content) -> Iterator[None]:
    """Say of a full disk what was to be written and what is left; the system's own error names neither."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        needed = f"{sum(map(len, _parts_of(data)))} bytes needed, " if isinstance(data, _KEPT) else ""
        raise ResourceError(
            f"{target}: {error.strerror}: {needed}{_room_in(target)}; free some space and run again to go on"
        ) from error


def _room_in(target: Path) -> str:
    """Return what is left where `target` lies: bytes, and files where the file system counts them."""
    folder = next((folder for folder in target.parents if folder.exists()), None)
    if folder is None:
        return "its disk is gone"
    none_left = _files_left(folder) == 0
    return f"{shutil.disk_usage(folder).free} free" + (", no more files may be made" if none_left else "")


def _files_left(folder: Path) -> int | None:
    """Return how many files may yet be made; None where the file system counts none."""
    if not hasattr(os, "statvfs"):
        return None
    told = os.statvfs(folder)
    return told.f_favail if told.f_files else None


def obstacles(root: Path, files: int) -> list[str]:
    """Return what would keep a run from writing `files` files to `root`, bytes aside."""
    folder = next(folder for folder in (root, *root.resolve().parents) if folder.exists())
    found = []
    if not folder.is_dir():
        return [f"{folder}: is a file; choose another folder with -o"]
    if not os.access(folder, os.W_OK):
        found.append(f"{folder}: may not be written to; choose another folder with -o")
    left = _files_left(folder)
    if left is not None and left < files:
        found.append(f"{folder}: {left} more files may be made there, {files} are needed")
    return found


def sync_folder(folder: Path) -> None:
    """Make renames and links in `folder` last; a file system that cannot is left to its own order."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn a fault of the file system in ROOT into an error with path, cause and advice."""
    try:
        yield
    except OSError as error:
        where = error.filename or "ROOT"
        if error.errno in _FULL:
            raise ResourceError(f"{where}: {error.strerror}; free some space and run again to go on") from error
        raise RootError(
            f"{where}: cannot be written: {error.strerror}; check its permissions, or choose another folder with -o"
        ) from error
