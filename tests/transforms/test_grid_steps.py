"""Crop, pad, crop_or_pad, resize and resample: what only they promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import (
    augment,
    make_labels,
    make_sample,
    make_scene,
    make_step,
    make_volume,
    oblique_geometry,
    positions_mm,
)
from pydantic import ValidationError

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap, LabelStack
from medaug_cli.program import draw_program, scene_of
from medaug_cli.spatial.points import push

GRID = oblique_geometry((20, 18, 12))


def voxel_label(grid: Geometry, *voxels: tuple[int, int, int], value: int = 1) -> LabelMap:
    array = np.zeros(grid.size[::-1], np.uint8)
    for x, y, z in voxels:
        array[z, y, x] = value
    return LabelMap(array, grid)


def test_a_centred_crop_is_the_middle_of_the_array() -> None:
    sample = make_sample(make_volume(GRID), labels={"lesion": make_labels(GRID)})
    copy = augment(sample, make_step("crop", size=[10, 8, 6]))
    volume, before = copy.images["0"], sample.images["0"].content
    assert np.array_equal(volume.array, before.array[:, 3:9, 5:13, 5:15])
    assert np.array_equal(copy.labels["lesion"].array, sample.labels["lesion"].content.array[3:9, 5:13, 5:15])
    assert volume.geometry.origin_mm == pytest.approx(positions_mm(GRID)[3, 5, 5])
    assert copy.labels["lesion"].geometry == volume.geometry


def test_a_crop_never_enlarges_and_a_pad_never_cuts() -> None:
    sample = make_sample(make_volume(GRID))
    assert augment(sample, make_step("crop", size=[10, 99, None])).images["0"].geometry.size == (10, 18, 12)
    assert augment(sample, make_step("pad", size=[10, 99, None])).images["0"].geometry.size == (20, 99, 12)


def test_a_margin_in_mm_is_cut_off_along_patient_axes_on_either_side() -> None:
    """Voxels of 1, 2 and 4 mm along LR, AP and SI: 4 mm are 4, 2 and 1 of them."""
    grid = Geometry((20, 20, 20), (1.0, 2.0, 4.0))
    copy = augment(make_sample(make_volume(grid)), make_step("crop", margin_mm=4))
    assert copy.images["0"].geometry.size == (12, 16, 18)
    named = augment(make_sample(make_volume(grid)), make_step("crop", margin_mm={"SI": 8}))
    assert named.images["0"].geometry.size == (20, 20, 16)


def test_a_pad_keeps_every_voxel_and_fills_the_rest() -> None:
    sample = make_sample(make_volume(GRID), labels={"lesion": make_labels(GRID)})
    copy = augment(sample, make_step("pad", size=[24, 20, 12], fill=-5))
    array, before = copy.images["0"].array, sample.images["0"].content.array
    assert np.array_equal(array[:, :, 1:19, 2:22], before)
    assert (array[:, :, 0] == -5).all()
    assert (array[..., 22:] == -5).all()
    assert (copy.labels["lesion"].array[:, 0] == 0).all()


def test_crop_and_pad_back_leaves_the_inner_voxels_where_they_were() -> None:
    """One resampling for both: what the crop cut off is still there, since no voxel was lost on the way."""
    sample = make_sample(make_volume(GRID))
    copy = augment(sample, make_step("crop", size=[10, 8, 6]), make_step("pad", size=[20, 18, 12]))
    assert copy.images["0"].geometry.same_grid(GRID)
    assert np.array_equal(copy.images["0"].array, sample.images["0"].content.array)


@pytest.mark.parametrize("name", ["crop", "crop_or_pad"])
def test_a_window_about_a_label_holds_it_wherever_it_lies(name: str) -> None:
    for voxel in ((0, 0, 0), (19, 17, 11), (7, 12, 3)):
        sample = make_sample(make_volume(GRID), labels={"lesion": voxel_label(GRID, voxel)})
        copy = augment(sample, make_step(name, size=5, around="label"))
        assert copy.images["0"].geometry.size == (5, 5, 5)
        assert copy.labels["lesion"].array.sum() == 1


def test_a_window_about_a_label_follows_it_through_the_steps_before() -> None:
    voxels = [(x, y, z) for x in (10, 11, 12) for y in (10, 11, 12) for z in (5, 6)]
    sample = make_sample(make_volume(GRID), labels={"lesion": voxel_label(GRID, *voxels)})
    steps = [
        make_step("flip", axes=["i"], p=1),
        make_step("affine", rotation_deg={"SI": 25}, translation_mm=2),
        make_step("elastic", displacement_mm=3),
        make_step("crop", size=7, around="label"),
    ]
    for number in range(1, 6):
        assert augment(sample, *steps, copy=number).labels["lesion"].array.sum() >= 6


def test_a_named_label_is_the_one_that_bears_the_name_after_a_swap() -> None:
    """Left at voxel 2, right at 17; mirrored and renamed, what lies at 2 is called left, and was the right one."""
    grid = Geometry((20, 8, 8))
    labels = voxel_label(grid, (2, 4, 4))
    labels.array[4, 4, 17] = 2
    sample = make_sample(make_volume(grid), labels={"kidneys": labels}, names={1: "left", 2: "right"})
    flip = make_step("flip", axes=["LR"], p=1, swap_labels=[["left", "right"]])
    copy = augment(sample, flip, make_step("crop", size=3, around="label", label="left"))
    assert set(np.unique(copy.labels["kidneys"].array)) == {0, 1}


def test_a_margin_about_a_label_keeps_its_box_and_the_margin() -> None:
    grid = Geometry((20, 20, 20), (1.0, 2.0, 1.0))
    sample = make_sample(make_volume(grid), labels={"lesion": voxel_label(grid, (5, 6, 7), (9, 8, 7))})
    copy = augment(sample, make_step("crop", margin_mm=4, around="label"))
    assert copy.images["0"].geometry.size == (4 + 5 + 4, 2 + 3 + 2, 4 + 1 + 4)
    assert copy.images["0"].geometry.origin_mm == (1.0, 8.0, 3.0)


def test_a_sample_without_the_label_is_cropped_anywhere_and_one_without_labels_refused() -> None:
    empty = make_sample(make_volume(GRID), labels={"lesion": voxel_label(GRID)})
    step = make_step("crop", size=5, around="label")
    assert augment(empty, step).images["0"].geometry.size == (5, 5, 5)
    whole = augment(empty, make_step("crop", margin_mm=2, around="label"))
    assert whole.images["0"].geometry.same_grid(GRID)
    with pytest.raises(SampleError, match="unknown_label"):
        augment(make_sample(make_volume(GRID)), step)
    with pytest.raises(SampleError, match="unknown_label"):
        augment(empty, make_step("crop", size=5, around="label", label="kidney"))


def test_a_label_that_only_the_file_names_is_found() -> None:
    label = voxel_label(GRID, (2, 3, 1))
    sample = make_sample(make_volume(GRID), labels={"organs": replace(label, names={1: "liver"})})
    copy = augment(sample, make_step("crop", size=1, around="label", label="liver"))
    assert copy.labels["organs"].array.tolist() == [[[1]]]


def test_a_name_of_a_stack_s_part_is_told_to_be_of_no_label_map() -> None:
    stack = LabelStack(np.ones((1, *GRID.size[::-1]), np.uint8), GRID, ("liver",))
    sample = make_sample(make_volume(GRID), labels={"map": voxel_label(GRID), "stack": stack})
    with pytest.raises(SampleError, match="unknown_label: crop names label liver, which no label map has"):
        augment(sample, make_step("crop", size=1, around="label", label="liver"))


def test_a_label_that_was_moved_off_the_grid_leaves_the_whole_of_it() -> None:
    grid = Geometry((20, 8, 8))
    sample = make_sample(make_volume(grid), labels={"lesion": voxel_label(grid, (2, 4, 4))})
    away = make_step("translate", translation_mm={"LR": 10}, p=1)
    assert augment(sample, away, make_step("crop", margin_mm=1, around="label")).images["0"].geometry.size == (20, 8, 8)


def test_random_windows_reach_every_place() -> None:
    sample = make_sample(make_volume(Geometry((5, 4, 4))))
    step = make_step("crop", size=[4, 4, 4], around="random")
    origins = {augment(sample, step, copy=number).images["0"].geometry.origin_mm[0] for number in range(1, 30)}
    assert origins == {0.0, 1.0}


def test_what_is_drawn_is_a_window_in_whole_voxels() -> None:
    sample = make_sample(make_volume(GRID))
    (drawn,) = draw_program([make_step("crop", margin_mm=[1, 3], around="random")], scene_of(sample, 1, 1))
    assert drawn.step is not None
    values = drawn.step.values()
    assert all(isinstance(number, int) for number in (*values["start"], *values["size"]))


def test_a_step_after_a_crop_sees_the_cropped_grid() -> None:
    """Mirrored about the centre of the window, not of the old grid."""
    sample = make_sample(make_volume(GRID))
    copy = augment(sample, make_step("crop", size=[10, 18, 12], start=[1, 0, 0]), make_step("flip", axes=["i"], p=1))
    assert np.array_equal(copy.images["0"].array, sample.images["0"].content.array[..., 1:11][..., ::-1])


CHAINS = [("crop", "affine"), ("affine", "crop"), ("resize", "elastic"), ("elastic", "resize")]


@pytest.mark.parametrize("steps", CHAINS)
def test_a_chain_of_moves_and_grids_is_one_resampling(steps: tuple[str, str]) -> None:
    """Linear interpolation keeps a linear ramp, whose values say where every voxel was pulled from."""
    ramp = (positions_mm(GRID) @ np.array([1.0, -2.0, 0.5])).astype(np.float32)
    values: dict[str, dict[str, Any]] = {
        "crop": {"size": [9, 8, 7]},
        "resize": {"size": [11, 21, 9]},
        "affine": {"rotation_deg": 5, "translation_mm": 0, "scale": 1},
        "elastic": {"displacement_mm": 2},
    }
    chain = [make_step(name, **values[name]) for name in steps]
    copy = augment(make_sample(make_volume(GRID, ramp)), *chain)
    volume = copy.images["0"]
    pulled = copy.mapping.pull(positions_mm(volume.geometry).reshape(-1, 3))
    index = (pulled - GRID.affine[:3, 3]) @ np.linalg.inv(GRID.affine[:3, :3]).T
    inner = ((index > 0) & (index < np.array(GRID.size) - 1)).all(axis=1)
    expected = pulled @ np.array([1.0, -2.0, 0.5])
    assert inner.mean() > 0.5
    assert np.abs(volume.array.reshape(-1) - expected)[inner].max() < 1e-2


def test_a_point_keeps_its_place_in_the_patient_through_a_grid_step() -> None:
    copy = augment(make_sample(make_volume(GRID)), make_step("resample", spacing_mm=2))
    assert push(copy.mapping, GRID.center_mm[None])[0] == pytest.approx(GRID.center_mm)


def test_resample_has_the_size_of_torchio() -> None:
    """floor(20 · 0.8 / 1.5), floor(18 · 1.1 / 1.5), floor(12 · 2.5 / 1.5), about the same centre."""
    copy = augment(make_sample(make_volume(GRID)), make_step("resample", spacing_mm=1.5, interpolation="nearest"))
    grid = copy.images["0"].geometry
    assert grid.size == (10, 13, 20)
    assert grid.spacing_mm == (1.5, 1.5, 1.5)
    assert grid.center_mm == pytest.approx(GRID.center_mm)


def test_resample_to_a_size_keeps_spacing_and_centre() -> None:
    """Where the size is null as many as fit: floor(18 · 1.1 / 1.5)."""
    step = make_step("resample", spacing_mm=1.5, size=[16, None, 8])
    grid = augment(make_sample(make_volume(GRID)), step).images["0"].geometry
    assert grid.size == (16, 13, 8)
    assert grid.spacing_mm == (1.5, 1.5, 1.5)
    assert grid.center_mm == pytest.approx(GRID.center_mm)


def test_a_named_axis_is_resampled_and_the_others_keep_their_voxels() -> None:
    grid = augment(make_sample(make_volume(GRID)), make_step("resample", spacing_mm={"SI": 5})).images["0"].geometry
    assert (grid.size, grid.spacing_mm) == ((20, 18, 6), (0.8, 1.1, 5.0))


def test_a_picture_is_resized_in_its_plane() -> None:
    grid = Geometry((30, 20, 1), (0.2, 0.2, 1.0), letters=("L", "F"))
    for size in (10, [10, 10], [10, 10, 10]):
        made = augment(make_sample(make_volume(grid)), make_step("resize", size=size)).images["0"].geometry
        assert made.size == (10, 10, 1)
        assert made.spacing_mm == pytest.approx((0.6, 0.4, 1.0))
        assert made.letters == ("L", "F")


def test_a_size_of_two_numbers_is_refused_for_a_volume() -> None:
    with pytest.raises(SampleError, match="axis_undetermined"):
        augment(make_sample(make_volume(GRID)), make_step("resize", size=[10, 10]))


def test_labels_on_another_grid_follow_into_the_new_field_of_view() -> None:
    fine = Geometry((40, 36, 24), (0.4, 0.55, 1.25), GRID.origin_mm, GRID.direction)
    sample = make_sample(make_volume(GRID), labels={"fine": make_labels(fine)})
    copy = augment(sample, make_step("resize", size=[10, 9, 6]))
    grid = copy.labels["fine"].geometry
    assert grid.size == (20, 18, 12)
    assert grid.spacing_mm == pytest.approx((0.8, 1.1, 2.5))


def test_too_many_voxels_are_refused_before_they_are_made() -> None:
    with pytest.raises(SampleError, match="too_large"):
        augment(make_sample(make_volume(GRID)), make_step("resample", spacing_mm=0.001))


@pytest.mark.parametrize("name", ["crop", "pad"])
def test_size_and_margin_together_are_a_mistake(name: str) -> None:
    with pytest.raises(ValidationError, match="give one"):
        make_step(name, size=5, margin_mm=5)


def test_a_margin_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(SampleError, match="nothing_left"):
        augment(make_sample(make_volume(GRID)), make_step("crop", margin_mm=100))


def test_a_start_outside_the_grid_is_refused() -> None:
    with pytest.raises(SampleError, match="window_outside"):
        augment(make_sample(make_volume(GRID)), make_step("crop", size=5, start=[16, 0, 0]))


@pytest.mark.parametrize(
    ("count", "mm", "new", "expected"), [(200, 0.9, 0.6, 300), (18, 3.0, 1.0, 54), (7, 0.7, 0.49, 10)]
)
def test_resample_loses_no_voxel_to_the_float32_of_a_header(count: int, mm: float, new: float, expected: int) -> None:
    """200 · 0.9 mm are 300 · 0.6 mm, though float32 knows 0.9 as 0.89999998."""
    stored = float(np.float32(mm))
    grid = Geometry((count, 4, 4), (stored, 1.0, 1.0))
    step = make_step("resample", spacing_mm={"LR": new})
    assert step.new_grid(make_scene(grid)).size[0] == expected  # type: ignore[attr-defined]
