"""Magnitude: a step at a part of its own range, from what changes nothing to the range's end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from medaug_cli.core.geometry import PATIENT_AXES
from medaug_cli.core.values import AxisSpan, Bounds, Span

if TYPE_CHECKING:
    from numpy.random import Generator
    from pydantic.fields import FieldInfo

    from medaug_cli.step import Step

_DEVIATIONS = 2.0  # that a normal distribution reaches at magnitude 1


def at_magnitude(step: Step, magnitude: float, generator: Generator) -> Step:
    """Return `step` with each strength at `magnitude` (0 to 1) of its range; where both ends are strong, one by chance.

    Numbers that are fixed or chosen from a list stay, and so do those that say how and not how much.
    """
    step = step.completed()
    changed: dict[str, Any] = {}
    for key, info in type(step).model_fields.items():
        value, bounds = getattr(step, key), _bounds_of(info)
        if key == "steps":
            changed[key] = tuple(at_magnitude(child, magnitude, generator) for child in value)
        elif bounds is None or not bounds.strength:
            continue
        elif isinstance(value, Span):
            changed[key] = _at(value, bounds, magnitude, generator)
        elif isinstance(value, AxisSpan):
            isotropic = bool(getattr(step, "isotropic", False))
            changed[key] = _each_at(value, bounds, magnitude, generator, isotropic=isotropic)
    return step.model_copy(update=changed)


def _bounds_of(info: FieldInfo) -> Bounds | None:
    """Return the bounds of a parameter; an optional one keeps them inside its union."""
    inner = [getattr(one, "__metadata__", ()) for one in getattr(info.annotation, "__args__", ())]
    return next((item for items in (info.metadata, *inner) for item in items if isinstance(item, Bounds)), None)


def _each_at(value: AxisSpan, bounds: Bounds, magnitude: float, generator: Generator, *, isotropic: bool) -> AxisSpan:
    if value.every and (isotropic or value.every.kind in ("fixed", "choice")):
        return AxisSpan(every=_at(value.every, bounds, magnitude, generator))
    pairs = value.named or tuple((axis, value.every) for axis in PATIENT_AXES if value.every)
    return AxisSpan(named=tuple((axis, _at(span, bounds, magnitude, generator)) for axis, span in pairs))


def _at(span: Span, bounds: Bounds, magnitude: float, generator: Generator) -> Span:
    if span.kind in ("fixed", "choice"):
        return span
    low, high = _reach(span)
    if low < bounds.neutral < high:
        start, end = bounds.neutral, high if generator.random() < 1 / 2 else low
    else:
        start, end = (high, low) if bounds.neutral >= high else (low, high)
    if span.kind == "log_uniform":
        number = math.exp(math.log(start) + magnitude * (math.log(end) - math.log(start)))
    else:
        number = start + magnitude * (end - start)
    number = min(max(number, low), high)
    return Span.of(round(number) if bounds.whole else number)


def _reach(span: Span) -> tuple[float, float]:
    if span.kind != "normal":
        return span.support()
    mean, deviation = span.numbers
    low, high = span.support()
    return max(low, mean - _DEVIATIONS * deviation), min(high, mean + _DEVIATIONS * deviation)
