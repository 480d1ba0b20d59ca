"""What every step promises, found by scanning the folder of steps."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import (
    INTENSITY,
    LABEL,
    POLICIES,
    SPATIAL,
    augment,
    make_labels,
    make_sample,
    make_scene,
    make_step,
    make_volume,
    modality_of,
    suit,
)

from medaug_cli.core.geometry import Geometry
from medaug_cli.program import Drawn, apply_program, draw_program, scene_of
from medaug_cli.step import Policy
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from medaug_cli.core.sample import LoadedSample
    from medaug_cli.program import Copy
    from medaug_cli.step import Scene, Step

CUBE = Geometry((12, 12, 12), (1.0, 1.5, 2.0), (5.0, -20.0, 60.0))
STEPS = step_names()
COPIES = range(1, 9)
CERTAIN = {
    "equalize",
    "grayscale",
    "histogram_match",
    "invert",
    "median",
    "normalize",
}  # steps that draw nothing but whether they are applied


def case(name: str) -> LoadedSample:
    """Return an image of noise that step `name` takes, with a label map on its grid; every array is read-only."""
    volume, labels = suit(name, make_volume(CUBE)), make_labels(CUBE)
    volume.array.setflags(write=False)
    labels.array.setflags(write=False)
    channels = (volume, volume) if name == "channel_misalignment" else (volume,)
    return make_sample(*channels, labels={"lesion": labels}, modality=modality_of(name))


def drawn_values(step: Step, scene: Scene) -> list[Any]:
    drawn = draw_program([step], scene)
    return [(one.path, one.name, one.step and one.step.values(), one.chosen) for one in drawn]


def carried_by_json(step: Step | None) -> Any:
    """Return the values of a drawn step as they are read from the manifest."""
    return json.loads(json.dumps(step.values() if step else {}, allow_nan=False))


def before(sample: LoadedSample) -> tuple[bytes, bytes]:
    images = b"".join(image.content.array.tobytes() for image in sample.images.values())
    return images, sample.labels["lesion"].content.array.tobytes()


def voxels(copy: Copy) -> tuple[bytes, bytes]:
    return b"".join(image.array.tobytes() for image in copy.images.values()), copy.labels["lesion"].array.tobytes()


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_named_as_its_module_and_as_its_class(name: str) -> None:
    step = load_step(name)
    assert step.step_name() == name
    assert step.__name__.lower() == name.replace("_", "")


@pytest.mark.parametrize("name", STEPS)
def test_a_step_says_in_one_line_what_it_does(name: str) -> None:
    summary, *rest = (load_step(name).__doc__ or "").splitlines()
    assert summary.endswith(".")
    assert len(summary) <= 116
    assert not rest or not rest[0].strip()


@pytest.mark.parametrize("name", STEPS)
def test_every_parameter_has_a_line_of_help(name: str) -> None:
    assert [key for key, info in load_step(name).model_fields.items() if not info.description] == []


@pytest.mark.parametrize("name", STEPS)
def test_a_step_names_its_peers_and_its_derivation_code(name: str) -> None:
    step = load_step(name)
    assert step.peer
    assert len(step.code) == 3
    assert all(step.code) or issubclass(step, Policy)


@pytest.mark.parametrize("name", STEPS)
def test_the_defaults_do_something(name: str) -> None:
    sample = case(name)
    assert any(voxels(augment(sample, make_step(name), copy=number)) != before(sample) for number in COPIES)


@pytest.mark.parametrize("name", STEPS)
def test_the_same_words_draw_the_same_numbers(name: str) -> None:
    scene = make_scene(CUBE, modality=modality_of(name), rgb=load_step(name).needs_rgb)
    assert drawn_values(make_step(name), scene) == drawn_values(make_step(name), scene)


@pytest.mark.parametrize("name", STEPS)
def test_copies_differ_from_each_other(name: str) -> None:
    if name in ("crop_or_pad", "resample", "resize"):
        pytest.skip("by default these give every copy the same grid")
    children = {"steps": (make_step("gamma"), make_step("brightness"))} if name in POLICIES else {}
    sometimes = {"p": 0.5} if name in CERTAIN else {}
    sample, step = case(name), make_step(name, **children, **sometimes)
    assert len({voxels(augment(sample, step, copy=number)) for number in COPIES}) > 1


@pytest.mark.parametrize("name", STEPS)
def test_the_same_copy_has_the_same_voxels(name: str) -> None:
    assert voxels(augment(case(name), make_step(name))) == voxels(augment(case(name), make_step(name)))


@pytest.mark.parametrize("name", STEPS)
def test_p_0_leaves_the_sample_as_it_is(name: str) -> None:
    sample = case(name)
    copy = augment(sample, make_step(name, p=0))
    assert voxels(copy) == before(sample)


@pytest.mark.parametrize("name", STEPS)
def test_drawn_values_are_json_and_make_the_same_voxels_again(name: str) -> None:
    """Replay: the manifest's numbers alone, nothing drawn; a policy's choice stands in the steps that follow it."""
    sample = case(name)
    scene = scene_of(sample, 1, 3)
    program = draw_program([make_step(name)], scene)
    again = []
    for drawn in program:
        kept = drawn.step is None or isinstance(drawn.step, Policy)
        step = None if kept else load_step(drawn.name).model_validate(carried_by_json(drawn.step))
        again.append(Drawn(drawn.path, drawn.name, step))
    assert voxels(apply_program(tuple(again), sample, scene)) == voxels(apply_program(program, sample, scene))


@pytest.mark.parametrize("name", STEPS)
def test_the_sample_itself_stays_untouched(name: str) -> None:
    """Its arrays are read-only, so a step that wrote into them would raise."""
    sample = case(name)
    before = (sample.images["0"].content.array.copy(), sample.labels["lesion"].content.array.copy())
    for number in COPIES:
        augment(sample, make_step(name), copy=number)
    assert np.array_equal(sample.images["0"].content.array, before[0])
    assert np.array_equal(sample.labels["lesion"].content.array, before[1])


@pytest.mark.parametrize("name", INTENSITY)
def test_an_intensity_step_leaves_labels_alone(name: str) -> None:
    sample = case(name)
    assert augment(sample, make_step(name)).labels["lesion"] is sample.labels["lesion"].content


@pytest.mark.parametrize("name", LABEL)
def test_a_label_step_leaves_images_alone_and_makes_no_new_value(name: str) -> None:
    sample = case(name)
    before = sample.labels["lesion"].content
    for number in COPIES:
        copy = augment(sample, make_step(name), copy=number)
        assert copy.images["0"] is sample.images["0"].content
        assert copy.labels["lesion"].array.dtype == before.array.dtype
        assert set(np.unique(copy.labels["lesion"].array)) <= set(np.unique(before.array))


@pytest.mark.parametrize("name", SPATIAL)
def test_channels_move_together(name: str) -> None:
    volume = make_volume(CUBE)
    sample = make_sample(volume, replace(volume, array=volume.array.copy()))
    for number in COPIES:
        moved = augment(sample, make_step(name), copy=number).images
        assert np.array_equal(moved["0"].array, moved["1"].array)


@pytest.mark.parametrize("name", STEPS)
def test_every_step_is_json_there_and_back(name: str) -> None:
    if name in POLICIES:
        pytest.skip("a policy's steps are written by the recipe, each under its own name")
    step = make_step(name)
    assert load_step(name).model_validate_json(step.model_dump_json(exclude_none=True)) == step
