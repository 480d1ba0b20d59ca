"""Swapping: names of sides after a reflection, in maps and stacks that hold both of a pair, one or none."""

from __future__ import annotations

import numpy as np
import pytest

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap, LabelStack
from medaug_cli.program.swapping import swap_labels

GRID = Geometry((3, 2, 2))
LEFT_RIGHT = ("left", "right")
RECIPE = {1: "left", 2: "right"}


def filled(value: int) -> np.ndarray:
    return np.full(GRID.size[::-1], value, np.uint8)


def test_a_value_without_a_counterpart_in_its_file_takes_the_other_name() -> None:
    maps = {"a": LabelMap(filled(1), GRID, {1: "left"}), "b": LabelMap(filled(1), GRID, {1: "right", 2: "liver"})}
    made = swap_labels(maps, [LEFT_RIGHT], {}, ("left", "right", "liver"))
    assert [made[key].names for key in "ab"] == [{1: "right"}, {1: "left", 2: "liver"}]
    assert all((made[key].array == 1).all() for key in "ab")


def test_a_part_without_a_counterpart_in_its_stack_takes_the_other_name() -> None:
    stack = LabelStack(np.stack([filled(1), filled(0)]), GRID, ("liver", "left"))
    made = swap_labels({"a": stack}, [LEFT_RIGHT], {}, ("left", "right", "liver"))["a"]
    assert made.names == ("liver", "right")
    assert np.array_equal(made.array, stack.array)


def test_names_of_two_reflections_are_those_of_none() -> None:
    maps = {"a": LabelMap(filled(1), GRID, {1: "left"})}
    made = swap_labels(maps, [LEFT_RIGHT, LEFT_RIGHT], {}, ("left", "right"))
    assert made["a"].names == {1: "left"}


@pytest.mark.parametrize("value", [1, 2])
def test_a_value_is_exchanged_where_the_recipe_names_both_and_one_is_there(value: int) -> None:
    made = swap_labels({"a": LabelMap(filled(value), GRID)}, [LEFT_RIGHT], RECIPE)["a"]
    assert (made.array == 3 - value).all()


def test_a_value_whose_counterpart_nothing_numbers_is_refused() -> None:
    maps = {"a": LabelMap(filled(1), GRID)}
    with pytest.raises(SampleError, match="none is called right") as error:
        swap_labels(maps, [LEFT_RIGHT], {1: "left"}, ("left", "right"))
    assert error.value.reason == "unknown_label"
    assert swap_labels({"a": LabelMap(filled(3), GRID)}, [LEFT_RIGHT], {1: "left"}, ("left", "right"))


def test_a_map_of_both_is_swapped_beside_whole_maps_of_those_names() -> None:
    maps = {
        "left": LabelMap(filled(0), GRID),
        "right": LabelMap(filled(5), GRID),
        "organs": LabelMap(filled(1), GRID),
    }
    made = swap_labels(maps, [LEFT_RIGHT], RECIPE)
    assert [int(made[key].array.max()) for key in ("left", "right", "organs")] == [5, 0, 2]


def test_whole_stacks_of_different_numbers_of_parts_are_refused() -> None:
    stacks = {name: LabelStack(np.stack([filled(1)] * parts), GRID) for parts, name in enumerate(LEFT_RIGHT, start=1)}
    with pytest.raises(SampleError, match="left and right differ in grid, type or number of parts") as error:
        swap_labels(stacks, [LEFT_RIGHT], {}, LEFT_RIGHT)
    assert error.value.reason == "geometry_mismatch"


def test_a_whole_stack_whose_parts_overlap_takes_that_along() -> None:
    stacks = {
        "left": LabelStack(np.stack([filled(0), filled(1)]), GRID, ("a", "b"), partition=True),
        "right": LabelStack(np.stack([filled(1), filled(1)]), GRID, ("c", "d")),
    }
    made = swap_labels(stacks, [LEFT_RIGHT], {}, LEFT_RIGHT)
    stacks_made = [one for one in made.values() if isinstance(one, LabelStack)]
    assert [(one.names, one.partition) for one in stacks_made] == [(("a", "b"), False), (("c", "d"), True)]


@pytest.mark.parametrize("pair", [("1", "2"), LEFT_RIGHT])
def test_components_change_places_by_number_and_by_the_recipe_s_name(pair: tuple[str, str]) -> None:
    stack = LabelStack(np.stack([filled(1), filled(0)]), GRID)
    made = swap_labels({"a": stack}, [pair], RECIPE)["a"]
    assert np.array_equal(made.array, stack.array[::-1])


@pytest.mark.parametrize("name", ["--5", "²", "-", "5" * 5000])
def test_a_name_that_is_no_number_is_looked_for_as_a_name(name: str) -> None:
    maps = {"a": LabelMap(filled(5), GRID), name: LabelMap(filled(1), GRID)}
    made = swap_labels(maps, [(name, "left")], {}, (name, "left"))
    assert all(np.array_equal(made[key].array, maps[key].array) for key in maps)
