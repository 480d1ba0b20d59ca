"""Template text: what file names with `{case}` in them, as a recipe gives them, may hold."""

from __future__ import annotations

import re

_PIECE = re.compile(r"(\{[^{}]*\}|\*\*/|\*)")


def pieces_of(text: str) -> list[str]:
    """Return the placeholders, the `*` and `**/`, and what stands for itself between them."""
    return [piece for piece in _PIECE.split(text.removeprefix("./")) if piece]


def fault_of(text: str, *, needs_case: bool) -> str:
    """Return what is wrong with a template and what is allowed; empty where it is sound."""
    pieces = pieces_of(text)
    unknown = sorted({piece for piece in pieces if piece.startswith("{") and piece != "{case}"})
    if unknown:
        return f"{text!r} holds {', '.join(unknown)}; the one placeholder is {{case}}"
    if needs_case and "{case}" not in pieces:
        return f"{text!r} holds no {{case}}; write for example {{case}}_T1w.nii.gz"
    if text.removeprefix("./").startswith("/") or ".." in text.split("/"):
        return f"{text!r} leaves the dataset; write it relative to the dataset"
    return ""
