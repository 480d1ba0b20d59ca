"""Steps in k-space, against NumPy's Fourier transform in double precision and numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import augment, ball, centroid_ras_mm, change, make_sample, make_scene, make_step, make_volume
from pydantic import ValidationError

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry

GRID = Geometry((16, 20, 12))
NOISE = np.random.default_rng(3).uniform(0, 100, (12, 20, 16)).astype(np.float32)


def spectrum(array: Any) -> Any:
    """Return the spectrum along x, y, z, zero frequency at n // 2."""
    return np.fft.fftshift(np.fft.fftn(np.asarray(array, float).T))


def image(points: Any) -> Any:
    return np.fft.ifftn(np.fft.ifftshift(points)).real.T


def test_a_ghost_of_two_lies_half_the_field_of_view_away_and_is_half_as_bright_as_what_is_lost() -> None:
    """Every second plane times 1 - 0.4 is 0.8 of the image and -0.2 of it shifted by half; the centre is put back."""
    line = np.zeros((1, 20, 1))
    line[0, 3, 0] = 100.0
    found = change(make_step("ghosting", num_ghosts=2, intensity=0.4, axis="j"), line)[0, :, 0]
    expected = np.full(20, 0.4 * 100 / 20)  # zero frequency, plane 10, is one of the weakened
    expected[3] += 80
    expected[13] -= 20
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_ghosting_restores_the_centre_that_is_asked_for(axis: str) -> None:
    number = "ijk".index(axis)
    points = spectrum(NOISE)
    count = points.shape[number]
    lost = np.zeros(count)
    lost[::3] = 0.7
    kept = round(0.3 * count) // 2
    lost[count // 2 - kept : count // 2 + kept] = 0
    lost[count // 2] = 0
    expected = image(points * (1 - lost).reshape([-1 if n == number else 1 for n in range(3)]))
    step = make_step("ghosting", num_ghosts=3, intensity=0.7, restore=0.3, axis=axis)
    assert np.abs(change(step, NOISE) - expected).max() <= 1e-3


def test_a_spike_is_a_cosine_of_its_share_of_the_sum() -> None:
    """Four periods along i: the point 12 of 16, zero frequency at 8."""
    found = change(make_step("spike", positions=[[12 / 16, 0.5, 0.5]], intensity=0.3), NOISE)
    wave = 0.3 * NOISE.mean() * np.cos(2 * np.pi * 4 * np.arange(16) / 16)
    assert np.abs(found - NOISE - wave).max() <= 1e-3


def test_spikes_of_a_log_model_set_the_magnitude_and_keep_the_phase() -> None:
    points = spectrum(NOISE)
    for index in ((3, 11, 7), (10, 2, 0)):
        points[index] *= np.exp(9.0) / abs(points[index])
    step = make_step("spike", positions=[[3, 11, 7], [10, 2, 0]], intensity=9, model="log")
    assert np.abs(change(step, NOISE) - image(points)).max() <= 1e-3


def test_drawn_spikes_of_a_log_model_fit_the_grid_of_every_channel() -> None:
    """Each channel has its own voxels; a spike lies at the same share of its spectrum."""
    small, large = make_volume(Geometry((4, 6, 2))), make_volume(Geometry((16, 24, 8)))
    sample = make_sample(large, small, modality="MR")
    step = make_step("spike", model="log", intensity=14)
    for copy in range(20):
        drawn: Any = step.draw(make_scene(large.geometry, copy))
        assert all(0 <= share < 1 for share in drawn.positions[0])
        assert not np.array_equal(augment(sample, step, copy=copy).images["1"].array, small.array)


def test_shares_and_indices_of_a_log_model_name_the_same_points() -> None:
    ends = ([[0, 0, 0]], [[5, 8, 3]])
    for shares, indices in zip(([[0.0, 0.0, 0.0]], [[5.5 / 12, 8.5 / 20, 3.5 / 16]]), ends, strict=True):
        one, other = (
            change(make_step("spike", positions=where, intensity=9, model="log"), np.ones((16, 20, 12)))
            for where in (shares, indices)
        )
        assert np.array_equal(one, other)


def test_a_spike_outside_the_spectrum_is_refused() -> None:
    with pytest.raises(SampleError, match=r"position \[3, 20, 7\] lies outside a spectrum of 16 x 20 x 12"):
        change(make_step("spike", positions=[[3, 20, 7]], intensity=9, model="log"), NOISE)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9])
def test_gibbs_keeps_a_sphere_or_a_box(alpha: float) -> None:
    shares = np.meshgrid(*(np.abs(np.arange(n) - n // 2) / (n / 2) for n in (16, 20, 12)), indexing="ij")
    sphere = sum(share**2 for share in shares) <= 3 * (1 - alpha) ** 2 + 1e-9
    box = np.logical_and.reduce([share <= 1 - alpha for share in shares])
    for model, kept in (("sphere", sphere), ("box", box)):
        found = change(make_step("gibbs", alpha=alpha, model=model), NOISE)
        assert np.abs(found - image(spectrum(NOISE) * kept)).max() <= 1e-3


def test_gibbs_rings_at_an_edge_by_nine_hundredths_of_its_height() -> None:
    """Wilbraham's constant: a step of a long line overshoots by 8.95 % of its height, whatever is cut off."""
    line = np.zeros((1, 1, 512))
    line[..., 128:384] = 1.0
    found = change(make_step("gibbs", alpha=0.9, model="box"), line)
    assert found.max() - 1 == pytest.approx(0.0895, abs=0.003)
    assert -found.min() == pytest.approx(0.0895, abs=0.003)


@pytest.mark.parametrize(("pattern", "spread"), [("random", 8.0), ("equispaced", 1.0)])
def test_undersampling_keeps_the_centre_and_a_share_of_the_rest(pattern: str, spread: float) -> None:
    """A quarter of 200 planes, 20 of them the centre; by chance with the deviation √(180 · 1/6 · 5/6) = 5."""
    step: Any = make_step("kspace_undersampling", acceleration=4, center_fraction=0.1, pattern=pattern)
    masks = np.array([step._kept(200, np.random.default_rng(seed)) for seed in range(200)])
    assert masks[:, 90:110].all()
    counts = masks.sum(axis=1)
    assert counts.mean() == pytest.approx(50, abs=3 * 5 / np.sqrt(200))
    assert counts.std() <= spread
    # Every plane of the rest has the same chance, 30 of 180: 33 of 200, at most 4 deviations away.
    others = np.delete(masks.sum(axis=0), np.arange(90, 110))
    assert np.abs(others - 200 / 6).max() <= 4.5 * np.sqrt(200 / 6 * 5 / 6)


def test_undersampling_zeroes_the_planes_that_are_not_kept() -> None:
    step: Any = make_step("kspace_undersampling", axis="j", acceleration=3, center_fraction=0.1)
    kept = step._kept(20, make_scene(GRID).generator("planes"))
    assert 0 < kept.sum() < 20
    assert np.abs(change(step, NOISE) - image(spectrum(NOISE) * kept[:, None])).max() <= 1e-3


def test_the_patterns_of_two_copies_differ() -> None:
    step: Any = make_step("kspace_undersampling", axis="j")
    drawn = [augment(make_sample(make_volume(GRID)), step, copy=copy).images["0"].array for copy in (1, 2)]
    assert not np.array_equal(*drawn)


@pytest.mark.parametrize(("time", "moves"), [(0.0, False), (0.25, True), (0.75, True), (1.0, False)])
def test_a_movement_before_the_first_or_after_the_last_plane_moves_nothing(time: float, *, moves: bool) -> None:
    step = make_step("motion", rotation_deg=[[0, 0, 0]], translation_mm=[[3, 0, 0]], times=[time])
    assert np.array_equal(change(step, NOISE), NOISE) != moves


def test_motion_takes_the_outer_planes_from_the_moved_image() -> None:
    """A shift by whole voxels, and ITK's fill: every number can be had from NumPy."""
    array = np.zeros((12, 20, 16))
    array[3:9, 6:14, 4:12] = NOISE[3:9, 6:14, 4:12]
    # In RAS a position 2 mm further right is 2 mm less along x (LPS): the content goes 2 voxels along +x.
    step = make_step("motion", rotation_deg=[[0, 0, 0]], translation_mm=[[2, 0, 0]], times=[0.25])
    moved = spectrum(np.roll(array, 2, axis=2))
    points = spectrum(array)
    points[:, :, :3] = moved[:, :, :3]
    assert np.abs(change(step, array) - image(points)).max() <= 1e-3


def test_a_drawn_motion_names_every_movement_and_its_time() -> None:
    for copy in range(50):
        drawn: Any = make_step("motion", count=3, rotation_deg=[-5, 5]).draw(make_scene(GRID, copy))
        assert [len(drawn.rotation_deg), len(drawn.translation_mm), len(drawn.times)] == [3, 3, 3]
        assert all(abs(time * 4 - number) <= 0.3 for number, time in enumerate(drawn.times, start=1))
        assert all(abs(angle) <= 5 for triple in drawn.rotation_deg for angle in triple)


@pytest.mark.parametrize("size", [(1, 12, 14), (12, 1, 14), (12, 14, 1)])
@pytest.mark.parametrize("name", ["motion", "ghosting", "kspace_undersampling"])
def test_a_picture_is_encoded_along_an_axis_of_its_plane(name: str, size: tuple[int, int, int]) -> None:
    for copy in range(8):
        drawn: Any = make_step(name).draw(make_scene(Geometry(size), copy))
        assert size["ijk".index(drawn.axis)] > 1


def test_the_axis_is_drawn_from_those_that_are_named() -> None:
    axes = [make_step("ghosting", axis=["i", "SI"]).draw(make_scene(GRID, copy)).axis for copy in range(60)]  # type: ignore[union-attr]
    assert set(axes) == {"i", "SI"}


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("spike", {"model": "log"}, "model log needs intensity"),
        ("spike", {"by_channel": {"1": {"model": "log"}}}, "by_channel.1: model log needs intensity"),
        ("spike", {"positions": [[0.2, 1.0, 0.3]]}, "positions: 1 is out of range; allowed: from 0 to below 1"),
        ("spike", {"positions": [[0.5, 1, 3]], "model": "log", "intensity": 9}, "positions: 0.5 is no index"),
        ("motion", {"rotation_deg": [[1, 2, 3]], "times": [0.2, 0.4]}, "found rotation_deg 1, times 2"),
        ("motion", {"times": [0.6, 0.4]}, "times must ascend"),
        ("ghosting", {"axis": "x"}, "axis"),
    ],
)
def test_what_does_not_fit_together_is_refused(name: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_step(name, **values)


def test_the_still_image_is_what_motion_leaves_where_the_centre_is_measured() -> None:
    """A ball keeps its place: the centre of k-space is that of the still image, also far from the world's origin."""
    grid = Geometry((24, 24, 24), (1.0, 1.0, 1.0), (200.0, -300.0, 400.0))
    before = ball(grid, 6, (2, 1, -3))
    step = make_step("motion", rotation_deg=[[0, 0, 20]], translation_mm=[[0, 0, 0]], times=[0.3])
    after = change(step, before, grid)
    assert centroid_ras_mm(after, grid) == pytest.approx(centroid_ras_mm(before, grid), abs=0.2)
