"""Replay: a copy made again from its record alone; the drawn numbers are read, nothing is drawn."""

from __future__ import annotations

import hashlib
from itertools import groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydantic import ValidationError

from medaug_cli.copies import check_unchanged, derive, encode_copy, load_sample
from medaug_cli.core.errors import MismatchError, RootError, SampleError
from medaug_cli.core.files import publish
from medaug_cli.core.sample import Alias, Source, declare
from medaug_cli.formats import Limits
from medaug_cli.hiding import find_hidden, hidden_errors, names_of_sources
from medaug_cli.manifest import MANIFEST_NAME, read_records
from medaug_cli.privacy import privacy_of
from medaug_cli.program import Drawn, apply_program, scene_of
from medaug_cli.recipe.build import build_step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from medaug_cli.core.encoded import EncodedFile
    from medaug_cli.core.sample import FileEntry, Role
    from medaug_cli.manifest import Record, Settings
    from medaug_cli.program import Program


def find_record(root: Path, output_id: str) -> Record:
    """Return the record of an output, which the start of its id may name; raises RootError."""
    found = [record for record in read_records(root / MANIFEST_NAME) if record.output_id.startswith(output_id)]
    if len(found) != 1 or not output_id:
        many = f"{len(found)} records have ids" if found else "no record has an id"
        raise RootError(f"{root / MANIFEST_NAME}: {many} beginning with {output_id!r}; give an output_id in full")
    if found[0].status != "ok":
        raise RootError(f"{output_id}: was not written: {found[0].reason}: {found[0].message}")
    return found[0]


def replay_record(record: Record, dataset: Path, key_file: Path | None = None) -> list[EncodedFile]:
    """Return the files of a copy, made again.

    Where its patient is hidden, the key comes from `key_file` or the environment. Raises SampleError, RootError, and
    UsageError without that key.
    """
    settings = record.settings
    privacy = privacy_of(settings.privacy, key_file)
    found = {} if privacy is None else find_hidden(dataset, (entry.path for entry in record.source), privacy)
    formats = {(entry.role, entry.channel): entry.format for entry in record.output}
    sources = _sources_of(record.source, settings, found, formats)
    limits = Limits(max_voxels=float("inf"), repair=settings.repair)
    names, rules = settings.label_names, settings.mark_rules
    with hidden_errors(lambda: names_of_sources(sources, privacy)):
        sample = load_sample(dataset, record.sample_id, sources, names, limits, record.modality, rules)
    check_unchanged(sample, record.source)
    scene = scene_of(sample, record.seed.root, record.copy_, settings.resampler, float("inf"), settings.dtype)
    program = program_of(record)
    copy = apply_program(program, sample, scene)
    targets = dict(zip(sources, _grouped_paths(record.output), strict=True))
    derivation = derive(program, copy, record.copy_, sample, record.settings, privacy)
    return [written.file for written in encode_copy(copy, sample, targets, derivation)]


def program_of(record: Record) -> Program:
    """Return the drawn steps that a record holds; raises RootError for a step that this version does not know."""
    program = []
    for step in record.steps:
        policy = step.chosen is not None
        try:
            made = build_step(step.name, step.values) if step.applied and not policy else None
        except (KeyError, ValidationError) as error:
            raise RootError(f"{record.output_id}: step {step.name} is not one of this version of medaug") from error
        program.append(Drawn(step.path, step.name, made, step.chosen))
    return tuple(program)


def compare(record: Record, files: Sequence[EncodedFile]) -> None:
    """Raise MismatchError where the replayed files are not the recorded ones, voxels and bytes."""
    expected = {entry.path: entry for entry in record.output}
    if others := expected.keys() ^ {file.path for file in files}:
        made = "is recorded and was not made again" if min(others) in expected else "was made and is not recorded"
        raise MismatchError(f"{min(others)}: {made}")
    for file in files:
        entry = expected[file.path]
        if entry.voxel_sha256 != file.voxel_sha256:
            raise MismatchError(f"{file.path}: the voxels differ from those recorded")
        if hashlib.sha256(file.data).hexdigest() != entry.sha256:
            raise MismatchError(f"{file.path}: the voxels are equal, the bytes of the file are not")


def write_files(files: Sequence[EncodedFile], target: Path) -> list[Path]:
    """Write one file to `target`, or several into the folder `target`; an existing file is never overwritten.

    In a folder they have their names, or where two files share one the paths that they have in ROOT.
    """
    into_folder = len(files) > 1 or target.is_dir()
    names = [PurePosixPath(file.path).name for file in files]
    if len({name.casefold() for name in names}) < len(names):
        names = [file.path for file in files]
    paths = [target / name if into_folder else target for name in names]
    standing = [path for path in paths if path.exists()]
    if standing:
        raise RootError(f"{standing[0]}: exists already; name another file")
    publish((path, file.data) for path, file in zip(paths, files, strict=True))
    return paths


def _sources_of(
    entries: Sequence[FileEntry],
    settings: Settings,
    found: Mapping[str, str],
    formats: Mapping[tuple[Role, str], str],
) -> tuple[Source, ...]:
    """Return the sources that `entries` name.

    `found` are the paths of those that are hidden, `formats` those of the copies by role and channel.
    """
    made = []
    for (role, channel, name), group in groupby(entries, key=lambda one: (one.role, one.channel, one.format)):
        declared = declare(role, channel, settings.soft_labels, settings.points_space)
        paths = tuple(entry.path for entry in group)
        files = tuple(found.get(path, path) for path in paths)
        alias = Alias(paths, paths) if found else None
        copied_as = "" if formats[role, channel] == name else formats[role, channel]
        made.append(Source(role, channel, name, files, declared=declared, alias=alias, copied_as=copied_as))
    if not made:
        raise SampleError("no_source", "the record names no source")
    return tuple(made)


def _grouped_paths(entries: Sequence[FileEntry]) -> list[tuple[str, ...]]:
    groups = groupby(entries, key=lambda one: (one.role, one.channel))
    return [tuple(entry.path for entry in group) for _, group in groups]
