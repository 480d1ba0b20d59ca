"""DICOM pixel padding through whole runs: it moves, it grows, it comes back, and nothing is computed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from datasets_for_runs import records_of, run_here, save_recipe

from tests.formats.dicom.datasets import save_series

if TYPE_CHECKING:
    from pathlib import Path

PADDING, ROWS, COLUMNS, SLICES = -2000, 24, 28, 3
DISC = (np.arange(ROWS)[:, None] - 11.5) ** 2 + (np.arange(COLUMNS) - 13.5) ** 2 < 10**2


def scan(seed: int = 0) -> np.ndarray[Any, Any]:
    """Return slices (z, y, x) of a round field of view: 100 to 900 HU inside, padding around."""
    inside = np.random.default_rng(seed).integers(100, 901, (SLICES, ROWS, COLUMNS))
    return np.where(DISC, inside, PADDING).astype(np.int16)


def augmented(folder: Path, steps: str, *, padding: int | None = PADDING, slices: Any = None) -> Any:
    """Return the stored pixels (z, y, x) of the copy that `steps` make of a series, as pydicom reads them."""
    save_series(folder / "dataset", list(scan() if slices is None else slices), PixelPaddingValue=padding)
    recipe = save_recipe(folder / "recipe.yaml", f"version: 1\ncopies: 1\nsteps: {steps}\nchecks: null\n")
    run_here(recipe, folder / "dataset", folder / "root")
    (record,) = records_of(folder / "root")
    assert record.status == "ok", record
    copies = [pydicom.dcmread(folder / "root" / file.path) for file in record.output]
    assert all(copy.get("PixelPaddingValue") == padding for copy in copies)
    copies.sort(key=lambda copy: copy.ImagePositionPatient[2])
    return np.stack([copy.pixel_array for copy in copies])


@pytest.mark.parametrize("fill", ["minimum", "air", "mean", "edge", "500"])
def test_padding_moves_and_covers_what_comes_from_outside(tmp_path: Path, fill: str) -> None:
    """2 mm to the right are four columns of 0.5 mm; the fill is for images that declare no padding."""
    made = augmented(tmp_path, f"[{{translate: {{translation_mm: {{LR: 2}}, fill: {fill}}}}}]")
    expected = np.full_like(scan(), PADDING)
    expected[..., :-4] = scan()[..., 4:]
    assert np.array_equal(made, expected)


def test_interpolation_never_mixes_padding_into_what_is_measured(tmp_path: Path) -> None:
    made = augmented(tmp_path, "[{rotate: {rotation_deg: {SI: 30}, interpolation: bspline}}]")
    kept = made != PADDING
    assert 0.9 < kept.sum() / (SLICES * DISC.sum()) < 1.1
    assert made[kept].min() > -300  # a cubic spline overshoots noise by a part of its range, padding lies at -2000
    assert (made[:, 0, 0] == PADDING).all()


@pytest.mark.parametrize(("fill", "expected"), [("air", -1024), ("500", 500), ("minimum", 100)])
def test_without_padding_the_fill_stands_outside(tmp_path: Path, fill: str, expected: int) -> None:
    slices = np.maximum(scan(), 100)
    step = f"[{{translate: {{translation_mm: {{LR: 2}}, fill: {fill}}}}}]"
    made = augmented(tmp_path, step, padding=None, slices=slices)
    assert (made[..., -4:] == expected).all()
    assert np.array_equal(made[..., :-4], slices[..., 4:])


UNITS = {
    "std": np.std,
    "range": np.ptp,
    "percentile": lambda values: np.subtract(*np.percentile(values, [99, 1])),
}


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("unit", UNITS)
def test_strength_is_relative_to_what_is_measured(tmp_path: Path, unit: str, *, moved: bool) -> None:
    before = "{translate: {translation_mm: {LR: 2}}}, " if moved else ""
    made = augmented(tmp_path, f"[{before}{{brightness: {{add: 0.5, relative_to: {unit}}}}}]")
    source = np.full_like(scan(), PADDING)
    source[..., : -4 if moved else None] = scan()[..., 4 if moved else 0 :]
    measured = source != PADDING
    assert np.array_equal(made != PADDING, measured)
    added = made[measured] - source[measured].astype(float)
    assert np.abs(added - 0.5 * UNITS[unit](source[measured].astype(float))).max() <= 0.51


def test_contrast_is_about_the_mean_of_what_is_measured(tmp_path: Path) -> None:
    made = augmented(tmp_path, "[{contrast: {factor: 0.5, preserve_range: false}}]")
    measured = scan()[:, DISC].astype(float)
    assert np.abs(made[:, DISC] - (measured.mean() + (measured - measured.mean()) / 2)).max() <= 0.51
    assert (made[:, ~DISC] == PADDING).all()
