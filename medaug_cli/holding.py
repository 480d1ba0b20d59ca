"""Holding ROOT: one run at a time may write to it, and whoever asks is told which."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from medaug_cli.core.errors import LockedError
from medaug_cli.core.files import explained
from medaug_cli.journal import cut_torn_line
from medaug_cli.root import STATE_FOLDER, Root, read_root

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LOCK_GRACE_S = 0.25
"""How long a run waits at least: `medaug status` holds ROOT for a moment to see whether it is free."""
_RETRY_S = 0.01


@contextlib.contextmanager
def hold_root(path: Path, timeout_s: float) -> Iterator[Root]:
    """Hold ROOT for one run; raises LockedError naming the holder, and RootError where it cannot be written."""
    state = path / STATE_FOLDER
    holder = state / "holder.json"
    made: set[Path] = set()
    try:
        lock = _take_lock(state, time.monotonic() + max(timeout_s, LOCK_GRACE_S), made)
    except Timeout as error:
        raise LockedError(
            f"{path}: another run holds it ({_read_holder(path)}); wait, or use --lock-timeout"
        ) from error
    except OSError:
        _remove_folders(made)
        with explained():
            raise
    try:
        with explained():
            since = time.strftime("%Y-%m-%d %H:%M:%S %z")
            told = {"pid": os.getpid(), "host": platform.node(), "since": since}
            holder.write_text(json.dumps(told), encoding="utf-8")
            cut_torn_line(Root(path).journal)
        yield read_root(path)
    finally:
        began = (state / "root.json").exists()
        with contextlib.suppress(OSError):  # it only says who holds ROOT, and the next run writes it anew
            holder.unlink(missing_ok=True)
            if not began:  # the run ended before it began: leave nothing, the lock while it is held
                (state / "lock").unlink(missing_ok=True)
        lock.release()
        if not began:
            _remove_folders(made | {state})


def _remove_folders(folders: Iterable[Path]) -> None:
    """Remove `folders`, the deepest first, up to one that holds something: another run may have come."""
    with contextlib.suppress(OSError):
        for folder in sorted(folders, reverse=True):
            folder.rmdir()


def _take_lock(state: Path, until_s: float, made: set[Path]) -> FileLock:
    """Return the lock of ROOT once it is held, adding to `made` the folders that were made for it; raises Timeout."""
    while True:
        made.update(folder for folder in (state, *state.parents) if not folder.exists())
        lock = FileLock(state / "lock")
        try:
            state.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=max(0.0, until_s - time.monotonic()))
        except (FileExistsError, FileNotFoundError) as error:
            # The run that held it may have ended before it began, and taken the folder along.
            stands = isinstance(error, FileExistsError) and os.path.lexists(error.filename)
            if (stands and not Path(error.filename).is_dir()) or time.monotonic() > until_s:
                raise
            time.sleep(_RETRY_S)
        else:
            return lock


def _read_holder(path: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError):
        found = json.loads((path / STATE_FOLDER / "holder.json").read_text(encoding="utf-8"))
        return f"process {int(found['pid'])} on {found['host']} since {found['since']}"
    return "process unknown"


def is_held(path: Path) -> str:
    """Return who holds ROOT, or an empty text; reads only, and also where whoever asks may not write."""
    file = path / STATE_FOLDER / "lock"
    if not file.exists():
        return ""
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _read_holder(path)
    except OSError:
        return _read_holder(path) if _is_locked(file) else ""
    lock.release()
    return ""


def _is_locked(file: Path) -> bool:
    """Say whether a process holds the lock `file`, which may be read but not written."""
    if sys.platform == "win32":
        return (file.parent / "holder.json").exists()
    try:
        with file.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # nothing can be asked of the lock
        return (file.parent / "holder.json").exists()
    return False
