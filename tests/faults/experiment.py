"""Experiment: one line of the fault plan; what it injects, how often, and what would be a violation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Outcome:
    """What came of an experiment: faults injected, promises broken, and figures worth a note.

    `skipped` says why nothing could be injected on this machine.
    """

    injections: int = 0
    violations: list[str] = field(default_factory=list)
    note: str = ""
    skipped: str = ""

    def check(self, what: str, *, holds: bool) -> None:
        """Count `what` as a violation unless it holds."""
        if not holds:
            self.violations.append(what)


@dataclass(frozen=True)
class Experiment:
    """One line of the plan; `full` and `short` are the numbers of injections asked for."""

    id: str
    injection: str
    passes: str
    work: Callable[[Path, int], Outcome]
    full: int
    short: int
