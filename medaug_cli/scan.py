"""Scan: the inventory of a dataset, and on request the integrity of every byte in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.copies import load_sample
from medaug_cli.core.errors import SampleError
from medaug_cli.discover import DatasetQuery, discover
from medaug_cli.recipe import load_recipe
from medaug_cli.run import look

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.discover import Inventory


def look_at(dataset: Path, recipe: Path | None, known: frozenset[str]) -> Inventory:
    """Return the inventory of `dataset`, as the recipe's dataset section says where one is given."""
    if recipe is not None:
        return look(load_recipe(recipe), dataset, dataset, known)
    return discover(dataset, DatasetQuery(known_outputs=known))


def check_integrity(inventory: Inventory, dataset: Path) -> dict[str, tuple[str, str]]:
    """Read every sample whole; return (reason, message) of those that are not sound, by sample id."""
    found = {}
    for sample in inventory.samples:
        if sample.problem:
            continue
        try:
            load_sample(dataset, sample.id, sample.sources, inventory.label_names, max_voxels=float("inf"))
        except SampleError as error:
            found[sample.id] = (error.reason, error.message)
    return found
