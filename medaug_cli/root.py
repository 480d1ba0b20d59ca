"""ROOT: the folder that copies are written to, what is known of it, and the one run that may hold it."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from medaug_cli.core.errors import LockedError, RootError
from medaug_cli.core.files import explained, publish, temporary_of
from medaug_cli.manifest import MANIFEST_NAME, SUMS_NAME, Record, manifest_text, sums_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from medaug_cli.recipe.model import Recipe

STATE_FOLDER = ".medaug"
_JOURNAL = "journal.jsonl"
_GRACE_S = 0.25  # `medaug status` holds ROOT for a moment to see whether it is free
_OURS = {STATE_FOLDER, MANIFEST_NAME, SUMS_NAME}
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Entry:
    """A record and the (size, mtime in ns) of every file it names, sources and outputs, when it was made."""

    record: Record
    stamps: Mapping[str, Stamp]


@dataclass
class Root:
    """The state of one ROOT: its journal's entries by sample and copy, and the paths that runs set out to write."""

    path: Path
    entries: dict[tuple[str, int], Entry] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()

    @property
    def state(self) -> Path:
        """The folder that medaug keeps for itself."""
        return self.path / STATE_FOLDER

    @property
    def journal(self) -> Path:
        """The file that a record is added to as soon as its outputs stand."""
        return self.state / _JOURNAL

    def known_outputs(self) -> frozenset[str]:
        """Return every path that this or an earlier run wrote or set out to write."""
        recorded = (file.path for entry in self.entries.values() for file in entry.record.output)
        return frozenset(recorded) | self.begun

    def add(self, entries: Iterable[Entry]) -> None:
        """Append to the journal and make it last."""
        made = list(entries)
        with explained(), self.journal.open("a", encoding="utf-8") as stream:
            stream.write(_journal_text(made))
            stream.flush()
            os.fsync(stream.fileno())
        # Not before: what an interrupt keeps out of the journal must have no record, so that its files are cleared.
        self.entries |= {entry.record.key: entry for entry in made}

    def begin(self, recipe: Mapping[str, Any], dataset: Path, planned: Iterable[str]) -> None:
        """Note the recipe, where the dataset lies and what will be written; clear what an earlier run left."""
        self.clear_unrecorded()
        relative = os.path.relpath(dataset.resolve(), self.path.resolve())
        files = {
            "recipe.json": json.dumps(recipe, indent=1, sort_keys=True, ensure_ascii=False) + "\n",
            "root.json": json.dumps({"schema": "medaug.root/1", "dataset": Path(relative).as_posix()}) + "\n",
        }
        publish((self.state / name, text.encode()) for name, text in files.items())
        self._set_out(self.begun | frozenset(planned))

    def _set_out(self, paths: frozenset[str]) -> None:
        """Note the paths that may be written or removed from now on, before the first of them is."""
        self.begun = paths
        publish([(self.state / "begun.txt", "".join(f"{json.dumps(path)}\n" for path in sorted(paths)).encode())])

    def clear_unrecorded(self) -> None:
        """Remove what a killed worker or a failed copy left at the paths set out for; only what has no record."""
        recorded = {file.path for entry in self.entries.values() for file in entry.record.output}
        with explained():
            for left in (self.state / "runs").glob(".medaug-*.tmp"):
                left.unlink()
            for path in self.begun:
                temporary_of(self.path / path).unlink(missing_ok=True)
                if path not in recorded:
                    _remove_output(self.path, path)

    def finish(self, run_id: str, run: Mapping[str, Any]) -> None:
        """Clear what has no record; write the manifest, the hash list and the run's own record."""
        self.clear_unrecorded()
        records = [entry.record for entry in self.entries.values()]
        publish(
            [
                (self.path / MANIFEST_NAME, manifest_text(records).encode()),
                (self.path / SUMS_NAME, sums_text(records).encode()),
                (self.state / "runs" / f"{run_id}.json", json.dumps(run, sort_keys=True).encode() + b"\n"),
            ]
        )
        self._set_out(frozenset())

    def remove_stale(self, digest: str) -> None:
        """Forget the records of another recipe, in the journal too, and delete their outputs."""
        stale = {key: entry for key, entry in self.entries.items() if entry.record.settings.recipe_sha256 != digest}
        if stale:
            self._set_out(self.begun | {file.path for entry in stale.values() for file in entry.record.output})
            self.entries = {key: entry for key, entry in self.entries.items() if key not in stale}
            publish([(self.journal, _journal_text(self.entries.values()).encode())])
            self.clear_unrecorded()


def _journal_text(entries: Iterable[Entry]) -> str:
    lines = []
    for entry in entries:
        record = entry.record.model_dump(mode="json", by_alias=True)
        lines.append(json.dumps({"record": record, "stamps": entry.stamps}, ensure_ascii=False) + "\n")
    return "".join(lines)


def _remove_output(root: Path, path: str) -> None:
    """Remove a copy's file, and its folder if that was the last in it."""
    target = root / path
    if target.exists():
        target.unlink()
        with contextlib.suppress(OSError):  # a folder that still holds something stays
            target.parent.rmdir()


@contextlib.contextmanager
def hold_root(path: Path, timeout_s: float) -> Iterator[Root]:
    """Hold ROOT for one run; raises LockedError naming the holder, and RootError where it cannot be written."""
    state = path / STATE_FOLDER
    existed = path.exists()
    try:
        state.mkdir(parents=True, exist_ok=True)
        holder = state / "holder.json"
        lock = FileLock(state / "lock")
        lock.acquire(timeout=max(timeout_s, _GRACE_S))
    except Timeout as error:
        raise LockedError(
            f"{path}: another run holds it ({_read_holder(path)}); wait, or use --lock-timeout"
        ) from error
    except OSError:
        with explained():
            raise
    try:
        with explained():
            holder.write_text(json.dumps({"pid": os.getpid()}), encoding="utf-8")
            _cut_torn_line(state / _JOURNAL)
        yield read_root(path)
    finally:
        holder.unlink(missing_ok=True)
        began = (state / "root.json").exists()
        if not began:  # the run ended before it began: leave nothing, the lock while it is held
            (state / "lock").unlink(missing_ok=True)
        lock.release()
        if not began:
            with contextlib.suppress(OSError):
                state.rmdir()
                if not existed:
                    path.rmdir()


def _cut_torn_line(journal: Path) -> None:
    """Cut off the line that a killed run left half written; only the run that holds ROOT may."""
    raw = journal.read_bytes() if journal.exists() else b""
    whole = raw.rfind(b"\n") + 1
    if whole < len(raw):
        os.truncate(journal, whole)


def _read_holder(path: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError):
        found = json.loads((path / STATE_FOLDER / "holder.json").read_text(encoding="utf-8"))
        return f"process {int(found['pid'])}"
    return "process unknown"


def is_held(path: Path) -> str:
    """Return who holds ROOT, or an empty text; reads only."""
    if not (path / STATE_FOLDER / "lock").exists():
        return ""
    lock = FileLock(path / STATE_FOLDER / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _read_holder(path)
    except OSError:  # ROOT cannot be written, so nobody who could ask holds it
        return ""
    lock.release()
    return ""


def read_root(path: Path) -> Root:
    """Return what the journal of ROOT says; changes nothing, and passes over a line that is not whole."""
    root = Root(path)
    begun = root.state / "begun.txt"
    if begun.exists():
        root.begun = frozenset(json.loads(line) for line in begun.read_text(encoding="utf-8").splitlines())
    if not root.journal.exists():
        return root
    raw = root.journal.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
        entry = _read_entry(root.journal, number, line)
        root.entries[entry.record.key] = entry
    return root


def _read_entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        found = json.loads(line)
        stamps = {name: (int(size), int(mtime)) for name, (size, mtime) in found["stamps"].items()}
        return Entry(Record.model_validate(found["record"]), stamps)
    except (ValueError, KeyError, TypeError) as error:
        raise RootError(f"{path}:{number}: damaged; remove this line and run again") from error


def dataset_of(root: Path, override: Path | None) -> Path:
    """Return where the dataset of ROOT lies; raises RootError where ROOT is none."""
    if override is not None:
        return override
    try:
        found = json.loads((root / STATE_FOLDER / "root.json").read_text(encoding="utf-8"))
        return (root / str(found["dataset"])).resolve()
    except (OSError, ValueError, KeyError) as error:
        raise RootError(f"{root}: medaug has not written here; name the folder of a run, or --source") from error


def check_ownership(root: Root, dataset: Path, recipe: Recipe, overwrite: str) -> None:
    """Raise RootError where ROOT holds what is not medaug's, or what another recipe made."""
    same = root.path.resolve() == dataset.resolve()
    if not same and not (root.state / "root.json").exists() and root.path.is_dir():
        foreign = sorted(item.name for item in root.path.iterdir() if item.name not in _OURS)
        if foreign:
            raise RootError(
                f"{root.path}: holds {len(foreign)} files or folders that medaug did not write, such as {foreign[0]}; "
                "choose an empty folder"
            )
    made_by_others = [
        entry.record
        for entry in root.entries.values()
        if entry.record.status == "ok" and entry.record.settings.recipe_sha256 != recipe.voxel_digest()
    ]
    if made_by_others and overwrite == "never":
        raise RootError(
            f"{root.path}: holds {len(made_by_others)} copies that other steps, parameters or another seed made; "
            "choose another folder, or replace them with --overwrite stale"
        )
