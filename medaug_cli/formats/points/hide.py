"""Hide: files of points and boxes written anew with nothing in them but numbers and words of the field."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medaug_cli.core.privacy import plain_words
from medaug_cli.formats.points.columns import FCSV
from medaug_cli.formats.points.markups import Markups
from medaug_cli.formats.points.pictures import Pictures
from medaug_cli.formats.points.rows import Row, plain
from medaug_cli.formats.points.table import SPACE_COMMENT, SPACES, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medaug_cli.core.marks import Boxes, Points
    from medaug_cli.formats.points.kinds import Document

_SCHEMA = re.compile(r"https://raw\.githubusercontent\.com/[Ss]licer/[Ss]licer/[\w./-]*/markups-schema-v[\d.]+json#?")
_WORDS = frozenset(
    {
        *("Fiducial", "Line", "Angle", "Curve", "ClosedCurve", "ROI", "Box", "LPS", "RAS", "0", "1", "mm"),
        *("defined", "undefined", "preview", "missing"),
    }
)
_OF_A_MARKUP = (
    *("type", "coordinateSystem", "coordinateUnits", "locked", "roiType", "center", "orientation", "size"),
    "insideOut",
)
_OF_A_POINT = ("position", "orientation", "selected", "locked", "visibility", "positionStatus")
_OF_AN_ANNOTATION = ("bbox", "area", "iscrowd")
_FCSV_VERSION = "# Markups fiducial file version = 4.11"
_FCSV_COLUMNS = f"# columns = {','.join(FCSV)}"
_FCSV_SPACES = {"lps": "LPS", "ras": "RAS", "index": "IJK"}


def hide(document: Document, content: Points | Boxes, name: str) -> tuple[Document, Points | Boxes]:
    """Return a file's `document` and a copy's `content` without what may identify; `name` is the file's.

    Of names only words of the field stay, and one that has none becomes `name-N`, N by its place among the file's.
    Other columns and comments of tables, and keys of JSON that are neither numbers nor words of the format, are
    dropped.
    """
    names = _clean_names(_names_of(document))
    hidden = replace(content, names=tuple(names.get(one) or _clean(one, 0) for one in content.names))
    if isinstance(document, Markups):
        return _hide_markups(document, names), hidden
    if isinstance(document, Pictures):
        return _hide_pictures(document, names), hidden
    if isinstance(document, Table):
        return _hide_table(document, names, is_fcsv=name.lower().endswith(".fcsv")), hidden
    raise TypeError(type(document).__name__)


def _names_of(document: Document) -> Iterable[str]:
    if isinstance(document, Pictures):
        return [str(one.get("name", "")) for one in document.document.get("categories", [])]
    if isinstance(document, Markups):
        points = [point for one in document.document["markups"] for point in one.get("controlPoints", [])]
        return [*document.content.names, *(str(point.get("label", "")) for point in points)]
    return document.content.names


def _clean_names(names: Iterable[str]) -> dict[str, str]:
    return {name: _clean(name, number) for number, name in enumerate(dict.fromkeys(names), start=1)}


def _clean(name: str, number: int) -> str:
    return (plain_words(name) or f"name-{number}") if name else ""


def _hide_table(table: Table, names: Mapping[str, str], *, is_fcsv: bool) -> Table:
    """Return a table of coordinates and names alone; an .fcsv keeps its columns, which Slicer reads by their places."""
    places, named = table.columns.places, table.columns.name
    rows = _fcsv_start(table) if is_fcsv else _table_start(table)
    marked = tuple(range(len(rows), len(rows) + len(table.marked)))
    for number in table.marked:
        fields = tuple(plain(table.rows[number].fields[place]) for place in places)
        label = "" if named is None else names[plain(table.rows[number].fields[named])]
        if is_fcsv:
            fields = ("", *fields, "0", "0", "0", "1", "1", "1", "0", label, "", "")
        elif named is not None:
            fields = (*fields, label)
        rows.append(Row(0, fields, "\n"))
    first = 1 if is_fcsv else 0
    at = None if named is None else 11 if is_fcsv else len(places)
    columns = replace(table.columns, places=tuple(range(first, first + len(places))), name=at)
    return replace(table, rows=tuple(rows), marked=marked, columns=columns, start="")


def _fcsv_start(table: Table) -> list[Row]:
    space = f"# CoordinateSystem = {_FCSV_SPACES[table.columns.space]}"
    return [Row(0, (line,), "\n", comment=True) for line in (_FCSV_VERSION, space, _FCSV_COLUMNS)]


def _table_start(table: Table) -> list[Row]:
    """Return the comment that names the space, if there is one, and the names of the columns that stay."""
    said = (SPACE_COMMENT.match(row.fields[0]) for row in table.rows if row.comment)
    words = [found[1] for found in said if found and found[1].lower() in SPACES]
    header = next(row for row in table.rows if not row.comment and any(field.strip() for field in row.fields))
    chosen = (*table.columns.places, *(() if table.columns.name is None else (table.columns.name,)))
    fields = tuple(plain(header.fields[place]) for place in chosen)
    return [*(Row(0, (f"# space = {word}",), "\n", comment=True) for word in words[:1]), Row(0, fields, "\n")]


def _hide_markups(markups: Markups, names: Mapping[str, str]) -> Markups:
    made = []
    for markup in markups.document["markups"]:
        kept = _known(markup, _OF_A_MARKUP)
        if "name" in markup and str(markup["name"]) in names:
            kept["name"] = names[str(markup["name"])]
        if "controlPoints" in markup:
            kept["controlPoints"] = [
                {"id": str(number), "label": names[str(point.get("label", ""))], **_known(point, _OF_A_POINT)}
                for number, point in enumerate(markup["controlPoints"], start=1)
            ]
        made.append(kept)
    schema = markups.document.get("@schema")
    told = {"@schema": schema} if isinstance(schema, str) and _SCHEMA.fullmatch(schema) else {}
    hidden = replace(markups.content, names=tuple(names[one] for one in markups.content.names))
    return replace(markups, document={**told, "markups": made}, content=hidden)


def _hide_pictures(pictures: Pictures, names: Mapping[str, str]) -> Pictures:
    """Return the entries of the sample's own image alone, all numbered anew but whole-number categories."""
    categories = pictures.document.get("categories", [])
    whole = all(isinstance(one.get("id"), int) for one in categories)
    numbers = {one.get("id"): one.get("id") if whole else place for place, one in enumerate(categories, start=1)}
    annotations = [
        {
            "id": place,
            "image_id": 1,
            "category_id": numbers.get(old.get("category_id")),
            **_known(old, _OF_AN_ANNOTATION),
        }
        for place, old in enumerate((pictures.document["annotations"][row] for row in pictures.annotations), start=1)
    ]
    document = {
        "images": [],
        "annotations": annotations,
        "categories": [{"id": numbers[one.get("id")], "name": names[str(one.get("name", ""))]} for one in categories],
    }
    image = {"id": 1, "file_name": pictures.image["file_name"]}  # renamed after the copy's image where it is written
    content = replace(pictures.content, names=tuple(names.get(one, "") for one in pictures.content.names))
    return replace(
        pictures, document=document, image=image, annotations=tuple(range(len(annotations))), content=content
    )


def _known(entry: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return what `entry` has of `keys`, as far as it is numbers or words of the format."""
    return {key: entry[key] for key in keys if key in entry and _is_plain(entry[key])}


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, int | float) for one in value)
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and value in _WORDS)
