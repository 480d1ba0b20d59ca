"""Files: published whole or not at all; never over a source."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import ResourceError, RootError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_BLOCK_BYTES = 1 << 20
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


def publish(files: Iterable[tuple[Path, bytes | bytearray]]) -> list[Published]:
    """Write `files` beside their targets, fsync and read each back, then rename them all; return what they hold.

    Raises ResourceError for a full disk and RootError for any other fault; nothing is renamed then, and no temporary
    file stays.
    """
    with explained():
        return _publish(files)


def _publish(files: Iterable[tuple[Path, bytes | bytearray]]) -> list[Published]:
    written: list[tuple[Path, Published]] = []
    try:
        for target, data in files:
            written.append((target, Published(len(data), hashlib.sha256(data).hexdigest())))
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_temporary(temporary_of(target), data)
            if not _holds(temporary_of(target), data):
                raise OSError(errno.EIO, "what was read back differs from what was written", str(target))
        for target, _ in written:
            temporary_of(target).replace(target)
    finally:
        for target, _ in written:
            temporary_of(target).unlink(missing_ok=True)
    for folder in {target.parent for target, _ in written}:
        _sync_folder(folder)
    return [published for _, published in written]


def _write_temporary(path: Path, data: bytes | bytearray) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _holds(path: Path, data: bytes | bytearray) -> bool:
    """Say whether a file, as read back, holds `data` and nothing more."""
    with path.open("rb") as stream:
        for start in range(0, len(data), _BLOCK_BYTES):
            if stream.read(_BLOCK_BYTES) != data[start : start + _BLOCK_BYTES]:
                return False
        return not stream.read(1)


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
