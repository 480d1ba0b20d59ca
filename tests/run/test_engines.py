"""Engines: what becomes of the other jobs when a worker dies."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from datasets_for_runs import clean_environment
from tasks_that_die import (
    die_by_exit,
    die_by_signal,
    die_once,
    leak,
    loop_in_c,
    note_tries,
    reserve,
    say_environment,
    say_who_ignores,
    tell_if_others_live,
)

from medaug_cli.core.sample import Sample
from medaug_cli.engines import Guard, engine_names, local, serial
from medaug_cli.plan import Job

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


def test_a_loop_in_c_ends_at_the_time_limit_and_costs_its_own_job_only() -> None:
    task, guard = partial(loop_in_c, "case2"), Guard(timeout_s=1.0, retries=0)
    outcomes = {job.sample.id: outcome for job, outcome in local.run_jobs(task, JOBS, 2, guard)}
    assert outcomes == {**OTHERS, "case2": "timeout"}


def test_a_job_that_takes_too_much_memory_is_ended_and_named() -> None:
    task, guard = partial(leak, "case2"), Guard(memory_bytes=400 << 20)
    outcomes = {job.sample.id: outcome for job, outcome in local.run_jobs(task, JOBS, 2, guard)}
    assert outcomes == {**OTHERS, "case2": "out_of_memory"}


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts mapped memory on Linux only")
@pytest.mark.parametrize(("size", "outcome"), [(200 << 20, ()), (3 << 30, "out_of_memory")])
def test_no_worker_gets_more_than_the_whole_budget_at_once(tmp_path: Path, size: int, outcome: object) -> None:
    task, guard = partial(reserve, "case2", str(tmp_path), size), Guard(memory_bytes=400 << 20)
    outcomes = {job.sample.id: said for job, said in local.run_jobs(task, JOBS, 2, guard)}
    assert outcomes == {**OTHERS, "case2": outcome}
    assert (tmp_path / "got").exists() == (outcome == ())


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (1, 2), (3, 4)])
def test_a_job_is_tried_again_as_often_as_asked(tmp_path: Path, retries: int, tries: int) -> None:
    task = partial(note_tries, "case2", str(tmp_path), int(signal.SIGSEGV))
    jobs = [Job(JOBS[2].sample, (2,))]
    assert list(local.run_jobs(task, jobs, 2, Guard(retries=retries))) == [(jobs[0], "worker_signal_11")]
    assert len(list(tmp_path.iterdir())) == tries


def test_of_several_copies_only_the_one_that_kills_its_worker_is_lost(tmp_path: Path) -> None:
    task = partial(note_tries, "case2", str(tmp_path), int(signal.SIGSEGV))
    outcomes = {job.copies: outcome for job, outcome in local.run_jobs(task, [Job(JOBS[2].sample, (1, 2, 3))], 1)}
    assert outcomes == {(1,): (), (2,): "worker_signal_11", (3,): ()}


def test_a_job_that_may_lack_memory_is_tried_again_with_no_other_worker(tmp_path: Path) -> None:
    task = partial(tell_if_others_live, "case2", str(tmp_path))
    assert {outcome for _, outcome in local.run_jobs(task, JOBS, workers=3)} == {()}
    assert (tmp_path / "workers").read_text() == "1"


def test_no_job_goes_on_after_the_time_of_the_run() -> None:
    task, guard = partial(loop_in_c, "case0"), Guard(until_s=time.monotonic() + 3)
    ended = [job.sample.id for job, _ in local.run_jobs(task, JOBS, 2, guard)]
    assert "case0" not in ended


def test_workers_leave_the_signals_of_a_service_manager_to_their_parent(tmp_path: Path) -> None:
    list(local.run_jobs(partial(say_who_ignores, str(tmp_path)), JOBS[:1], workers=1))
    assert (tmp_path / "case0").read_text() == "True"


def test_workers_compute_with_one_thread(tmp_path: Path) -> None:
    list(local.run_jobs(partial(say_environment, str(tmp_path)), JOBS[:1], workers=1))
    assert {"OMP_NUM_THREADS", "NUMBA_NUM_THREADS"} <= set((tmp_path / "case0").read_text().split())


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="no glibc")
@pytest.mark.parametrize("engine", ["local", "serial"])
def test_what_a_copy_frees_is_kept_for_the_next_one(tmp_path: Path, engine: str) -> None:
    code = f"""
from functools import partial
from medaug_cli.engines import {engine}
from tasks_that_die import say_kept_bytes
from test_engines import JOBS
list({engine}.run_jobs(partial(say_kept_bytes, {str(tmp_path)!r}), JOBS[:1], workers=1))
"""  # a process of its own, whose allocator nobody has used much
    here = Path(__file__).parent
    environment = clean_environment() | {"PYTHONPATH": f"{here}{os.pathsep}{here.parent}"}
    subprocess.run([sys.executable, "-c", code], env=environment, timeout=100, check=True)
    assert int((tmp_path / "case0").read_text()) > 15 << 20


def test_no_jobs_are_no_work() -> None:
    assert list(local.run_jobs(partial(die_by_exit, "case2"), [], workers=2)) == []


def test_serial_keeps_the_order_of_the_jobs() -> None:
    task = partial(die_by_exit, "nobody")
    assert [job.sample.id for job, _ in serial.run_jobs(task, JOBS, workers=1)] == [job.sample.id for job in JOBS]


def test_every_engine_is_found_by_its_file() -> None:
    assert set(engine_names()) >= {"local", "serial"}


def test_a_worker_whose_parent_died_before_it_was_ready_ends() -> None:
    code = "import time; from medaug_cli.core.process import prepare_worker; prepare_worker(2**22 + 1); time.sleep(50)"
    process = subprocess.run([sys.executable, "-c", code], env=clean_environment(), timeout=40, check=False)
    assert process.returncode == 1
