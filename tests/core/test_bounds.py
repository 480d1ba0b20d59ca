"""Bounds: what the numbers of a span may be, said in words and in JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from medaug_cli.core.values import AxisSpan, Bounds, Span


class Sample(BaseModel):
    """One field of each kind."""

    size: Annotated[Span, Bounds(ge=0, le=20, unit="mm")] = Span.of(1)
    exponent: Annotated[Span, Bounds(gt=0, le=10)] = Span.of(1)
    turns: Annotated[Span, Bounds(ge=-3, le=3, whole=True)] = Span.of(1)
    shift: Annotated[AxisSpan, Bounds(ge=-5, le=5, unit="mm")] = AxisSpan.of(1)


GOOD: list[dict[str, Any]] = [
    {"size": 0},
    {"size": [0, 20]},
    {"size": {"normal": [5, 100]}},
    {"exponent": {"normal": [1, 0.5], "clip": [0.1, 10]}},
    {"turns": [-3, 3]},
    {"turns": {"normal": [0.5, 1.5]}},
    {"shift": {"LR": [-5, 5], "SI": 0}},
    {"shift": {"choice": [-5, 5]}},
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"size": 21}, "21 is out of range; allowed: ≥ 0 and ≤ 20 mm"),
    ({"size": [-1, 5]}, "-1 is out of range"),
    ({"size": {"choice": [1, 99]}}, "99 is out of range"),
    ({"size": {"normal": [5, 1], "clip": [0, 30]}}, "30 is out of range"),
    ({"exponent": 0}, "0 is out of range; allowed: > 0 and ≤ 10"),
    ({"exponent": {"normal": [1, 0.5]}}, r"give clip: \[low, high\]"),
    ({"exponent": {"normal": [1, 0.5], "clip": [0, 1]}}, "0 is out of range"),
    ({"turns": 1.5}, "allowed: whole numbers"),
    ({"turns": {"normal": [0, 1], "clip": [-0.5, 2]}}, "allowed: whole numbers"),
    ({"shift": {"LR": 0, "SI": [0, 6]}}, "6 is out of range; allowed: ≥ -5 and ≤ 5 mm"),
]


@pytest.mark.parametrize("form", GOOD)
def test_what_is_within_bounds_is_taken_and_drawn_within_them(form: dict[str, Any]) -> None:
    made = Sample.model_validate(form)
    key = next(iter(form))
    generator = np.random.default_rng(0)
    for _ in range(200):
        drawn = getattr(made, key).draw(generator, **({"whole": True} if key == "turns" else {}))
        again = Sample.model_validate({key: drawn.dump()})
        assert getattr(again, key) == drawn


@pytest.mark.parametrize(("form", "message"), BAD)
def test_what_leaves_the_bounds_is_refused_with_what_is_allowed(form: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Sample.model_validate(form)


def test_a_normal_distribution_is_clipped_to_the_bounds() -> None:
    assert Sample.model_validate({"size": {"normal": [5, 100]}}).size.clip == (0, 20)


@pytest.mark.parametrize("form", [{"size": {"normal": [5, 1]}}, {"shift": {"normal": [0, 1]}}, {"turns": [-1, 1]}])
def test_json_carries_a_span_there_and_back(form: dict[str, Any]) -> None:
    made = Sample.model_validate(form)
    assert Sample.model_validate_json(made.model_dump_json()) == made


def test_the_json_schema_takes_what_pydantic_takes() -> None:
    schema = Draft202012Validator(Sample.model_json_schema())
    assert [form for form in GOOD if not schema.is_valid(form)] == []


@pytest.mark.parametrize("form", [{"size": 21}, {"exponent": 0}, {"size": "wide"}, {"shift": {"i": 1}}, {"turns": 1.5}])
def test_the_json_schema_refuses_what_pydantic_refuses(form: dict[str, Any]) -> None:
    assert not Draft202012Validator(Sample.model_json_schema()).is_valid(form)


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (Bounds(), "any number"),
        (Bounds(ge=0, unit="mm"), "≥ 0 mm"),
        (Bounds(gt=0, le=1), "> 0 and ≤ 1"),
    ],
)
def test_bounds_are_said_in_words(bounds: Bounds, text: str) -> None:
    assert bounds.text() == text
