"""Progress: a bar on a terminal, one plain line a minute elsewhere, JSON lines on request. Results go to stdout."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, Self

import typer

from medaug_cli.cli.options import Progress
from medaug_cli.cli.outlet import final_code
from medaug_cli.cli.say import plain, say
from medaug_cli.core.errors import ExitCode, Interrupt, MedaugError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.events import Event

_PLAIN_EVERY_S = 60.0


class Listener(AbstractContextManager["Listener"]):
    """Shows the events of a run as its flags ask."""

    def __init__(self, mode: Progress, log: Any, *, as_json: bool, quiet: bool, verbose: bool) -> None:
        """Show nothing yet; `log` is an open text file or None."""
        self.mode, self.log = mode, log
        self.as_json, self.quiet, self.verbose = as_json, quiet, verbose
        self.bar: Any = None
        self.said_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            self.give_up(error)
        if self.bar is not None:
            self.bar.close()
        self._close_log()

    def listen(self, event: Event) -> None:
        """Show one event."""
        if self.as_json:
            typer.echo(event.line())
        match event.event:
            case "started":
                self._say(event.message)
                self._open_bar(event)
            case "warning":
                self._say(f"warning: {event.message}")
            case "copy":
                self._show_copy(event)

    def finish(self, event: Event) -> None:
        """Show the last event: one line on stdout that agrees with the exit code."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
        text = f"medaug: exit {event.exit_code}: {event.message}"
        typer.echo(event.line() if self.as_json else plain(text))
        self._log(f"medaug: exit {final_code(event.exit_code or 0)}: {event.message}")

    def give_up(self, error: BaseException) -> None:
        """Show the last event of a run that an error ended; the caller tells people what it was."""
        from medaug_cli.events import Event

        what, code = _told(error)
        text = Event(event="finished", message=what, exit_code=code).line() if self.as_json else f"medaug: exit {code}"
        typer.echo(text)
        self._log(f"medaug: exit {code}: {what}")

    def _show_copy(self, event: Event) -> None:
        if event.status != "ok":
            self._say(f"{event.sample_id} copy {event.copy_}: {event.status}: {event.reason}: {event.message}")
        elif self.verbose:
            self._say(f"{event.sample_id} copy {event.copy_}: ok")
        else:
            self._log(f"{event.sample_id} copy {event.copy_}: ok")
        if self.bar is not None:
            self.bar.update(1)
        elif self.mode is Progress.PLAIN and time.monotonic() - self.said_s >= _PLAIN_EVERY_S:
            self.said_s = time.monotonic()
            self._say(f"{event.done + event.failed} of {event.total} copies, {event.failed} failed")

    def _open_bar(self, event: Event) -> None:
        if self.mode is Progress.BAR and not self.quiet:
            from tqdm import tqdm

            self.bar = tqdm(total=event.total, unit="copy", file=sys.stderr, dynamic_ncols=True)

    def _say(self, text: str) -> None:
        """Write a message for people to stderr, above the bar where there is one."""
        self._log(text)
        if self.quiet:
            return
        if self.bar is not None:
            self.bar.write(plain(text), file=sys.stderr)
        else:
            say(text, err=True)

    def _log(self, text: str) -> None:
        if self.log is None:
            return
        try:
            self.log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {plain(text)}\n")
            self.log.flush()
        except OSError as error:  # a run is worth more than its log
            name = self.log.name
            self._close_log()
            self._say(f"warning: --log-file {name}: cannot be written: {error.strerror}; nothing more is logged")

    def _close_log(self) -> None:
        if self.log is not None:
            with suppress(OSError):
                self.log.close()
            self.log = None


def _told(error: BaseException) -> tuple[str, int]:
    """Return what an error says and its exit code; of a bug the type alone, since its text may quote a header."""
    match error:
        case Interrupt():
            return "interrupted; run again to go on", int(error.exit_code)
        case MedaugError():
            return str(error), int(error.exit_code)
    return f"a bug in medaug: {type(error).__name__}", int(ExitCode.BUG)


def make_listener(mode: Progress, *, as_json: bool, log_file: Path | None, quiet: bool, verbose: bool) -> Listener:
    """Return the listener that the flags ask for; auto is a bar on a terminal and plain lines elsewhere.

    Raises UsageError, its last line said, where the log cannot be opened.
    """
    if mode is Progress.AUTO:
        mode = Progress.BAR if sys.stderr.isatty() else Progress.PLAIN
    listener = Listener(mode, None, as_json=as_json, quiet=quiet, verbose=verbose)
    try:
        listener.log = log_file.open("a", encoding="utf-8", errors="backslashreplace") if log_file else None
    except OSError as error:
        wrong = UsageError(f"--log-file {log_file}: cannot be written: {error.strerror}")
        listener.give_up(wrong)
        raise wrong from error
    return listener
