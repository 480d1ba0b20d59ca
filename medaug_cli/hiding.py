"""Hiding: names and paths that tell nothing of a patient, for samples, copies, records and messages."""

from __future__ import annotations

import posixpath
import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import MedaugError, SampleError
from medaug_cli.core.names import WORD, hide_name, hide_pieces, is_plain, is_plain_path
from medaug_cli.core.sample import Alias
from medaug_cli.discover.walk import walk_dataset
from medaug_cli.naming import case_of, split_suffix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from medaug_cli.core.privacy import Privacy
    from medaug_cli.core.sample import Sample, Source
    from medaug_cli.discover import Inventory

_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_MOST_WORDS = 64  # of a path
_LEAST_PREFIX = 5  # signs of a name that is found at the start of a longer word
_LEAST_BYTES = 3  # of a name that is looked for in a message: three letters, or one sign of Chinese


def hide_inventory(inventory: Inventory, privacy: Privacy, said: frozenset[str] = frozenset()) -> Inventory:
    """Return `inventory` with samples, names of copies and texts that tell nothing; the files to read stay.

    `said` are the names of channels and labels that the recipe speaks of, which must stay to be found.
    """
    ids = {sample.id: privacy.name(sample.id) for sample in inventory.samples}
    hidden = [_hide_sample(sample, privacy, said) for sample in inventory.samples]
    names = _names_in(inventory, hidden, privacy)
    return replace(
        inventory,
        samples=tuple(_hide_problem(sample, names) for sample in hidden),
        label_names={value: _hide_unsaid(name, privacy, said) for value, name in inventory.label_names.items()},
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


def _hide_sample(sample: Sample, privacy: Privacy, said: frozenset[str]) -> Sample:
    """Return `sample` under a pseudonym, its sources with names for copies and records."""
    case = case_of(
        sample.id,
        tuple(path for one in sample.sources if one.copy_format != "dicom" and not one.shared for path in one.files),
    )
    made = [
        replace(
            source,
            channel=_hide_channel(source, sample.layout, privacy, said),
            alias=Alias(_names_of(sample, source, case, privacy), tuple(map(privacy.source, source.files))),
        )
        for source in sample.sources
    ]
    return replace(sample, id=privacy.name(sample.id), called=sample.id, sources=tuple(made))


def _hide_channel(source: Source, layout: str, privacy: Privacy, said: frozenset[str]) -> str:
    """Return the channel of `source`; where its file or the dataset names it, it tells nothing of them."""
    stem = split_suffix(source.files[0])[0]
    named_by_file = source.format == "dicom" and source.channel in {stem, posixpath.basename(stem)}
    named_by_dataset = layout == "nnunet" and source.role == "image"
    hidden = (named_by_file and source.role == "label") or named_by_dataset
    return _hide_unsaid(source.channel, privacy, said) if hidden else source.channel


def _hide_unsaid(name: str, privacy: Privacy, said: frozenset[str]) -> str:
    return name if name in said else hide_pieces(name, privacy)


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
    """Return a message with what stands for each of `names` instead of it, the longest where several fit.

    A name is looked for from the start of a word to the end of one, a long one also as the start of a longer word, in
    a time that does not depend on how many there are.
    """
    if not names:
        return text
    words = [word.span() for word in WORD.finditer(text)]
    parts, done, at = [], 0, 0
    while at < len(words):
        start = words[at][0]
        end = _end_of_name(text, words[at : at + _MOST_WORDS], names)
        if end:
            parts += [text[done:start], names[text[start:end]]]
            done = end
        at += 1
        while at < len(words) and words[at][0] < done:
            at += 1
    return "".join([*parts, text[done:]])


def _end_of_name(text: str, words: Sequence[tuple[int, int]], names: Mapping[str, str]) -> int:
    """Return where the longest of `names` ends that starts with the first of `words`; 0 where none does."""
    start, first_end = words[0]
    ends = [end for _, end in reversed(words)] + list(range(first_end - 1, start + _LEAST_PREFIX - 1, -1))
    return next((end for end in ends if text[start:end] in names), 0)


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
    return _hide_parts((file for file, _ in pairs), privacy) | _from_word_to_word(pairs)


def names_in_dataset(dataset: Path, privacy: Privacy | None) -> dict[str, str]:
    """Return what stands in messages for every path in `dataset`, and for the words that its names are made of."""
    if privacy is None or not dataset.is_dir():
        return {}
    tree = walk_dataset(dataset)
    paths = [*tree.files, *(path for path, _, _ in tree.left_alone)]
    words = {word for path in paths for word in WORD.findall(path) if len(word.encode()) >= _LEAST_BYTES}
    return _hide_parts(paths, privacy) | {word: privacy.name(word) for word in words if not is_plain(word)}


def _names_in(inventory: Inventory, hidden: Iterable[Sample], privacy: Privacy) -> dict[str, str]:
    """Return what stands in messages for every path and sample of an inventory, whose samples are `hidden` already."""
    paths = [path for path, _, _ in inventory.left_alone] + [sample.id for sample in inventory.samples]
    sources = (source for sample in hidden for source in sample.sources)
    return _hide_parts(paths, privacy) | names_of_sources(sources, privacy)


def _hide_parts(paths: Iterable[str], privacy: Privacy) -> dict[str, str]:
    """Return what stands for `paths` and for all parts of them that tell anything."""
    parts = {part for path in paths for part in _parts_of(path)}
    return _from_word_to_word((part, privacy.name(part)) for part in parts if not is_plain_path(part))


def _from_word_to_word(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return `pairs` by the name without the signs before its first word and after its last."""
    return {_AROUND.sub("", name): hidden for name, hidden in pairs}


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
