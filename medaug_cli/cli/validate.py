"""`medaug validate`: every mistake of a recipe at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medaug_cli.cli import options as o


def validate(
    recipe: o.RecipePath,
    dataset: Annotated[
        Path | None, typer.Argument(metavar="[DATASET]", help="Folder that the recipe is for; its headers are read.")
    ] = None,
) -> None:
    """Check RECIPE, and with DATASET also that its files are found and paired. Exit 2 with every mistake at once."""
    from medaug_cli.recipe import load_recipe, wasteful_chains

    loaded = load_recipe(recipe)
    for warning in wasteful_chains(loaded):
        typer.echo(f"{recipe}: warning: {warning}", err=True)
    if dataset is not None:
        _check_dataset(loaded, dataset)
    typer.echo(f"{recipe}: valid, {len(loaded.steps)} steps, {loaded.copies} copies of each sample")


def _check_dataset(recipe: object, dataset: Path) -> None:
    from medaug_cli.recipe.model import Recipe
    from medaug_cli.run import Options, preview_run

    if not isinstance(recipe, Recipe):
        raise TypeError(recipe)
    inventory, plan = preview_run(recipe, dataset, dataset, Options(overwrite="all"))
    for text in inventory.warnings:
        typer.echo(f"warning: {text}", err=True)
    for job in plan.jobs:
        if job.sample.problem:
            reason, message = job.sample.problem
            typer.echo(f"{job.sample.id}: {reason}: {message}", err=True)
    usable = sum(job.sample.problem is None for job in plan.jobs)
    typer.echo(f"{dataset}: layout {inventory.layout}, {usable} of {len(inventory.samples)} samples usable")
