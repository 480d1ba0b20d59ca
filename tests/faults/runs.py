"""Runs to disturb: a small dataset, an undisturbed ROOT beside it, and children that run medaug."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from datasets_for_runs import (
    clean_environment,
    command,
    copies_below,
    leftovers,
    run_here,
    save_dataset,
    save_recipe,
    voxel_hashes,
)

from medaug_cli.cli import main
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.experiment import Outcome

RECIPE = "version: 1\nseed: 3\ncopies: 3\nsteps: [affine, gamma]\n"


@dataclass(frozen=True)
class Bench:
    """A dataset, a recipe, and the ROOT of a run that nothing disturbed."""

    recipe: Path
    dataset: Path
    reference: Path

    def arguments(self, root: Path | str, *more: str) -> list[str]:
        """Return the command line of a run of it to `root`."""
        return ["run", str(self.recipe), str(self.dataset), "-o", str(root), "--progress", "none", *more]

    def check_complete(self, root: Path, outcome: Outcome, when: str) -> None:
        """Check P1 and P2: the voxels of the undisturbed run, no file without a record, no temporary."""
        outcome.check(f"{when}: other voxels", holds=voxel_hashes(root) == voxel_hashes(self.reference))
        outcome.check(f"{when}: file without record", holds=copies_below(root) == copies_below(self.reference))
        outcome.check(f"{when}: temporary left", holds=leftovers(root) == [])
        outcome.check(f"{when}: verify complains", holds=verify_root(root, None, None)[1] == [])


def make_bench(folder: Path, cases: int, recipe: str = RECIPE) -> Bench:
    """Write `cases` small cases and make their copies once, undisturbed."""
    dataset = save_dataset(folder / "dataset", cases)
    path = save_recipe(folder / "recipe.yaml", recipe)
    run_here(path, dataset, folder / "reference")
    return Bench(path, dataset, folder / "reference")


@dataclass
class Child:
    """A forked process that runs medaug; everything it needs is imported already, so that it works at once."""

    pid: int
    out: Path
    started: float

    def kill(self) -> None:
        """Kill it as nothing can withstand."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Return its exit code, negative for a signal."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def said(self) -> str:
        """Return what it wrote to stdout and stderr."""
        return self.out.read_text(encoding="utf-8", errors="replace")


def fork_run(arguments: list[str], out: Path, before: Callable[[], object] | None = None) -> Child:
    """Start a child that calls `before` and then medaug with `arguments`; its output goes to the file `out`."""
    sys.stdout.flush(), sys.stderr.flush()
    pid = os.fork()
    if pid:
        return Child(pid, out, time.monotonic())
    code = 1
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1), os.dup2(descriptor, 2)
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  for as long as the child lives
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.argv = ["medaug", *arguments]
        if before is not None:
            before()
        main()
        code = 0
    except SystemExit as leave:
        code = int(leave.code or 0)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)


@contextlib.contextmanager
def real_run(arguments: list[str], out: Path):  # noqa: ANN201  a generator of Popen
    """Start a real medaug from its command line; its output goes to `out`."""
    with out.open("w") as stream:
        words = command(*arguments)
        process = subprocess.Popen(words, stdout=stream, stderr=subprocess.STDOUT, env=clean_environment())
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def workers_of(pid: int) -> list[psutil.Process]:
    """Return the worker processes of a run."""
    try:
        return [one for one in psutil.Process(pid).children(recursive=True) if "LokyProcess" in " ".join(one.cmdline())]
    except psutil.Error:
        return []


def recorded_copies(root: Path) -> int:
    """Return how many lines the journal of a run has so far."""
    journal = root / ".medaug" / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0
