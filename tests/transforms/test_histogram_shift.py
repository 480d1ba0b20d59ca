"""Histogram shift: its curve, how it is drawn, what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import change, make_scene, make_step
from pydantic import ValidationError

from medaug_cli.core.geometry import Geometry


def drawn_points(copy: int = 1, **values: Any) -> Any:
    step = make_step("histogram_shift", **values).draw(make_scene(Geometry((2, 2, 2)), copy))
    assert step is not None
    return np.array(step.values()["points"])


def test_intensities_move_along_the_lines_between_the_points() -> None:
    """Half way up the range goes to a quarter; so a quarter goes to an eighth, three quarters to 0.625."""
    step = make_step("histogram_shift", points=[[0, 0.5, 1], [0, 0.25, 1]])
    assert change(step, [100, 150, 200, 250, 300]) == pytest.approx([100, 125, 150, 225, 300], abs=1e-4)


def test_padding_does_not_set_the_range() -> None:
    valid = np.array([True] * 5 + [False]).reshape(1, 1, 6)
    step = make_step("histogram_shift", points=[[0, 0.5, 1], [0, 0.25, 1]])
    after = change(step, [100, 150, 200, 250, 300, -9000], valid=valid)
    assert after[:5] == pytest.approx([100, 125, 150, 225, 300], abs=1e-4)


def test_drawn_curves_keep_their_ends_and_never_descend() -> None:
    for copy in range(50):
        before, after = drawn_points(copy, control_points=[3, 12])
        assert before == pytest.approx(np.linspace(0, 1, len(before)))
        assert (after[0], after[-1]) == (0, 1)
        assert (np.diff(after) >= 0).all()


def test_the_second_point_is_uniform_between_its_neighbours() -> None:
    """Of 5 points the second lies between 0 and 0.5: mean 0.25 with a standard error of 0.5/sqrt(12·400)."""
    second = [drawn_points(copy, control_points=5)[1][1] for copy in range(400)]
    assert abs(np.mean(second) - 0.25) < 3 * 0.5 / np.sqrt(12 * 400)
    assert max(second) > 0.48
    assert min(second) < 0.02


def test_half_the_strength_moves_points_half_as_far() -> None:
    whole, half = drawn_points(strength=1), drawn_points(strength=0.5)
    assert half[1] - half[0] == pytest.approx((whole[1] - whole[0]) / 2)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[0, 1], [0, 0.5, 1]], "one length"),
        ([[0], [0]], "one length"),
        ([[0, 2], [0, 1]], "from 0 to 1"),
        ([[0, 0.5, 0.5, 1], [0, 0.1, 0.2, 1]], "must ascend"),
        ([[0, 0.5, 1], [0, 0.6, 0.4]], "must not descend"),
    ],
)
def test_points_that_make_no_rising_curve_are_refused(points: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_step("histogram_shift", points=points)
