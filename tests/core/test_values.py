"""The grammar of values: numbers and distributions, as recipes write them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.values import AxisSpan, Span, choose_weighted

FORMS = [
    3,
    2.5,
    [-1.0, 4.0],
    {"uniform": [0, 2]},
    {"log_uniform": [0.01, 100]},
    {"normal": [5, 2]},
    {"normal": [5, 2], "clip": [4, 5.5]},
    {"choice": [1, 2, 4]},
    {"choice": [1, 2, 4], "weights": [0, 1, 3]},
]
MISTAKES: list[tuple[Any, str]] = [
    ("two", "is not a number"),
    (None, "is not a number"),
    (True, "is not a number"),
    (math.nan, "is not a number"),
    (math.inf, "is not a number"),
    (10**400, "too large"),
    ([1], r"\[low, high\]"),
    ([1, 2, 3], r"\[low, high\]"),
    ([1, "2"], "is not a number"),
    ([2, 1], r"low 2 lies above high 1; write \[1, 2\]"),
    ({}, "do not make a distribution"),
    ({"uniform": [0, 1], "normal": [0, 1]}, "do not make a distribution"),
    ({"uniform": [0, 1], "clip": [0, 1]}, "do not make a distribution"),
    ({"gauss": [0, 1]}, "do not make a distribution"),
    ({"uniform": 1}, r"uniform: \[low, high\]"),
    ({"log_uniform": [0, 1]}, "needs numbers above 0, found 0"),
    ({"normal": [0, -1]}, "sd -1 is negative"),
    ({"normal": [0]}, r"normal: \[mean, sd\]"),
    ({"normal": [0, 1], "clip": [1, 0]}, "lies above"),
    ({"choice": []}, "needs a list"),
    ({"choice": "12"}, "needs a list"),
    ({"choice": [1, None]}, "is not a number"),
    ({"choice": [1, 2], "weights": [1]}, "weights: 2 numbers"),
    ({"choice": [1, 2], "weights": [1, -1]}, "must not be negative"),
    ({"choice": [1, 2], "weights": [0, 0]}, "nor all 0"),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_span_is_dumped_in_a_form_that_makes_it_again(form: Any) -> None:
    assert Span.of(Span.of(form).dump()) == Span.of(form)


@pytest.mark.parametrize("form", FORMS)
def test_a_draw_lies_in_the_support(form: Any) -> None:
    low, high = Span.of(form).support()
    generator = np.random.default_rng(0)
    drawn = [Span.of(form).draw(generator).value for _ in range(500)]
    assert low <= min(drawn) <= max(drawn) <= high


@pytest.mark.parametrize(("form", "message"), MISTAKES)
def test_a_mistake_is_named_in_words(form: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Span.of(form)


@given(st.floats(1e-300, 1e300))
def test_a_log_uniform_pair_of_one_number_draws_just_that_number(number: float) -> None:
    assert Span.of({"log_uniform": [number, number]}).draw(np.random.default_rng(0)).value == number


def test_a_distribution_has_no_value_before_it_is_drawn() -> None:
    with pytest.raises(ValueError, match="is a distribution"):
        _ = Span.of([0, 1]).value


def test_whole_numbers_are_drawn_evenly_with_both_ends() -> None:
    generator = np.random.default_rng(0)
    drawn = [Span.of([1, 3]).draw(generator, whole=True).value for _ in range(3000)]
    counts = [drawn.count(number) for number in (1.0, 2.0, 3.0)]
    assert sum(counts) == 3000
    assert min(counts) > 1000 - 4 * math.sqrt(3000 * 2 / 9)


@pytest.mark.parametrize("form", [{"normal": [1, 3], "clip": [-3, 3]}, {"log_uniform": [1, 100]}])
def test_whole_numbers_come_from_every_distribution(form: Any) -> None:
    generator = np.random.default_rng(0)
    drawn = [Span.of(form).draw(generator, whole=True).value for _ in range(100)]
    assert all(number == int(number) for number in drawn)


def test_a_log_uniform_draw_has_its_median_at_the_geometric_mean() -> None:
    generator = np.random.default_rng(0)
    drawn = [Span.of({"log_uniform": [0.01, 100]}).draw(generator).value for _ in range(4000)]
    below = sum(number < 1 for number in drawn)
    assert abs(below - 2000) < 4 * math.sqrt(1000)


def test_a_normal_draw_has_its_mean_and_deviation() -> None:
    generator = np.random.default_rng(0)
    drawn = np.array([Span.of({"normal": [5, 2]}).draw(generator).value for _ in range(10_000)])
    assert drawn.mean() == pytest.approx(5, abs=3 * 2 / 100)
    assert drawn.std() == pytest.approx(2, abs=3 * 2 / math.sqrt(20_000))


def test_a_choice_follows_its_weights() -> None:
    generator = np.random.default_rng(0)
    span = Span.of({"choice": [1, 2, 4], "weights": [0, 1, 3]})
    drawn = [span.draw(generator).value for _ in range(4000)]
    assert drawn.count(1.0) == 0
    assert abs(drawn.count(4.0) - 3000) < 4 * math.sqrt(750)


def test_weights_need_not_sum_to_one() -> None:
    generator = np.random.default_rng(0)
    assert {choose_weighted(generator, (0.0, 1e-9, 0.0)) for _ in range(20)} == {1}


def test_one_distribution_is_drawn_for_each_axis_on_its_own() -> None:
    drawn = AxisSpan.of([0, 1]).draw(np.random.default_rng(0))
    assert len(set(drawn.vector(Geometry((4, 4, 4))))) == 3


def test_isotropic_draws_one_number_for_all_axes() -> None:
    drawn = AxisSpan.of([0, 1]).draw(np.random.default_rng(0), isotropic=True)
    assert len(set(drawn.vector(Geometry((4, 4, 4))))) == 1


def test_an_axis_that_is_not_named_keeps_the_neutral_value() -> None:
    assert AxisSpan.of({"AP": 3}).vector(Geometry((4, 4, 4)), neutral=1.0) == (1.0, 3.0, 1.0)


def test_the_axes_of_a_picture_are_the_patient_axes_nearest_to_them() -> None:
    """A sagittal slice: its first array axis runs along AP, its second along SI."""
    sagittal = Geometry((5, 6, 1), direction=(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    assert AxisSpan.of({"horizontal": 2, "vertical": 3}).vector(sagittal) == (0.0, 2.0, 3.0)


def test_a_volume_has_no_horizontal_axis() -> None:
    with pytest.raises(SampleError, match="axis_undetermined"):
        AxisSpan.of({"horizontal": 2}).vector(Geometry((5, 6, 7)))


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"X": 1}, "unknown axis X; allowed: LR, AP, SI"),
        ({"i": 1}, "have no millimetres of their own"),
        ({}, r"unknown axis \(none\)"),
        ({"LR": "wide"}, "is not a number"),
        ({"LR": [1, 0]}, "lies above"),
    ],
)
def test_a_mistake_in_an_axis_is_named_in_words(form: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AxisSpan.of(form)


@pytest.mark.parametrize("form", [*FORMS, {"SI": [0, 1], "LR": {"choice": [1, 2]}}])
def test_an_axis_span_is_dumped_in_a_form_that_makes_it_again(form: Any) -> None:
    assert AxisSpan.of(AxisSpan.of(form).dump()) == AxisSpan.of(form)
