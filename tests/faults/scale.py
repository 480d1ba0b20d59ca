"""S1, S2: many files, and many jobs."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest import mock

import psutil
from datasets_for_runs import run_here, save_dataset, save_recipe
from faults.experiment import Outcome
from faults.runs import fork_run
from hostile.nifti_files import sound_bytes

from medaug_cli.core.errors import ExitCode
from medaug_cli.root import Root
from medaug_cli.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

_A_FOLDER = 1000
_BYTES_A_JOB = 200


def look_at_many_files(folder: Path, count: int) -> Outcome:
    """S1: scan, plan, and resume a finished run, over `count` files; the limits are those for 100 000."""
    outcome = Outcome(injections=count)
    raw = bytes(sound_bytes())
    for number in range(count):
        path = folder / "dataset" / f"{number // _A_FOLDER:03d}" / f"case{number:06d}.nii"
        if number % _A_FOLDER == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(raw)
    recipe = save_recipe(folder / "recipe.yaml", "version: 1\nsteps: [{flip: {axes: [LR], p: 1}}]\n")
    dataset, root = str(folder / "dataset"), str(folder / "root")
    figures = {}
    for name, words in {
        "first scan": ["scan", dataset],
        "scan": ["scan", dataset],
        "plan": ["plan", str(recipe), dataset, "-o", root],
        "run": ["run", str(recipe), dataset, "-o", root, "-q", "--progress", "none"],
        "resume": ["run", str(recipe), dataset, "-o", root, "-q", "--progress", "none"],
    }.items():
        child = fork_run(words, folder / "out")
        _, status, usage = os.wait4(child.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        figures[name] = (time.monotonic() - child.started, usage.ru_maxrss / 1024)
        outcome.check(f"{name}: exit {code}: {child.said()[-200:]}", holds=code == 0)
    share = count / 100_000
    outcome.check(f"scan took {figures['scan'][0]:.1f} s", holds=figures["scan"][0] <= 10 * share + 2)
    outcome.check(f"plan held {figures['plan'][1]:.0f} MiB", holds=figures["plan"][1] <= 300)
    outcome.check(f"resume took {figures['resume'][0]:.1f} s", holds=figures["resume"][0] <= 30 * share + 2)
    outcome.note = "; ".join(f"{name} {seconds:.1f} s, {mib:.0f} MiB" for name, (seconds, mib) in figures.items())
    return outcome


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
    """S2: let the parent take the results of 10³ … `count` simulated jobs; how much memory it keeps for each."""
    recipe = save_recipe(folder / "recipe.yaml", "version: 1\nsteps: [gamma]\n")
    entry = _entry_of(recipe, save_dataset(folder / "dataset", 1), folder / "one")
    outcome, figures = Outcome(injections=count), []
    root, tally = Root(folder / "many"), Tally(total=count, kept=0)
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
            each = (psutil.Process().memory_info().rss - before) / goal
            figures.append(f"{goal}: {each:.0f}")
    outcome.check(f"{each:.0f} bytes a job are kept; {_BYTES_A_JOB} are allowed", holds=each <= _BYTES_A_JOB)
    outcome.check("counts", holds=tally.exit_code() == ExitCode.OK)
    outcome.note = "bytes a job at " + ", ".join(figures)
    return outcome
