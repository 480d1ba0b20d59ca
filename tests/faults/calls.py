"""K4: calls of the file system that fail, one after another."""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

from datasets_for_runs import copies_below, run_here, voxel_hashes
from faults.experiment import Outcome
from faults.runs import make_bench

from medaug_cli.core.errors import MedaugError
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.runs import Bench

_ERRORS = (errno.ENOSPC, errno.EIO)
_RECIPE = "version: 1\nseed: 3\ncopies: 2\nsteps: [{flip: {axes: [LR], p: 1}}, gamma]\noutput: {originals: copy}\n"
_MOST_CALLS = 2000


class _Nth:
    """Counts calls that concern ROOT, and lets the Nth fail."""

    def __init__(self, root: Path, nth: int, number: int) -> None:
        self.root, self.nth, self.number, self.calls = str(root), nth, number, 0

    def concerns(self, path: object) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.root)

    def strike(self, path: object = None) -> None:
        """Count a call; the Nth fails, with the path where the system's own call knows it."""
        self.calls += 1
        if self.calls == self.nth:
            raise OSError(self.number, os.strerror(self.number), *([] if path is None else [str(path)]))


class _Stream:
    """A file of ROOT, open for writing, whose writes and closing count."""

    def __init__(self, stream: Any, nth: _Nth, point: str) -> None:
        self._stream, self._nth, self._point = stream, nth, point

    def write(self, data: Any) -> int:
        if self._point == "write":
            # Half of it reaches the disk, as it does when a disk runs full.
            if self._nth.calls + 1 == self._nth.nth:
                self._stream.write(data[: len(data) // 2])
            self._nth.strike()
        return int(self._stream.write(data))

    def close(self) -> None:
        self._stream.close()
        if self._point == "close":
            self._nth.strike()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _failing(point: str, nth: _Nth) -> Iterator[None]:
    """Let the Nth call of `point` on a file below ROOT fail; every other call goes through."""
    real_open, real = io.open, {name: getattr(os, name) for name in ("fsync", "replace", "mkdir", "unlink")}

    def opened(path: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        writes = nth.concerns(path) and set(mode) & set("wax+")
        if writes and point == "open":
            nth.strike(path)
        stream = real_open(path, mode, *more, **named)
        return _Stream(stream, nth, point) if writes and point in {"write", "close"} else stream

    def watched(name: str) -> Any:
        def call(path: Any, *more: Any, **named: Any) -> Any:
            if point == name and (name == "fsync" or nth.concerns(path)):
                nth.strike(None if name == "fsync" else path)
            return real[name](path, *more, **named)

        return call

    with (
        mock.patch.object(io, "open", opened),
        mock.patch.object(builtins, "open", opened),
        mock.patch.object(os, "fsync", watched("fsync")),
        mock.patch.object(os, "replace", watched("replace")),
        mock.patch.object(os, "mkdir", watched("mkdir")),
        mock.patch.object(os, "unlink", watched("unlink")),
    ):
        yield


def fail_every_call(folder: Path, count: int) -> Outcome:
    """K4: for every kind of call let the Nth fail, N = 1, 2, … until none does; `count` limits N for a short form."""
    bench, outcome = make_bench(folder, 2, _RECIPE), Outcome()
    notes = []
    for point in ("open", "write", "close", "fsync", "replace", "mkdir", "unlink"):
        stopped = ""
        for number in _ERRORS:
            calls = 0
            for n in range(1, min(count, _MOST_CALLS) + 1):
                if not _fail_one(bench, folder / "root" / "below", point, _Nth(folder / "root", n, number), outcome):
                    break
                calls = n
            else:
                stopped = f" (stopped at {count})"
            outcome.injections += calls
        notes.append(f"{point} {calls}{stopped}")
    outcome.note = "calls of a run: " + ", ".join(notes)
    return outcome


def _fail_one(bench: Bench, root: Path, point: str, nth: _Nth, outcome: Outcome) -> bool:
    """Run with one failing call, then without; return whether one did fail."""
    when = f"{point} {nth.nth} ({errno.errorcode[nth.number]})"
    shutil.rmtree(root.parent, ignore_errors=True)
    code, said = 0, ""
    with _failing(point, nth):
        try:
            tally, _ = run_here(bench.recipe, bench.dataset, root)
            code, said = int(tally.exit_code()), tally.why
        except MedaugError as error:
            code, said = int(error.exit_code), str(error)
        except Exception as error:  # noqa: BLE001  whatever comes out is what this experiment is about
            outcome.check(f"{when}: {type(error).__name__} came out: {error}", holds=False)
    struck = nth.calls >= nth.nth
    outcome.check(f"{when}: exit {code} {said}", holds=code in {0, 3, 5, 6})
    outcome.check(
        f"{when}: message {said!r} names no place", holds=code in {0, 3} or "ROOT" in said or str(root.parent) in said
    )
    if (root / "medaug-manifest.jsonl").exists() and (root / "SHA256SUMS").exists():
        told = {path for path, _ in verify_root(root, None, None)[1]}
        outcome.check(
            f"{when}: a stray copy that verify misses", holds=copies_below(root) - set(voxel_hashes(root)) <= told
        )
    tally, _ = run_here(bench.recipe, bench.dataset, root)
    outcome.check(f"{when}: the next run ends with {int(tally.exit_code())}", holds=int(tally.exit_code()) == 0)
    bench.check_complete(root, outcome, when)
    return struck
