"""What is printed of a run that is only planned."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from medaug_cli.cli import options as o
from medaug_cli.cli.say import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from medaug_cli.plan import Plan
    from medaug_cli.recipe.model import Recipe
    from medaug_cli.run import Options


def show_plan(recipe: Recipe, dataset: Path, root: Path, options: Options, *, as_json: bool) -> None:
    """Print the plan of a run; copies that cannot be made, since their sample cannot be used, count nowhere."""
    from medaug_cli.run import choose_workers, preview_run

    inventory, whole = preview_run(recipe, dataset, root, options)
    problems = [(job.sample.id, *job.sample.problem) for job in whole.jobs if job.sample.problem]
    made = replace(whole, jobs=tuple(job for job in whole.jobs if not job.sample.problem))
    workers = choose_workers(options, whole)  # as the run does, which has a record of every failure, too
    warnings = [*inventory.warnings, *_obstacles(made, root)]
    if as_json:
        document = {
            "samples": len(inventory.samples),
            "jobs": [{"sample_id": job.sample.id, "copies": list(job.copies)} for job in made.jobs],
            "kept": made.kept,
            "skipped": made.skipped,
            "problems": problems,
            "warnings": warnings,
            "bytes_needed": made.bytes_needed,
            "bytes_free": made.bytes_free,
            "bytes_of_memory_a_worker": made.bytes_of_memory,
            "workers": workers,
            "seconds": round(made.seconds / workers, 1),
            "outputs": made.outputs(),
        }
        typer.echo(json.dumps(document, indent=1, sort_keys=True))
        return
    for sample_id, reason, message in (*made.skipped, *problems):
        say(f"left out: {sample_id}: {reason}: {message}")
    say(f"layout {inventory.layout}: {len(inventory.samples)} samples, {len(made.skipped)} kept out by the table")
    say(f"jobs: {len(made.jobs)} samples, {made.copies} copies to make, {made.kept} already valid")
    say(f"disk: at most {o.human_bytes(made.bytes_needed)} needed, {o.human_bytes(made.bytes_free)} free in {root}")
    say(f"memory: about {o.human_bytes(made.bytes_of_memory)} a worker, {workers} workers")
    say(f"time: about {made.seconds / workers:.0f} s")
    for text in warnings:
        say(f"warning: {text}", err=True)


def _obstacles(made: Plan, root: Path) -> Iterator[str]:
    """Yield what would keep a run from writing all that it makes."""
    from medaug_cli.core.files import obstacles

    if made.bytes_needed > made.bytes_free:
        yield "the disk may not hold all copies"
    yield from obstacles(root, len(made.outputs()))
