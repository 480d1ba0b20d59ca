"""Whole numbers as people write them in flags."""

from __future__ import annotations

_MOST_DIGITS = 9  # far beyond any count; Python refuses to read thousands


def whole_number(text: str) -> int | None:
    """Return the number that `text` is, None where it is not written in digits from 0 to 9, and few of them."""
    plain = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if plain else None
