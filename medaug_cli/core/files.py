"""Files: published whole or not at all; never over a source."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import ResourceError, RootError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    Content = bytes | bytearray | Iterable[bytes]

_PIECE = 1 << 18  # read back at once
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

    What is too much for memory comes in pieces.

    Raises ResourceError for a full disk and RootError for any other fault; nothing is renamed then, and no temporary
    file stays.
    """
    with explained():
        return _publish(files)


def _publish(files: Iterable[tuple[Path, Content]]) -> list[Published]:
    begun: list[Path] = []
    written: list[Published] = []
    try:
        for target, data in files:
            begun.append(target)
            with _full_disk_explained(target, data):
                target.parent.mkdir(parents=True, exist_ok=True)
                written.append(_write_temporary(temporary_of(target), data))
            if not _reads_back(temporary_of(target), data, written[-1]):
                raise OSError(errno.EIO, "what was read back differs from what was written", str(target))
        for target in begun:
            temporary_of(target).replace(target)
    finally:
        for target in begun:
            temporary_of(target).unlink(missing_ok=True)
    for folder in {target.parent for target in begun}:
        _sync_folder(folder)
    return written


def _write_temporary(path: Path, data: Content) -> Published:
    hashed, length = hashlib.sha256(), 0
    with path.open("wb") as stream:
        for piece in (data,) if isinstance(data, (bytes, bytearray)) else data:
            stream.write(piece)
            hashed.update(piece)
            length += len(piece)
        stream.flush()
        os.fsync(stream.fileno())
    return Published(length, hashed.hexdigest())


def _reads_back(path: Path, data: Content, written: Published) -> bool:
    """Say whether a file holds what was written to it: byte by byte, or by its hash where the bytes are gone."""
    if not isinstance(data, (bytes, bytearray)):
        return sha256_of(path) == written.sha256
    position = 0
    with path.open("rb", buffering=0) as stream:
        while piece := stream.read(_PIECE):
            if not data.startswith(piece, position):
                return False
            position += len(piece)
    return position == len(data)


@contextlib.contextmanager
def _full_disk_explained(target: Path, data: Content) -> Iterator[None]:
    """Say of a full disk what was to be written and what is left; the system's own error names neither."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        needed = f"{len(data)} bytes needed, " if isinstance(data, (bytes, bytearray)) else ""
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
    if not os.access(folder, os.W_OK):
        found.append(f"{folder}: may not be written to; choose another folder with -o")
    left = _files_left(folder)
    if left is not None and left < files:
        found.append(f"{folder}: {left} more files may be made there, {files} are needed")
    return found


def _sync_folder(folder: Path) -> None:
    """Make renames in `folder` last; a file system that cannot is left to its own order."""
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
