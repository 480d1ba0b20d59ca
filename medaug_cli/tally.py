"""Tally: the counts of a run, what they mean for its exit code, and the events that tell of them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from medaug_cli.core.errors import ExitCode, UsageError
from medaug_cli.core.whole import whole_number
from medaug_cli.events import Event
from medaug_cli.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from medaug_cli.journal import Entry

_SUSPICIONS = {
    "burned_in_text": "may have a patient's name burned into their pixels; they do not claim that identity is removed",
    "face": "may show a face, by which a person can be known; medaug does not remove faces",
}
_FATAL = {"no_resources": ExitCode.NO_RESOURCES, "root_unwritable": ExitCode.BAD_ROOT}


@dataclass(frozen=True)
class StopRules:
    """When a run ends before its last job: at a failure, at a number or share of them, or at a time."""

    at_first_failure: bool = False
    max_failures: float | None = None
    deadline_s: float | None = None


@dataclass
class Tally:
    """Counts of a run so far, and why it ended early if it did; `unread` are originals that could not be copied."""

    total: int = 0
    kept: int = 0
    done: int = 0
    failed: int = 0
    remade: int = 0
    unread: int = 0
    suspicions: Counter[str] = field(default_factory=Counter)
    stopped: ExitCode | None = None
    why: str = ""

    def exit_code(self) -> ExitCode:
        """Return the code that the shell gets."""
        return self.stopped or (ExitCode.SOME_FAILED if self.failed or self.unread else ExitCode.OK)

    def count(self, entry: Entry) -> Event:
        """Count one copy and return its event."""
        record = entry.record
        self.done += record.status == "ok"
        self.failed += record.status != "ok"
        self.remade += "remade_contours" in record.qc
        self.suspicions.update(record.qc.get("suspicions", ()))
        return self.event(
            "copy",
            record.message,
            sample_id=record.sample_id,
            copy_=record.copy_,
            status=record.status,
            reason=record.reason,
        )

    def event(self, kind: Literal["started", "copy", "warning", "finished"], message: str = "", **more: Any) -> Event:
        """Return an event with the counts so far."""
        counts = {"total": self.total, "done": self.done, "failed": self.failed, "kept": self.kept}
        return Event(event=kind, message=message, **counts, **more)

    def warnings(self) -> Iterator[Event]:
        """Yield what should be known of the copies that were made."""
        if self.remade:
            what = "have contours that were rasterised, resampled and outlined again, since slices did not stay slices"
            yield self.event("warning", f"{self.remade} copies {what}; qc.remade_contours names them")
        for word, count in sorted(self.suspicions.items()):
            yield self.event("warning", f"{count} copies {_SUSPICIONS[word]}")

    def finished(self, root: Path) -> Event:
        """Return the last event: its message is the last line of a run and agrees with the exit code."""
        counts = f"{self.done} copies made, {self.kept} already valid, {self.failed} failed"
        left = self.total - self.done - self.failed
        unfinished = f", {left} not made" if left else ""
        unread = f", {self.unread} originals could not be read" if self.unread else ""
        why = f"{self.why}; " if self.why else ""
        message = f"{why}{counts}{unfinished}{unread}; see {root / MANIFEST_NAME}"
        return self.event("finished", message, exit_code=int(self.exit_code()))

    def stop_if_due(self, entries: Sequence[Entry], rules: StopRules) -> bool:
        """Say whether the run ends here, and note why."""
        found = self._why_stop(entries, rules)
        if found:
            self.stop(*found)
        return found is not None

    def stop(self, code: ExitCode, why: str) -> None:
        """Note that the run ended early, and why."""
        self.stopped, self.why = code, why

    def _why_stop(self, entries: Sequence[Entry], rules: StopRules) -> tuple[ExitCode, str] | None:
        failures = [entry.record for entry in entries if entry.record.status != "ok"]
        for record in failures:
            if record.reason in _FATAL:
                return _FATAL[record.reason], record.message
        if failures and rules.at_first_failure:
            return ExitCode.SOME_FAILED, f"stopped at the first failure: {failures[0].reason}: {failures[0].message}"
        if rules.max_failures is not None and self.failed > rules.max_failures:
            return ExitCode.TOO_MANY_FAILURES, f"more failures than --max-failures allows ({rules.max_failures:g})"
        unfinished = self.done + self.failed < self.total
        if rules.deadline_s is not None and time.monotonic() > rules.deadline_s and unfinished:
            return ExitCode.OUT_OF_TIME, "--max-duration reached; run again to go on"
        return None


def allowed_failures(text: str | None, copies: int) -> float | None:
    """Return how many failures `--max-failures` allows, from a number or a percentage; raises UsageError."""
    if text is None:
        return None
    number, whole = whole_number(text.removesuffix("%")), 100
    is_share = text.endswith("%")
    if number is None or (is_share and number > whole):
        raise UsageError(f"--max-failures {text}: allowed: a whole number, or a percentage such as 5%")
    return number * copies / whole if is_share else number
