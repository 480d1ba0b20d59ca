"""Discover: a folder → samples, the images with the labels that move with them; headers only, no pixels."""

from __future__ import annotations

import gc
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import DatasetError, RecipeError
from medaug_cli.discover.inventory import Arrangement, DatasetQuery, Inventory
from medaug_cli.discover.layouts import choose_layout, layout_names
from medaug_cli.discover.sidecars import add_sidecars
from medaug_cli.discover.splits import Assigned, assign_rows
from medaug_cli.discover.table import Table, peek_columns, read_table
from medaug_cli.discover.walk import walk_dataset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from medaug_cli.discover.inventory import LeftAlone
    from medaug_cli.discover.layouts import Layout
    from medaug_cli.discover.walk import Tree

__all__ = ["DatasetQuery", "Inventory", "discover", "layout_names"]


def discover(root: Path, query: DatasetQuery) -> Inventory:
    """Return what the folder `root` holds, read from names and headers alone.

    A case that cannot be used stays in the samples with its problem. Raises DatasetError where there is no sample, the
    layout cannot be told or the table is wrong, RecipeError where `query` says what its layout cannot do.
    """
    with _without_collections():
        return _discover(root, query)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Let Python look for no cycles: among the many small values of a large dataset that takes a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _discover(root: Path, query: DatasetQuery) -> Inventory:
    tree = replace(walk_dataset(root, query.exclude, query.known_outputs), bare=query.force_read)
    layout = choose_layout(tree, query.layout)
    arrangement = layout.arrange(tree, query)
    _refuse_unusable(tree, layout, arrangement)
    samples = sorted(add_sidecars(arrangement.samples, tree), key=lambda sample: sample.id)
    arrangement = replace(arrangement, samples=tuple(samples))
    assigned = _assign(tree, query, arrangement)
    others = _other_files(tree, layout, arrangement)
    left_alone = sorted({*tree.left_alone, *arrangement.left_alone, *others})
    return Inventory(
        layout=layout.name,
        samples=assigned.samples,
        left_alone=tuple(left_alone),
        skipped=assigned.skipped,
        warnings=(*tree.warnings, *arrangement.warnings, *_warn_of_labels(left_alone), *assigned.warnings),
        label_names=query.label_names or arrangement.label_names,
        table_rows=assigned.facts,
    )


def _other_files(tree: Tree, layout: Layout, arrangement: Arrangement) -> list[LeftAlone]:
    """Return the files that are not of the layout's format, and part of no sample."""
    claimed = {path for sample in arrangement.samples for source in sample.sources for path in source.files}
    claimed |= {*tree.claimed_by(layout.format), *(path for path, _, _ in arrangement.left_alone)}
    message = f"no {layout.format} file by its name and its first bytes"
    return [(path, "other_file", message) for path in tree.files if path not in claimed]


def _refuse_unusable(tree: Tree, layout: Layout, arrangement: Arrangement) -> None:
    """Raise DatasetError where there is no sample, or two have one id."""
    if not arrangement.samples:
        reasons = Counter(reason for _, reason, _ in arrangement.left_alone)
        counts = "".join(f", {count} {reason}" for reason, count in sorted(reasons.items()))
        raise DatasetError(
            f"{tree.root}: nothing usable in layout {layout.name}: found {tree.count_by_suffix()}{counts}"
        )
    ids = Counter(sample.id for sample in arrangement.samples)
    twice = [sample_id for sample_id, count in sorted(ids.items()) if count > 1]
    if twice:
        raise DatasetError(f"{tree.root}: {ids[twice[0]]} samples are called {twice[0]}; rename their files")


def _assign(tree: Tree, query: DatasetQuery, arrangement: Arrangement) -> Assigned:
    """Return the samples with their rows of the table: the recipe's, or else the layout's own if it tells anything."""
    table = _choose_table(tree, query, arrangement)
    if table is None:
        return Assigned(arrangement.samples)
    return assign_rows(arrangement.samples, table, query.augment)


def _choose_table(tree: Tree, query: DatasetQuery, arrangement: Arrangement) -> Table | None:
    if query.table is not None:
        return read_table(tree.root, query.table, query.split_column)
    if query.split_column is not None or query.augment is not None:
        if not arrangement.table:
            raise RecipeError("dataset.split: needs dataset.table, the file that says which case is in which split")
    elif not arrangement.table or not {"split", "class"} & peek_columns(tree.root / arrangement.table):
        # A table that nobody asked for and that tells nothing must not stop a run by a mistake in it.
        return None
    return read_table(tree.root, arrangement.table, query.split_column)


def _warn_of_labels(left_alone: list[LeftAlone]) -> list[str]:
    """Return a warning of the labels that stay behind, since their images are augmented without them."""
    paths = [path for path, reason, _ in left_alone if reason == "label_without_image"]
    if not paths:
        return []
    return [f"{len(paths)} label files have no image and are left alone, the first {paths[0]}; see dataset.labels"]
