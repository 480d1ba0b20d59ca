"""Local: worker processes on this machine, through joblib's loky, which starts them afresh instead of forking."""

from __future__ import annotations

import re
from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from typing import TYPE_CHECKING

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from concurrent.futures import Future

    from medaug_cli.engines import Result, Task
    from medaug_cli.plan import Job
    from medaug_cli.root import Entry

# The workers are the parallelism: a library that starts threads of its own would only get in their way.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_EXIT_CODE = re.compile(r"\((-?\d+)\)")


def run_jobs(task: Task, jobs: Sequence[Job], workers: int) -> Generator[Result]:
    """Yield each job with its entries as it ends, or with the reason why its worker died.

    A dead worker takes the whole executor with it, so what was in flight is given again, each suspect alone: only the
    job that kills its worker pays.
    """
    waiting = deque(jobs)
    suspects: deque[Job] = deque()
    try:
        while waiting or suspects:
            alone = bool(suspects)
            running: dict[Future[tuple[Entry, ...]], Job] = {}
            try:
                yield from _round(task, deque([suspects.popleft()]) if alone else waiting, workers, running)
            except TerminatedWorkerError as error:
                if alone:
                    yield next(iter(running.values())), _reason(error)
                else:
                    suspects.extend(running.values())
    finally:
        get_reusable_executor(max_workers=workers, env=_ONE_THREAD).shutdown(wait=True, kill_workers=True)


def _round(
    task: Task, waiting: deque[Job], workers: int, running: dict[Future[tuple[Entry, ...]], Job]
) -> Iterator[tuple[Job, tuple[Entry, ...]]]:
    """Yield jobs with their entries, taken from `waiting` two a worker at a time; `running` holds those in flight."""
    executor = get_reusable_executor(max_workers=workers, env=_ONE_THREAD)
    while waiting or running:
        while waiting and len(running) < 2 * workers:
            job = waiting.popleft()
            running[executor.submit(task, job)] = job
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        # Sound results first: a crash fails every other future at once.
        for future in sorted(done, key=lambda one: one.exception() is not None):
            entries = future.result()
            yield running.pop(future), entries


def _reason(error: TerminatedWorkerError) -> str:
    """Return the stable code of a worker's death, from loky's list of exit codes."""
    signals = [-int(code) for code in _EXIT_CODE.findall(str(error)) if int(code) < 0]
    return f"worker_signal_{signals[0]}" if signals else "worker_died"
