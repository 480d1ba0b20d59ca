"""C2: workers that crash, leave, leak memory or never come back from C code; only their own job pays."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from faults.experiment import Outcome
from tasks_that_die import die_by_exit, die_by_signal, die_once, leak, loop_in_c

from medaug_cli.core.sample import Sample
from medaug_cli.engines import Guard, local
from medaug_cli.plan import Job

if TYPE_CHECKING:
    from pathlib import Path

_JOBS = [Job(Sample(f"case{number}", "nifti", ()), (1,)) for number in range(6)]
_LIMIT_S = 3.0
_MEMORY = 1 << 30


def crash_workers(folder: Path, count: int) -> Outcome:
    """C2: each kind of crash in turn, `count` rounds of all; a time-out comes within its limit and two seconds."""
    outcome, latest = Outcome(), 0.0
    kinds: list[tuple[str, Any, str, Guard]] = [
        *((f"signal {one}", partial(die_by_signal, "case2", one), f"worker_signal_{one}", Guard()) for one in _SIGNALS),
        ("exit", partial(die_by_exit, "case2"), "worker_died", Guard()),
        ("leak", partial(leak, "case2"), "out_of_memory", Guard(memory_bytes=_MEMORY, retries=0)),
        ("loop in C", partial(loop_in_c, "case2"), "timeout", Guard(timeout_s=_LIMIT_S, retries=0)),
    ]
    for number in range(count):
        for name, task, reason, guard in kinds:
            started = time.monotonic()
            outcomes = {job.sample.id: said for job, said in local.run_jobs(task, _JOBS, 2, guard)}
            seconds = time.monotonic() - started
            wanted = {job.sample.id: reason if job.sample.id == "case2" else () for job in _JOBS}
            outcome.check(f"{name}: {outcomes}", holds=outcomes == wanted)
            if name == "loop in C":
                latest = max(latest, seconds - _LIMIT_S)
            outcome.injections += 1
        (folder / str(number)).mkdir(parents=True)
        task = partial(die_once, "case2", str(folder / str(number)))
        outcomes = {job.sample.id: said for job, said in local.run_jobs(task, _JOBS, 2, Guard())}
        outcome.check(f"killed once: {outcomes}", holds=set(outcomes.values()) == {()})
        outcome.injections += 1
    # Starting the workers is in it, so that the limit itself is kept more closely than this.
    outcome.check(f"the time-out came {latest:.1f} s late, start-up of workers in it", holds=latest <= 2.0 + 4.0)
    outcome.note = (
        f"a run with a job that loops in C ended {latest:.1f} s after its limit of {_LIMIT_S:g} s, start in it"
    )
    return outcome


_SIGNALS = [int(one) for one in (signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT, signal.SIGBUS)]
