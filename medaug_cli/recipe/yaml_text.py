"""YAML text to plain data with the place of every value: safe, strict, YAML 1.2's scalars, no tags, no aliases."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 256_000
MAX_DEPTH = 32
MAX_NODES = 10_000
MOST_DIGITS = 32  # far beyond any number of a recipe; Python refuses to read thousands
Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, order=True)
class Place:
    """Line and column, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """One mistake of a recipe: where, what was found and what is allowed; `key` tells missing keys apart."""

    place: Place
    message: str
    key: str = ""


@dataclass
class Document:
    """Plain data, the place of each value by its path, and of each key by the path of its value.

    `folder` is where the recipe lies, which the files that it names are relative to.
    """

    data: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    folder: str = "."

    def place_of(self, path: Path, *, key: bool = False) -> Place:
        """Return where `path` stands, or the nearest of its parents that stands somewhere."""
        for end in range(len(path), -1, -1):
            found = (self.keys if key else self.values).get(path[:end]) or self.values.get(path[:end])
            if found:
                return found
        return Place(1, 1)


class _FatalError(Exception):
    """A mistake after which the rest cannot be read."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(place, message)


def read_document(raw: bytes) -> Document:
    """Return the data of a YAML document and where it stands; mistakes are listed in `problems`."""
    document = Document()
    if len(raw) > MAX_BYTES:
        document.problems.append(Problem(Place(1, 1), f"the file is too large; allowed: {MAX_BYTES} bytes"))
        return document
    try:
        _Builder(document, _events(raw)).build()
    except _FatalError as error:
        document.problems.append(error.problem)
    return document


def _events(raw: bytes) -> Iterator[Any]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _FatalError(Place(line, 1), "the file is not UTF-8") from error
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise _FatalError(place, f"not YAML: {' '.join(filter(None, (error.context, error.problem)))}") from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise _FatalError(Place(line, 1), f"character #x{error.character:04x} is not allowed in YAML") from error


class _Builder:
    """Builds plain data out of parser events; refuses what would surprise the author of a recipe."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self.document = document
        self.events = events
        self.nodes = 0

    def build(self) -> None:
        """Read the stream: one document, and only one."""
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _FatalError(_place(event), "a second document begins; allowed: one document a file")
                self.document.data = self._node(next(self.events), ())

    def _node(self, event: Any, path: Path) -> Any:
        place = _place(event)
        self._refuse_surprises(event, path, place)
        self.document.values.setdefault(path, place)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return event.value if not event.implicit[0] else _scalar(event.value)

    def _refuse_surprises(self, event: Any, path: Path, place: Place) -> None:
        self.nodes += 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _FatalError(place, "anchors and aliases are not allowed; write the value out")
        if getattr(event, "tag", None) is not None:
            raise _FatalError(place, f"tag {event.tag} is not allowed; a recipe holds plain values only")
        if len(path) > MAX_DEPTH:
            raise _FatalError(place, f"nested deeper than {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            raise _FatalError(place, f"more than {MAX_NODES} values")

    def _mapping(self, path: Path) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            place = _place(event)
            key = self._key(event, path, place)
            if key in made:
                first = self.document.keys[*path, key]
                message = f"key {key} stands twice, first in line {first.line}; keep one"
                self.document.problems.append(Problem(place, message))
                self._node(next(self.events), (*path, f"{key} (again)"))
                continue
            self.document.keys[*path, key] = place
            made[key] = self._node(next(self.events), (*path, key))
        return made

    def _key(self, event: Any, path: Path, place: Place) -> str | int:
        if not isinstance(event, yaml.ScalarEvent):
            raise _FatalError(place, "a key must be a plain word or number")
        self._refuse_surprises(event, path, place)
        key = _scalar(event.value) if event.implicit[0] else event.value
        return key if isinstance(key, int) and not isinstance(key, bool) else str(event.value)

    def _sequence(self, path: Path) -> list[Any]:
        made: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            made.append(self._node(event, (*path, len(made))))
        return made


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _scalar(text: str) -> Any:
    """Return the value of a plain scalar by YAML 1.2's core schema: `no` is a word and 1e-3 a number."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MOST_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
