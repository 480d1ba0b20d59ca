"""Serial: all jobs one after another in this process, which nothing guards: a crash or an endless loop is its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from medaug_cli.core.process import keep_freed_memory
from medaug_cli.engines import Guard

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from medaug_cli.engines import Result, Task
    from medaug_cli.plan import Job


def run_jobs(task: Task, jobs: Sequence[Job], workers: int, guard: Guard = Guard()) -> Generator[Result]:  # noqa: B008  frozen
    """Yield each job with its entries; of `guard` only `until_s` counts, after a job, and `workers` not at all."""
    del workers
    keep_freed_memory()
    for job in jobs:
        yield job, task(job)
        if guard.until_s is not None and time.monotonic() > guard.until_s:
            return
