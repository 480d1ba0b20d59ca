"""Fit: medians, spreads and straight lines of measured seconds."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Line:
    """The least-squares line seconds = `start` + `slope` · x, how much it explains, and its worst relative miss."""

    start: float
    slope: float
    r_squared: float
    deviation: float


def fit_line(x: Sequence[float], y: Sequence[float]) -> Line:
    """Return the line through (x, y) by ordinary least squares."""
    slope, start = statistics.linear_regression(x, y)
    fitted = [start + slope * one for one in x]
    r_squared = statistics.correlation(x, y) ** 2
    deviation = max(abs(one / other - 1) for one, other in zip(y, fitted, strict=True))
    return Line(start, slope, r_squared, deviation)


def median(seconds: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(seconds)


def least_of(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Return the least of each point's seconds."""
    return [min(seconds) for seconds in rounds]


def spread(seconds: Sequence[float]) -> float:
    """Return half the distance from the least to the greatest, as a share of the median."""
    return (max(seconds) - min(seconds)) / 2 / median(seconds)
