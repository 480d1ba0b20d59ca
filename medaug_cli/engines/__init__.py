"""Engines: where jobs run. One module an engine, each with a function `run_jobs`; found by scanning this folder."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from medaug_cli.journal import Entry
    from medaug_cli.plan import Job

    Task = Callable[[Job], tuple[Entry, ...]]
    Result = tuple[Job, tuple[Entry, ...] | str]


@dataclass(frozen=True)
class Guard:
    """What an engine sees to beside the jobs.

    `timeout_s`: how long a job may take. `retries`: how often a job is given again whose worker died. `memory_bytes`:
    what all workers together may hold. `until_s`: the reading of time.monotonic() at which no job goes on.
    """

    timeout_s: float | None = None
    retries: int = 1
    memory_bytes: int | None = None
    until_s: float | None = None


class Engine(Protocol):
    """What an engine's module offers."""

    def run_jobs(self, task: Task, jobs: Sequence[Job], workers: int, guard: Guard = ...) -> Generator[Result]:
        """Yield each job with its entries as it ends, or with the reason why its worker died.

        Reasons are `worker_signal_11`, `worker_died`, `timeout` and `out_of_memory`. A job that is given again may
        come back in parts of one copy each. Closing the iterator stops every worker.
        """
        ...


def engine_names() -> tuple[str, ...]:
    """Return the names of all engines without importing them."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load_engine(name: str) -> Engine:
    """Return the engine called `name`."""
    return cast("Engine", importlib.import_module(f"{__name__}.{name}"))
