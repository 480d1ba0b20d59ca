"""Tasks for the local engine that end their worker as crashes do; importable by worker processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medaug_cli.plan import Job
    from medaug_cli.root import Entry


def die_by_signal(victim: str, number: int, job: Job) -> tuple[Entry, ...]:
    """Kill this process by a signal where `job` is of the sample `victim`."""
    if job.sample.id == victim:
        os.kill(os.getpid(), number)
    return ()


def die_by_exit(victim: str, job: Job) -> tuple[Entry, ...]:
    """Leave this process without a word where `job` is of the sample `victim`."""
    if job.sample.id == victim:
        os._exit(1)
    return ()


def die_once(victim: str, folder: str, job: Job) -> tuple[Entry, ...]:
    """Kill this process at the first try of the sample `victim`, as the out-of-memory killer does."""
    mark = Path(folder) / "killed"
    if job.sample.id == victim and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return ()
