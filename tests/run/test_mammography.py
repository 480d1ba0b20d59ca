"""Mammography and chest X-rays: a right breast mirrored is a left one, its masks and their names with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from datasets_for_runs import PROJECT, records_of, run_here, save_recipe
from witnesses import dicom_errors

from medaug_cli.replay import compare, replay_record
from medaug_cli.root import dataset_of
from tests.formats.dicom.datasets import DX, image, mammogram, save

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

RECIPE = """\
version: 1
copies: 1
dataset:
  layout: dicom
  labels: {lesion: "{case}_mask.nii.gz"}
  label_names: {1: left_mass, 2: right_mass, 3: nipple}
steps:
  - flip: {axes: [horizontal], p: 1, swap_labels: [[left_mass, right_mass]]}
"""


def save_mask(header: Dataset, path: Path) -> np.ndarray[Any, Any]:
    """Write a mask of the picture with a left mass, a right mass and the nipple; return it as (rows, columns)."""
    mask = np.zeros((header.Rows, header.Columns), np.uint8)
    rows, columns = mask.shape
    mask[1 : rows // 3, 1 : columns // 4] = 1
    mask[rows // 2 : rows - 1, columns // 2 : columns - 2] = 2
    mask[rows // 2, 0] = 3
    y_mm, x_mm = (float(value) for value in header.ImagerPixelSpacing)
    nib.save(nib.nifti1.Nifti1Image(mask.T[..., None], np.diag([-x_mm, -y_mm, 1, 1])), path)
    return mask


def mirrored(header: Dataset, root: Path) -> tuple[Dataset, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the copy that a run with a horizontal flip makes, the mask before and the mask after."""
    save(header, root / "dataset" / "a.dcm")
    before = save_mask(header, root / "dataset" / "a_mask.nii.gz")
    tally, events = run_here(save_recipe(root / "recipe.yaml", RECIPE), root / "dataset", root / "root")
    assert (tally.done, tally.failed) == (1, 0), events
    (copy,), (mask,) = (root / "root").rglob("*.dcm"), (root / "root").rglob("*.nii.gz")
    (record,) = records_of(root / "root")
    compare(record, replay_record(record, dataset_of(root / "root", None)))
    assert dicom_errors(copy) <= dicom_errors(root / "dataset" / "a.dcm")
    return pydicom.dcmread(copy), before, np.asarray(nib.load(mask).dataobj)[..., 0].T


def assert_swapped(before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> None:
    """Assert that the mask is mirrored, and left and right masses have exchanged their names."""
    swapped = np.choose(before[:, ::-1], [0, 2, 1, 3])
    assert np.array_equal(after, swapped)


def test_a_right_mlo_with_its_mask_becomes_a_left_mlo_with_its_mask(tmp_path: Path) -> None:
    pixels = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)
    made, before, after = mirrored(mammogram(pixels), tmp_path)
    assert (made.ImageLaterality, list(made.PatientOrientation)) == ("L", ["A", "FR"])
    side = made.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0]
    assert side.CodeMeaning == "Left"
    assert made.ViewCodeSequence[0].CodeValue == "399368009"  # still medio-lateral oblique
    assert "Laterality" not in made
    assert np.array_equal(made.pixel_array, pixels[:, ::-1])
    assert_swapped(before, after)


def test_the_phantom_mammogram_becomes_a_left_one(tmp_path: Path) -> None:
    (path,) = (PROJECT / "sample_data" / "mammo").glob("*.dcm")
    header = pydicom.dcmread(path)
    made, before, after = mirrored(header, tmp_path)
    assert (header.ImageLaterality, made.ImageLaterality) == ("R", "L")
    assert list(made.PatientOrientation) == ["A", "FR"]
    assert np.array_equal(made.pixel_array, header.pixel_array[:, ::-1])
    assert_swapped(before, after)


@pytest.mark.parametrize(("side", "other"), [("R", "L"), ("L", "R"), ("B", "B"), ("U", "U")])
def test_a_dx_of_one_side_becomes_one_of_the_other(side: str, other: str, tmp_path: Path) -> None:
    """A hand or a knee; a picture of both sides, or of an unpaired part, stays one."""
    pixels = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)
    about = {"ImageLaterality": side, "PatientOrientation": ["L", "F"], "ImagerPixelSpacing": [0.2, 0.2]}
    more = {"FieldOfViewHorizontalFlip": "NO", "FieldOfViewRotation": 0, "FieldOfViewOrigin": [0, 0]}
    made, before, after = mirrored(image(pixels, DX, Modality="DX", **about, **more), tmp_path)
    assert made.ImageLaterality == other
    assert list(made.PatientOrientation) == ["L", "F"]  # turned round, then of the other side
    assert not [keyword for keyword in more if keyword in made]
    assert np.array_equal(made.pixel_array, pixels[:, ::-1])
    assert_swapped(before, after)
