"""Say: messages for people; what a file name or header smuggles in never reaches the terminal as a command."""

from __future__ import annotations

import typer


def say(text: str, *, err: bool = False, lines: bool = False) -> None:
    """Write `text` to stdout, or stderr, as one line, or with its `lines`; every sign that is not printable escaped."""
    typer.echo(plain(text, lines=lines), err=err)


def plain(text: str, *, lines: bool = False) -> str:
    """Return `text` with control signs, line ends (unless `lines`) and signs that turn the reading order escaped."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or (lines and sign == "\n") else sign.encode("unicode_escape").decode()
        for sign in text
    )
