"""Hiding: names and paths that tell nothing of a patient, for samples, copies, records and messages."""

from __future__ import annotations

import posixpath
import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import MedaugError, SampleError
from medaug_cli.core.names import hide_name, hide_pieces, is_plain, words_of
from medaug_cli.core.sample import Alias
from medaug_cli.discover.walk import walk_dataset
from medaug_cli.naming import case_of, split_suffix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from medaug_cli.core.privacy import Privacy
    from medaug_cli.core.sample import Sample, Source
    from medaug_cli.discover import Inventory

_LEAST_BYTES = 3  # of a name that is looked for in a message: three letters, or one sign of Chinese


def hide_inventory(inventory: Inventory, privacy: Privacy) -> Inventory:
    """Return `inventory` with samples, names of copies and texts that tell nothing; the files to read stay."""
    ids = {sample.id: privacy.name(sample.id) for sample in inventory.samples}
    names = _names_in(inventory, privacy)
    return replace(
        inventory,
        samples=tuple(_hide_problem(hide_sample(sample, privacy), names) for sample in inventory.samples),
        label_names={value: hide_pieces(name, privacy) for value, name in inventory.label_names.items()},
        skipped=tuple(
            (ids.get(one, privacy.name(one)), reason, hide_text(message, names))
            for one, reason, message in inventory.skipped
        ),
        left_alone=tuple(
            (privacy.name(path), reason, hide_text(text, names)) for path, reason, text in inventory.left_alone
        ),
        warnings=tuple(hide_text(text, names) for text in inventory.warnings),
        table_rows={ids.get(one, privacy.name(one)): row for one, row in inventory.table_rows.items()},
    )


def hide_sample(sample: Sample, privacy: Privacy) -> Sample:
    """Return `sample` under a pseudonym, its sources with names for copies and records."""
    case = case_of(
        sample.id,
        tuple(path for one in sample.sources if one.copy_format != "dicom" and not one.shared for path in one.files),
    )
    made = [
        replace(
            source,
            channel=_hide_channel(source, sample.layout, privacy),
            alias=Alias(_names_of(sample, source, case, privacy), tuple(map(privacy.source, source.files))),
        )
        for source in sample.sources
    ]
    return replace(sample, id=privacy.name(sample.id), called=sample.id, sources=tuple(made))


def _hide_channel(source: Source, layout: str, privacy: Privacy) -> str:
    """Return the channel of `source`; where its file or the dataset names it, it tells nothing of them."""
    stem = split_suffix(source.files[0])[0]
    named_by_file = source.format == "dicom" and source.channel in {stem, posixpath.basename(stem)}
    named_by_dataset = layout == "nnunet" and source.role == "image"
    hidden = (named_by_file and source.role == "label") or named_by_dataset
    return hide_pieces(source.channel, privacy) if hidden else source.channel


def _hide_problem(sample: Sample, names: Mapping[str, str]) -> Sample:
    if sample.problem is None:
        return sample
    return replace(sample, problem=(sample.problem[0], hide_text(sample.problem[1], names)))


def _names_of(sample: Sample, source: Source, case: str, privacy: Privacy) -> tuple[str, ...]:
    """Return the paths that copies of `source` are named after."""
    if source.copy_format == "dicom":
        patient = privacy.pseudonym(sample.patient)[:16] if sample.patient else ""
        series = privacy.name(f"{sample.id}/{source.role}/{source.channel}")
        return tuple(posixpath.join(patient, series, f"{n:04d}.dcm") for n in range(1, len(source.files) + 1))
    return tuple(_hide_path(path, sample, case, privacy) for path in source.files)


def _hide_path(path: str, sample: Sample, case: str, privacy: Privacy) -> str:
    folder, name = posixpath.split(path)
    stem, suffix = split_suffix(name)
    folders = [hide_name(part, privacy) for part in folder.split("/") if part]
    if sample.layout == "bids":
        hidden = hide_name(stem, privacy)
    elif case:
        hidden = privacy.name(sample.id) + hide_pieces(stem[len(case) :], privacy)
    else:
        hidden = privacy.name(path)
    return posixpath.join(*folders, hidden + suffix)


def hide_text(text: str, names: Mapping[str, str]) -> str:
    """Return a message with what stands for each of `names` instead of it, the longest where several fit."""
    found = sorted((name for name in names if name in text), key=len, reverse=True)
    # At once, so that nothing is looked for in what stands for another name.
    return re.sub("|".join(map(re.escape, found)), lambda name: names[name[0]], text) if found else text


@contextmanager
def hidden_errors(find_names: Callable[[], Mapping[str, str]]) -> Iterator[None]:
    """Let errors of users, where they are raised within, tell what stands for each of the names instead of it."""
    try:
        yield
    except MedaugError as error:
        names = find_names()
        raise type(error)(*(hide_text(str(one), names) for one in error.args)) from None


def names_of_sources(sources: Iterable[Source], privacy: Privacy | None) -> dict[str, str]:
    """Return what stands in messages for the paths of sources that have an alias; nothing where nobody is hidden."""
    if privacy is None:
        return {}
    pairs = [pair for source in sources for pair in zip(source.files, source.names, strict=True)]
    return _hide_parts((file for file, _ in pairs), privacy) | dict(pairs)


def names_in_dataset(dataset: Path, privacy: Privacy | None) -> dict[str, str]:
    """Return what stands in messages for every path in `dataset`, and for the words that its names are made of."""
    if privacy is None or not dataset.is_dir():
        return {}
    tree = walk_dataset(dataset)
    paths = [*tree.files, *(path for path, _, _ in tree.left_alone)]
    words = {word for path in paths for word in words_of(path) if len(word.encode()) >= _LEAST_BYTES}
    return _hide_parts(paths, privacy) | {word: privacy.name(word) for word in words if not is_plain(word)}


def _names_in(inventory: Inventory, privacy: Privacy) -> dict[str, str]:
    """Return what stands in messages for every path and sample of an inventory."""
    paths = [path for sample in inventory.samples for source in sample.sources for path in source.files]
    paths += [path for path, _, _ in inventory.left_alone] + [sample.id for sample in inventory.samples]
    names = _hide_parts(paths, privacy)
    for sample in inventory.samples:
        for source in hide_sample(sample, privacy).sources:
            names |= dict(zip(source.files, source.names, strict=True))
    return names


def _hide_parts(paths: Iterable[str], privacy: Privacy) -> dict[str, str]:
    """Return what stands for `paths` and for all parts of them that tell anything."""
    parts = {part for path in paths for part in _parts_of(path)}
    return {part: privacy.name(part) for part in parts if hide_pieces(part, privacy) != part}


def _parts_of(path: str) -> Iterable[str]:
    """Yield `path` with and without its suffix, its folders and their names, as far as they are long enough."""
    found = {path, split_suffix(path)[0], *path.split("/"), split_suffix(posixpath.basename(path))[0]}
    folder = posixpath.dirname(path)
    while folder:
        found.add(folder)
        folder = posixpath.dirname(folder)
    return (part for part in found if len(part.encode()) >= _LEAST_BYTES)


def paths_by_record(dataset: Path, privacy: Privacy) -> dict[str, str]:
    """Return the paths of all files in `dataset` by what the manifest has for them."""
    return {privacy.source(path): path for path in walk_dataset(dataset).files}


def find_hidden(dataset: Path, records: Iterable[str], privacy: Privacy) -> dict[str, str]:
    """Return by what the manifest has for them the paths of sources in `dataset`; raises SampleError for one gone."""
    there = paths_by_record(dataset, privacy)
    wanted = set(records)
    gone = wanted - there.keys()
    if gone:
        raise SampleError(
            "no_source", f"{len(gone)} sources are not in {dataset} under the names they had; another dataset, or moved"
        )
    return {record: there[record] for record in wanted}
