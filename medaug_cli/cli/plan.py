"""`medaug plan`: what a run would do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from medaug_cli.cli import options as o
from medaug_cli.cli.run import augment
from medaug_cli.cli.say import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from medaug_cli.plan import Plan
    from medaug_cli.recipe.model import Recipe
    from medaug_cli.run import Options


def plan(
    recipe: o.RecipePath,
    dataset: o.Dataset,
    output: o.Output = None,
    workers: o.Workers = "auto",
    engine: o.Engine = o.EngineName.LOCAL,
    resampler: o.Resampler = o.ResamplerName.KERNEL,
    seed: o.Seed = None,
    copies: o.Copies = None,
    only: o.Only = None,
    limit: o.Limit = None,
    timeout: o.Timeout = None,
    retries: o.Retries = 1,
    max_duration: o.MaxDuration = None,
    max_failures: o.MaxFailures = None,
    fail_fast: o.FailFast = False,
    overwrite: o.OverwriteMode = o.Overwrite.NEVER,
    memory: o.Memory = None,
    repair: o.Repair = False,
    force_read: o.ForceRead = False,
    as_json: o.AsJson = False,
) -> None:
    """Say what a run would do: jobs, samples left out and why, bytes, memory, time. Writes nothing.

    It takes the flags of `run` that decide what is done, so that both are told the same.
    """
    augment(
        recipe,
        dataset,
        output,
        workers=workers,
        engine=engine,
        resampler=resampler,
        seed=seed,
        copies=copies,
        only=only,
        limit=limit,
        timeout=timeout,
        retries=retries,
        max_duration=max_duration,
        max_failures=max_failures,
        fail_fast=fail_fast,
        overwrite=overwrite,
        memory=memory,
        repair=repair,
        force_read=force_read,
        json=as_json,
        dry_run=True,
    )


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
    say(f"disk: about {o.human_bytes(made.bytes_needed)} needed, {o.human_bytes(made.bytes_free)} free in {root}")
    say(f"memory: about {o.human_bytes(made.bytes_of_memory)} a worker, {workers} workers")
    say(f"time: about {made.seconds / workers:.0f} s")
    for text in warnings:
        say(f"warning: {text}", err=True)


def _obstacles(made: Plan, root: Path) -> Iterator[str]:
    """Yield what would keep a run from writing all that it makes."""
    from medaug_cli.core.files import obstacles

    if made.bytes_needed > made.bytes_free:
        yield "the disk will not hold the copies"
    yield from obstacles(root, len(made.outputs()))
