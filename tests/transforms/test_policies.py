"""Policies: which steps are chosen, how often, and in which order."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from builders import make_scene, make_step
from pydantic import ValidationError

from medaug_cli.core.geometry import Geometry
from medaug_cli.program import draw_program

GRID = Geometry((4, 4, 4))
CHILDREN = (make_step("brightness", add=1), make_step("contrast", factor=2), make_step("gamma", gamma=2))
NAMES = ("brightness", "contrast", "gamma")
COPIES = 3000


def chosen(name: str, copies: int = COPIES, **values: Any) -> list[tuple[str, ...]]:
    """Return the names of the steps that each of many copies applies, in order."""
    step = make_step(name, **{"steps": CHILDREN, **values})
    programs = [draw_program([step], make_scene(GRID, copy)) for copy in range(copies)]
    return [tuple(one.name for one in program[1:] if one.step is not None) for program in programs]


def assert_share(count: int, share: float, total: int = COPIES) -> None:
    assert abs(count - share * total) <= 4 * math.sqrt(total * share * (1 - share))


def test_one_of_applies_exactly_one_step_each_as_often() -> None:
    drawn = chosen("one_of")
    assert {len(names) for names in drawn} == {1}
    for name in NAMES:
        assert_share(drawn.count((name,)), 1 / 3)


def test_one_of_follows_its_weights() -> None:
    drawn = chosen("one_of", weights=(1, 0, 3))
    for name, share in zip(NAMES, (0.25, 0, 0.75), strict=True):
        assert_share(drawn.count((name,)), share)


def test_some_of_applies_count_different_steps_in_the_order_of_the_list() -> None:
    drawn = chosen("some_of", count=2)
    for pair in itertools.combinations(NAMES, 2):
        assert_share(drawn.count(pair), 1 / 3)


def test_some_of_draws_its_count_with_both_ends() -> None:
    drawn = chosen("some_of", count=[0, 3])
    for count in range(4):
        assert_share(sum(len(names) == count for names in drawn), 0.25)


def test_some_of_never_takes_a_step_of_weight_0() -> None:
    """Weights 1, 0, 3 and one step of two: 1/4 and 3/4."""
    drawn = chosen("some_of", count=1, weights=(1, 0, 3))
    for name, share in zip(NAMES, (0.25, 0, 0.75), strict=True):
        assert_share(drawn.count((name,)), share)


def test_random_order_gives_every_permutation_as_often() -> None:
    drawn = chosen("random_order")
    for order in itertools.permutations(NAMES):
        assert_share(drawn.count(order), 1 / 6)


@pytest.mark.parametrize("name", ["sequence", "random_order"])
def test_with_p_a_policy_applies_all_its_steps_or_none(name: str) -> None:
    drawn = chosen(name, p=0.4)
    assert {len(names) for names in drawn} == {0, 3}
    assert_share(sum(len(names) == 3 for names in drawn), 0.4)


def test_a_sequence_keeps_the_order_of_the_list() -> None:
    assert set(chosen("sequence", 20)) == {NAMES}


def test_a_chosen_step_still_has_its_own_probability() -> None:
    children = (make_step("brightness", add=1, p=0.5), make_step("contrast", factor=2, p=0.5))
    assert_share(sum(names == () for names in chosen("one_of", steps=children)), 0.5)


def test_policies_nest_and_every_step_has_a_path_of_its_own() -> None:
    inner = make_step("sequence", steps=CHILDREN[:2])
    outer = make_step("one_of", steps=(inner, CHILDREN[2]), weights=(1, 0))
    program = draw_program([CHILDREN[0], outer], make_scene(GRID))
    assert [(one.path, one.name, one.chosen) for one in program] == [
        ("steps[0]", "brightness", None),
        ("steps[1]", "one_of", (0,)),
        ("steps[1].one_of[0]", "sequence", (0, 1)),
        ("steps[1].one_of[0].sequence[0]", "brightness", None),
        ("steps[1].one_of[0].sequence[1]", "contrast", None),
    ]


def test_a_step_draws_the_same_numbers_whichever_others_are_chosen() -> None:
    """Its generator is keyed by its path, so another order of work changes nothing."""
    children = (make_step("brightness"), make_step("contrast"))
    both = draw_program([make_step("random_order", steps=children)], make_scene(GRID))
    alone = draw_program([make_step("random_order", steps=children[:1])], make_scene(GRID))
    assert next(one.step for one in both if one.name == "brightness") == alone[1].step


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("one_of", {"steps": ()}, "at least 1"),
        ("one_of", {"weights": (1, 2)}, "weights needs 3 numbers"),
        ("one_of", {"weights": (0, 0, 0)}, "not all 0"),
        ("one_of", {"weights": (1, -1, 1)}, "greater than or equal to 0"),
        ("some_of", {"weights": (1, 2)}, "weights needs 3 numbers"),
        ("some_of", {"count": 4}, "count goes up to 4, but only 3 steps can be chosen"),
        ("some_of", {"count": [1, 3], "weights": (1, 0, 1)}, "but only 2 steps can be chosen"),
        ("some_of", {"count": 1.5}, "whole numbers"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(name: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_step(name, **{"steps": CHILDREN, **values})
