"""Ownership: whether ROOT is this recipe's and this dataset's to write to."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from medaug_cli.core.errors import RootError, UsageError
from medaug_cli.core.files import sha256_of
from medaug_cli.journal import read_entry
from medaug_cli.manifest import MANIFEST_NAME, SUMS_NAME
from medaug_cli.root import STATE_FOLDER, known_dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from medaug_cli.core.sample import Sample
    from medaug_cli.discover import Inventory
    from medaug_cli.journal import Standing
    from medaug_cli.root import Root

_WRITTEN = {MANIFEST_NAME, SUMS_NAME}
_SAMPLES_COMPARED = 3


def check_ownership(
    root: Root, dataset: Path, inventory: Inventory, digest: str, overwrite: str, log_file: Path | None = None
) -> None:
    """Raise RootError where ROOT holds what is not medaug's, or what another dataset or recipe (`digest`) made.

    `log_file` may stand there: this run has opened it by now.
    """
    if not (root.state / "root.json").exists() and root.path.is_dir():
        _check_foreign(root, log_file, in_place=root.path.resolve() == dataset.resolve())
    made = [standing for standing in root.standings.values() if standing.status == "ok"]
    stale = sum(standing.settings.recipe_sha256 != digest for standing in made)
    if stale and overwrite == "never":
        raise RootError(
            f"{root.path}: holds {stale} copies that other steps, parameters, another seed, another key or way to "
            "hide patients, or another --resampler made; choose another folder, or replace them with --overwrite stale"
        )
    if made:
        _check_dataset(root, dataset, inventory)


def _check_foreign(root: Root, log_file: Path | None, *, in_place: bool) -> None:
    """Raise RootError where a ROOT that no run has begun yet holds files, beside originals those that a run writes."""
    log = None if log_file is None else log_file.resolve()
    items = (item for item in root.path.iterdir() if item.name != STATE_FOLDER and item.resolve() != log)
    foreign = sorted(item.name for item in items if item.name in _WRITTEN or not in_place)
    if foreign and in_place:
        raise RootError(
            f"{root.path / foreign[0]}: was not written by medaug, and a run would write over it; "
            "rename it, or choose another folder with -o"
        )
    if foreign:
        raise RootError(
            f"{root.path}: holds {len(foreign)} files or folders that medaug did not write, such as {foreign[0]}; "
            "choose an empty folder"
        )


def check_replaceable(root: Root, chosen: Iterable[Sample], digest: str, overwrite: str) -> None:
    """Raise UsageError where copies of another recipe would go whose samples are not `chosen` to be done again."""
    if overwrite == "never":
        return
    ids = {sample.id for sample in chosen}
    lost = sum(key[0] not in ids and root.standings[key].status == "ok" for key in root.stale(digest))
    if lost:
        raise UsageError(
            f"--overwrite {overwrite} removes every copy that another recipe made, {lost} of them of samples that "
            "--only or --limit leaves out; leave those flags out, or choose another folder"
        )


def _check_dataset(root: Root, dataset: Path, inventory: Inventory) -> None:
    """Raise RootError where copies in ROOT were made from another dataset, not from this one before it moved."""
    before = known_dataset(root.path)
    if before == dataset.resolve():
        return
    stand = {sample.id for sample in inventory.samples}
    files = {
        record: file
        for sample in inventory.samples
        for source in sample.sources
        for record, file in zip(source.records, source.files, strict=True)
    }
    made = (standing for (sample_id, _), standing in root.standings.items() if sample_id in stand)
    shared = islice((standing for standing in made if standing.status == "ok"), _SAMPLES_COMPARED)
    if not any(_has_sources(root, dataset, standing, files) for standing in shared):
        raise RootError(
            f"{root.path}: holds copies of another dataset{f': {before}' if before else ''}, not {dataset.resolve()}; "
            "choose another folder for this one"
        )


def _has_sources(root: Root, dataset: Path, standing: Standing, files: Mapping[str, str]) -> bool:
    """Say whether `dataset` holds the very files that a copy was made from; `files` are found by their records."""
    for file in read_entry(root.journal, standing.place).record.source:
        path = dataset / files.get(file.path, file.path)
        if not path.is_file() or path.stat().st_size != file.bytes or sha256_of(path) != file.sha256:
            return False
    return True
