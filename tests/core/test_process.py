"""What this machine has for workers: by affinity, by the groups that a container or service stands in, by memory."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from datasets_for_runs import clean_environment

from medaug_cli.core import process
from medaug_cli.core.errors import UsageError
from medaug_cli.plan import Job, Plan
from medaug_cli.run import Options, choose_workers

if TYPE_CHECKING:
    from pathlib import Path

COUNT = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from medaug_cli.core.process import cores_for_workers
print(cores_for_workers())
"""


def plan_of(copies: int, bytes_of_memory: int) -> Plan:
    job = Job(sample=None, copies=tuple(range(copies)))  # type: ignore[arg-type]  nobody looks at it
    return Plan((job,), 0, (), 0, 0, bytes_of_memory, 0.0)


def group(folder: Path, limit: str, usage: int) -> None:
    """Write the files of a memory cgroup."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{usage}\n")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")
def test_a_process_that_may_use_one_core_gets_one_worker() -> None:
    words = [sys.executable, "-c", COUNT]
    done = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_every_group_up_to_the_mount_leaves_some_room(tmp_path: Path) -> None:
    group(tmp_path, "max", 999)
    group(tmp_path / "slice", "5000", 1000)
    group(tmp_path / "slice" / "service", "3000", 2900)
    assert process._rooms(tmp_path, "/slice/service", "memory.max", "memory.current") == [100, 4000]


def test_in_a_container_the_mount_itself_is_the_group(tmp_path: Path) -> None:
    group(tmp_path, "700", 800)  # more is held than the limit, as it may be for a moment
    assert process._rooms(tmp_path, "/docker/0123", "memory.max", "memory.current") == [0]


def test_memory_is_the_least_of_what_is_free_and_what_the_groups_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_cgroup_rooms", lambda: [5 << 20, 3 << 20])
    assert process.memory_left() == 3 << 20
    monkeypatch.setattr(process, "_cgroup_rooms", list)
    assert 0 < process.memory_left() <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("options", "copies", "workers"),
    [
        (Options(), 100, 6),  # cores
        (Options(), 4, 4),  # no more than there are copies to make
        (Options(memory_bytes=350), 100, 3),  # a budget for all
        (Options(memory_bytes=50), 100, 1),  # one at least
        (Options(workers="20"), 100, 20),  # as asked
        (Options(engine="serial", workers="20"), 100, 1),
    ],
)
def test_workers_are_as_many_as_cores_memory_and_copies_allow(
    monkeypatch: pytest.MonkeyPatch, options: Options, copies: int, workers: int
) -> None:
    monkeypatch.setattr("medaug_cli.run.cores_for_workers", lambda: 6)
    monkeypatch.setattr("medaug_cli.run.memory_left", lambda: 10_000)
    assert choose_workers(options, plan_of(copies, 100)) == workers


def test_a_fifth_of_the_memory_that_is_free_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medaug_cli.run.cores_for_workers", lambda: 6)
    monkeypatch.setattr("medaug_cli.run.memory_left", lambda: 500)
    assert choose_workers(Options(), plan_of(100, 100)) == 4


@pytest.mark.parametrize("workers", ["0", "-1", "two", "1.5"])
def test_a_number_of_workers_that_makes_no_sense_is_refused(workers: str) -> None:
    with pytest.raises(UsageError, match=r"allowed: auto or a whole number from 1"):
        choose_workers(Options(workers=workers), plan_of(1, 100))
