"""Rician, Poisson and speckle noise, salt and pepper: their distributions, units and refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from builders import augment, change, make_sample, make_scene, make_step, make_volume
from scipy.stats import chi, kstest, ncx2, rice

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry

SHAPE = (50, 50, 50)
COUNT = 50**3
ZEROS = np.zeros(SHAPE)


def drawn(name: str, level: float, modality: str = "", **values: Any) -> Any:
    """Return the voxels (float64) of a flat image of `level` after noise in absolute units."""
    if name in ("rician_noise", "poisson_noise"):
        values = {"relative_to": "none", **values}
    return change(make_step(name, **values), ZEROS + level, modality=modality).ravel().astype(np.float64)


def close_to(voxels: Any, mean: float, variance: float, fourth: float) -> bool:
    """Say whether mean and variance lie within 3 standard errors; `fourth` is the fourth central moment."""
    errors = math.sqrt(variance / COUNT), math.sqrt((fourth - variance**2) / COUNT)
    return abs(voxels.mean() - mean) < 3 * errors[0] and abs(voxels.var() - variance) < 3 * errors[1]


@pytest.mark.parametrize(("level", "sigma"), [(0, 2), (3, 2), (100, 5)])
def test_one_coil_gives_the_distribution_of_rice(level: float, sigma: float) -> None:
    voxels, wanted = drawn("rician_noise", level, sigma=sigma), rice(level / sigma, scale=sigma)
    assert kstest(voxels, wanted.cdf).pvalue > 0.001
    mean, variance = wanted.stats("mv")
    assert close_to(voxels, mean, variance, np.mean((voxels - voxels.mean()) ** 4))


def test_the_floor_of_no_signal_is_that_of_rayleigh() -> None:
    voxels = drawn("rician_noise", 0, sigma=4)
    error = 4 * math.sqrt((2 - math.pi / 2) / COUNT)
    assert abs(voxels.mean() - 4 * math.sqrt(math.pi / 2)) < 3 * error


@pytest.mark.parametrize(("level", "coils"), [(0, 4), (30, 2), (30, 8)])
def test_several_coils_give_the_non_central_chi_distribution(level: float, coils: int) -> None:
    """The square over sigma² is non-central chi-squared, with 2 · coils degrees of freedom."""
    voxels = drawn("rician_noise", level, sigma=5, coils=coils)
    wanted = ncx2(2 * coils, (level / 5) ** 2) if level else None
    if wanted is None:
        assert kstest(voxels / 5, chi(2 * coils).cdf).pvalue > 0.001
    else:
        assert kstest((voxels / 5) ** 2, wanted.cdf).pvalue > 0.001


def test_rician_noise_refuses_ct_by_name() -> None:
    with pytest.raises(SampleError, match="rician_noise is wrong for CT"):
        make_step("rician_noise").draw(make_scene(Geometry((2, 2, 2)), modality="CT"))


def test_rician_noise_refuses_signed_intensities_of_no_known_modality() -> None:
    with pytest.raises(SampleError, match="values below 0, as HU have"):
        drawn("rician_noise", -1000, sigma=1)
    assert drawn("rician_noise", -3, "MR", sigma=1).min() >= 0


def test_poisson_noise_has_a_variance_of_the_signal_over_the_dose() -> None:
    """Level 50 at 4 counts a unit: mean 50, variance 50 / 4, fourth central moment (200 + 3 · 200²) / 4⁴."""
    voxels = drawn("poisson_noise", 50, dose=4)
    assert close_to(voxels, 50, 12.5, (200 + 3 * 200**2) / 4**4)
    assert set(voxels * 4 % 1) == {0}


def test_ct_is_counted_from_air() -> None:
    """Water is 1000 above air, air stays as it is."""
    assert close_to(drawn("poisson_noise", 0, "CT", dose=1), 0, 1000, 1000 + 3 * 1000**2)
    assert set(drawn("poisson_noise", -1000, "CT", dose=1)) == {-1000}


def test_dose_is_the_count_at_the_unit_that_is_named() -> None:
    """Half of the voxels 0, half 100, 400 counts at the range: the bright half has a standard deviation of 5."""
    before = np.where(np.arange(COUNT).reshape(SHAPE) % 2, 100.0, 0.0)
    for unit in ("range", "percentile"):
        after = change(make_step("poisson_noise", dose=400, relative_to=unit), before)
        assert after[before > 0].std() == pytest.approx(5, rel=0.02)
        assert not after[before == 0].any()


def test_speckle_is_normal_in_proportion_to_the_signal() -> None:
    voxels = drawn("speckle_noise", 80, sigma=0.1)
    assert kstest(voxels, "norm", args=(80, 8)).pvalue > 0.001
    assert close_to(voxels, 80, 64, 3 * 64**2)
    assert not drawn("speckle_noise", 0, sigma=0.1).any()


def test_speckle_of_ct_grows_from_air() -> None:
    assert drawn("speckle_noise", 0, "CT", sigma=0.1).std() == pytest.approx(100, rel=0.02)
    assert set(drawn("speckle_noise", -1000, "CT", sigma=0.1)) == {-1000}


@pytest.mark.parametrize(("fraction", "salt"), [(0.02, 0.5), (0.3, 0.25), (1, 0)])
def test_a_fraction_of_the_voxels_is_struck(fraction: float, salt: float) -> None:
    """Binomial counts within 3 standard errors."""
    before = np.linspace(-5, 5, COUNT).reshape(SHAPE)
    after = change(make_step("salt_and_pepper", fraction=fraction, salt=salt), before)
    for value, share in ((5, fraction * salt), (-5, fraction * (1 - salt))):
        assert abs((after == value).mean() - share) <= 3 * math.sqrt(share * (1 - share) / COUNT) + 1 / COUNT
    assert (after == before.astype(np.float32)).mean() == pytest.approx(1 - fraction, abs=0.005)


def test_padding_is_neither_salt_nor_pepper() -> None:
    before = np.where(np.arange(COUNT).reshape(SHAPE) % 2, 100.0, 0.0)
    before[0] = -3000
    valid = np.ones(SHAPE, bool)
    valid[0] = False
    after = change(make_step("salt_and_pepper", fraction=0.5), before, valid=valid)
    assert set(np.unique(after[1:])) == {0, 100}


@pytest.mark.parametrize("name", ["rician_noise", "poisson_noise", "speckle_noise", "salt_and_pepper"])
def test_voxels_and_components_are_struck_independently(name: str) -> None:
    strong: dict[str, dict[str, Any]] = {
        "rician_noise": {"sigma": 0.5},
        "poisson_noise": {"dose": 10},
        "speckle_noise": {"sigma": 0.5},
        "salt_and_pepper": {"fraction": 0.5},
    }
    level = np.where(np.arange(50) % 2, 100.0, 90.0) * np.ones((2, *SHAPE))
    sample = make_sample(make_volume(Geometry(SHAPE), level), modality="MR")
    made = augment(sample, make_step(name, **strong[name])).images["0"].array - level
    made -= made.mean(axis=(0, 1, 2))
    pairs = ((made[0], made[1]), (made[:, 1:], made[:, :-1]), (made[..., 2:], made[..., :-2]))
    for one, other in pairs:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / math.sqrt(COUNT)
