"""Bug: what is told of an error that nobody foresaw."""

from __future__ import annotations

from medaug_cli.cli.say import say


def tell_bug(error: Exception) -> None:
    """Write kind and place of `error` to stderr; not its text, which may quote a header (P7)."""
    import traceback

    say("Traceback (most recent call last):", err=True)
    say("".join(traceback.format_tb(error.__traceback__)).rstrip("\n"), err=True, lines=True)
    say(f"medaug: a bug in medaug: {type(error).__name__}; please report it with the lines above", err=True)
