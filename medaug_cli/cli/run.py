"""`medaug run`: the main job."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medaug_cli.cli import options as o
from medaug_cli.core.errors import ExitCode, Interrupt, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.recipe.model import Recipe

_YES = {"1", "true", "t", "yes", "y", "on"}  # to Click


def augment(
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
    lock_timeout: o.LockTimeout = 0.0,
    progress: o.ProgressMode = o.Progress.AUTO,
    json: o.AsJson = False,
    log_file: o.LogFile = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="MEDAUG_DRY_RUN", help="Only say what would be done.")
    ] = False,
) -> None:
    """Write augmented copies of the samples in DATASET, beside them or to OUTPUT.

    Run again to go on or to extend: what is valid is kept. Exit codes: 0 done, 3 some samples failed, 2 wrong usage or
    recipe, 4 no dataset, 5 ROOT unusable, 6 disk or memory, 8 time is up, 10 too many failures, 11 ROOT is held.
    """
    from medaug_cli.cli.paths import refusals_explained
    from medaug_cli.cli.planned import show_plan
    from medaug_cli.cli.progress import make_listener
    from medaug_cli.run import Options, run

    root = output or dataset

    def chosen() -> Options:  # within the listener, so that a wrong flag, too, has its last line
        return Options(
            engine=engine.value,
            resampler=resampler.value,
            repair=repair,
            force_read=force_read,
            workers=workers,
            only=only,
            limit=limit,
            overwrite=overwrite.value,
            timeout_s=o.seconds_of(timeout, "--timeout") if timeout else None,
            retries=retries,
            max_duration_s=o.seconds_of(max_duration, "--max-duration") if max_duration else None,
            max_failures=max_failures,
            fail_fast=fail_fast,
            lock_timeout_s=lock_timeout,
            memory_bytes=o.bytes_of(memory, "--memory") if memory else None,
            log_file=log_file,
        )

    if dry_run:
        show_plan(_override(recipe, seed, copies), dataset, root, chosen(), as_json=json)
        return
    _stop_on_signals()
    show = make_listener(progress, as_json=json, log_file=log_file, quiet=quiet, verbose=verbose)
    with show as listener, refusals_explained({"recipe": recipe, "dataset": dataset, "output": output}):
        tally = run(_override(recipe, seed, copies), dataset, root, chosen(), listener.listen)
        listener.finish(tally.finished(root))
    raise typer.Exit(int(tally.exit_code()))


def refuse_flags(words: Sequence[str]) -> None:
    """Say the last line of a run whose command line is none, after what Click has said of it on stderr."""
    from medaug_cli.cli.progress import make_listener

    as_json = "--json" in words or os.environ.get("MEDAUG_JSON", "").lower() in _YES
    show = make_listener(o.Progress.NONE, as_json=as_json, log_file=None, quiet=True, verbose=False)
    show.give_up(UsageError("wrong usage; `medaug run --help` lists the flags"))


def _override(path: Any, seed: int | None, copies: int | None) -> Recipe:
    from medaug_cli.recipe import load_recipe

    changes = {"seed": seed, "copies": copies}
    return load_recipe(path).model_copy(update={key: value for key, value in changes.items() if value is not None})


def _stop_on_signals() -> None:
    """Let SIGINT and SIGTERM end the run at the next safe point, and a second one at once."""

    def stop(number: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        raise Interrupt(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
