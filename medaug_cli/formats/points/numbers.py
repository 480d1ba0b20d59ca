"""Numbers as files write them: read with care, written with the decimals of their source."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAST_DECIMALS = 4
_MOST_DECIMALS = 17
_UNMOVED = 1e-6


def to_number(value: object, place: str) -> float:
    """Return a finite number; raises SampleError `bad_points` with its `place`, never with the text found there."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if math.isfinite(number):
        return number
    raise SampleError("bad_points", f"{place}: a finite number is allowed, found {_kind(value)}")


def in_numbers(values: Sequence[Any]) -> list[Any]:
    """Return `values`, each of which `to_number` takes, with numbers where they were written as text."""
    return [float(one) if isinstance(one, str) else one for one in values]


def _kind(value: object) -> str:
    """Return what was found without quoting it, since what stands in the wrong column may be a name."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return "nothing"
    text = str(value).strip().lower().lstrip("+-")
    return text if text in ("nan", "inf", "infinity") else f"{type(value).__name__} that is none"


def write_number(number: float, source: str) -> str:
    """Return `number` with the decimals of `source`, at least four; the text of `source` where it is still right."""
    if abs(number - float(source)) < _UNMOVED:
        return source
    plain = source.strip().lower()
    written = _MOST_DECIMALS if "e" in plain else len(plain.partition(".")[2])
    decimals = max(_LEAST_DECIMALS, min(written, _MOST_DECIMALS))
    return f"{round(number, decimals) + 0.0:.{decimals}f}"
