"""Programs: chains of steps, what they share, and what peers get wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import (
    augment,
    ball,
    make_labels,
    make_sample,
    make_scene,
    make_step,
    make_volume,
    oblique_geometry,
    program_of,
)

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.lazy import sitk
from medaug_cli.core.sample import Volume
from medaug_cli.program import apply_program, draw_program, fill_value, scene_of

GRID = oblique_geometry()
TURN = {"rotation_deg": {"SI": 20}}
BACK = {"rotation_deg": {"SI": -20}}


@pytest.mark.parametrize(
    "name", ["affine", "elastic", "elastic_field", "grid_distortion", "perspective", "flip", "rotate90"]
)
def test_an_image_and_a_label_map_of_the_same_voxels_stay_the_same(name: str) -> None:
    """One field for both: peers warp the mask by another (Keras), or interpolate it (MONAI's lazy mode)."""
    labels = make_labels(GRID)
    sample = make_sample(make_volume(GRID, labels.array), labels={"lesion": labels})
    values = {} if name == "flip" else {"interpolation": "nearest", "fill": 0}
    for number in range(1, 6):
        copy = augment(sample, make_step(name, **values), copy=number)
        assert np.array_equal(copy.images["0"].array[0], copy.labels["lesion"].array)


@pytest.mark.parametrize("name", ["affine", "elastic"])
def test_a_mask_under_label_linear_is_the_image_where_it_reaches_a_half(name: str) -> None:
    """For two labels the largest linear weight is the linear image's own threshold; nothing in between appears."""
    mask = (ball(GRID, 4) > 0.5).astype(np.uint8)
    sample = make_sample(make_volume(GRID, mask), labels={"lesion": LabelMap(mask, GRID)})
    copy = augment(sample, make_step(name, label_interpolation="label_linear", fill=0))
    image, label = copy.images["0"].array[0], copy.labels["lesion"].array
    clear = np.abs(image - 0.5) > 1e-4
    assert np.array_equal((image > 0.5)[clear], (label == 1)[clear])
    assert set(np.unique(label)) <= {0, 1}


def test_neighbouring_spatial_steps_are_resampled_once() -> None:
    """There and back again is nothing at all; two resamplings would have blurred the image."""
    sample = make_sample(make_volume(GRID))
    copy = augment(sample, make_step("rotate", **TURN), make_step("rotate", **BACK))
    assert np.abs(copy.images["0"].array - sample.images["0"].content.array).max() < 1e-2


@pytest.mark.parametrize(
    "between", [make_step("gamma", gamma=1), make_step("translate", translation_mm=0, interpolation="nearest")]
)
def test_an_intensity_step_or_another_interpolation_splits_the_chain(between: Any) -> None:
    sample = make_sample(make_volume(GRID))
    copy = augment(sample, make_step("rotate", **TURN), between, make_step("rotate", **BACK))
    assert np.abs(copy.images["0"].array - sample.images["0"].content.array).max() > 10


def test_a_flip_joins_any_chain() -> None:
    """flip, rotate, flip about one axis is the rotation the other way round, in one resampling."""
    sample = make_sample(make_volume(GRID))
    flip = make_step("flip", axes=["k"], p=1)
    joined = augment(sample, flip, make_step("elastic", displacement_mm=0), flip).images["0"].array
    assert np.abs(joined - sample.images["0"].content.array).max() < 1e-2


def test_spatial_steps_follow_each_other_in_the_order_of_the_recipe() -> None:
    """Moved by 4 mm and then doubled, the centre is found 8 mm away; doubled first, 4 mm."""
    grid = Geometry((41, 5, 5))
    spot = np.zeros((5, 5, 41))
    spot[2, 2, 20] = 1
    move = make_step("translate", translation_mm={"LR": -4}, fill=0)
    double = make_step("scale", scale={"LR": 2}, fill=0)
    sample = make_sample(make_volume(grid, spot))
    assert augment(sample, move, double).images["0"].array[0, 2, 2].argmax() == 28
    assert augment(sample, double, move).images["0"].array[0, 2, 2].argmax() == 24


def test_channels_and_labels_on_other_grids_move_through_the_frame_of_the_first_image() -> None:
    """The same ball on three grids: after the same move its centre of mass is the same in the patient."""
    grids = [Geometry((40, 40, 20), (1.0, 1.0, 2.0)), Geometry((20, 44, 40), (2.0, 1.0, 1.0), (1.0, -2.0, 0.5))]
    grids.append(Geometry((44, 20, 40), (1.0, 2.0, 1.0), (-2.0, 1.0, -0.5)))
    balls = []
    for grid in grids:
        index = np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), axis=-1)[..., [0, 1, 2]]
        apart = (index * grid.spacing_mm + grid.origin_mm - [22, 18, 21]).transpose(2, 1, 0, 3)
        balls.append((np.sqrt((apart**2).sum(axis=-1)) < 8).astype(np.float32))
    label = LabelMap(balls[2].astype(np.uint8), grids[2])
    sample = make_sample(make_volume(grids[0], balls[0]), make_volume(grids[1], balls[1]), labels={"ball": label})
    copy = augment(sample, make_step("affine", fill=0), make_step("elastic", fill=0))
    moved = [copy.images["0"].array[0], copy.images["1"].array[0], copy.labels["ball"].array]
    centres = []
    for grid, array in zip(grids, moved, strict=True):
        z, y, x = (float((axis * array).sum() / array.sum()) for axis in np.indices(array.shape))
        centres.append((grid.affine @ [x, y, z, 1])[:3])
    assert np.abs(centres[0] - centres[1]).max() < 0.15
    assert np.abs(centres[0] - centres[2]).max() < 0.15
    assert np.abs(centres[0] - [22, 18, 21]).max() > 0.5


@pytest.mark.parametrize(
    ("fill", "value"),
    [("minimum", 10.0), ("mean", 20.0), ("air", -1024.0), (-5.0, -5.0), ("edge", None)],
)
def test_the_fill_is_a_number_of_what_is_measured(fill: str | float, value: float | None) -> None:
    void = np.array([False, False, True]).reshape(1, 1, 3)
    array = np.array([10, 30, -2000], np.float32).reshape(1, 1, 1, 3)
    assert fill_value(Volume(array, Geometry((3, 1, 1)), void), fill) == value


@pytest.mark.parametrize(("fill", "value"), [("minimum", 1), ("mean", 2.5), ("air", -1024), (7, 7), ("edge", 4)])
def test_what_comes_in_from_outside_has_the_fill(fill: str | float, value: float) -> None:
    """1, 2, 3, 4 along LR; the content moves 2 mm to the right, which is towards the first voxel."""
    sample = make_sample(make_volume(Geometry((4, 1, 2)), np.tile([1, 2, 3, 4], (2, 1, 1))))
    step = make_step("translate", translation_mm={"LR": 2}, fill=fill)
    assert augment(sample, step).images["0"].array[0, 0, 0].tolist() == [3, 4, value, value]


def test_a_void_that_grows_covers_what_comes_in_from_outside() -> None:
    volume = replace(make_volume(Geometry((4, 1, 2)), np.ones((2, 1, 4))), void=np.zeros((2, 1, 4), bool))
    step = make_step("translate", translation_mm={"LR": 2})
    for grows in (True, False):
        moved = augment(make_sample(replace(volume, grows=grows)), step).images["0"]
        assert moved.void is not None
        assert moved.void[0, 0].tolist() == [False, False, grows, grows]


def test_applying_a_program_twice_gives_the_same_voxels() -> None:
    sample = make_sample(make_volume(GRID), labels={"lesion": make_labels(GRID)})
    scene = scene_of(sample, 5, 2)
    program = draw_program([make_step(name) for name in ("affine", "gaussian_noise", "elastic", "gamma")], scene)
    first, second = (apply_program(program, sample, scene) for _ in range(2))
    assert first.images["0"].array.tobytes() == second.images["0"].array.tobytes()
    assert first.labels["lesion"].array.tobytes() == second.labels["lesion"].array.tobytes()


def test_voxels_do_not_depend_on_itks_number_of_threads() -> None:
    sample = make_sample(make_volume(GRID))
    steps = [make_step(name) for name in ("affine", "gaussian_noise", "elastic", "blur")]
    steps.append(make_step("affine", interpolation="bspline"))
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    made = set()
    try:
        for count in (1, 2, 4):
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(count)
            made.add(augment(sample, *steps).images["0"].array.tobytes())
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    assert len(made) == 1


def test_a_program_that_does_nothing_gives_the_sample_itself() -> None:
    sample = make_sample(make_volume(GRID), labels={"lesion": make_labels(GRID)})
    copy = apply_program(program_of(), sample, make_scene(GRID))
    assert copy.images["0"] is sample.images["0"].content
    assert copy.labels["lesion"] is sample.labels["lesion"].content


ACROSS_SLICES = [
    ("affine", {}),
    ("elastic", {}),
    ("rotate90", {"plane": "sagittal"}),
    ("rotate90", {"plane": "coronal"}),
]


@pytest.mark.parametrize(
    ("name", "values"), [*ACROSS_SLICES, ("flip", {"axes": ("SI",), "p": 1}), ("blur", {}), ("low_resolution", {})]
)
def test_a_step_that_needs_a_regular_grid_refuses_another_with_its_reason(name: str, values: dict[str, Any]) -> None:
    sample = make_sample(make_volume(GRID), irregular="missing_slices: gap of 10.0 mm between slices 3 and 4")
    with pytest.raises(SampleError, match=r"missing_slices: .* needs a regular grid of slices: gap of 10.0 mm"):
        augment(sample, make_step(name, **values))


@pytest.mark.parametrize("name", ["gamma", "gaussian_noise", "flip", "rotate90"])
def test_a_step_that_does_not_look_between_slices_goes_on(name: str) -> None:
    sample = make_sample(make_volume(GRID), irregular="missing_slices: gap of 10.0 mm between slices 3 and 4")
    copy = augment(sample, make_step(name, p=1))
    assert not np.array_equal(copy.images["0"].array, sample.images["0"].content.array)


@pytest.mark.parametrize("later", [[], ["gamma"]])
@pytest.mark.parametrize("whole", [True, False])
def test_integers_are_rounded_by_the_last_move_where_the_file_stores_whole_numbers(
    later: list[str], *, whole: bool
) -> None:
    array = np.random.default_rng(0).integers(0, 900, GRID.size[::-1]).astype(np.int16)[None]
    sample = make_sample(Volume(array, GRID))
    scene = scene_of(sample, 1, 1)
    program = draw_program((make_step("rotate", **TURN), *map(make_step, later)), scene)
    made = apply_program(program, sample, replace(scene, whole_numbers=whole)).images["0"].array
    fractions = apply_program(program, sample, scene).images["0"].array
    assert made.dtype == (np.int16 if whole and not later else np.float32)
    assert np.array_equal(made, np.rint(fractions) if made.dtype == np.int16 else fractions)


@pytest.mark.parametrize(("fill", "kept"), [(-1024, np.float32), (0.5, np.float32), (7, np.uint8), ("edge", np.uint8)])
def test_a_fill_that_an_integer_type_cannot_hold_keeps_fractions_to_be_clipped_and_counted(
    fill: float | str, kept: type
) -> None:
    array = np.random.default_rng(0).integers(0, 256, (1, *GRID.size[::-1]), dtype=np.uint8)
    program, scene = program_of(make_step("rotate", fill=fill, **TURN)), make_scene(GRID)
    made = apply_program(program, make_sample(Volume(array, GRID)), replace(scene, whole_numbers=True))
    assert made.images["0"].array.dtype == kept
