"""Flip: patient axes in every orientation, and what left and right mean."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from builders import augment, blob, centroid_ras_mm, make_sample, make_scene, make_step, make_volume, oblique_geometry
from pydantic import ValidationError

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap

GRID = Geometry((6, 5, 4), (1.0, 2.0, 3.0))
TURNED_45 = (math.sqrt(0.5), -math.sqrt(0.5), 0.0, math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0, 0.0, 1.0)
MLO = Geometry((6, 5, 1), letters=("P", "FL"))


def flip(**values: Any) -> Any:
    return make_step("flip", **{"p": 1, **values})


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
@pytest.mark.parametrize(("axis", "number"), [("LR", 0), ("AP", 1), ("SI", 2)])
def test_content_changes_sides_along_the_patient_axis_in_all_48_orientations(
    order: tuple[int, int, int], signs: tuple[int, int, int], axis: str, number: int
) -> None:
    direction = np.zeros((3, 3))
    direction[list(order), range(3)] = signs
    grid = Geometry((12, 13, 14), (2.0, 1.5, 1.0), (7.0, 8.0, -9.0), tuple(direction.ravel()))
    spot = np.array([4.0, -3.0, 2.0])
    copy = augment(make_sample(make_volume(grid, blob(grid, (4.0, -3.0, 2.0), 1.0))), flip(axes=[axis]))
    mirrored = np.where(np.arange(3) == number, -spot, spot)
    assert centroid_ras_mm(copy.images["0"].array[0], grid) == pytest.approx(mirrored, abs=0.05)


@pytest.mark.parametrize(("axis", "numpy_axis"), [("i", 2), ("j", 1), ("k", 0)])
def test_a_flip_of_an_array_axis_is_numpys_flip(axis: str, numpy_axis: int) -> None:
    volume = make_volume(oblique_geometry())
    copy = augment(make_sample(volume), flip(axes=[axis]))
    assert np.array_equal(copy.images["0"].array[0], np.flip(volume.array[0], numpy_axis))


def test_two_flips_give_the_image_back() -> None:
    volume = make_volume(oblique_geometry())
    copy = augment(make_sample(volume), flip(axes=["LR", "SI"]), flip(axes=["SI", "LR"]))
    assert np.array_equal(copy.images["0"].array, volume.array)
    assert not copy.swaps_laterality


@pytest.mark.parametrize("name", ["horizontal", "vertical"])
def test_a_picture_is_flipped_within_its_plane(name: str) -> None:
    volume = make_volume(Geometry((6, 5, 1)))
    copy = augment(make_sample(volume), flip(axes=[name]))
    assert np.array_equal(copy.images["0"].array[0], np.flip(volume.array[0], 2 if name == "horizontal" else 1))


def labelled(*, names: dict[int, str] | None = None, dtype: str = "uint8") -> Any:
    left_and_right = np.zeros(GRID.size[::-1], dtype)
    left_and_right[:, :, 4:], left_and_right[:, :, :2] = 1, 2
    return make_sample(make_volume(GRID), labels={"kidneys": LabelMap(left_and_right, GRID)}, names=names)


NAMES = {1: "left_kidney", 2: "right_kidney", 3: "liver"}


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (NAMES, ("left_kidney", "right_kidney")),
        (NAMES, (1, 2)),
        (NAMES, ("right_kidney", 1)),
        (None, (1, 2)),
        (None, (2, 1)),
    ],
)
def test_paired_labels_change_places_so_that_left_stays_left(
    names: dict[int, str] | None, pair: tuple[str | int, str | int]
) -> None:
    sample = labelled(names=names)
    moved = augment(sample, flip(axes=["LR"], swap_labels=[pair])).labels["kidneys"].array
    assert np.array_equal(moved, sample.labels["kidneys"].content.array)


def test_a_superscript_in_a_name_is_no_value_so_that_values_need_no_names() -> None:
    kidneys = labelled().labels["kidneys"].content
    sample = make_sample(make_volume(GRID), labels={"²": kidneys})
    moved = augment(sample, flip(axes=["LR"], swap_labels=[(1, 2)])).labels["²"].array
    assert np.array_equal(moved, kidneys.array)


def test_labels_stay_with_their_voxels_where_no_pair_is_named() -> None:
    sample = labelled(names=NAMES)
    moved = augment(sample, flip(axes=["LR"])).labels["kidneys"].array
    assert np.array_equal(moved, sample.labels["kidneys"].content.array[:, :, ::-1])


@pytest.mark.parametrize("axis", ["AP", "SI"])
def test_labels_are_not_swapped_where_left_stays_left(axis: str) -> None:
    sample = labelled(names=NAMES)
    swapped = augment(sample, flip(axes=[axis], swap_labels=[(1, 2)])).labels["kidneys"].array
    plain = augment(sample, flip(axes=[axis])).labels["kidneys"].array
    assert np.array_equal(swapped, plain)


def test_whole_label_maps_change_places_by_their_names() -> None:
    left, right = (LabelMap(np.zeros(GRID.size[::-1], np.uint8), GRID) for _ in range(2))
    left.array[:, :, 4:], right.array[:, :, 0] = 1, 1
    sample = make_sample(make_volume(GRID), labels={"left": left, "right": right})
    moved = augment(sample, flip(axes=["LR"], swap_labels=[("left", "right")])).labels
    assert np.array_equal(moved["left"].array, right.array[:, :, ::-1])
    assert np.array_equal(moved["right"].array, left.array[:, :, ::-1])


@pytest.mark.parametrize(
    ("names", "pair"), [(NAMES, ("left_kidney", "spleen")), (NAMES, (1, 9)), (None, ("left_kidney", "right_kidney"))]
)
def test_a_swap_of_unknown_labels_is_refused(names: dict[int, str] | None, pair: tuple[str | int, str | int]) -> None:
    with pytest.raises(SampleError, match="unknown_label: swap_labels names"):
        augment(labelled(names=names), flip(axes=["LR"], swap_labels=[pair]))


def test_a_value_that_the_map_cannot_hold_is_refused() -> None:
    with pytest.raises(SampleError, match="a label map of uint8 cannot hold the value 300"):
        augment(labelled(), flip(axes=["LR"], swap_labels=[(1, 300)]))


def test_a_sample_without_labels_is_flipped_all_the_same() -> None:
    copy = augment(make_sample(make_volume(GRID)), flip(axes=["LR"], swap_labels=[("left_kidney", "right_kidney")]))
    assert copy.labels == {}


@pytest.mark.parametrize(
    ("grid", "axes", "swaps"),
    [
        (GRID, ["LR"], True),
        (GRID, ["AP"], False),
        (GRID, ["SI", "AP"], False),
        (MLO, ["horizontal"], True),
        (MLO, ["vertical"], True),
        (MLO, ["horizontal", "vertical"], False),
        (MLO, ["SI"], True),
    ],
)
def test_laterality_changes_with_left_and_right_or_with_any_mirror_of_a_projection(
    grid: Geometry, axes: list[str], swaps: bool
) -> None:
    sample = make_sample(make_volume(grid))
    assert augment(sample, flip(axes=axes)).swaps_laterality is swaps
    assert augment(sample, flip(axes=axes, laterality="keep")).swaps_laterality is False


def test_laterality_refuse_refuses_a_mirror_of_left_and_right_only() -> None:
    sample = make_sample(make_volume(GRID))
    augment(sample, flip(axes=["AP"], laterality="refuse"))
    with pytest.raises(SampleError, match="laterality_refused"):
        augment(sample, flip(axes=["LR"], laterality="refuse"))


@pytest.mark.parametrize(
    ("grid", "axes", "message"),
    [
        (Geometry((6, 5, 4), direction=TURNED_45), ["LR"], "no array axis lies within 45 degrees"),
        (MLO, ["LR"], "PatientOrientation names no row or column along LR"),
        (GRID, ["horizontal"], "is for 2-D images"),
        (GRID, ["LR", "i"], "lie along one array axis"),
        (Geometry((6, 5, 1)), ["SI"], "leave the plane"),
    ],
)
def test_an_axis_that_cannot_be_mirrored_is_refused(grid: Geometry, axes: list[str], message: str) -> None:
    with pytest.raises(SampleError, match=message):
        flip(axes=axes).draw(make_scene(grid))


def test_each_axis_has_its_own_probability() -> None:
    step = flip(axes=["LR", "AP", "SI"], p={"LR": 1, "AP": 0})
    drawn = [step.draw(make_scene(GRID, copy)).axes for copy in range(20)]
    assert set(drawn) == {("LR", "SI")}


def test_each_axis_is_mirrored_half_of_the_time_on_its_own() -> None:
    step = make_step("flip", axes=["LR", "AP"])
    drawn = [step.draw(make_scene(GRID, copy)) for copy in range(1000)]
    chosen = [one.axes if one else () for one in drawn]  # type: ignore[attr-defined]
    for axes in [(), ("LR",), ("AP",), ("LR", "AP")]:
        assert abs(chosen.count(axes) - 250) < 4 * math.sqrt(1000 * 3 / 16)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"axes": ["LR", "LR"]}, "name one axis twice"),
        ({"axes": []}, "at least 1"),
        ({"axes": ["XY"]}, "Input should be"),
        ({"axes": ["LR"], "p": {"AP": 1}}, "p names AP"),
        ({"p": 2}, "less than or equal to 1"),
    ],
)
def test_wrong_axes_are_refused_with_the_recipe(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        flip(**values)
