"""Programs: what a copy says of itself for the manifest and the writers."""

from __future__ import annotations

from typing import Any

import pytest
from builders import augment, make_labels, make_sample, make_step, make_volume, oblique_geometry

from medaug_cli.core.geometry import Geometry
from medaug_cli.program import scene_of, turn_of
from medaug_cli.quality import measure

GRID = oblique_geometry()


def test_half_the_content_moved_out_is_half_outside_the_field_of_view() -> None:
    grid = Geometry((64, 16, 16))
    sample = make_sample(make_volume(grid))
    copy = augment(sample, make_step("translate", translation_mm={"LR": 32}))
    found = measure(copy, sample)
    assert found["outside_fov"] == pytest.approx(0.5, abs=1 / 16)
    assert found["intensity"]["0"]["min"] == pytest.approx(float(copy.images["0"].array.min()))


def test_a_deformation_reports_the_range_of_its_jacobian_under_its_path() -> None:
    sample = make_sample(make_volume(GRID))
    low, high = measure(augment(sample, make_step("flip", p=1), make_step("elastic")), sample)["steps[1]"]["jacobian"]
    assert 0.05 <= low < 1 < high


@pytest.mark.parametrize(
    ("steps", "turn"),
    [
        ([("rotate", {"rotation_deg": 9})], ((0, 1), (1, 1), (2, 1))),
        ([("flip", {"axes": ["i"], "p": 1})], ((0, -1), (1, 1), (2, 1))),
        ([("flip", {"axes": ["i", "k"], "p": 1})], ((0, -1), (1, 1), (2, -1))),
        ([("rotate90", {"turns": 1})], ((1, -1), (0, 1), (2, 1))),
        ([("rotate90", {"turns": 2})], ((0, -1), (1, -1), (2, 1))),
        ([("rotate90", {"turns": 1}), ("elastic", {})], ((1, -1), (0, 1), (2, 1))),
    ],
)
def test_the_turn_says_which_source_axis_lies_along_each_axis_of_the_copy(steps: Any, turn: Any) -> None:
    """A turn goes from the first axis towards the second: along the copy's x then lies y, the other way round."""
    sample = make_sample(make_volume(Geometry((12, 12, 6), (1.0, 1.0, 2.0))))
    copy = augment(sample, *(make_step(name, **values) for name, values in steps))
    assert turn_of(copy.mapping, sample.images["0"].content.geometry) == turn


def test_a_scene_knows_labels_by_name_by_value_and_by_map() -> None:
    sample = make_sample(make_volume(GRID), labels={"lesion": make_labels(GRID)}, names={1: "edema", 2: "core"})
    assert set(scene_of(sample, 1, 1).label_names) == {"edema", "core", "1", "2", "lesion"}
