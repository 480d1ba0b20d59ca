"""`medaug validate`: every mistake of a recipe at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medaug_cli.cli import options as o
from medaug_cli.cli.say import say


def validate(
    recipe: o.RecipePath,
    dataset: Annotated[
        Path | None, typer.Argument(metavar="[DATASET]", help="Folder that the recipe is for; its headers are read.")
    ] = None,
) -> None:
    """Check RECIPE, and with DATASET also that its files are found and paired. Exit 2 with every mistake at once."""
    from medaug_cli.recipe import load_recipe, lost_fractions, only_for_bids, wasteful_chains

    loaded = load_recipe(recipe)
    bids = () if dataset is not None else only_for_bids(loaded)  # of a dataset its layout is known
    for warning in (*wasteful_chains(loaded), *lost_fractions(loaded), *bids):
        say(f"{recipe}: warning: {warning}", err=True)
    if dataset is not None:
        _check_dataset(loaded, dataset)
    say(f"{recipe}: valid, {len(loaded.steps)} steps, {loaded.copies} copies of each sample")


def _check_dataset(recipe: object, dataset: Path) -> None:
    from medaug_cli.privacy import check_paths, make_privacy
    from medaug_cli.recipe import refused_modalities, unknown_channels
    from medaug_cli.recipe.model import Recipe
    from medaug_cli.root import known_copies
    from medaug_cli.run import look

    if not isinstance(recipe, Recipe):
        raise TypeError(recipe)
    privacy = make_privacy(recipe.privacy, dataset)  # a missing key is told before a run, too
    inventory = look(recipe, dataset, dataset, known_copies(dataset), privacy)
    for text in (*inventory.warnings, *check_paths(recipe.privacy, inventory.samples)):
        say(f"warning: {text}", err=True)
    problems = {sample.id: sample.problem for sample in inventory.samples if sample.problem}
    for sample_id, (reason, message) in problems.items():
        say(f"{sample_id}: {reason}: {message}", err=True)
    for text in refused_modalities(recipe, (sample.modality for sample in inventory.samples)):
        say(f"warning: {text}, which the dataset holds; copies that draw it fail (wrong_modality)", err=True)
    for text in unknown_channels(recipe, (sample for sample in inventory.samples if not sample.problem)):
        say(f"warning: {text}; copies that draw it fail (unknown_channel)", err=True)
    usable = len(inventory.samples) - len(problems)
    shown = dataset if privacy is None else "the dataset"
    say(f"{shown}: layout {inventory.layout}, {usable} of {len(inventory.samples)} samples usable")
