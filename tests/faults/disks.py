"""E1: disks that are full, out of inodes, read-only or missing."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING

from datasets_for_runs import leftovers
from faults.experiment import Outcome
from faults.namespaces import enlarge, mount, work_in_namespace
from faults.runs import fork_run, make_bench

if TYPE_CHECKING:
    from pathlib import Path

    from faults.runs import Bench


def fill_the_disk(folder: Path, count: int) -> Outcome:
    """E1: real tmpfs of growing size until a run fits, without inodes, read-only; and a ROOT that cannot be."""
    return work_in_namespace(partial(_fill, folder, count))


def _fill(folder: Path, count: int) -> Outcome:
    bench, outcome = make_bench(folder, 4), Outcome()
    disk = folder / "disk"
    disk.mkdir()
    if not mount(disk, "size=64k"):
        return Outcome(skipped="no tmpfs can be mounted here")
    subprocess.run(["umount", disk], check=True)
    needed = sum(path.stat().st_size for path in (folder / "reference").rglob("*") if path.is_file())
    for number in range(count):
        size = 16 + number * (needed // 1024 + 64) // count
        _run_on(disk, f"size={size}k", bench, outcome, {0, 6})
    _run_on(disk, "size=10m,nr_inodes=20", bench, outcome, {6})
    _run_on(disk, "size=10m,nr_inodes=8", bench, outcome, {6})
    _run_on(disk, "size=10m,ro", bench, outcome, {5})
    code, _ = _run(bench, "/proc/none/root", folder / "out")
    outcome.check(f"ROOT below /proc: exit {code}", holds=code == 5)
    outcome.injections += 1
    return outcome


def _run(bench: Bench, root: Path | str, out: Path) -> tuple[int, str]:
    """Run serially to `root`; return the exit code and what was said."""
    child = fork_run(bench.arguments(root, "--engine", "serial"), out)
    return child.wait(), child.said()


def _run_on(disk: Path, options: str, bench: Bench, outcome: Outcome, allowed: set[int]) -> None:
    """Run to a small disk, then to the same disk with room enough."""
    outcome.check(f"{options}: cannot be mounted", holds=mount(disk, options))
    root, out = disk / "root", disk.parent / "out"
    try:
        code, said = _run(bench, root, out)
        outcome.injections += 1
        outcome.check(f"{options}: exit {code}: {said[-300:]}", holds=code in allowed)
        outcome.check(f"{options}: traceback", holds="Traceback" not in said)
        outcome.check(f"{options}: no path told", holds=code == 0 or "ROOT" in said or str(disk) in said)
        if ",ro" in options:
            return
        outcome.check(f"{options}: temporary left", holds=not [one for one in leftovers(root) if "aug" in one.name])
        enlarge(disk, "size=20m,nr_inodes=10k")
        code, said = _run(bench, root, out)
        outcome.check(f"{options}: with room, exit {code}: {said[-300:]}", holds=code == 0)
        bench.check_complete(root, outcome, options)
    finally:
        subprocess.run(["umount", disk], check=True)
