"""Window: where it comes from, its line, its jitter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import augment, change, make_sample, make_scene, make_step, make_volume
from pydantic import ValidationError

from medaug_cli.core.geometry import Geometry
from medaug_cli.step.magnitude import at_magnitude

STILL = {"shift": 0, "stretch": 1}
HU = [-1000, -160, -60, 40, 140, 240, 3000]


@pytest.mark.parametrize(
    ("values", "after"),
    [
        ({"center": 40, "width": 400}, [-160, -160, -60, 40, 140, 240, 240]),
        ({"center": 40, "width": 400, "output": [0, 1]}, [0, 0, 0.25, 0.5, 0.75, 1, 1]),
        ({"center": 40, "width": 400, "output": [0, 1], "clip": False}, [-2.1, 0, 0.25, 0.5, 0.75, 1, 7.9]),
        # From -160 + 100 to 240 + 100, mapped to the window before the shift.
        ({"center": 40, "width": 400, "shift": 0.25}, [-160, -160, -160, -60, 40, 140, 240]),
        # From 40 - 400 to 40 + 400.
        ({"center": 40, "width": 400, "stretch": 2}, [-160, -60, -10, 40, 90, 140, 240]),
    ],
)
def test_the_window_is_a_line_and_a_clip(values: dict[str, Any], after: list[float]) -> None:
    assert change(make_step("window", **values), HU) == pytest.approx(np.array(after, float), abs=1e-3)


def test_the_window_of_the_file_is_taken_where_the_recipe_names_none() -> None:
    after = change(make_step("window", **STILL), HU, window=(0, 200), modality="CT")
    assert (after.min(), after.max()) == (-100, 100)


def test_ct_without_a_window_is_seen_as_soft_tissue() -> None:
    after = change(make_step("window", **STILL), HU, modality="CT")
    assert (after.min(), after.max()) == (-160, 240)


def test_mr_without_a_window_is_clipped_to_its_percentiles() -> None:
    """Of 0 to 100, one voxel each, without the padding."""
    before = [*range(101), -5000, 9000]
    valid = np.array([True] * 101 + [False] * 2).reshape(1, 1, -1)
    after = change(make_step("window", **STILL), before, modality="MR", valid=valid)
    assert (after.min(), after.max()) == pytest.approx((1, 99))


def test_each_channel_is_seen_through_the_window_of_its_own_file() -> None:
    volume = make_volume(Geometry((7, 1, 1)), np.array(HU)[None, None])
    sample = make_sample(volume, volume)
    windows = {"0": (0.0, 200.0), "1": (40.0, 100.0)}
    images = {name: replace(loaded, window=windows[name]) for name, loaded in sample.images.items()}
    made = augment(replace(sample, images=images), make_step("window", **STILL)).images
    assert [one.array.max() for one in made.values()] == [100, 90]


def test_a_given_window_is_not_jittered_and_a_found_one_is() -> None:
    scene = make_scene(Geometry((2, 2, 2)))
    fixed = make_step("window", center=40, width=400).draw(scene)
    found = make_step("window").draw(scene)
    assert fixed is not None
    assert found is not None
    assert (fixed.values()["shift"], fixed.values()["stretch"]) == (0, 1)
    assert abs(found.values()["shift"]) <= 0.1
    assert found.values()["stretch"] != 1


@pytest.mark.parametrize(
    ("values", "own", "shift", "stretch"),
    [
        ({}, {"center": 40, "width": 400}, 0, 1),
        ({"stretch": 1.5}, {"center": 40, "width": 400}, 0, 1.5),
        ({}, {"center": 40, "width": 400, "shift": 0.3}, 0.3, 1),
    ],
)
def test_a_window_that_a_channel_names_is_jittered_no_more_than_one_of_the_step(
    values: dict[str, Any], own: dict[str, Any], shift: float, stretch: float
) -> None:
    """The step's own default jitter is for windows that are found."""
    step = make_step("window", **values, by_channel={"1": own})
    drawn: Any = step.draw(make_scene(Geometry((2, 2, 2)), channels=("0", "1")))
    again = make_step("window", **drawn.values())
    for form in (drawn.for_channel("1"), again.for_channel("1")):  # type: ignore[attr-defined]
        assert (form.shift.value, form.stretch.value) == (shift, stretch)
    assert drawn.for_channel("0").shift.value != 0


@pytest.mark.parametrize("magnitude", [0.0, 0.5, 1.0])
def test_the_default_jitter_follows_the_magnitude(magnitude: float) -> None:
    strong: Any = at_magnitude(make_step("window"), magnitude, np.random.default_rng(0))
    assert abs(strong.shift.value) == pytest.approx(0.1 * magnitude)
    assert abs(strong.stretch.value - 1) == pytest.approx(0.2 * magnitude)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"center": 40}, "give both or neither"),
        ({"width": 40}, "give both or neither"),
        ({"center": 40, "width": 0}, "out of range"),
        ({"output": [1, 0]}, "does not ascend"),
    ],
)
def test_what_makes_no_window_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_step("window", **values)
