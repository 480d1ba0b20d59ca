"""Label noise: borders moved by mm, parts missed, no new value, images as they are."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from builders import augment, make_labels, make_sample, make_step, make_volume, offsets_ras_mm

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap, LabelStack

GRID = Geometry((40, 36, 24), (1.0, 1.0, 2.0))
OFF: dict[str, Any] = {"erode": 0, "dilate": 0, "drop_component": 0}


def noisy(before: Any, grid: Geometry = GRID, names: dict[int, str] | None = None, **values: Any) -> Any:
    """Return label map `before` (z, y, x) after a drawn step."""
    sample = make_sample(make_volume(grid), labels={"map": LabelMap(np.asarray(before), grid)}, names=names)
    return augment(sample, make_step("label_noise", **{**OFF, **values})).labels["map"].array


def ball(radius_mm: float, value: int = 1) -> Any:
    away = np.sqrt((offsets_ras_mm(GRID) ** 2).sum(axis=-1))
    return np.where(away <= radius_mm, value, 0).astype(np.uint8)


def test_dilation_makes_a_ball_larger_by_as_many_mm() -> None:
    grown = noisy(ball(8), dilate=3)
    assert not (grown > ball(11)).any()
    assert not (grown < ball(10)).any()


def test_erosion_makes_a_ball_smaller_by_as_many_mm() -> None:
    shrunk = noisy(ball(9), erode=3)
    assert not (shrunk > ball(7)).any()
    assert not (shrunk < ball(6)).any()


def test_a_voxel_is_a_voxel_whatever_its_size() -> None:
    one = np.zeros((24, 36, 40), np.uint8)
    one[12, 18, 20] = 1
    assert noisy(one, dilate=1, unit="voxel").sum() == 7
    assert noisy(one, dilate=1).sum() == 5  # slices are 2 mm apart


def test_a_border_between_two_structures_stays() -> None:
    halves = ball(9)
    halves[halves.nonzero()] = 1 + (halves.nonzero()[2] >= 20)
    shrunk = noisy(halves, erode=2)
    assert np.array_equal(shrunk[12, 18, 18:22], [1, 1, 2, 2])
    assert set(np.unique(shrunk)) == {0, 1, 2}


def test_chosen_labels_grow_into_others_and_shrink_in_favour_of_what_is_around() -> None:
    """A tumour of 4 mm in an organ of 10 mm."""
    organ = ball(10)
    organ[ball(4) == 1] = 2
    names = {1: "organ", 2: "tumour"}
    grown = noisy(organ, names=names, dilate=2, labels=["tumour"])
    assert not ((grown == 2) > ball(6)).any()
    assert not ((grown == 2) < ball(5)).any()
    assert np.array_equal(grown != 0, organ != 0)
    shrunk = noisy(organ, names=names, erode=2, labels=[2])
    assert 0 < (shrunk == 2).sum() < (organ == 2).sum()
    assert np.array_equal(shrunk != 0, organ != 0)


def test_every_part_of_a_label_but_the_largest_is_dropped_at_1() -> None:
    parts = np.zeros((24, 36, 40), np.uint8)
    parts[2:8, 2:8, 2:8] = parts[2:4, 20:22, 2:4] = 3
    parts[14:16, 2:6, 30:33] = 5
    left = noisy(parts, drop_component=1)
    assert (left == 3).sum() == 6**3
    assert (left == 5).sum() == (parts == 5).sum()


def test_a_dropped_part_takes_the_value_that_surrounds_it() -> None:
    organ = ball(10)
    organ[12, 18, 16:24:4] = 2
    organ[12, 17, 16] = 2
    left = noisy(organ, drop_component=1, labels=[2])
    assert (left == 2).sum() == 2
    assert left[12, 18, 20] == 1


def test_parts_are_dropped_with_the_probability_that_is_given() -> None:
    parts = np.zeros((24, 36, 40), np.uint8)
    parts[::2, ::2, ::2] = 1
    parts[0, 0, 0:3] = 1
    count = (parts == 1).sum()
    assert abs(noisy(parts, drop_component=0.3).sum() / count - 0.7) < 3 * np.sqrt(0.21 / count) + 0.001


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
@pytest.mark.parametrize("values", [(0, 3, 7), (3, 7), (7,)])
def test_the_set_of_values_never_grows_and_the_type_stays(dtype: str, values: tuple[int, ...]) -> None:
    before = make_labels(GRID, dtype, values).array
    after = noisy(before, erode=2, dilate=3, drop_component=0.5)
    assert after.dtype == before.dtype
    assert set(np.unique(after)) <= set(values)


@pytest.mark.parametrize("size", [(40, 30, 1), (1, 30, 20), (1, 1, 1)])
def test_pictures_have_noise_in_their_plane(size: tuple[int, int, int]) -> None:
    grid = Geometry(size, (1.0, 1.0, 9.0))
    before = make_labels(grid).array
    after = noisy(before, grid, erode=1, dilate=1, drop_component=0.5)
    assert after.shape == before.shape


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SampleError, match="unknown_label: label_noise: labels names lung"):
        noisy(ball(5), names={1: "liver"}, labels=["lung"])


@pytest.mark.parametrize("chosen", [[2], ["tumour"]])
def test_of_a_stack_the_chosen_component_changes_alone(chosen: list[int | str]) -> None:
    parts = np.stack([ball(9), ball(7)])
    sample = make_sample(make_volume(GRID), labels={"seg": LabelStack(parts, GRID, ("organ", "tumour"))})
    made = augment(sample, make_step("label_noise", **{**OFF, "erode": 2}, labels=chosen)).labels["seg"].array
    assert np.array_equal(made[0], parts[0])
    assert 0 < made[1].sum() < parts[1].sum()
    assert made.dtype == parts.dtype


@pytest.mark.parametrize("chosen", [[2], ["organ"]])
def test_of_a_partition_the_chosen_component_changes_in_favour_of_the_background(chosen: list[int | str]) -> None:
    inside = ball(8).astype(bool)
    left = inside & (np.arange(40) < 20)
    parts = np.stack([~inside, left, inside & ~left]).astype(np.uint8)
    stack = LabelStack(parts, GRID, ("outside", "organ", "other"), partition=True)
    sample = make_sample(make_volume(GRID), labels={"seg": stack})
    made = augment(sample, make_step("label_noise", **{**OFF, "erode": 2}, labels=chosen)).labels["seg"].array
    assert 0 < made[1].sum() < parts[1].sum()
    assert np.array_equal(made.sum(axis=0), np.ones_like(parts[0]))
    assert (made[2] >= parts[2]).all()


def test_a_stack_of_many_parts_takes_room_for_one_of_them_more() -> None:
    """Beside the stack there is the new one, as parts and then as a whole, and a part as numbers of 32 bits."""
    stack = LabelStack(np.stack([ball(9)] * 40), GRID)
    sample = make_sample(make_volume(GRID), labels={"seg": stack})
    step = make_step("label_noise", **{**OFF, "erode": 2}, labels=[2])
    augment(sample, step)  # compiles what it needs
    tracemalloc.start()
    augment(sample, step)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3 * stack.array.nbytes


def test_names_that_only_the_file_gives_are_known() -> None:
    label = LabelMap(ball(9, 3), GRID, {3: "spleen"})
    sample = make_sample(make_volume(GRID), labels={"map": label})
    made = augment(sample, make_step("label_noise", **{**OFF, "erode": 2}, labels=["spleen"])).labels["map"].array
    assert 0 < (made == 3).sum() < (label.array == 3).sum()


def test_fine_voxels_move_as_far_as_coarse_ones() -> None:
    """10 mm at 0.3 mm are 155 000 offsets, more than 16 bits count."""
    grid = Geometry((75, 75, 75), (0.3, 0.3, 0.3))
    one = np.zeros((75, 75, 75), np.uint8)
    one[37, 37, 37] = 1
    grown = noisy(one, grid, dilate=10)
    assert grown[37, 37, 37 + 33] == 1
    assert grown[37, 37, 37 + 34] == 0


def test_a_sample_without_label_maps_has_nothing_to_change() -> None:
    sample = make_sample(make_volume(GRID))
    assert augment(sample, make_step("label_noise")).images["0"] is sample.images["0"].content
