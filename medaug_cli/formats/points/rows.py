"""Rows of a table: its text cut into fields of which each keeps its quotes, so that it is put together as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class Row:
    """One row: the line it begins in, its `fields` as written, and its line end; a comment is one field."""

    line: int
    fields: tuple[str, ...]
    end: str
    comment: bool = False


def split_rows(name: str, text: str, delimiter: str) -> Iterator[Row]:
    """Yield the rows of `text`; raises SampleError `bad_points` for a quote that is never closed, or too many rows."""
    position, line, count = 0, 1, 0
    while position < len(text):
        comment = text.startswith("#", position)
        found = _rest_of_line(text, position) if comment else _fields(name, text, position, delimiter, line)
        fields, end, stop = found
        yield Row(line, fields, end, comment)
        line += len(re.findall(r"\r\n|\r|\n", text[position:stop]))
        position, count = stop, count + 1
        if count > MOST_ROWS:
            raise SampleError("bad_points", f"{name}: more than {MOST_ROWS} rows; split the file by case")


def join_row(fields: tuple[str, ...], end: str, delimiter: str) -> str:
    """Return a row as text again."""
    return delimiter.join(fields) + end


def plain(field: str) -> str:
    """Return what a field says, without the quotes around it."""
    text = field.strip()
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text


def quoted(text: str, like: str) -> str:
    """Return `text` as a field, in quotes if `like` has them or it needs them."""
    needs = like.strip().startswith('"') or any(sign in text for sign in ',;\t"\r\n')
    escaped = text.replace('"', '""')
    return f'"{escaped}"' if needs else text


def _rest_of_line(text: str, position: int) -> tuple[tuple[str, ...], str, int]:
    found = _LINE.match(text, position)
    if found is None:
        raise ValueError(position)
    return (found[1],), found[2], found.end()


def _fields(name: str, text: str, position: int, delimiter: str, line: int) -> tuple[tuple[str, ...], str, int]:
    fields: list[str] = []
    while True:
        found = _field(delimiter).match(text, position)
        if found is None:
            raise SampleError("bad_points", f"{name}:{line}: a quote that is not closed, or stands within a field")
        fields.append(found[1])
        position = found.end()
        if found[2] != delimiter:
            return tuple(fields), found[2], position


@cache
def _field(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of one field and what ends it; possessive, so that no text makes it slow."""
    sign = re.escape(delimiter)
    return re.compile(rf'((?:[ ]*+"(?:[^"]|"")*+"[ ]*+|[^"{sign}\r\n]*+))({sign}|\r\n|\r|\n|\Z)')


_LINE = re.compile(r"([^\r\n]*+)(\r\n|\r|\n|\Z)")
