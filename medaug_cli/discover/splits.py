"""Splits: give samples their rows of the table, and keep only the splits that are to be augmented."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import DatasetError
from medaug_cli.discover.cases import stem
from medaug_cli.discover.table import Row, Table, two_splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medaug_cli.core.sample import Sample

_TRAINING = frozenset({"train", "training"})


@dataclass(frozen=True)
class Assigned:
    """Samples with their split and class, those left out as (id, reason, message), and the facts by sample id."""

    samples: tuple[Sample, ...]
    skipped: tuple[tuple[str, str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def assign_rows(samples: Sequence[Sample], table: Table, augment: tuple[str, ...] | None) -> Assigned:
    """Return `samples` with what their rows of `table` say; only splits in `augment` are kept.

    `augment` None stands for the training split. Raises DatasetError where a split has no row, a row fits several
    samples, or a patient turns up in two splits.
    """
    wanted = _choose_splits(table, augment)
    matched = _match(samples, table)
    known = [_describe(sample, matched.get(sample.id)) for sample in samples]
    _refuse_two_splits(known, matched, table)
    skipped = tuple(filter(None, (_skip(sample, matched.get(sample.id), wanted, table) for sample in known)))
    out = {sample_id for sample_id, _, _ in skipped}
    kept = tuple(sample for sample in known if sample.id not in out)
    if not kept:
        counts = Counter(reason for _, reason, _ in skipped)
        raise DatasetError(
            f"{table.name}: none of {len(samples)} samples is to be augmented ("
            + ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
            + "); a row names its sample by id, file or patient"
        )
    facts = {sample_id: row.facts for sample_id, row in matched.items() if row.facts}
    return Assigned(kept, skipped, _warn(samples, matched, table), facts)


def _choose_splits(table: Table, augment: tuple[str, ...] | None) -> frozenset[str]:
    """Return the case-folded names of the splits to augment; empty where the table has no splits."""
    if not table.split_column:
        if augment is not None:
            raise DatasetError(
                f"{table.name}: dataset.split needs a column with the splits; found {', '.join(table.columns)}"
            )
        return frozenset()
    splits = {row.split.casefold(): row.split for row in table.rows if row.split}
    found = ", ".join(sorted(splits.values())) or "none"
    wanted = {name.casefold() for name in augment} if augment is not None else _TRAINING & splits.keys()
    if not wanted:
        raise DatasetError(
            f"{table.name}: no row is in a split named train; found {found}; name one with dataset.split.augment"
        )
    missing = sorted(wanted - splits.keys())
    if missing:
        raise DatasetError(f"{table.name}: no row is in split {', '.join(missing)}; found {found}")
    return frozenset(wanted)


def _match(samples: Sequence[Sample], table: Table) -> dict[str, Row]:
    """Return the row of each sample that has one, by sample id."""
    rows = {row.key: row for row in table.rows}
    matched: dict[str, Row] = {}
    owner: dict[int, str] = {}
    for sample in samples:
        for names, alone in _names(sample):
            row = next((rows[name] for name in names if name in rows), None)
            if row is None:
                continue
            if alone and owner.setdefault(row.line, sample.id) != sample.id:
                raise DatasetError(
                    f"{table.name}:{row.line}: fits two samples, {owner[row.line]} and {sample.id}; "
                    "write the sample's id, with its folder"
                )
            matched[sample.id] = row
            break
    return matched


def _names(sample: Sample) -> tuple[tuple[list[str], bool], ...]:
    """Return what a row may call `sample`, closest first, each with whether such a row can have but one sample."""
    files = [path for source in sample.images() for path in source.files[:1]]
    folder, _, name = sample.id.rpartition("/")
    patient = sample.patient.removeprefix("sub-")
    return (
        ([sample.id, *files, *map(stem, files)], True),
        ([name, *(part for path in files for part in (path.rpartition("/")[2], stem(path).rpartition("/")[2]))], True),
        ([patient, f"sub-{patient}"] if patient else [], False),
        ([part for part in reversed(folder.split("/")) if part], False),
    )


def _describe(sample: Sample, row: Row | None) -> Sample:
    """Return `sample` with split, class and, where only the table knows it, patient."""
    if row is None:
        return sample
    return replace(sample, split=row.split, category=row.facts.get("class", ""), patient=sample.patient or row.patient)


def _refuse_two_splits(samples: Sequence[Sample], matched: Mapping[str, Row], table: Table) -> None:
    """Raise DatasetError where the files say that two rows of different splits are one patient."""
    first: dict[str, Row] = {}
    for sample in samples:
        row = matched.get(sample.id)
        if row is None or not sample.patient or not row.split:
            continue
        other = first.setdefault(sample.patient, row)
        if other.split.casefold() != row.split.casefold():
            raise two_splits(table, *sorted((other, row), key=lambda each: each.line))


def _skip(sample: Sample, row: Row | None, wanted: frozenset[str], table: Table) -> tuple[str, str, str] | None:
    """Return why `sample` is not augmented; None where it is."""
    if not wanted:
        return None
    if row is None:
        return sample.id, "not_in_table", f"no row of {table.name} names it, so that its split is unknown"
    if not row.split:
        return sample.id, "no_split", f"{table.name}:{row.line}: column {table.split_column!r} is empty"
    if row.split.casefold() not in wanted:
        return (
            sample.id,
            "split_not_augmented",
            f"split {row.split!r} is not augmented ({', '.join(sorted(wanted))} is)",
        )
    return None


def _warn(samples: Sequence[Sample], matched: Mapping[str, Row], table: Table) -> tuple[str, ...]:
    without = [sample.id for sample in samples if sample.id not in matched]
    unused = len(table.rows) - len({row.line for row in matched.values()})
    warnings = []
    if without:
        what = "are not augmented" if table.split_column else "have no class"
        warnings.append(f"{table.name}: {len(without)} samples have no row and {what}, the first {without[0]}")
    if unused:
        warnings.append(f"{table.name}: {unused} rows name no sample that was found")
    return tuple(warnings)
