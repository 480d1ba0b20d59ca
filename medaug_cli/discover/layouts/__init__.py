"""Layouts: one module a layout, each with an object `LAYOUT`; found by scanning this folder."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Protocol

from medaug_cli.core.errors import DatasetError, RecipeError

if TYPE_CHECKING:
    from medaug_cli.discover.inventory import Arrangement, DatasetQuery
    from medaug_cli.discover.walk import Tree


class Layout(Protocol):
    """A way in which a dataset lies in its folders.

    `format` is the format of its files, which `told_by_name` or by opening them. A `plain` layout is what `auto` takes
    when files of that format are there and no other layout's marker is.
    """

    name: str
    format: str
    told_by_name: bool
    plain: bool

    def marker(self, tree: Tree) -> str:
        """Return the file or folder that gives the layout away; empty where there is none."""
        ...

    def arrange(self, tree: Tree, query: DatasetQuery) -> Arrangement:
        """Put the files together to samples; raises DatasetError or RecipeError."""
        ...


def layout_names() -> tuple[str, ...]:
    """Return the names of all layouts without importing them."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@cache
def load_layout(name: str) -> Layout:
    """Return the layout called `name`; raises RecipeError where there is none."""
    if name not in layout_names():
        raise RecipeError(f"dataset.layout: {name!r} is none; write auto, {', '.join(layout_names())}")
    layout: Layout = importlib.import_module(f"{__name__}.{name}").LAYOUT
    return layout


def choose_layout(tree: Tree, wanted: str) -> Layout:
    """Return the layout called `wanted`, or for `auto` the one that `tree` has.

    Raises DatasetError where that is none or several.
    """
    if wanted != "auto":
        return load_layout(wanted)
    layouts = [load_layout(name) for name in layout_names()]
    marked = [(layout, marker) for layout in layouts if (marker := layout.marker(tree))]
    if len(marked) > 1:
        found = " and ".join(f"{layout.name} ({marker})" for layout, marker in marked)
        raise DatasetError(f"{tree.root}: could be {found}; say which with dataset.layout")
    if marked:
        return marked[0][0]
    # What a name tells need not be opened to ask whether it is something else.
    plain = sorted((layout for layout in layouts if layout.plain), key=lambda layout: not layout.told_by_name)
    counted = [(layout, len(tree.claimed_by(layout.format))) for layout in plain]
    present = [(layout, count) for layout, count in counted if count]
    if len(present) > 1:
        found = " and ".join(f"{count} {layout.name} files" for layout, count in present)
        raise DatasetError(f"{tree.root}: holds {found}; say which to augment with dataset.layout")
    if not present:
        allowed = ", ".join(layout.name for layout, _ in counted)
        raise DatasetError(f"{tree.root}: nothing usable: found {tree.count_by_suffix()}; medaug reads {allowed}")
    return present[0][0]
