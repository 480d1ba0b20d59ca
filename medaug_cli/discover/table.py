"""Table: the rows of a CSV or TSV file that say of cases or patients which split and class they are in."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medaug_cli.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CASE_COLUMNS = ("case", "sample", "id", "image")
PATIENT_COLUMNS = ("participant_id", "patient", "subject")
_FACTS = ("class", "sex", "age", "site")
_ABSENT = frozenset({"", "n/a", "nan", "na"})


@dataclass(frozen=True)
class Row:
    """One row: `line` counts from 1; `patient` is empty where the table does not tell."""

    line: int
    key: str
    patient: str = ""
    split: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The rows of the table called `name`; `split_column` is empty where it has no splits."""

    name: str
    rows: tuple[Row, ...]
    split_column: str = ""
    columns: tuple[str, ...] = ()


def read_table(root: Path, name: str, split_column: str | None = None) -> Table:
    """Read the table `name` (relative to `root`, or absolute).

    Raises DatasetError, naming the line but no value, where it cannot be read, has no key column, lacks
    `split_column`, names a case twice or puts a patient in two splits.
    """
    lines = list(_read_lines(root / name, name))
    header = tuple(column.strip() for column in lines[0][1]) if lines else ()
    columns = _find_columns(header, name, split_column)
    rows = tuple(_read_row(name, line, fields, columns) for line, fields in lines[1:])
    table = Table(name, rows, header[columns.index[columns.split]] if columns.split else "", header)
    _refuse_two_splits(table)
    _refuse_duplicates(table, columns.key)
    return table


def peek_columns(path: Path) -> frozenset[str]:
    """Return the column names of a TSV file in lower case; none where it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline()
    except OSError:
        return frozenset()
    return frozenset(column.strip().lower() for column in header.split("\t"))


@dataclass(frozen=True)
class _Columns:
    """Where to find what, by names in lower case; `patient` and `split` are empty where the table has none."""

    index: Mapping[str, int]
    key: str
    patient: str
    split: str


def _find_columns(header: tuple[str, ...], name: str, split_column: str | None) -> _Columns:
    """Return the columns of `header`; raises DatasetError where one that is needed is missing."""
    index = _index_columns(header, name)
    keys = (*CASE_COLUMNS, *PATIENT_COLUMNS)
    key = next((column for column in keys if column in index), None)
    if key is None:
        found = ", ".join(header) or "none"
        raise DatasetError(f"{name}: no column names the cases; found {found}; needs one of {', '.join(keys)}")
    split = (split_column or "split").lower()
    if split not in index:
        if split_column is not None:
            raise DatasetError(f"{name}: no column {split_column!r}; found {', '.join(header)}")
        split = ""
    return _Columns(index, key, next((column for column in PATIENT_COLUMNS if column in index), ""), split)


def _read_row(name: str, line: int, fields: list[str], columns: _Columns) -> Row:
    if len(fields) != len(columns.index):
        raise DatasetError(f"{name}:{line}: {len(fields)} fields where the header has {len(columns.index)}")
    values = {column: _clean(fields[index]) for column, index in columns.index.items()}
    if not values[columns.key]:
        raise DatasetError(f"{name}:{line}: column {columns.key!r} is empty")
    facts = {column: values[column] for column in _FACTS if column in values}
    return Row(line, values[columns.key], values.get(columns.patient, ""), values.get(columns.split, ""), facts)


def _read_lines(path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of every line that is not blank."""
    if path.suffix.lower() not in {".csv", ".tsv"}:
        raise DatasetError(f"{name}: a table is a .csv or a .tsv file")
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=_delimiter(path, head), strict=True)
            for fields in reader:
                line = reader.line_num
                if any(text.strip() for text in fields):
                    yield line, fields
    except OSError as error:
        raise DatasetError(
            f"{name}: cannot be read ({error.strerror}); give its path relative to the dataset"
        ) from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{name}:{line + 1}: not UTF-8 text; save the table as UTF-8") from error
    except csv.Error as error:
        raise DatasetError(f"{name}:{line + 1}: {error}") from error


def _delimiter(path: Path, head: str) -> str:
    """Return what separates the fields; spreadsheets of many countries write CSV with semicolons."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    return ";" if ";" in head and "," not in head else ","


def _index_columns(header: tuple[str, ...], name: str) -> dict[str, int]:
    """Return the index of each column by its name in lower case."""
    columns: dict[str, int] = {}
    for index, column in enumerate(header):
        if column.lower() in columns:
            raise DatasetError(f"{name}:1: two columns are named {column!r}")
        columns[column.lower()] = index
    return columns


def _clean(text: str) -> str:
    stripped = text.strip()
    return "" if stripped.lower() in _ABSENT else stripped


def _refuse_two_splits(table: Table) -> None:
    first: dict[str, Row] = {}
    for row in table.rows:
        if not row.patient or not row.split:
            continue
        other = first.setdefault(row.patient.removeprefix("sub-"), row)
        if other.split.casefold() != row.split.casefold():
            raise two_splits(table, other, row)


def two_splits(table: Table, first: Row, second: Row) -> DatasetError:
    """Return the error that `first` and `second` put one patient in two splits; names no patient."""
    return DatasetError(
        f"{table.name}: lines {first.line} and {second.line} put one patient in the splits {first.split!r} and "
        f"{second.split!r}; copies would leak from one to the other: keep each patient in one split"
    )


def _refuse_duplicates(table: Table, column: str) -> None:
    first: dict[str, Row] = {}
    for row in table.rows:
        other = first.setdefault(row.key, row)
        if other is not row:
            raise DatasetError(f"{table.name}: lines {other.line} and {row.line} hold the same {column}; keep one")
