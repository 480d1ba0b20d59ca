"""Engines: what becomes of the other jobs when a worker dies."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tasks_that_die import die_by_exit, die_by_signal, die_once

from medaug_cli.core.sample import Sample
from medaug_cli.engines import engine_names, local, serial
from medaug_cli.plan import Job

if TYPE_CHECKING:
    from pathlib import Path

JOBS = [Job(Sample(f"case{number}", "nifti", ()), (1,)) for number in range(6)]
OTHERS = {f"case{number}": () for number in range(6) if number != 2}


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_worker_that_dies_costs_its_own_job_only_and_the_signal_is_named(number: signal.Signals) -> None:
    task = partial(die_by_signal, "case2", int(number))
    outcomes = {job.sample.id: outcome for job, outcome in local.run_jobs(task, JOBS, workers=2)}
    assert outcomes == {**OTHERS, "case2": f"worker_signal_{int(number)}"}


def test_a_worker_that_leaves_without_a_word_costs_its_own_job_only() -> None:
    task = partial(die_by_exit, "case2")
    outcomes = {job.sample.id: outcome for job, outcome in local.run_jobs(task, JOBS, workers=2)}
    assert outcomes == {**OTHERS, "case2": "worker_died"}


def test_a_job_whose_worker_was_killed_once_is_done_at_the_second_try(tmp_path: Path) -> None:
    task = partial(die_once, "case2", str(tmp_path))
    outcomes = [(job.sample.id, outcome) for job, outcome in local.run_jobs(task, JOBS, workers=2)]
    assert sorted(outcomes) == [(job.sample.id, ()) for job in JOBS]
    assert (tmp_path / "killed").exists()


def test_no_jobs_are_no_work() -> None:
    assert list(local.run_jobs(partial(die_by_exit, "case2"), [], workers=2)) == []


def test_serial_keeps_the_order_of_the_jobs() -> None:
    task = partial(die_by_exit, "nobody")
    assert [job.sample.id for job, _ in serial.run_jobs(task, JOBS, workers=1)] == [job.sample.id for job in JOBS]


def test_every_engine_is_found_by_its_file() -> None:
    assert set(engine_names()) >= {"local", "serial"}
