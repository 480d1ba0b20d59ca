"""A worker process: loky's executor of one process each, so that a death costs one job and is known to be its."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Any

import psutil
from joblib.externals.loky.process_executor import BrokenProcessPool, ProcessPoolExecutor

from medaug_cli.core.errors import ResourceError
from medaug_cli.core.process import killed_for_memory, prepare_worker
from medaug_cli.plan import Job  # noqa: TC001  a process has it before its first job, whose time limit runs

if TYPE_CHECKING:
    from concurrent.futures import Future

    from medaug_cli.engines import Task
    from medaug_cli.engines.local.attempts import Attempt
    from medaug_cli.journal import Entry

# The workers are the parallelism: a library that starts threads of its own would only get in their way.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_EXIT_CODE = re.compile(r"\((-?\d+)\)")
_SIGKILL = 9
_TASK: list[Task] = []


class WorkerProcess:
    """One process that does one job at a time; started when it is first needed and again after it died."""

    def __init__(self, task: Task, memory_bytes: int | None = None) -> None:
        """Start nothing yet; `memory_bytes` is what all workers together may hold, and so the most that one may."""
        self.task, self.memory_bytes = task, memory_bytes
        self.attempt: Attempt | None = None
        self.future: Future[tuple[Entry, ...]] | None = None
        self._executor: Any = None
        self._ready: Future[None] | None = None
        self._began_s: float | None = None
        self._verdict = ""
        self._oom_kills = 0

    def give(self, attempt: Attempt) -> None:
        """Start on a job; raises ResourceError where the system starts no more processes."""
        try:
            self.future = self._submit(attempt.job)
        except OSError as error:
            raise ResourceError(
                f"no worker process can be started: {error.strerror}; use fewer --workers, or --engine serial"
            ) from error
        self.attempt, self._began_s, self._verdict = attempt, None, ""

    def take(self) -> tuple[Attempt, tuple[Entry, ...] | str]:
        """Return the job that has ended with its entries, or with the reason why the process died."""
        if self.attempt is None or self.future is None:
            raise RuntimeError("no job was given")
        attempt, future, self.attempt, self.future = self.attempt, self.future, None, None
        try:
            return attempt, future.result()
        except MemoryError:  # not even its answer found room
            self.end()
            return attempt, "out_of_memory"
        except BrokenProcessPool as error:
            reason = self._verdict or self._reason(error)
            if not self._was_ready():
                reason = ""
            self.end()
            return attempt, reason

    def watch(self, timeout_s: float | None, memory_bytes: int | None) -> None:
        """Kill the process where its job has taken too long or too much."""
        if self.future is None or self.future.done() or not self._was_ready():
            return
        now = time.monotonic()
        self._began_s = self._began_s or now  # not before: a process that starts is no fault of the job
        if timeout_s is not None and now - self._began_s > timeout_s:
            self._kill("timeout")
        elif memory_bytes is not None and self.held_bytes() > memory_bytes:
            self._kill("out_of_memory")

    def held_bytes(self) -> int:
        """Return the memory that the process holds; 0 where there is none."""
        held = 0
        for pid in self._pids():
            try:
                held += psutil.Process(pid).memory_info().rss
            except psutil.Error:
                continue
        return held

    def end(self) -> None:
        """Kill the process, whatever it does."""
        executor, self._executor, self._ready = self._executor, None, None
        if executor is not None:
            executor.shutdown(wait=True, kill_workers=True)

    def _submit(self, job: Job) -> Future[tuple[Entry, ...]]:
        self._oom_kills = killed_for_memory()
        if self._executor is not None:
            try:
                return self._executor.submit(_do, job)  # type: ignore[no-any-return]
            except BrokenProcessPool:  # it died between two jobs
                self.end()
        shared = (self.task, os.getpid(), self.memory_bytes)
        self._executor = ProcessPoolExecutor(max_workers=1, env=_ONE_THREAD, initializer=_begin, initargs=shared)
        self._ready = self._executor.submit(_say_ready)
        return self._executor.submit(_do, job)  # type: ignore[no-any-return]

    def _was_ready(self) -> bool:
        """Say whether the process ever came to its first job."""
        return self._ready is not None and self._ready.done() and self._ready.exception() is None

    def _kill(self, verdict: str) -> None:
        self._verdict = verdict
        for pid in self._pids():
            try:
                psutil.Process(pid).kill()
            except psutil.Error:
                continue

    def _pids(self) -> list[int]:
        return list(self._executor._processes) if self._executor is not None else []  # noqa: SLF001  as in the standard library

    def _reason(self, error: BrokenProcessPool) -> str:
        """Return the stable code of a death, from loky's list of exit codes."""
        signals = [-int(code) for code in _EXIT_CODE.findall(str(error)) if int(code) < 0]
        if signals and signals[0] == _SIGKILL and killed_for_memory() > self._oom_kills:
            return "out_of_memory"
        return f"worker_signal_{signals[0]}" if signals else "worker_died"


def _begin(task: Task, parent: int, memory_bytes: int | None) -> None:
    """Take, in the process itself, what all its jobs share: sent once, not with every job."""
    prepare_worker(parent, memory_bytes)
    _TASK[:] = [task]


def _say_ready() -> None:
    return


def _do(job: Job) -> tuple[Entry, ...]:
    return _TASK[0](job)
