"""Bias field: exp of a polynomial of the position, from -1 at the first voxel centre to 1 at the last."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from builders import change, make_scene, make_step
from pydantic import ValidationError

from medaug_cli.core.geometry import Geometry

# Order 1 has the terms 1, k, j, i, in the order of nested loops over the exponents of i, j, k.
TERMS = {"1": 0, "k": 1, "j": 2, "i": 3}


@pytest.mark.parametrize("model", ["polynomial", "legendre"])
@pytest.mark.parametrize(("term", "numpy_axis"), [("i", 2), ("j", 1), ("k", 0)])
def test_a_term_of_order_1_runs_along_its_axis(model: str, term: str, numpy_axis: int) -> None:
    coefficients = [0.0] * 4
    coefficients[TERMS[term]] = 0.5
    field = change(make_step("bias_field", model=model, order=1, coefficients=coefficients), np.ones((3, 3, 3)))
    expected = np.exp([-0.5, 0, 0.5]).reshape([3 if axis == numpy_axis else 1 for axis in range(3)])
    assert np.abs(field - expected).max() < 1e-6


@pytest.mark.parametrize(("model", "value"), [("polynomial", 0.25), ("legendre", (3 * 0.25 - 1) / 2)])
def test_the_models_differ_in_their_terms_of_order_2(model: str, value: float) -> None:
    """Half way to the last voxel: x² against Legendre's (3x² - 1) / 2."""
    coefficients = [0.0] * 9 + [1.0]
    field = change(make_step("bias_field", model=model, order=2, coefficients=coefficients), np.ones((5, 5, 5)))
    assert field[2, 2, 3] == pytest.approx(math.exp(value), rel=1e-5)


def test_drawn_coefficients_are_uniform_within_the_strength_and_are_the_record() -> None:
    scenes = [make_scene(Geometry((4, 4, 4)), copy) for copy in range(100)]
    drawn: list[Any] = [make_step("bias_field", order=3, strength=0.4).draw(scene) for scene in scenes]
    numbers = np.array([step.values()["coefficients"] for step in drawn])
    assert numbers.shape == (100, 20)
    assert np.abs(numbers).max() <= 0.4
    assert abs(numbers.mean()) < 4 * 0.4 / math.sqrt(3 * 2000)
    assert numbers.std() == pytest.approx(0.4 / math.sqrt(3), rel=0.05)


def test_the_number_of_coefficients_follows_from_the_order() -> None:
    with pytest.raises(ValidationError, match="order 2 needs 10 coefficients, found 3"):
        make_step("bias_field", order=2, coefficients=[1, 2, 3])


@pytest.mark.parametrize("size", [(40, 30, 20), (60, 50, 1)])
def test_the_field_of_a_grid_is_smooth_and_as_strong_as_asked(size: tuple[int, int, int]) -> None:
    grid = Geometry(size, (2.0, 2.0, 3.0))
    step = make_step("bias_field", model="grid", strength=0.4, scale_mm=30)
    field = np.log(change(step, np.ones(size[::-1]), grid))
    assert np.abs(field).max() == pytest.approx(0.4, rel=0.1)
    assert field.std() > 0.05
    for axis, spacing in zip(range(3), grid.spacing_mm[::-1], strict=True):
        if field.shape[axis] > 1:  # a cubic B-spline changes by at most 2 · 0.4 a knot, here 30 mm
            assert np.abs(np.diff(field, axis=axis)).max() < 2.2 * 0.4 * spacing / 20


def test_a_grid_has_no_coefficients() -> None:
    with pytest.raises(ValidationError, match="model grid has no coefficients"):
        make_step("bias_field", model="grid", coefficients=[0.1])
