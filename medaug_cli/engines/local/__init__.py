"""Local: worker processes on this machine, through joblib's loky, which starts them afresh instead of forking."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, wait
from typing import TYPE_CHECKING

from medaug_cli.core.errors import ResourceError
from medaug_cli.engines import Guard
from medaug_cli.engines.local.attempts import Queue
from medaug_cli.engines.local.process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from medaug_cli.engines import Result, Task
    from medaug_cli.plan import Job

_LOOK_EVERY_S = 0.05
_MOST_STILLBORN = 3


def run_jobs(task: Task, jobs: Sequence[Job], workers: int, guard: Guard = Guard()) -> Generator[Result]:  # noqa: B008  frozen
    """Yield each job with its entries as it ends, or with the reason why its worker died.

    A death costs the job that the process had, which is tried again after the others: with none beside it where memory
    may have been the cause. Raises ResourceError where processes cannot be started.
    """
    crew = [WorkerProcess(task, guard.memory_bytes) for _ in range(min(workers, len(jobs)))]
    try:
        yield from _work(crew, Queue(jobs, guard.retries), guard)
    finally:
        for worker in crew:
            worker.end()


def _work(crew: list[WorkerProcess], queue: Queue, guard: Guard) -> Iterator[Result]:
    stillborn = 0
    while queue or any(worker.future for worker in crew):
        _give(crew, queue)
        for worker in _ended(crew, guard):
            attempt, outcome = worker.take()
            if outcome == "":  # the process never came to the job
                stillborn += 1
                queue.put_back(attempt)
                continue
            stillborn = 0
            if not queue.try_again(attempt, outcome):
                yield attempt.job, outcome
        if stillborn >= _MOST_STILLBORN:
            raise ResourceError("worker processes die before their first job; try --engine serial to see why")
        if guard.until_s is not None and time.monotonic() > guard.until_s:
            return


def _give(crew: list[WorkerProcess], queue: Queue) -> None:
    """Give every idle worker a job; one that is to run alone finds the others ended, so that they hold no memory."""
    for worker in crew:
        running = [other for other in crew if other.attempt]
        if any(other.attempt.alone for other in running if other.attempt):
            return
        if worker in running:
            continue
        attempt = queue.next(running=len(running))
        if attempt is None:
            return
        if attempt.alone:
            for other in crew:
                if other is not worker:
                    other.end()
        worker.give(attempt)


def _ended(crew: list[WorkerProcess], guard: Guard) -> list[WorkerProcess]:
    """Wait a moment at most; return the workers whose job has ended, having killed those that took too much."""
    running = {worker.future: worker for worker in crew if worker.future}
    done, _ = wait(running, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
    alone = any(worker.attempt and worker.attempt.alone for worker in running.values())
    share = guard.memory_bytes and guard.memory_bytes // (1 if alone else len(crew))
    for worker in running.values():
        worker.watch(guard.timeout_s, share)
    return [running[future] for future in done]
