"""`medaug plan`: what a run would do."""

from __future__ import annotations

from medaug_cli.cli import options as o
from medaug_cli.cli.run import augment


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
