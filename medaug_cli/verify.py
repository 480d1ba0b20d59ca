"""Verify: the bytes of every output, and of its sources on request, against the manifest."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from medaug_cli.core.errors import UsageError
from medaug_cli.core.files import sha256_of
from medaug_cli.core.seeding import digest
from medaug_cli.core.whole import whole_number
from medaug_cli.hiding import paths_by_record
from medaug_cli.manifest import MANIFEST_NAME, SUMS_NAME, read_records, sums_text
from medaug_cli.privacy import privacy_of
from medaug_cli.root import dataset_of, read_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from medaug_cli.core.sample import FileEntry
    from medaug_cli.manifest import Record


def verify_root(
    root: Path, subset: str | None, dataset: Path | None, key_file: Path | None = None
) -> tuple[int, list[tuple[str, str]]]:
    """Return how many files were hashed, and (path, what is wrong) of those that do not match.

    With `dataset` sources count, too; those of hidden patients need the key. Raises RootError, DatasetError where there
    is no such folder, and UsageError without the key.
    """
    records = list(read_records(root / MANIFEST_NAME))
    part, parts = _parse_subset(subset)
    chosen = [record for record in records if int.from_bytes(digest(record.sample_id)[:8]) % parts == part - 1]
    outputs = {file.path: file for record in chosen if record.status == "ok" for file in record.output}
    problems = list(_compare(root, outputs))
    checked = len(outputs)
    if dataset is not None:
        dataset = dataset_of(root, dataset)
        sources = {file.path: file for record in chosen for file in record.source if file.sha256}
        problems += _compare(dataset, sources, _find_hidden(chosen, dataset, key_file))
        checked += len(sources)
    recorded = {file.path for record in records for file in record.output}
    begun = read_root(root).set_out()
    left = sorted(path for path in begun.paths.union(begun.slices_in(root)) - recorded if (root / path).exists())
    problems += [(path, "has no record: a run was killed; run again") for path in left]
    sums = root / SUMS_NAME
    if not sums.is_file() or sums.read_bytes() != sums_text(records).encode():
        problems.append((SUMS_NAME, "missing, or does not agree with the manifest; run again to write it"))
    return checked, problems


def _parse_subset(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    first, _, second = text.partition("/")
    part, parts = whole_number(first), whole_number(second)
    if part is None or parts is None or not 1 <= part <= parts:
        raise UsageError(f"--subset {text}: allowed: K/N with K from 1 to N, such as 1/7")
    return part, parts


def _find_hidden(records: Iterable[Record], dataset: Path, key_file: Path | None) -> dict[str, str]:
    """Return where the sources of hidden patients lie; one that is gone is left out."""
    hidden = [(record.settings.privacy, file.path) for record in records for file in record.source]
    entry = next((entry for entry, _ in hidden if entry is not None), None)
    privacy = privacy_of(entry, key_file)
    return {} if privacy is None else paths_by_record(dataset, privacy)


def _compare(
    folder: Path, files: dict[str, FileEntry], found: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, str]]:
    for path, file in sorted(files.items()):
        try:
            problem = _mismatch(folder / found.get(path, path), file)
        except OSError as error:  # what cannot be read is no reason to leave the others unread
            problem = f"cannot be read: {error.strerror}"
        if problem:
            yield path, problem


def _mismatch(target: Path, file: FileEntry) -> str:
    """Return in what `target` is not the file of the record; empty where it is."""
    if not target.is_file():
        return "missing"
    if (size := target.stat().st_size) != file.bytes:
        return f"has {size} bytes, the manifest says {file.bytes}"
    return "" if sha256_of(target) == file.sha256 else "its bytes are not those that were written"
