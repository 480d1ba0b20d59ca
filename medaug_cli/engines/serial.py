"""Serial: all jobs one after another in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from medaug_cli.engines import Result, Task
    from medaug_cli.plan import Job


def run_jobs(task: Task, jobs: Sequence[Job], workers: int) -> Generator[Result]:
    """Yield each job with its entries; `workers` is of no account."""
    del workers
    for job in jobs:
        yield job, task(job)
