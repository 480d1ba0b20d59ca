"""Diffusion gradients of DICOM through whole runs: they turn as the anatomy does, measured in the copies' voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from datasets_for_runs import records_of, run_here, save_recipe

from tests.formats.dicom.datasets import MR, image, placed, save

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.arrays import Array64

SIZE = 32
# Oblique planes: the row runs to L and a little to P, the column to P and a little to H.
ROW, COLUMN = np.array([0.96, 0.28, 0.0]), np.array([-0.168, 0.576, 0.8])
GRADIENT = np.array([2.0, 1.0, 2.0]) / 3


def save_rod(folder: Path) -> None:
    """Write slices, 1 mm in every direction, of a bright rod along the gradient that their headers name."""
    frame = np.column_stack([ROW, COLUMN, np.cross(ROW, COLUMN)])
    indices = np.stack(np.meshgrid(*[np.arange(SIZE) - (SIZE - 1) / 2] * 3, indexing="ij"))
    k, j, i = indices
    places = np.einsum("ab,bkji->akji", frame, np.stack([i, j, k]))
    along = np.einsum("a,akji->kji", GRADIENT, places)
    aside = np.linalg.norm(places - GRADIENT[:, None, None, None] * along, axis=0)
    rod = 1000 * np.exp(-(aside**2) / 4) * (np.abs(along) < 9)
    for k, plane in enumerate(np.rint(rod).astype(np.int16)):
        position = frame @ (-(SIZE - 1) / 2, -(SIZE - 1) / 2, k - (SIZE - 1) / 2)
        about = placed(
            ImagePositionPatient=[round(float(value), 9) for value in position],
            ImageOrientationPatient=[*ROW, *COLUMN],
            PixelSpacing=[1, 1],
            SliceThickness=1,
            Modality="MR",
            DiffusionBValue=1000.0,
            DiffusionGradientOrientation=list(GRADIENT),
        )
        save(image(plane, MR, k + 1, **about), folder / f"{k:02d}.dcm")


def axis_of_rod(slices: list[pydicom.Dataset]) -> Array64:
    """Return the direction, in the patient, along which the bright voxels of `slices` spread most."""
    places, weights = [], []
    for one in slices:
        orientation = np.array(one.ImageOrientationPatient, float)
        row, column = orientation[:3], orientation[3:]
        j, i = np.nonzero(one.pixel_array > 300)
        y_mm, x_mm = map(float, one.PixelSpacing)
        places.append(np.array(one.ImagePositionPatient, float) + np.outer(i * x_mm, row) + np.outer(j * y_mm, column))
        weights.append(one.pixel_array[j, i])
    spread = np.cov(np.concatenate(places).T, aweights=np.concatenate(weights))
    return np.linalg.eigh(spread)[1][:, -1]


def copy_of_rod(tmp_path: Path, step: str) -> list[pydicom.Dataset]:
    save_rod(tmp_path / "data")
    recipe = f"version: 1\ndataset: {{layout: dicom}}\nsteps:\n  - {step}\nchecks: null\n"
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe), tmp_path / "data", tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert (record.status, record.message) == ("ok", "")
    return [pydicom.dcmread(tmp_path / "out" / entry.path) for entry in record.output]


def degrees_between(one: Array64, other: Array64) -> float:
    return float(np.degrees(np.arccos(min(1.0, abs(one @ other)))))


def test_the_rod_of_the_source_lies_along_its_gradient(tmp_path: Path) -> None:
    save_rod(tmp_path)
    assert degrees_between(axis_of_rod([pydicom.dcmread(one) for one in tmp_path.iterdir()]), GRADIENT) < 1


@pytest.mark.parametrize(
    "step",
    [
        "affine: {rotation_deg: {LR: 25, AP: -15, SI: 40}, translation_mm: 2, scale: 1, p: 1}",
        "affine: {rotation_deg: {LR: -20, AP: 30, SI: 10}, translation_mm: 0, scale: 1.1, p: 1}",
        "flip: {axes: [LR], p: 1}",
        "flip: {axes: [AP, SI], p: 1}",
        "rotate90: {turns: 1, p: 1}",
    ],
)
def test_the_gradient_of_a_copy_lies_along_the_rod_that_was_moved(step: str, tmp_path: Path) -> None:
    made = copy_of_rod(tmp_path, step)
    gradients = {tuple(one.DiffusionGradientOrientation) for one in made}
    assert len(gradients) == 1
    gradient = np.array(gradients.pop())
    assert np.linalg.norm(gradient) == pytest.approx(1, abs=1e-6)
    assert degrees_between(axis_of_rod(made), gradient) < 1
    assert degrees_between(GRADIENT, gradient) > 5


def test_another_grid_about_still_anatomy_leaves_the_gradient(tmp_path: Path) -> None:
    made = copy_of_rod(tmp_path, "crop: {size: [28, 30, 26]}")
    assert {tuple(one.DiffusionGradientOrientation) for one in made} == {tuple(GRADIENT)}


@pytest.mark.parametrize(
    "step",
    [
        "affine: {rotation_deg: 0, translation_mm: 0, scale: {LR: 1.1, AP: 0.9, SI: 1}, p: 1}",
        "affine: {rotation_deg: 0, translation_mm: 0, scale: 1, shear_deg: 5, p: 1}",
        "elastic: {p: 1}",
    ],
)
def test_anatomy_that_is_stretched_sheared_or_bent_has_no_gradient(step: str, tmp_path: Path) -> None:
    made = copy_of_rod(tmp_path, step)
    assert not any("DiffusionGradientOrientation" in one for one in made)
    assert {one.DiffusionBValue for one in made} == {1000}
