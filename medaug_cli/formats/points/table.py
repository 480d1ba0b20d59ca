"""Tables of points or boxes: CSV, TSV, and Slicer's .fcsv, a CSV whose columns and space stand in comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Boxes, Points
from medaug_cli.formats.points.columns import FCSV, Columns, find_columns
from medaug_cli.formats.points.numbers import to_number, write_number
from medaug_cli.formats.points.rows import Row, join_row, plain, quoted, split_rows
from medaug_cli.formats.points.spaces import from_memory, to_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import Array64
    from medaug_cli.formats.points.kinds import CopiedImage

_DELIMITERS = ",;\t"
SPACE_COMMENT = re.compile(r"#\s*(?:coordinate\s*system|coordinates|space)\s*[=:]\s*(\w+)", re.IGNORECASE)
COLUMNS_COMMENT = re.compile(r"#\s*columns\s*=\s*(.+)", re.IGNORECASE)
SPACES = {"lps": "lps", "1": "lps", "ras": "ras", "0": "ras", "ijk": "index", "2": "index", "index": "index"}
_BOM = "\ufeff"


@dataclass(frozen=True, eq=False)
class Table:
    """A table as read: every row, which of them hold the points of `content`, in order, and what stands before all."""

    rows: tuple[Row, ...]
    marked: tuple[int, ...]
    columns: Columns
    delimiter: str
    content: Points | Boxes
    start: str = ""

    def write(self, content: Points | Boxes, image: CopiedImage) -> str:
        """Return the table without the rows of marks that `content` has not, the others' coordinates changed."""
        del image
        numbers = from_memory(content, self.columns.space)
        kept = {self.marked[row]: place for place, row in enumerate(content.rows)}
        dropped = set(self.marked) - set(kept)
        lines = [self.start]
        for number, row in enumerate(self.rows):
            fields = row.fields
            if number in kept:
                place = kept[number]
                fields = self._changed(fields, numbers[place].tolist(), content.names[place])
            if number not in dropped:
                lines.append(join_row(fields, row.end, self.delimiter))
        return "".join(lines)

    def _changed(self, fields: tuple[str, ...], numbers: Sequence[float], name: str) -> tuple[str, ...]:
        changed = list(fields)
        for place, number in zip(self.columns.places, numbers, strict=True):
            changed[place] = fields[place].replace(plain(fields[place]), write_number(number, plain(fields[place])), 1)
        named = self.columns.name
        if named is not None and plain(fields[named]) != name:
            changed[named] = quoted(name, fields[named])
        return tuple(changed)


def read_table(name: str, text: str, declared: str) -> Table:
    """Return the table in `text`; `declared` is the recipe's space for columns that say none (auto: LPS mm).

    Of an .fcsv that says no space it is RAS, which Slicer wrote before it wrote which. Raises SampleError `bad_points`.
    """
    is_fcsv = name.lower().endswith(".fcsv")
    start, text = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    delimiter = "," if is_fcsv else _delimiter(text)
    rows = tuple(split_rows(name, text, delimiter))
    comments = [row.fields[0] for row in rows if row.comment]
    said = _said_space(name, comments) or ("ras" if is_fcsv else "lps" if declared in ("", "auto") else declared)
    body = [number for number, row in enumerate(rows) if not row.comment and any(field.strip() for field in row.fields)]
    if is_fcsv:
        header = next((found[1] for found in map(COLUMNS_COMMENT.match, comments) if found), ",".join(FCSV)).split(",")
    elif not body:
        raise SampleError("bad_points", f"{name}: empty; the first row must name the columns")
    else:
        header = [plain(field) for field in rows[body.pop(0)].fields]
    columns = find_columns(name, header, said)
    marked = tuple(number for number in body if _has_numbers(name, rows[number], columns))
    values = np.array([_numbers(name, rows[number], columns, header) for number in marked], np.float64)
    named = columns.name
    names = tuple("" if named is None else plain(rows[number].fields[named]) for number in marked)
    content = to_memory(values.reshape(-1, len(columns.places)), columns.space, names, boxes=columns.boxes)
    _check_order(name, content, [rows[number].line for number in marked])
    return Table(rows, marked, columns, delimiter, content, start)


def _delimiter(text: str) -> str:
    """Return the sign that stands most often in the first row that is no comment."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return max(_DELIMITERS, key=first.count)


def _said_space(name: str, comments: Sequence[str]) -> str:
    found = next((match[1].lower() for match in map(SPACE_COMMENT.match, comments) if match), "")
    if found and found not in SPACES:
        raise SampleError("bad_points", f"{name}: a comment names an unknown space; allowed: LPS, RAS, IJK")
    return SPACES.get(found, "")


def _has_numbers(name: str, row: Row, columns: Columns) -> bool:
    """Say whether a row holds a mark; one whose coordinates are all blank stays as it stands."""
    last = max((*columns.places, columns.name or 0))
    if len(row.fields) <= last:
        raise SampleError("bad_points", f"{name}:{row.line}: {len(row.fields)} columns, at least {last + 1} are needed")
    return any(plain(row.fields[place]) for place in columns.places)


def _numbers(name: str, row: Row, columns: Columns, header: Sequence[str]) -> list[float]:
    return [to_number(plain(row.fields[at]), f"{name}:{row.line}: column {header[at]}") for at in columns.places]


def _check_order(name: str, content: Points | Boxes, lines: Sequence[int]) -> None:
    if isinstance(content, Boxes):
        wrong = np.flatnonzero(_upside_down(content))
        if wrong.size:
            raise SampleError(
                "bad_points", f"{name}:{lines[wrong[0]]}: a box whose least corner is beyond its greatest"
            )


def _upside_down(boxes: Boxes) -> Array64:
    return np.asarray((boxes.low > boxes.high).any(axis=1))
