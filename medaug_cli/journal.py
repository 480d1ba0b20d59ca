"""The journal of a ROOT: one line for each copy as soon as it stands; read line by line, never held whole."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import RootError
from medaug_cli.manifest import Record, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from medaug_cli.core.sample import Sample

Stamp = tuple[int, int]
Key = tuple[str, int]

_OPENING, _MIDDLE = b'{"record": ', b', "stamps": '
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class Entry:
    """A record and the (size, mtime in ns) of every file it names, sources and outputs, when it was made."""

    record: Record
    stamps: Mapping[str, Stamp]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is kept in memory of one entry: enough to see that nothing has changed; `place` is where its line begins."""

    status: str
    reason: str
    settings: Settings
    outputs: tuple[str, ...]
    fingerprint: bytes
    place: int


def fingerprint(stamps: Mapping[str, Stamp]) -> bytes:
    """Return 16 bytes that tell sets of stamped files apart."""
    told = json.dumps(sorted((name, *stamp) for name, stamp in stamps.items()))
    return hashlib.blake2b(told.encode(), digest_size=16).digest()


def source_stamps(sample: Sample) -> dict[str, Stamp]:
    """Return the stamps of the sources of `sample` by channel and path, and its modality as one that never changes.

    Steps may go by both, and a dataset may tell them elsewhere than in the files that are stamped.
    """
    stamps = {
        stamp_name("source", source.channel, path): stamp
        for source in sample.sources
        for path, stamp in zip(source.records, source.stamps, strict=True)
    }
    return {**stamps, f"modality:{sample.modality}": (0, 0)}


def stamp_name(role: str, channel: str, path: str) -> str:
    """Return the name under which a file is stamped; of an output its path tells all."""
    return f"{role}:{path}" if role == "output" else f"{role}:{channel}:{path}"


def lines_of(entries: Iterable[Entry]) -> bytes:
    """Return the lines that the journal gets of `entries`; the record stands in each as the manifest will have it."""
    return b"".join(
        _OPENING
        + entry.record.line().encode()
        + _MIDDLE
        + json.dumps(entry.stamps, ensure_ascii=False).encode()
        + b"}\n"
        for entry in entries
    )


def read_standings(journal: Path) -> dict[Key, Standing]:
    """Return what stands by sample and copy, the last line of each; raises RootError for a damaged line."""
    standings: dict[Key, Standing] = {}
    shared: dict[str, Settings] = {}
    for number, (place, line) in enumerate(_lines(journal, 0), start=1):
        try:
            found = json.loads(line)
            record, stamps = found["record"], found["stamps"]
            told = json.dumps(record["settings"])
            if told not in shared:
                shared[told] = Settings.model_validate(record["settings"])
            standings[str(record["sample_id"]), int(record["copy"])] = Standing(
                status=sys.intern(str(record["status"])),
                reason=sys.intern(str(record["reason"])),
                settings=shared[told],
                outputs=tuple(file["path"] for file in record["output"]),
                fingerprint=fingerprint({name: (int(size), int(mtime)) for name, (size, mtime) in stamps.items()}),
                place=place,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise RootError(f"{journal}:{number}: damaged; remove this line and run again") from error
    return standings


def read_entry(journal: Path, place: int) -> Entry:
    """Return the entry whose line begins at `place`; raises RootError."""
    try:
        found = json.loads(read_line(journal, place))
        stamps = {name: (int(size), int(mtime)) for name, (size, mtime) in found["stamps"].items()}
        return Entry(Record.model_validate(found["record"]), stamps)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise RootError(f"{journal}: damaged at byte {place}; remove this line and run again") from error


def read_line(journal: Path, place: int) -> bytes:
    """Return the line that begins at `place`."""
    with journal.open("rb") as stream:
        stream.seek(place)
        return stream.readline()


def read_tail(journal: Path, start: int) -> Iterator[tuple[Key, int, tuple[str, ...]]]:
    """Yield (sample and copy, place, outputs) of every line from `start` on, which this process wrote."""
    for place, line in _lines(journal, start):
        record = json.loads(line)["record"]
        yield (record["sample_id"], record["copy"]), place, tuple(file["path"] for file in record["output"])


def in_order(journal: Path, standings: Mapping[Key, Standing], start: int) -> list[bytes]:
    """Return a key for each copy in the order of the manifest; `place_of` tells where its line begins.

    `standings` are the lines before `start`. Of a million copies the keys take 100 MB, where the records take 5 GB.
    """
    keys = [_key(*key, standing.place) for key, standing in standings.items()]
    keys += [_key(*key, place) for key, place, _ in read_tail(journal, start)]
    keys.sort()
    # Of one copy's lines, which now follow each other, the last counts.
    return [
        key
        for key, later in zip_longest(keys, islice(keys, 1, None), fillvalue=b"")
        if _copy_of(key) != _copy_of(later)
    ]


def place_of(key: bytes) -> int:
    """Return where the line of a key of `in_order` begins."""
    return int(key[-16:], 16)


def record_bytes(line: bytes) -> bytes:
    """Return the record in a line of the journal as a line of the manifest."""
    return line[len(_OPENING) : line.rindex(_MIDDLE)] + b"\n"


def files_of(line: bytes) -> list[Mapping[str, Any]]:
    """Return the output files that a line tells of, none where the copy was not made."""
    record = json.loads(line)["record"]
    return list(record["output"]) if record["status"] == "ok" else []


def cut_torn_line(journal: Path) -> None:
    """Cut off the line that a killed run left half written; only the run that holds ROOT may."""
    whole = whole_bytes(journal)
    if journal.exists() and whole < journal.stat().st_size:
        os.truncate(journal, whole)


def whole_bytes(journal: Path) -> int:
    """Return the length of the journal up to the end of its last whole line."""
    if not journal.exists():
        return 0
    with journal.open("rb") as stream:
        end = stream.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _BLOCK_BYTES)
            stream.seek(start)
            found = stream.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


def _lines(journal: Path, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield (place, line) of the whole lines from `start` on; one that a run is just writing is passed over."""
    if not journal.exists():
        return
    with journal.open("rb") as stream:
        place = stream.seek(start)
        for line in stream:
            if line.endswith(b"\n"):
                yield place, line
            place += len(line)


def _key(sample_id: str, copy: int, place: int) -> bytes:
    # A NUL is in no file name and comes before everything, so that bytes sort as (sample, copy) do.
    return b"%b\0%08x%016x" % (sample_id.encode(), copy, place)


def _copy_of(key: bytes) -> bytes:
    return key[:-16]
