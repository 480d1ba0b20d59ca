"""Intensities near the limit of single precision: a copy is finite, or refused and not written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
from datasets_for_runs import copies_below, records_of, run_here, save_recipe

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy, about the very overflow


def augment_values(tmp_path: Path, values: np.ndarray, step: str) -> Path:  # type: ignore[type-arg]
    """Run one step on a float32 image of `values`; return OUTPUT."""
    (tmp_path / "data").mkdir()
    nib.save(nib.nifti1.Nifti1Image(values.astype(np.float32), np.eye(4)), tmp_path / "data" / "a.nii.gz")
    recipe = save_recipe(tmp_path / "recipe.yaml", f"version: 1\nsteps:\n  - {step}\nchecks: null\n")
    run_here(recipe, tmp_path / "data", tmp_path / "out")
    return tmp_path / "out"


def uniform(largest: float) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(0).uniform(0, largest, (12, 12, 12))


@pytest.mark.parametrize("step", ["gibbs", "rician_noise"])
def test_a_step_that_outgrows_single_precision_makes_no_copy(step: str, tmp_path: Path) -> None:
    out = augment_values(tmp_path, uniform(1e37), step)
    (record,) = records_of(out)
    assert (record.status, record.reason, record.output) == ("failed", "not_finite", ())
    assert "outgrow single precision" in record.message
    assert copies_below(out) == set()


@pytest.mark.parametrize("step", ["gamma", "affine", "blur", "gaussian_noise"])
def test_a_step_that_stays_within_it_makes_a_finite_copy(step: str, tmp_path: Path) -> None:
    out = augment_values(tmp_path, uniform(1e37), step)
    (record,) = records_of(out)
    assert record.status == "ok"
    assert np.isfinite(nib.load(out / record.output[0].path).get_fdata()).all()  # type: ignore[attr-defined]


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_was_not_measured_in_the_source_is_no_overflow(odd: float, tmp_path: Path) -> None:
    values = uniform(100)
    values[:4] = odd
    (record,) = records_of(augment_values(tmp_path, values, "gamma"))
    assert (record.status, record.message) == ("ok", "")


def test_a_source_of_nothing_measured_is_copied_as_before(tmp_path: Path) -> None:
    (record,) = records_of(augment_values(tmp_path, np.full((6, 6, 6), np.nan), "gamma"))
    assert (record.status, record.message) == ("ok", "")
