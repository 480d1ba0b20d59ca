"""Kinds of files: which reader a name asks for, and what every kind can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.marks import Boxes, Points

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".fcsv", ".json"})


@dataclass(frozen=True)
class CopiedImage:
    """The copy's first image: its path, its grid, and whether anything has `moved` in it."""

    path: str
    geometry: Geometry
    moved: bool


class Document(Protocol):
    """A file as read: its `content`, and how to write it again."""

    @property
    def content(self) -> Points | Boxes:
        """What the file holds."""
        ...

    def write(self, content: Points | Boxes, image: CopiedImage) -> str:
        """Return the text of the file with the positions and names of `content` in the places of its rows."""
        ...
