"""What steps of MR and automatic policies draw, by distribution: Kolmogorov-Smirnov, and moments within 3 errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import make_scene, make_step
from scipy import stats

from medaug_cli.core.geometry import Geometry
from medaug_cli.transforms import load_step

GRID = Geometry((32, 30, 28))


def draws(name: str, copies: int, **values: Any) -> list[Any]:
    step = load_step(name)(**values)
    return [step.draw(make_scene(GRID, copy, modality="MR")) for copy in range(copies)]


def assert_uniform(numbers: Any, low: float, high: float) -> None:
    """Compare with the uniform distribution, as a whole and by mean and variance."""
    shares = (np.asarray(numbers, float).reshape(-1) - low) / (high - low)
    assert stats.kstest(shares, "uniform").pvalue > 0.001
    assert abs(shares.mean() - 1 / 2) <= 3 * np.sqrt(1 / 12 / shares.size)
    # The fourth central moment is 1 / 80, so the variance has the error sqrt((1 / 80 - 1 / 144) / n).
    assert abs(shares.var() - 1 / 12) <= 3 * np.sqrt((1 / 80 - 1 / 144) / shares.size)


def test_spikes_lie_anywhere_in_the_spectrum() -> None:
    assert_uniform([step.positions for step in draws("spike", 400, count=100)], 0, 1)  # 120 000 numbers


def test_movements_are_drawn_for_every_axis_and_movement_on_their_own() -> None:
    drawn = draws("motion", 1700, count=20, rotation_deg=[-5, 5], translation_mm=[-2, 6])  # 102 000 numbers each
    assert_uniform([step.rotation_deg for step in drawn], -5, 5)
    assert_uniform([step.translation_mm for step in drawn], -2, 6)
    angles = np.array([step.rotation_deg for step in drawn]).reshape(len(drawn), -1)
    assert np.abs(np.corrcoef(angles[:, :6].T) - np.eye(6)).max() <= 4.5 / np.sqrt(len(drawn))


def test_movements_come_at_even_times_but_for_three_tenths_of_a_step() -> None:
    still = [[0, 0, 0]] * 20
    drawn = draws("motion", 5000, rotation_deg=still, translation_mm=still)
    times = np.array([step.times for step in drawn])  # 100 000 numbers
    assert_uniform(times * 21 - np.arange(1, 21), -0.3, 0.3)


@pytest.mark.parametrize(
    ("name", "key", "ends"),
    [
        ("ghosting", "intensity", (0.2, 0.8)),
        ("gibbs", "alpha", (0.3, 0.6)),
        ("spike", "intensity", (0.2, 1.0)),
        ("kspace_undersampling", "acceleration", (1.5, 3.0)),
        ("trivial_augment", "magnitude", (0.0, 1.0)),
    ],
)
def test_strengths_are_uniform_over_their_range(name: str, key: str, ends: tuple[float, float]) -> None:
    children = {"steps": (make_step("gamma"),)} if name == "trivial_augment" else {}
    assert_uniform([getattr(step, key).value for step in draws(name, 3000, **children)], *ends)


def test_ghosts_and_axes_are_drawn_as_often() -> None:
    drawn = draws("ghosting", 4500)
    ghosts = np.array([step.num_ghosts.value for step in drawn])
    assert stats.chisquare([np.sum(ghosts == number) for number in range(2, 11)]).pvalue > 0.001
    assert stats.chisquare([sum(step.axis == axis for step in drawn) for axis in "ij"]).pvalue > 0.001


def test_random_undersampling_keeps_every_plane_by_a_chance_of_its_own() -> None:
    """Of 1000 planes 100 are the centre; 900 more make 1000 / 2.5, so a third of the others is kept: 300 of 900."""
    step: Any = make_step("kspace_undersampling", acceleration=2.5, center_fraction=0.1)
    masks = np.array([step._kept(1000, np.random.default_rng(seed)) for seed in range(120)])
    others = np.delete(masks, np.arange(450, 550), axis=1)  # 108 000 chances
    assert abs(others.mean() - 1 / 3) <= 3 * np.sqrt(2 / 9 / others.size)
    assert stats.kstest(others.sum(axis=1), stats.binom(900, 1 / 3).cdf).pvalue > 0.001


def test_the_weights_of_augmix_follow_dirichlet_and_its_share_a_beta_distribution() -> None:
    """With alpha 1 the share is uniform, and each of three weights has the beta distribution (1, 2)."""
    drawn = draws("augmix", 3000, steps=(make_step("gamma"),))
    assert_uniform([step.share for step in drawn], 0, 1)
    for chain in range(3):
        weights = [step.weights[chain] for step in drawn]
        assert stats.kstest(weights, stats.beta(1, 2).cdf).pvalue > 0.001
    assert np.sum([step.weights for step in drawn], axis=1) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("name", ["motion", "ghosting", "spike", "gibbs", "kspace_undersampling", "augmix"])
def test_p_is_the_share_of_copies_that_a_step_is_applied_to(name: str) -> None:
    applied = sum(step is not None for step in draws(name, 2000, p=0.3))
    assert abs(applied - 600) <= 4 * np.sqrt(2000 * 0.3 * 0.7)
    assert not any(draws(name, 50, p=0))
    assert all(draws(name, 50, p=1))
