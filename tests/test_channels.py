"""Channels: which numbers and which noise the images of one sample share."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import augment, make_sample, make_step, make_volume, modality_of, program_of
from pydantic import ValidationError

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.program import apply_program, draw_program, scene_of
from medaug_cli.step import IntensityStep
from medaug_cli.transforms import load_step

if TYPE_CHECKING:
    from medaug_cli.core.sample import LoadedSample

GRID = Geometry((20, 20, 20))
ZEROS = np.zeros((20, 20, 20))


def two_channels(array: Any = None) -> LoadedSample:
    """Return a sample whose channels 0 and 1 hold the same voxels."""
    return make_sample(make_volume(GRID, array), make_volume(GRID, array))


def changed(sample: LoadedSample, name: str, **values: Any) -> list[Any]:
    return [volume.array[0] for volume in augment(sample, make_step(name, **values)).images.values()]


def test_left_out_channels_have_the_same_numbers_and_noise_of_their_own() -> None:
    one, other = changed(two_channels(ZEROS), "gaussian_noise", sigma=[1, 9], relative_to="none")
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05
    assert one.std() == pytest.approx(other.std(), rel=0.05)
    first, second = changed(two_channels(), "gamma", log_gamma=[-1, 1])
    assert np.array_equal(first, second)


def test_shared_channels_have_the_same_noise_too() -> None:
    one, other = changed(two_channels(ZEROS), "gaussian_noise", sigma=1, relative_to="none", channels="shared")
    assert np.array_equal(one, other)
    assert one.std() == pytest.approx(1, rel=0.05)


def test_each_channel_has_numbers_of_its_own() -> None:
    one, other = changed(two_channels(), "brightness", add=[-5, 5], relative_to="none", channels="each")
    before = make_volume(GRID).array[0]
    shifts = [np.unique((after - before).round(3)) for after in (one, other)]
    assert [len(shift) for shift in shifts] == [1, 1]
    assert shifts[0] != shifts[1]


def test_the_record_of_each_holds_the_numbers_of_every_channel_and_replays() -> None:
    sample = two_channels()
    scene = scene_of(sample, 1, 1)
    program = draw_program([make_step("brightness", add=[-5, 5], relative_to="none", channels="each")], scene)
    assert program[0].step is not None
    values = json.loads(json.dumps(program[0].step.values()))
    assert set(values["by_channel"]) == {"0", "1"}
    assert values["by_channel"]["0"]["add"] != values["by_channel"]["1"]["add"]
    assert values["add"] == values["by_channel"]["0"]["add"]
    again = program_of(load_step("brightness").model_validate(values))
    for channel, volume in apply_program(program, sample, scene).images.items():
        assert np.array_equal(apply_program(again, sample, scene).images[channel].array, volume.array)


def test_a_recipe_may_say_what_a_single_channel_gets() -> None:
    step = {"add": 0, "relative_to": "none", "by_channel": {"1": {"add": 7}}}
    one, other = changed(two_channels(ZEROS), "brightness", **step)
    assert not one.any()
    assert (other == 7).all()


def test_a_distribution_for_a_single_channel_is_drawn() -> None:
    step = {"add": 0, "relative_to": "none", "by_channel": {"1": {"add": [3, 4]}}}
    _, other = changed(two_channels(ZEROS), "brightness", **step)
    assert 3 <= other[0, 0, 0] <= 4


@pytest.mark.parametrize(
    ("name", "values", "own", "same"),
    [
        ("gamma", {"log_gamma": [-1, 1]}, {"retain_stats": True}, ["log_gamma"]),
        ("gamma", {"log_gamma": [-1, 1]}, {"gamma": [1, 2]}, ["retain_stats"]),
        ("brightness", {"add": [-5, 5], "multiply": [1, 2]}, {"add": 3}, ["multiply"]),
        ("blur", {"sigma_mm": [1, 2]}, {"sigma": [1, 2], "unit": "voxel"}, []),
        ("cutout", {}, {"fill": 0}, ["count", "size_mm", "boxes_mm"]),
        ("cutout", {"size_mm": 4}, {"count": 5}, []),
        ("patch_swap", {"size": [2, 9]}, {"count": 20}, ["size"]),
        ("histogram_shift", {"control_points": [4, 9]}, {"strength": 0.5}, ["control_points"]),
        ("motion", {}, {"axis": "i"}, ["rotation_deg", "translation_mm", "times"]),
        ("motion", {}, {"rotation_deg": [0, 1]}, ["translation_mm", "times"]),
        ("motion", {}, {"count": 3}, []),
        ("motion", {}, {"rotation_deg": [[1, 2, 3]]}, []),
        ("ghosting", {"restore": 0.1}, {"restore": None, "intensity": 1}, ["num_ghosts", "axis"]),
        ("spike", {}, {"count": 3}, ["intensity"]),
        ("spike", {}, {"model": "log", "intensity": 5}, ["positions"]),
        ("bias_field", {}, {"model": "grid"}, ["strength", "order", "scale_mm"]),
        ("bias_field", {}, {"order": 1}, ["strength"]),
        ("bias_field", {}, {"strength": 2}, ["order"]),
        ("bias_field", {"model": "grid"}, {"model": "legendre"}, ["strength", "order"]),
        ("bias_field", {"coefficients": [0.1] * 20}, {"order": 1}, ["strength"]),
        ("bias_field", {}, {"scale_mm": 30}, ["strength", "coefficients"]),
        ("augmix", {}, {"share": 0.5}, ["chains", "weights"]),
        ("augmix", {}, {"width": 2}, ["share"]),
        ("augmix", {}, {"magnitude": 0.1}, ["weights", "share"]),
    ],
)
def test_a_channel_has_the_drawn_numbers_of_the_step_but_for_what_it_names(
    name: str, values: dict[str, Any], own: dict[str, Any], same: list[str]
) -> None:
    sample = make_sample(make_volume(GRID), make_volume(GRID), modality=modality_of(name))
    for copy in range(5):
        scene = scene_of(sample, 1, copy)
        program = draw_program([make_step(name, **values, by_channel={"1": own})], scene)
        drawn = program[0].step
        assert isinstance(drawn, IntensityStep)
        one, other = (drawn.for_channel(channel).values() for channel in ("0", "1"))
        assert {key: other.get(key) for key in same} == {key: one.get(key) for key in same}
        assert all(other.get(key) == value for key, value in own.items() if not isinstance(value, list | dict))
        again = program_of(load_step(name).model_validate(json.loads(json.dumps(drawn.values()))))
        for channel, volume in apply_program(program, sample, scene).images.items():
            assert np.array_equal(apply_program(again, sample, scene).images[channel].array, volume.array)


def test_what_is_drawn_from_what_a_channel_names_is_drawn_anew() -> None:
    sample = make_sample(make_volume(GRID), make_volume(GRID))
    step = make_step("cutout", count=2, size_mm=[3, 4], by_channel={"1": {"count": 5}})
    drawn = draw_program([step], scene_of(sample, 1, 1))[0].step
    assert isinstance(drawn, IntensityStep)
    boxes = drawn.for_channel("1").values()["boxes_mm"]
    assert len(boxes) == 5
    assert all(3 <= length <= 4 for box in boxes for length in box[3:])


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("window", {"by_channel": {"1": {"output": (0, 1)}}}, "needs_fractions"),
        ("normalize", {"method": "range", "output": (0, 255), "by_channel": {"1": {"output": (0, 1)}}}, "needs_fract"),
        ("jpeg", {"range": (0, 9), "by_channel": {"1": {"range": None}}}, "not_8_bit"),
        ("jpeg", {"range": None, "by_channel": {"1": {"range": (0, 9)}}}, "not_8_bit"),
    ],
)
def test_what_a_channel_gets_is_refused_like_what_the_step_does(name: str, values: dict[str, Any], reason: str) -> None:
    scene = replace(scene_of(two_channels(), 1, 1), whole_numbers=True)
    with pytest.raises(SampleError, match=reason):
        make_step(name, **values).draw(scene)


def test_what_no_channel_gets_is_not_refused() -> None:
    every = {channel: {"range": (0, 9)} for channel in "01"}
    assert make_step("jpeg", range=None, by_channel=every).draw(scene_of(two_channels(), 1, 1))


def test_mistakes_below_by_channel_are_told_with_their_place() -> None:
    with pytest.raises(ValidationError, match=r"by_channel.t1.factor: 500 is out of range"):
        make_step("contrast", by_channel={"t1": {"factor": 500}})
    with pytest.raises(ValidationError, match=r"by_channel.t1.facto: Extra inputs"):
        make_step("contrast", by_channel={"t1": {"facto": 1}})


def test_a_channel_that_the_sample_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(SampleError, match="unknown_channel: by_channel names flair; the sample's channels: 0, 1"):
        augment(two_channels(), make_step("contrast", by_channel={"flair": {"factor": 1}}))


def test_components_of_an_image_share_their_numbers_whatever_the_channels_do() -> None:
    one = make_volume(GRID).array[0]
    sample = make_sample(make_volume(GRID, np.stack([one, one, one])))
    image = augment(sample, make_step("gamma", channels="each")).images["0"].array
    assert np.array_equal(image[0], image[1])
    assert np.array_equal(image[0], image[2])


def test_a_channel_may_name_the_other_of_two_ways_to_say_how_strong() -> None:
    """The step's own log_gamma, there by default, does not stand against a channel's gamma."""
    step = make_step("gamma", by_channel={"0": {"gamma": 2}})
    assert step.for_channel("0").values()["gamma"] == 2  # type: ignore[attr-defined]
    blurred = make_step("blur", sigma_mm=1, by_channel={"1": {"sigma": 2, "unit": "voxel"}})
    assert blurred.for_channel("1").values()["sigma"] == 2  # type: ignore[attr-defined]
    assert blurred.for_channel("0").values()["sigma_mm"] == 1  # type: ignore[attr-defined]
