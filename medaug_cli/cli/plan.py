"""`medaug plan`: what a run would do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from medaug_cli.cli import options as o
from medaug_cli.cli.say import say

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.recipe.model import Recipe
    from medaug_cli.run import Options


def plan(
    recipe: o.RecipePath,
    dataset: o.Dataset,
    output: o.Output = None,
    only: o.Only = None,
    limit: o.Limit = None,
    overwrite: o.OverwriteMode = o.Overwrite.NEVER,
    repair: o.Repair = False,
    force_read: o.ForceRead = False,
    as_json: o.AsJson = False,
) -> None:
    """Say what a run would do: jobs, samples left out and why, bytes, memory, time. Writes nothing."""
    from medaug_cli.recipe import load_recipe
    from medaug_cli.run import Options

    chosen = Options(only=only, limit=limit, overwrite=overwrite.value, repair=repair, force_read=force_read)
    show_plan(load_recipe(recipe), dataset, output or dataset, chosen, as_json=as_json)


def show_plan(recipe: Recipe, dataset: Path, root: Path, options: Options, *, as_json: bool) -> None:
    """Print the plan of a run."""
    from medaug_cli.core.files import obstacles
    from medaug_cli.run import choose_workers, preview_run

    inventory, made = preview_run(recipe, dataset, root, options)
    problems = [(job.sample.id, *job.sample.problem) for job in made.jobs if job.sample.problem]
    workers = choose_workers(options, made)
    if as_json:
        document = {
            "samples": len(inventory.samples),
            "jobs": [{"sample_id": job.sample.id, "copies": list(job.copies)} for job in made.jobs],
            "kept": made.kept,
            "skipped": made.skipped,
            "problems": problems,
            "bytes_needed": made.bytes_needed,
            "bytes_free": made.bytes_free,
            "bytes_of_memory_a_worker": made.bytes_of_memory,
            "workers": workers,
            "seconds": round(made.seconds / workers, 1),
            "outputs": made.outputs(),
        }
        typer.echo(json.dumps(document, indent=1, sort_keys=True))
        return
    for text in inventory.warnings:
        say(f"warning: {text}", err=True)
    for sample_id, reason, message in (*made.skipped, *problems):
        say(f"left out: {sample_id}: {reason}: {message}")
    say(f"layout {inventory.layout}: {len(inventory.samples)} samples, {len(made.skipped)} kept out by the table")
    say(f"jobs: {len(made.jobs)} samples, {made.copies} copies to make, {made.kept} already valid")
    say(f"disk: about {o.human_bytes(made.bytes_needed)} needed, {o.human_bytes(made.bytes_free)} free in {root}")
    say(f"memory: about {o.human_bytes(made.bytes_of_memory)} a worker, {workers} workers")
    say(f"time: about {made.seconds / workers:.0f} s")
    if made.bytes_needed > made.bytes_free:
        say("warning: the disk will not hold the copies", err=True)
    for text in obstacles(root, len(made.outputs())):
        say(f"warning: {text}", err=True)
