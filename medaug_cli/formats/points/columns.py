"""Columns: what the names at the top of a table say of points or boxes, and of the space they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError

if TYPE_CHECKING:
    from collections.abc import Sequence

# By columns: the space, which is the file's own or the recipe's where it is empty.
_POINTS: dict[tuple[str, ...], str] = {
    ("x_lps", "y_lps", "z_lps"): "lps",
    ("x_ras", "y_ras", "z_ras"): "ras",
    ("l", "p", "s"): "lps",
    ("r", "a", "s"): "ras",
    ("x_mm", "y_mm", "z_mm"): "",
    ("x", "y", "z"): "",
    ("i", "j", "k"): "index",
    ("x", "y"): "pixel",
    ("i", "j"): "pixel",
}
_BOXES: dict[tuple[str, ...], str] = {
    ("x_min", "y_min", "z_min", "x_max", "y_max", "z_max"): "",
    ("xmin", "ymin", "zmin", "xmax", "ymax", "zmax"): "",
    ("i_min", "j_min", "k_min", "i_max", "j_max", "k_max"): "index",
    ("x_min", "y_min", "x_max", "y_max"): "corner",
    ("xmin", "ymin", "xmax", "ymax"): "corner",
    ("x", "y", "width", "height"): "extent",
    ("x", "y", "w", "h"): "extent",
}
_NAMES = ("label", "name", "landmark", "class")
FCSV = ("id", "x", "y", "z", "ow", "ox", "oy", "oz", "vis", "sel", "lock", "label", "desc", "associatedNodeID")
"""The columns of Slicer's .fcsv."""
WORDS = frozenset({*_NAMES, *(word for names in (*_POINTS, *_BOXES) for word in names), *map(str.lower, FCSV)})
"""The names of columns that mean something, in lower case."""


@dataclass(frozen=True)
class Columns:
    """Which columns hold the coordinates, which one the name, if any, and what space they are in.

    `space` is lps, ras or index; pixel for two coordinates with 0 at the centre of the first pixel; corner and extent
    for boxes of two coordinates with 0 at its outer corner, by two corners or by corner, width and height.
    """

    places: tuple[int, ...]
    space: str
    boxes: bool
    name: int | None
    count: int


def find_columns(file: str, names: Sequence[str], said: str) -> Columns:
    """Return what the column `names` tell; `said` is the space by comment or recipe for columns that say none.

    Raises SampleError `bad_points` where there are no coordinates.
    """
    lower = [name.strip().lower() for name in names]
    for boxes, known in ((True, _BOXES), (False, _POINTS)):
        for wanted, space in known.items():
            if set(wanted) <= set(lower):
                places = tuple(lower.index(name) for name in wanted)
                named = next((lower.index(name) for name in _NAMES if name in lower), None)
                return Columns(places, space or said, boxes, named, len(lower))
    allowed = "x,y,z; x_lps,…; x_ras,…; i,j,k; x,y; x_min,y_min,z_min,x_max,y_max,z_max; x,y,width,height"
    raise SampleError("bad_points", f"{file}: no columns of coordinates among its {len(lower)}; allowed: {allowed}")
