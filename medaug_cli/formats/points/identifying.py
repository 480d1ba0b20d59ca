"""Identifying: which keys of JSON and which columns of tables hold text or what the Basic Profile names."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.names import has_other_words
from medaug_cli.formats import Place
from medaug_cli.formats.points.columns import FCSV, WORDS
from medaug_cli.formats.points.table import COLUMNS_COMMENT, SPACE_COMMENT, SPACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_BYTES = 64 << 20
_COLUMNS = frozenset(
    {"participant_id", "session_id", "age", "sex", "gender", "acq_time", "handedness", "label", "name"}
)
_FCSV_VERSION = re.compile(r"#\s*Markups fiducial file version = [\d.]+")
_SEVERAL_NUMBERS = re.compile(r"\d[-._ /]\d")  # as of a date
_IN_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = "another"  # a name that anybody may have made up is none of ours to print


def find_places(path: Path, file: str) -> Counter[Place]:
    """Return the keys or columns of `path`, which messages call `file`; raises SampleError where it cannot be read."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SampleError("too_large", f"{file}: more than {_MOST_BYTES} bytes of text; leave it out")
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise SampleError("unreadable", f"{file}: {error.strerror}") from error
    lower = file.lower()
    if lower.endswith(".json"):
        try:
            return Counter(_keys(json.loads(text), ""))
        except (ValueError, RecursionError) as error:
            raise SampleError("unreadable", f"{file}: not JSON that can be read ({type(error).__name__})") from error
    if lower.endswith(".txt"):
        return Counter({Place("other", "text file"): 1} if any(map(str.isalpha, text)) else {})
    try:
        return Counter(_columns(text, "\t" if lower.endswith(".tsv") else ",", is_fcsv=lower.endswith(".fcsv")))
    except csv.Error as error:
        raise SampleError("unreadable", f"{file}: not a table that can be read") from error


def _keys(value: Any, above: str) -> Iterator[Place]:
    """Yield the place of each key whose value is text, that the profile names, or that is of no known words."""
    if isinstance(value, list):
        for one in value:
            yield from _keys(one, above)
    elif isinstance(value, dict):
        for key, inner in value.items():
            known = key in _profile_keywords()
            name = above + (key if known else _OTHER)
            if not known and _is_made_up(key):
                yield Place("key", name)
            if isinstance(inner, dict) or (isinstance(inner, list) and any(isinstance(one, dict) for one in inner)):
                yield from _keys(inner, f"{name}/")
            elif (_is_text(inner) and not _is_made_up(key)) or (known and inner not in (None, "", [])):
                yield Place("key", name)


def _is_text(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(isinstance(one, str) and one.strip() for one in values)


@cache
def _profile_keywords() -> frozenset[str]:
    """Return the keywords that PS3.15 Table E.1-1 names, which converters use as keys of sidecars, too."""
    from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c  # noqa: PLC0415  only who asks pays
    from pydicom.datadict import keyword_for_tag  # noqa: PLC0415  only who asks pays

    pairs = (tag for tag in dicomfields_2026c.ALL_TAGS if len(tag) == 2)  # noqa: PLR2004  no groups of many
    return frozenset(filter(None, (keyword_for_tag(tag) for tag in pairs)))


def _is_made_up(key: str) -> bool:
    """Say whether a key may tell something itself: it is no keyword of DICOM, and not of words of the field."""
    from pydicom.datadict import tag_for_keyword  # noqa: PLC0415  only who asks pays

    return tag_for_keyword(key) is None and _may_tell(_IN_CAMEL_CASE.sub(" ", key))


def _may_tell(name: str) -> bool:
    return has_other_words(name) or _SEVERAL_NUMBERS.search(name) is not None


def _columns(text: str, delimiter: str, *, is_fcsv: bool) -> Iterator[Place]:
    """Yield comments, and each column that has letters below its name, or a name that tells of persons or is made up.

    The names of the columns are the first line, of an .fcsv those of Slicer.
    """
    lines = text.splitlines()
    yield from (Place("column", "comment") for line in lines if line.startswith("#") and not _is_of_a_format(line))
    rows = list(csv.reader((line for line in lines if not line.startswith("#")), delimiter=delimiter))
    if is_fcsv:
        rows = [list(FCSV), *rows]
    for column, title in enumerate(rows[0] if rows else ()):
        known = title.strip().lower()
        below = (row[column] for row in rows[1:] if column < len(row))
        if known in _COLUMNS:
            yield Place("column", known)
        elif (known not in WORDS and _may_tell(title)) or any(any(map(str.isalpha, cell)) for cell in below):
            yield Place("column", _OTHER)


def _is_of_a_format(comment: str) -> bool:
    """Say whether a comment has no more than a space of coordinates, Slicer's version or its columns."""
    if space := SPACE_COMMENT.fullmatch(comment.strip()):
        return space[1].lower() in SPACES
    if columns := COLUMNS_COMMENT.fullmatch(comment.strip()):
        return {one.strip().lower() for one in columns[1].split(",")} <= WORDS
    return _FCSV_VERSION.fullmatch(comment.strip()) is not None or not any(map(str.isalnum, comment))
