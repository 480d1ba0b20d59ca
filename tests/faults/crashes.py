"""C2: workers that crash, leave, leak memory or never come back from C code; only their own job pays."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from faults.experiment import Outcome
from tasks_that_die import die_by_exit, die_by_signal, die_once, leak, note_time_and_loop, work_or_die

from medaug_cli.core.sample import Sample
from medaug_cli.engines import Guard, local
from medaug_cli.plan import Job

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_S, _LATE_S = 3.0, 2.0
_MEMORY = 1 << 30
_SIGNALS = [int(one) for one in (signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT, signal.SIGBUS)]
_WORKERS = 2
_MANY, _VICTIMS, _JOB_S, _MOST_OF_IDEAL = 60, frozenset({"case20", "case40"}), 0.5, 2.5


def crash_workers(folder: Path, count: int) -> Outcome:
    """C2: each kind of crash in turn, `count` rounds of all; a time-out comes within its limit and two seconds."""
    outcome, latest = Outcome(), 0.0
    kinds: list[tuple[str, Any, str, Guard]] = [
        *((f"signal {one}", partial(die_by_signal, "case2", one), f"worker_signal_{one}", Guard()) for one in _SIGNALS),
        ("exit", partial(die_by_exit, "case2"), "worker_died", Guard()),
        ("leak", partial(leak, "case2"), "out_of_memory", Guard(memory_bytes=_MEMORY, retries=0)),
    ]
    for number in range(count):
        for name, task, reason, guard in kinds:
            _crash(name, task, reason, guard, outcome)
        own = folder / str(number)
        own.mkdir(parents=True)
        latest = max(latest, _loop_for_ever(own, outcome))
        _crash("killed once", partial(die_once, "case2", str(own)), (), Guard(), outcome)
    share = _crash_two_of_many(outcome)
    outcome.check(f"the time-out came {latest:.1f} s late", holds=latest <= _LATE_S)
    outcome.note = (
        f"a job that loops in C was ended at most {latest:.2f} s after its limit of {_LIMIT_S:g} s; {_MANY} jobs of "
        f"{_JOB_S:g} s, {len(_VICTIMS)} of which crash at every try, took {share:.2f} of the ideal time"
    )
    return outcome


def _jobs(count: int) -> list[Job]:
    return [Job(Sample(f"case{number}", "nifti", ()), (1,)) for number in range(count)]


def _crash(name: str, task: Any, reason: str | tuple[()], guard: Guard, outcome: Outcome) -> float:
    """Run six jobs of which the third crashes, as `reason` says; return the monotonic time in s when it was told."""
    outcomes, told = {}, 0.0
    for job, said in local.run_jobs(task, _jobs(6), _WORKERS, guard):
        outcomes[job.sample.id] = said
        told = time.monotonic() if job.sample.id == "case2" else told
    wanted = {job.sample.id: reason if job.sample.id == "case2" else () for job in _jobs(6)}
    outcome.check(f"{name}: {outcomes}", holds=outcomes == wanted)
    outcome.injections += 1
    return told


def _loop_for_ever(folder: Path, outcome: Outcome) -> float:
    """Return how many seconds after its limit a job was ended that never comes back from C code."""
    task = partial(note_time_and_loop, "case2", str(folder))
    told = _crash("loop in C", task, "timeout", Guard(timeout_s=_LIMIT_S, retries=0), outcome)
    return told - float((folder / "began").read_text()) - _LIMIT_S


def _crash_two_of_many(outcome: Outcome) -> float:
    """Return how long 60 jobs take of which two crash at every try, as a multiple of 60 jobs on busy workers."""
    started = time.monotonic()
    task = partial(work_or_die, _VICTIMS, _JOB_S)
    outcomes = {job.sample.id: said for job, said in local.run_jobs(task, _jobs(_MANY), _WORKERS, Guard())}
    share = (time.monotonic() - started) / (_MANY * _JOB_S / _WORKERS)
    failed = {name: said for name, said in outcomes.items() if said != ()}
    outcome.check(f"two of many: {failed}", holds=failed == dict.fromkeys(_VICTIMS, "worker_signal_11"))
    outcome.check(f"two of many: {share:.2f} of the ideal time", holds=share <= _MOST_OF_IDEAL)
    outcome.injections += len(_VICTIMS)
    return share
