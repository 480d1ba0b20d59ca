"""ROOT: the folder that copies are written to, and what is known of it."""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import DatasetError, RootError
from medaug_cli.core.files import explained, publish, temporary_of
from medaug_cli.core.outputs import Outputs
from medaug_cli.journal import (
    cut_torn_line,
    files_of,
    in_order,
    lines_of,
    place_of,
    read_standings,
    read_tail,
    record_bytes,
    whole_bytes,
)
from medaug_cli.manifest import MANIFEST_NAME, SUMS_NAME, sum_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from medaug_cli.core.outputs import Stack
    from medaug_cli.journal import Entry, Key, Standing

STATE_FOLDER = ".medaug"
_JOURNAL = "journal.jsonl"


@dataclass
class Root:
    """The state of one ROOT: what stood by sample and copy when it was read, and the paths that runs set out to write.

    `stacks` are those of slices whose number the plan did not know.

    What is added since lies in the journal alone, from byte `tail` on, so that a run of any length holds no more.
    """

    path: Path
    standings: dict[Key, Standing] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()
    stacks: frozenset[Stack] = frozenset()
    tail: int = 0

    @property
    def state(self) -> Path:
        """The folder that medaug keeps for itself."""
        return self.path / STATE_FOLDER

    @property
    def journal(self) -> Path:
        """The file that a record is added to as soon as its outputs stand."""
        return self.state / _JOURNAL

    def set_out(self) -> Outputs:
        """Return what runs set out to write that did not end in order."""
        return Outputs(self.begun, self.stacks)

    def known_outputs(self) -> Outputs:
        """Return every path that this or an earlier run wrote or set out to write."""
        recorded = (path for standing in self.standings.values() for path in standing.outputs)
        return Outputs(self.begun.union(recorded), self.stacks)

    def add(self, entries: Iterable[Entry]) -> None:
        """Append to the journal and make it last."""
        with explained(), self.journal.open("ab") as stream:
            stream.write(lines_of(entries))
            stream.flush()
            os.fsync(stream.fileno())

    def way_to(self, dataset: Path) -> str:
        """Return where `dataset` lies, relative to ROOT."""
        return Path(os.path.relpath(dataset.resolve(), self.path.resolve())).as_posix()

    def begin(self, recipe: Mapping[str, Any], dataset: str | None, planned: Outputs, copies: Iterable[Key]) -> None:
        """Note the recipe, where the dataset lies and what will be written; clear what an earlier run left.

        `dataset` is relative to ROOT; None where that may tell of a patient. What stands of the `copies` to be made may
        have other paths now than those `planned`, and goes once they are made.
        """
        self.clear_unrecorded()
        files = {
            "recipe.json": json.dumps(recipe, indent=1, sort_keys=True, ensure_ascii=False) + "\n",
            "root.json": json.dumps({"schema": "medaug.root/1", "dataset": dataset}) + "\n",
        }
        publish((self.state / name, text.encode()) for name, text in files.items())
        replaced = (path for key in copies if key in self.standings for path in self.standings[key].outputs)
        self._set_out(self.begun.union(planned.paths, replaced), self.stacks | planned.stacks)

    def _set_out(self, paths: frozenset[str], stacks: frozenset[Stack]) -> None:
        """Note the paths that may be written or removed from now on, before the first of them is."""
        self.begun, self.stacks = paths, stacks
        lines = [json.dumps(one) for one in (*sorted(paths), *sorted(stacks))]
        publish([(self.state / "begun.txt", "".join(f"{line}\n" for line in lines).encode())])

    def clear_unrecorded(self) -> None:
        """Remove what a killed worker or a failed copy left at the paths set out for; only what has no record."""
        with explained():
            unrecorded = self._unrecorded()
            for left in (self.state / "runs").glob(".medaug-*.tmp"):
                left.unlink()
            for folder in self.set_out().folders():
                for left in (self.path / folder).glob(".medaug-*.tmp"):
                    left.unlink()
            for path in self.begun:
                temporary_of(self.path / path).unlink(missing_ok=True)
            for path in unrecorded:
                if (self.path / path).exists():
                    (self.path / path).unlink()
            _remove_empty(self.path, {posixpath.dirname(path) for path in unrecorded})

    def _unrecorded(self) -> set[str]:
        """Return the paths set out for that no record names: a later record of a copy replaces those before."""
        begun = self.begun.union(self.set_out().slices_in(self.path))
        left = set(begun)
        for standing in self.standings.values():
            left.difference_update(standing.outputs)
        latest: dict[Key, tuple[str, ...]] = {}
        for key, _, outputs in read_tail(self.journal, self.tail):
            before = latest.get(key, self.standings[key].outputs if key in self.standings else ())
            if before:
                latest[key] = outputs
                left.update(begun.intersection(before))
            left.difference_update(outputs)
        return left

    def finish(self, run_id: str, run: Mapping[str, Any]) -> None:
        """Clear what has no record; write the manifest, the hash list and the run's own record."""
        check_there(self.path)
        with explained():
            cut_torn_line(self.journal)  # an interrupt may have come in the middle of it
            keys = in_order(self.journal, self.standings, self.tail)
        self.clear_unrecorded()
        publish(
            [
                (self.path / MANIFEST_NAME, self._manifest(keys)),
                (self.path / SUMS_NAME, self._sums(keys)),
                (self.state / "runs" / f"{run_id}.json", json.dumps(run, sort_keys=True).encode() + b"\n"),
            ]
        )
        self._set_out(frozenset(), frozenset())

    def stale(self, digest: str) -> set[Key]:
        """Return sample and copy of the records of another recipe."""
        return {key for key, standing in self.standings.items() if standing.settings.recipe_sha256 != digest}

    def remove_stale(self, digest: str) -> None:
        """Forget the records of another recipe, in the journal too, and delete their outputs."""
        stale = self.stale(digest)
        if stale:
            outputs = (path for key in stale for path in self.standings[key].outputs)
            self._set_out(self.begun.union(outputs), self.stacks)
            self._forget(stale)
            self.clear_unrecorded()

    def forget_failures(self, samples: Iterable[str], copies: int) -> None:
        """Forget failures that no run will mend: of others than `samples`, and of more `copies` than are asked for."""
        there = set(samples)
        failed = (key for key, standing in self.standings.items() if standing.status != "ok")
        gone = {(sample, copy) for sample, copy in failed if sample not in there or copy > copies}
        if gone:
            self._forget(gone)

    def _forget(self, keys: set[Key]) -> None:
        """Write the journal without the records of `keys`."""
        places = [standing.place for key, standing in self.standings.items() if key not in keys]
        publish([(self.journal, self._lines(places))])
        self.standings, self.tail = read_standings(self.journal), whole_bytes(self.journal)

    def _manifest(self, keys: Iterable[bytes]) -> Iterator[bytes]:
        return map(record_bytes, self._lines(map(place_of, keys)))

    def _sums(self, keys: Iterable[bytes]) -> Iterator[bytes]:
        for line in self._lines(map(place_of, keys)):
            yield "".join(sum_line(file["path"], file["sha256"]) for file in files_of(line)).encode()

    def _lines(self, places: Iterable[int]) -> Iterator[bytes]:
        """Yield the lines of the journal that begin at `places`; a run that made nothing has none."""
        if self.journal.exists():
            with self.journal.open("rb") as stream:
                for place in places:
                    stream.seek(place)
                    yield stream.readline()


def check_there(root: Path) -> None:
    """Raise RootError where ROOT has vanished while a run goes on, as a disk does that is unplugged."""
    if not (root / STATE_FOLDER).is_dir():
        raise RootError(f"{root}: has vanished while the run went on; bring it back and run again to go on")


def _remove_empty(root: Path, folders: Iterable[str]) -> None:
    """Remove those of `folders` that hold nothing, and what holds nothing but them.

    Only the one run that holds ROOT may, and while none of its workers is about to write.
    """
    for folder in sorted(filter(None, folders), reverse=True):
        with contextlib.suppress(OSError):  # one that still holds something stays
            for path in (PurePosixPath(folder), *PurePosixPath(folder).parents[:-1]):
                (root / path).rmdir()


def read_root(path: Path) -> Root:
    """Return what the journal of ROOT says; changes nothing, and passes over a line that is not whole."""
    root = Root(path)
    begun = root.state / "begun.txt"
    if begun.exists():
        found = [json.loads(line) for line in begun.read_text(encoding="utf-8").splitlines()]
        root.begun = frozenset(one for one in found if isinstance(one, str))
        root.stacks = frozenset((str(head), str(end)) for head, end in (one for one in found if isinstance(one, list)))
    root.tail = whole_bytes(root.journal)
    root.standings = read_standings(root.journal)
    return root


def known_copies(dataset: Path, state: Root | None = None) -> Outputs:
    """Return every path in `dataset` that runs wrote or set out to write, also those on a folder that it lies in.

    `state` is what the dataset's own state says, where that has been read already.
    """
    known = (state or read_root(dataset)).known_outputs()
    for _, copies in _copies_from_above(dataset):
        known |= copies
    return known


def root_above(folder: Path, path: str) -> Path | None:
    """Return what `folder` lies in and a run on which wrote `path`, relative to `folder`; None where none did."""
    return next((above for above, copies in _copies_from_above(folder) if path in copies), None)


def _copies_from_above(folder: Path) -> Iterator[tuple[Path, Outputs]]:
    """Yield the folders that `folder` lies in and that runs wrote to, and what of that lies in it, relative to it."""
    place = folder.resolve()
    for above in place.parents:
        try:
            if (above / STATE_FOLDER / "root.json").exists():
                yield above, read_root(above).known_outputs().below(place.relative_to(above).as_posix())
        except PermissionError as error:
            raise RootError(f"{error.filename}: may not be read, and tells which files here are copies") from error


def dataset_of(root: Path, override: Path | None) -> Path:
    """Return where the dataset of ROOT lies.

    Raises RootError where ROOT is none, or does not tell, and DatasetError where there is no such folder.
    """
    found = override or known_dataset(root)
    if found is None:
        raise RootError(
            f"{root}: does not keep where its dataset lies, since names of folders may tell of patients; give --source"
        )
    if not found.is_dir():
        raise DatasetError(f"{found}: no such folder; say with --source where the dataset lies now")
    return found


def known_dataset(root: Path) -> Path | None:
    """Return where the dataset of ROOT lies, None where that is not kept; raises RootError where ROOT is none."""
    try:
        found = json.loads((root / STATE_FOLDER / "root.json").read_text(encoding="utf-8"))["dataset"]
    except (OSError, ValueError, KeyError) as error:
        raise RootError(f"{root}: medaug has not written here; name the folder of a run, or --source") from error
    return None if found is None else (root / str(found)).resolve()
