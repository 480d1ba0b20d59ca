"""Validity: whether a copy that was made still stands, by what the journal knows of its files."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.files import sha256_of
from medaug_cli.journal import fingerprint, read_entry, source_stamps, stamp_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from medaug_cli.core.sample import FileEntry, Sample
    from medaug_cli.journal import Entry, Stamp
    from medaug_cli.root import Root


@dataclass(frozen=True)
class Validity:
    """The recipe (`digest`), the label names, and the folders by which copies are judged."""

    root: Root
    dataset: Path
    digest: str
    label_names: Mapping[int, str]

    def stands(self, sample: Sample, copy: int, planned: Sequence[str]) -> bool:
        """Say whether copy `copy` stands: same recipe, same inputs and roles, same outputs at the `planned` paths.

        Files count as the same by size and time, or where those differ by their hash.
        """
        standing = self.root.standings.get((sample.id, copy))
        if standing is None or standing.status != "ok" or sample.problem:
            return False
        # Names that the dataset brings along decide what swap_labels exchanges, and are not in the recipe's digest.
        settings = standing.settings
        if settings.recipe_sha256 != self.digest or settings.label_names != self.label_names:
            return False
        sources = source_stamps(sample)
        outputs = {path: _stamp(self.root.path / path) for path in standing.outputs}
        if set(planned) == set(outputs) and standing.fingerprint == _told(sources, outputs):
            return True
        entry = read_entry(self.root.journal, standing.place)
        return self._stands_by_hash(entry, sources, outputs, planned) and self._has_sources(entry, sample)

    def _stands_by_hash(
        self,
        entry: Entry,
        sources: Mapping[str, Stamp],
        outputs: Mapping[str, Stamp | None],
        planned: Sequence[str],
    ) -> bool:
        files = (stamp_name("source", file.channel, file.path) for file in entry.record.source)
        if sources.keys() != {*files, f"modality:{entry.record.modality}"}:
            return False
        if not _stand_where_planned(planned, entry.record.output):
            return False
        return all(
            _same(file, outputs[file.path], entry, "output", self.root.path / file.path) for file in entry.record.output
        )

    def _has_sources(self, entry: Entry, sample: Sample) -> bool:
        """Say whether every source is what the copy was made from."""
        stamped = {
            record: (self.dataset / file, stamp)
            for source in sample.sources
            for record, file, stamp in zip(source.records, source.files, source.stamps, strict=True)
        }
        return all(
            _same(file, stamped[file.path][1], entry, "source", stamped[file.path][0]) for file in entry.record.source
        )


def _told(sources: Mapping[str, Stamp], outputs: Mapping[str, Stamp | None]) -> bytes:
    """Return the fingerprint that the journal has where all files are as they were; none where one is missing."""
    stamps = dict(sources)
    for path, stamp in outputs.items():
        if stamp is None:
            return b""
        stamps[f"output:{path}"] = stamp
    return fingerprint(stamps)


def _stand_where_planned(planned: Sequence[str], outputs: Sequence[FileEntry]) -> bool:
    """Say whether outputs have the planned paths; of DICOM the folders, since steps may change the number of slices."""
    slices = {file.path for file in outputs if file.format == "dicom"}
    others = {file.path for file in outputs} - slices
    expected = set(planned) - others
    return others <= set(planned) and {posixpath.dirname(path) for path in slices} == {
        posixpath.dirname(path) for path in expected
    }


def _same(file: FileEntry, stamp: Stamp | None, entry: Entry, role: str, path: Path) -> bool:
    """Say whether a file is as it was: by size and time, or where those differ by its hash."""
    if stamp is None or stamp[0] != file.bytes:
        return False
    known = entry.stamps.get(stamp_name(role, file.channel, file.path))
    return known == stamp or sha256_of(path) == file.sha256


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
