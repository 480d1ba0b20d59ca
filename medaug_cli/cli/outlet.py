"""Outlet: stdout and stderr that take every word, so that a full disk or a reader who left ends no run."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from medaug_cli.core.errors import ExitCode

if TYPE_CHECKING:
    from typing_extensions import Buffer


_READER_LEFT = (errno.EPIPE, errno.EINVAL)  # Windows says EINVAL


class _Outlet(io.RawIOBase):
    """Writes to `raw` until that fails once, then to nowhere; `lost` is why."""

    def __init__(self, raw: io.RawIOBase, owner: TextIO) -> None:
        self.raw = raw
        self.owner = owner  # which would close `raw` as soon as nobody held it
        self.lost: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.raw.fileno()

    def isatty(self) -> bool:
        return self.raw.isatty()

    def write(self, data: Buffer) -> int | None:
        while self.lost is None:
            try:
                written = self.raw.write(data)
                if written is not None:
                    return written
                select.select((), (self.raw,), ())  # a pipe that is full and does not block, as some parents leave it
            except OSError as error:
                self.lost = error
        return memoryview(data).nbytes


def open_closed() -> None:
    """Let stdin, stdout and stderr lead nowhere where they are closed, as some daemons leave them.

    Else the next files to be opened got their numbers, and with them what libraries say.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115  stays open
            setattr(sys, name, stream)


def guarded(stream: TextIO) -> TextIO:
    """Return stdout or stderr such that writing to it never fails, nor at a sign that the locale cannot show."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # python -u has no buffer in between
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(raw, io.RawIOBase):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Outlet(raw, stream)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def lost_results() -> OSError | None:
    """Return why stdout did not take all there was to say; None where it did, or where its reader left early."""
    outlet = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    lost = outlet.lost if isinstance(outlet, _Outlet) else None
    return None if lost is None or lost.errno in _READER_LEFT else lost


def final_code(code: int) -> int:
    """Return `code`, or that of a full disk where all went well but for what stdout did not take."""
    return int(ExitCode.NO_RESOURCES) if code == ExitCode.OK and lost_results() else code
