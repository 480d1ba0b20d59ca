"""Colour steps against the values that TorchVision 0.29.2 gives for floating-point images, and refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from builders import augment, change, make_sample, make_scene, make_step, make_volume
from datasets_for_runs import records_of, run_here, save_recipe
from pydantic import ValidationError

from medaug_cli.core.errors import RecipeError, SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.recipe import load_recipe
from medaug_cli.replay import compare, replay_record

PIXELS = [[10, 200, 30], [255, 0, 0], [17, 17, 17], [0, 255, 128], [90, 80, 250], [1, 2, 3]]
KEEP: dict[str, float] = {"brightness": 1, "contrast": 1, "saturation": 1, "hue": 0}
TORCHVISION = [
    (
        {"brightness": 1.5},
        [[15, 255, 45], [255, 0, 0], [25.5, 25.5, 25.5], [0, 255, 192], [135, 120, 255], [1.5, 3, 4.5]],
    ),
    (
        {"contrast": 0.6},
        [
            [38.365, 152.365, 50.365],
            [185.365, 32.365, 32.365],
            [42.565, 42.565, 42.565],
            [32.365, 185.365, 109.165],
            [86.365, 80.365, 182.365],
            [32.965, 33.565, 34.165],
        ],
    ),
    (
        {"saturation": 1.7},
        [
            [0, 253.334, 0],
            [255, 0, 0],
            [17.001, 17.001, 17.001],
            [0, 255, 102.606],
            [81.347, 64.347, 255],
            [0.43, 2.13, 3.83],
        ],
    ),
    (
        {"hue": 0.1},
        [[10, 200, 144], [255, 153, 0], [17, 17, 17], [0, 229, 255], [192, 80, 250], [1.2, 1, 3]],
    ),
    (
        {"hue": -0.3},
        [[200, 68, 10], [51, 0, 255], [17, 17, 17], [255, 179, 0], [80, 250, 124], [1.6, 3, 1]],
    ),
    (
        {"hue": 0.2, "brightness": 1.3, "contrast": 1.4, "saturation": 0.5},
        [
            [77.769, 185.494, 205.269],
            [240.452, 240.452, 112.952],
            [0, 0, 0],
            [42.514, 90.179, 170.014],
            [210.261, 134.065, 210.261],
            [0, 0, 0],
        ],
    ),
]
PICTURE = Geometry((6, 1, 1))


def colours(step: Any, pixels: Any, **known: Any) -> Any:
    """Return `pixels` (n, 3) after a drawn step for colour images."""
    array = np.array(pixels, np.float32).T.reshape(3, 1, 1, -1)
    return change(step, array, rgb=True, **{"eight_bit": True, **known}).reshape(3, -1).T


@pytest.mark.parametrize(("values", "expected"), TORCHVISION)
def test_color_jitter_is_torchvisions(values: dict[str, float], expected: list[list[float]]) -> None:
    """The operations in the order in which they are written here."""
    step = make_step("color_jitter", **{**KEEP, **values}, order=list(values))
    assert colours(step, PIXELS) == pytest.approx(np.array(expected), abs=1e-3)


def test_the_order_is_drawn_and_recorded() -> None:
    orders = set()
    for seed in range(20):
        drawn = make_step("color_jitter").fix(np.random.default_rng(seed), make_scene(PICTURE))
        orders.add(tuple(drawn.values()["order"]))
        assert set(drawn.values()["order"]) == set(KEEP)
    assert len(orders) > 10


def test_an_order_that_names_an_operation_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="order names an operation twice"):
        make_step("color_jitter", order=["hue", "hue"])


def test_what_is_not_measured_does_not_count_for_the_mean_grey() -> None:
    valid = np.array([True, True, False]).reshape(1, 1, 3)
    step = make_step("color_jitter", **{**KEEP, "contrast": 0}, order=["contrast"])
    after = colours(step, [[10, 10, 10], [30, 30, 30], [255, 255, 255]], valid=valid)
    assert after[:2] == pytest.approx(20 * 0.9999, abs=1e-3)


def test_grayscale_gives_all_colours_the_grey() -> None:
    """0.2989 R + 0.587 G + 0.114 B, as TorchVision's rgb_to_grayscale."""
    grey = [123.809, 76.22, 16.998, 164.277, 102.361, 1.815]
    after = colours(make_step("grayscale"), PIXELS, eight_bit=False)
    assert after == pytest.approx(np.array([grey] * 3).T, abs=1e-3)


def test_the_grey_of_8_bit_pictures_is_whole() -> None:
    grey = [124, 76, 17, 164, 102, 2]
    assert np.array_equal(colours(make_step("grayscale"), PIXELS), np.array([grey] * 3).T)


def test_channel_shift_adds_a_share_of_255_to_each_colour_and_clips() -> None:
    """0.1 · 255 is 25.5, and 26 is the nearest whole number that is even."""
    after = colours(make_step("channel_shift", shifts=(0.1, -0.1, 0)), [[10, 200, 30], [255, 0, 7]])
    assert np.array_equal(after, [[36, 174, 30], [255, 0, 7]])


def test_channel_shift_takes_the_maximum_of_images_of_more_bits() -> None:
    step = make_step("channel_shift", shifts=(0.1, -0.1, 0))
    after = colours(step, [[10, 200, 30], [1001, 0, 7]], eight_bit=False)
    assert after == pytest.approx(np.array([[110.1, 99.9, 30], [1001, 0, 7]]), abs=1e-3)


def test_channel_shift_draws_a_number_for_each_colour_or_one_for_all() -> None:
    scene = make_scene(PICTURE)
    own = make_step("channel_shift").fix(np.random.default_rng(0), scene).values()["shifts"]
    same = make_step("channel_shift", same=True).fix(np.random.default_rng(0), scene).values()["shifts"]
    assert (len(set(own)), len(set(same))) == (3, 1)


@pytest.mark.parametrize("name", ["color_jitter", "grayscale", "channel_shift"])
def test_other_images_are_refused_by_name(name: str) -> None:
    grey = make_sample(make_volume(PICTURE))
    series = make_sample(make_volume(PICTURE, components=3))
    for sample in (grey, series):
        with pytest.raises(SampleError, match=f"not_rgb: {name} is for colour images"):
            augment(sample, make_step(name))


def test_a_sample_with_one_grey_image_among_colours_is_refused() -> None:
    colour = replace(make_volume(PICTURE, components=3), rgb=True)
    with pytest.raises(SampleError, match="not_rgb"):
        augment(make_sample(colour, make_volume(PICTURE)), make_step("grayscale"))


def test_a_recipe_for_ct_with_a_colour_step_is_refused_where_it_stands(tmp_path: Any) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("version: 1\ndataset: {modality: CT}\nsteps:\n  - grayscale\n")
    with pytest.raises(RecipeError, match=r"recipe.yaml:4:5: grayscale is wrong for CT"):
        load_recipe(recipe)


def test_a_colour_nifti_comes_out_as_colour_and_replays(tmp_path: Any) -> None:
    """RGB24 through the command: as many bytes a voxel, grey in all three, and the same again by replay."""
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    values = np.random.default_rng(0).integers(0, 256, (20, 18, 1, 3)).astype(np.uint8)
    (tmp_path / "dataset").mkdir()
    nib.save(nib.Nifti1Image(values.view(rgb)[..., 0], np.diag([0.1, 0.1, 1, 1])), tmp_path / "dataset" / "a.nii.gz")
    steps = "[{grayscale: {p: 1}}]"
    recipe = save_recipe(tmp_path / "recipe.yaml", f"version: 1\ncopies: 1\nsteps: {steps}\n")
    run_here(recipe, tmp_path / "dataset", tmp_path / "root")
    copy: Any = nib.load(tmp_path / "root" / "a_aug0001.nii.gz")
    assert copy.get_data_dtype() == rgb
    found = np.asarray(copy.dataobj)
    grey = np.rint(values.astype(np.float32) @ np.array([0.2989, 0.587, 0.114], np.float32))
    for colour in "RGB":
        assert np.array_equal(found[colour], grey)
    record = records_of(tmp_path / "root")[0]
    compare(record, replay_record(record, tmp_path / "dataset"))


def test_every_colour_step_runs_on_a_colour_nifti_and_replays(tmp_path: Any) -> None:
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    values = np.random.default_rng(1).integers(0, 256, (20, 18, 2, 3)).astype(np.uint8)
    (tmp_path / "dataset").mkdir()
    nib.save(nib.Nifti1Image(values.view(rgb)[..., 0], np.eye(4)), tmp_path / "dataset" / "a.nii")
    steps = (
        "[flip, color_jitter, {grayscale: {p: 0.5}}, channel_shift, jpeg, posterize, solarize, {cutout: {size_mm: 4}}]"
    )
    recipe = save_recipe(tmp_path / "recipe.yaml", f"version: 1\ncopies: 3\nsteps: {steps}\n")
    run_here(recipe, tmp_path / "dataset", tmp_path / "root")
    for record in records_of(tmp_path / "root"):
        assert record.status == "ok"
        compare(record, replay_record(record, tmp_path / "dataset"))
