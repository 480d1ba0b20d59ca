"""Attempts: which job is given next, and what becomes of one whose worker died."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medaug_cli.journal import Entry
    from medaug_cli.plan import Job

    Outcome = tuple[Entry, ...] | str

# Another process may have been the cause of these, so that the job is tried again with no other beside it.
_WANT_OF_MEMORY = frozenset({"out_of_memory", "worker_signal_9"})


@dataclass(frozen=True)
class Attempt:
    """A job, how often its worker has died, and whether it runs with no other beside it."""

    job: Job
    deaths: int = 0
    alone: bool = False


class Queue:
    """The jobs that wait: first those as planned, then those to be tried again, at last those to be tried alone."""

    def __init__(self, jobs: Iterable[Job], retries: int) -> None:
        self.retries = retries
        self._planned = deque(Attempt(job) for job in jobs)
        self._again: deque[Attempt] = deque()
        self._alone: deque[Attempt] = deque()

    def __len__(self) -> int:
        return len(self._planned) + len(self._again) + len(self._alone)

    def next(self, *, running: int) -> Attempt | None:
        """Return the job to give while `running` others are in work; None where the next must wait for them."""
        for waiting in (self._planned, self._again):
            if waiting:
                return waiting.popleft()
        return self._alone.popleft() if self._alone and not running else None

    def put_back(self, attempt: Attempt) -> None:
        """Keep a job that was no cause of its worker's death."""
        self._planned.appendleft(attempt)

    def try_again(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Keep the job for another try where `outcome` calls for one and one is left; say whether.

        Its copies are then made one by one, so that only the one that kills its worker is lost.
        """
        reason = outcome if isinstance(outcome, str) else _reason_of_memory(outcome)
        # Entries come from a worker that lives: with no other beside it, it would fail in the same way again.
        if not reason or attempt.deaths >= self.retries or (attempt.alone and not isinstance(outcome, str)):
            return False
        alone = reason in _WANT_OF_MEMORY
        parts = (replace(attempt.job, copies=(copy,)) for copy in attempt.job.copies)
        (self._alone if alone else self._again).extend(Attempt(part, attempt.deaths + 1, alone) for part in parts)
        return True


def _reason_of_memory(entries: tuple[Entry, ...]) -> str:
    return "out_of_memory" if any(entry.record.reason == "out_of_memory" for entry in entries) else ""
