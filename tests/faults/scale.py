"""S2: many jobs, and what a job that does nothing costs."""

from __future__ import annotations

import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any
from unittest import mock

import psutil
from datasets_for_runs import run_here, save_dataset, save_recipe
from faults.experiment import Outcome
from tasks_that_die import work_or_die

from medaug_cli import worker
from medaug_cli.core.errors import ExitCode
from medaug_cli.core.sample import Sample
from medaug_cli.engines import local
from medaug_cli.plan import Job
from medaug_cli.recipe import load_recipe
from medaug_cli.root import Root
from medaug_cli.run import Options, run
from medaug_cli.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BYTES_A_JOB = 200
_MS_A_JOB = 5.0


def _entry_of(recipe: Path, dataset: Path, root: Path) -> Any:
    """Return what a worker told of the one copy of a run."""
    made: list[Any] = []
    add = Root.add

    def catch(self: Root, entries: Any) -> None:
        made.extend(entries)
        add(self, made)

    with mock.patch.object(Root, "add", catch):
        run_here(recipe, dataset, root)
    return made[0]


def _skip(_descriptor: int) -> None:
    """Do nothing."""


def simulate_many_jobs(folder: Path, count: int) -> Outcome:
    """S2: let the parent take the results of 10³ … `count` simulated jobs; how much memory it keeps for each.

    In a process of its own: what one has let go of before would hide what it keeps now.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        each, exit_code = alone.submit(_take_results, folder, count).result()
    outcome = Outcome(injections=count)
    kept = each[max(each)]
    outcome.check(f"{kept:.0f} bytes a job are kept; {_BYTES_A_JOB} are allowed", holds=kept <= _BYTES_A_JOB)
    outcome.check("counts", holds=exit_code == ExitCode.OK)
    outcome.note = "bytes a job at " + ", ".join(f"{goal}: {figure:.0f}" for goal, figure in each.items())
    return outcome


def _take_results(folder: Path, count: int) -> tuple[dict[int, float], int]:
    """Return the bytes that are kept a job after 10³ … `count` of them, and the exit code that they end with."""
    recipe = save_recipe(folder / "recipe.yaml", "version: 1\nsteps: [gamma]\n")
    entry = _entry_of(recipe, save_dataset(folder / "dataset", 1), folder / "one")
    root, tally, each = Root(folder / "many"), Tally(total=count, kept=0), {}
    root.state.mkdir(parents=True)
    before, done = psutil.Process().memory_info().rss, 0
    with mock.patch.object(os, "fsync", _skip):  # a Mock would remember every call
        for goal in [10**power for power in range(3, 7) if 10**power <= count] or [count]:
            for number in range(done, goal):
                record = entry.record.model_copy(update={"sample_id": f"case{number:07d}"}, deep=True)
                made = replace(entry, record=record, stamps=dict(entry.stamps))
                root.add([made])
                tally.count(made)
            done = goal
            each[goal] = (psutil.Process().memory_info().rss - before) / goal
    return each, int(tally.exit_code())


def do_nothing(folder: Path, count: int) -> Outcome:
    """S3: jobs whose one step never applies; what they cost beyond reading, encoding and writing, and on their way.

    What counts is a job's processor time: the parent waits for the disk while its workers go on, and a busy machine
    takes its time from everybody.
    """
    text = "version: 1\nsteps: [{flip: {axes: [LR], p: 0}}]\n"
    recipe, dataset = save_recipe(folder / "recipe.yaml", text), save_dataset(folder / "dataset", count)
    core, wall = _Stopwatch(time.process_time), _Stopwatch(time.perf_counter)

    def both(function: Any) -> Any:
        return core.leaving_out(wall.leaving_out(function))

    def listen(_: object) -> None:
        core.lap(), wall.lap()

    with (
        mock.patch.object(worker, "read_sample", both(worker.read_sample)),
        mock.patch.object(worker, "publish", both(worker.publish)),
    ):
        run(load_recipe(recipe), dataset, folder / "root", Options(engine="serial"), listen)
    own_ms, waited_ms = (1000 * statistics.median(watch.laps[1:]) for watch in (core, wall))
    way_ms = 1000 * _way_s(count)
    outcome = Outcome(injections=count)
    outcome.check(f"{own_ms:.1f} ms and {way_ms:.1f} ms a job", holds=own_ms + way_ms < _MS_A_JOB)
    outcome.note = (
        f"{own_ms:.2f} ms of a core a job (median) to draw, check, record and journal it, {waited_ms:.2f} ms with the "
        f"disk's share; {way_ms:.2f} ms to a worker and back"
    )
    return outcome


class _Stopwatch:
    """Times laps by `clock`, in seconds, without what some functions take."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.began, self.left_out = clock, clock(), 0.0
        self.laps: list[float] = []

    def leaving_out(self, function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            began = self.clock()
            try:
                return function(*arguments)
            finally:
                self.left_out += self.clock() - began

        return call

    def lap(self) -> None:
        """End a lap and begin the next."""
        now = self.clock()
        self.laps.append(now - self.began - self.left_out)
        self.began, self.left_out = now, 0.0


def _way_s(count: int) -> float:
    """Return the seconds (median) from one result of a worker to the next where the task is empty."""
    jobs = [Job(Sample(f"case{number}", "nifti", ()), (1,)) for number in range(count)]
    ends = [time.perf_counter() for _ in local.run_jobs(partial(work_or_die, frozenset(), 0.0), jobs, 1)]
    return statistics.median(later - sooner for sooner, later in pairwise(ends))
