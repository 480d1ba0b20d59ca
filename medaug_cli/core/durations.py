"""Durations as people write them: 90s, 10m, 3h50m."""

from __future__ import annotations

import re

PATTERN = r"^(?=\d)(?:\d{1,6}h)?(?:\d{1,6}m)?(?:\d{1,6}s)?$"
_DURATION = re.compile(r"(?=\d)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)


def parse_duration(text: str) -> float:
    """Return the seconds of a duration; raises ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError("not a duration; write for instance 90s, 10m or 3h50m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return 3600.0 * hours + 60 * minutes + seconds
