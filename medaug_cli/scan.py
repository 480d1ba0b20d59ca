"""Scan: the inventory of a dataset, and on request the integrity of every byte in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.discover import DatasetQuery, discover
from medaug_cli.formats import Limits
from medaug_cli.recipe import load_recipe
from medaug_cli.recipe.model import LimitsSection
from medaug_cli.run import look
from medaug_cli.worker import find_fault

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.outputs import Outputs
    from medaug_cli.discover import Inventory


def look_at(
    dataset: Path, recipe: Path | None, known: Outputs, *, repair: bool = False, force_read: bool = False
) -> Inventory:
    """Return the inventory of `dataset`, as the recipe's dataset section says where one is given.

    `repair` makes UIDs that are blank, `force_read` takes DICOM files without a preamble.
    """
    if recipe is not None:
        return look(load_recipe(recipe), dataset, dataset, known, repair=repair, force_read=force_read)
    return discover(dataset, DatasetQuery(known_outputs=known, repair=repair, force_read=force_read))


def check_integrity(
    inventory: Inventory, dataset: Path, recipe: Path | None, *, repair: bool = False
) -> dict[str, tuple[str, str]]:
    """Read every sample whole; return (reason, message) of those that are not sound, by sample id.

    What is larger than the limit of the recipe, or of a recipe that says nothing, is refused as a run would.
    """
    section = load_recipe(recipe).limits if recipe is not None else LimitsSection()
    limits = Limits(max_voxels=section.max_voxels, repair=repair)
    names = dict(inventory.label_names)
    faults = {sample.id: find_fault(dataset, sample, names, limits) for sample in inventory.samples}
    return {sample_id: fault for sample_id, fault in faults.items() if fault is not None}
