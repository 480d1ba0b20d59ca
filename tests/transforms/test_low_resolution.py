"""Low resolution: fewer voxels and back, with the faces of both grids aligned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import change, make_step
from pydantic import ValidationError

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry


@pytest.mark.parametrize(
    ("values", "after"),
    [
        ({}, [1, 1.5, 2.5, 3]),
        ({"upsample": "nearest"}, [1, 1, 3, 3]),
        ({"downsample": "linear"}, [0.5, 1, 2, 2.5]),
        ({"downsample": "linear", "upsample": "nearest"}, [0.5, 0.5, 2.5, 2.5]),
    ],
)
def test_half_the_voxels_of_a_ramp(values: dict[str, Any], after: list[float]) -> None:
    """Coarse centres lie at 0.5 and 2.5; the fine ones at -0.25, 0.25, 0.75 and 1.25 of the coarse grid."""
    assert change(make_step("low_resolution", factor=0.5, **values), [0, 1, 2, 3]) == pytest.approx(after)


@pytest.mark.parametrize(("axis", "numpy_axis"), [("LR", 2), ("AP", 1), ("SI", 0), ("i", 2), ("j", 1), ("k", 0)])
def test_only_the_named_axes_lose_resolution(axis: str, numpy_axis: int) -> None:
    array = np.random.default_rng(0).uniform(size=(8, 8, 8))
    step = make_step("low_resolution", factor=0.5, axes=[axis], upsample="nearest")
    lowered = change(step, array)
    assert np.array_equal(lowered.take(range(0, 8, 2), numpy_axis), lowered.take(range(1, 8, 2), numpy_axis))
    assert np.array_equal(lowered.take(range(0, 8, 2), numpy_axis), np.float32(array).take(range(1, 8, 2), numpy_axis))


@pytest.mark.parametrize("factor", [0.01, 0.3, 0.77])
def test_a_constant_stays_constant_and_nothing_overshoots(factor: float) -> None:
    step = make_step("low_resolution", factor=factor)
    assert change(step, np.full((5, 6, 7), 9.0)) == pytest.approx(9)
    array = np.random.default_rng(0).uniform(-1, 1, (5, 6, 7))
    assert np.abs(change(step, array)).max() <= np.abs(array).max()


def test_an_axis_of_a_picture_is_refused_for_a_volume() -> None:
    with pytest.raises(SampleError, match="is for 2-D images"):
        change(make_step("low_resolution", axes=["vertical"], factor=0.5), np.zeros((4, 4, 4)), Geometry((4, 4, 4)))


@pytest.mark.parametrize("factor", [0, -0.5, 1.5])
def test_the_share_of_voxels_lies_between_0_and_1(factor: float) -> None:
    with pytest.raises(ValidationError, match="allowed: > 0 and ≤ 1"):
        make_step("low_resolution", factor=factor)
