"""NIfTI masks of DICOM images: real series, masks as dcm2niix and nibabel lay them, copies read by other readers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
from builders import dice
from datasets_for_runs import records_of, run_here, save_recipe
from scipy.ndimage import gaussian_filter
from witnesses import realdata, to_nifti

from medaug_cli.core.lazy import sitk
from medaug_cli.replay import compare, replay_record

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """\
version: 1
dataset:
  layout: dicom
  labels: {bright: "{case}_bright.nii.gz"}
steps:
  - flip: {axes: [LR], p: 1}
  - affine: {rotation_deg: {LR: 0, AP: 0, SI: 20}, translation_mm: {LR: 12, AP: -7, SI: 0}, scale: 1.1, p: 1}
"""
BLUR_VOXELS = 2.0  # so that noise has no border
CROPPED = RECIPE + "  - crop: {size: [40, 30, 12]}\n"


def read_series(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def by_nibabel(folder: Path, axes: str) -> nib.nifti1.Nifti1Image:
    """Return the image laid along the axes of a code such as ASR."""
    image = read_series(folder)
    lps = np.diag([-1, -1, 1, 1.0])
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    found = nib.nifti1.Nifti1Image(sitk.GetArrayFromImage(image).T.astype(np.float32), lps @ affine)
    turn = nib.orientations.ornt_transform(nib.io_orientation(found.affine), nib.orientations.axcodes2ornt(axes))
    return found.as_reoriented(turn)


def save_bright(image: nib.nifti1.Nifti1Image, path: Path) -> float:
    """Write the mask of what is brighter than half of the image, blurred; return how bright that is."""
    array = gaussian_filter(np.asarray(image.dataobj, dtype=np.float32), BLUR_VOXELS)
    level = float(np.percentile(array, 50))
    nib.save(nib.nifti1.Nifti1Image((array > level).astype(np.uint8), image.affine), path)
    return level


def on_grid_of(mask: Path, image: sitk.Image) -> np.ndarray:
    """Return a mask as SimpleITK finds it at the voxels of `image`; both must have as many."""
    found = sitk.ReadImage(str(mask))
    assert sorted(found.GetSize()) == sorted(image.GetSize())
    return sitk.GetArrayFromImage(sitk.Resample(found, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)) > 0


@pytest.mark.parametrize(
    ("series", "how", "recipe"),
    [
        (("sts025_dicom", "CT", "image"), "dcm2niix", RECIPE),
        (("sts025_dicom", "MR_T1", "image"), "ASR", CROPPED),
        (("sts025_dicom", "PET", "image"), "RAS", RECIPE),
        (("mr_oblique_20",), "SRP", CROPPED),
    ],
    ids=["CT", "MR cropped", "PET", "oblique cropped"],
)
def test_a_mask_follows_its_image_whatever_the_order_of_its_axes(
    tmp_path: Path, series: tuple[str, ...], how: str, recipe: str
) -> None:
    """The mask marks what is bright; in the copy it still does, for two other readers."""
    shutil.copytree(realdata(*series), tmp_path / "dataset" / "CT")
    source = tmp_path / "dataset" / "CT"
    image = to_nifti(source, tmp_path / "nifti") if how == "dcm2niix" else by_nibabel(source, how)
    level = save_bright(image, tmp_path / "dataset" / "CT_bright.nii.gz")
    tally, _ = run_here(save_recipe(tmp_path / "recipe.yaml", recipe), tmp_path / "dataset", tmp_path / "root")
    assert (tally.done, tally.failed) == (1, 0)
    copy = read_series(tmp_path / "root" / "CT_aug0001")
    mask = on_grid_of(tmp_path / "root" / "CT_aug0001_bright.nii.gz", copy)
    made = gaussian_filter(sitk.GetArrayFromImage(copy).astype(np.float32), BLUR_VOXELS) > level
    assert dice(mask[1:-1, 2:-2, 2:-2], made[1:-1, 2:-2, 2:-2]) > 0.85
    record = records_of(tmp_path / "root")[0]
    assert record.labels["bright"]["1"][1] == mask.sum()
    compare(record, replay_record(record, tmp_path / "dataset"))
    again, _ = run_here(tmp_path / "recipe.yaml", tmp_path / "dataset", tmp_path / "root")
    assert (again.kept, again.done) == (1, 0)


def test_real_masks_of_real_series_lie_where_they_lay(tmp_path: Path) -> None:
    """The masks of the collection; a flip moves whole voxels, so that not one is gained or lost."""
    for name in ("CT", "MR_T1", "PET"):
        shutil.copytree(realdata("sts025_dicom", name, "image"), tmp_path / "dataset" / name)
        mask = realdata("sts025_nifti", f"{name}_mask.nii.gz")
        (tmp_path / "dataset" / f"{name}_bright.nii.gz").write_bytes(mask.read_bytes())
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE.partition("  - affine")[0])
    tally, _ = run_here(recipe, tmp_path / "dataset", tmp_path / "root")
    assert (tally.done, tally.failed) == (3, 0)
    for name in ("CT", "MR_T1", "PET"):
        before = nib.load(tmp_path / "dataset" / f"{name}_bright.nii.gz")
        after = nib.load(tmp_path / "root" / f"{name}_aug0001_bright.nii.gz")
        assert nib.aff2axcodes(before.affine) == nib.aff2axcodes(after.affine)
        across = [code in "LR" for code in nib.aff2axcodes(before.affine)].index(True)
        assert np.array_equal(np.asarray(after.dataobj), np.flip(np.asarray(before.dataobj), across))


def test_a_mask_elsewhere_is_refused_with_the_distance(tmp_path: Path) -> None:
    """dcm2niix takes the first step between slices for all; medaug takes their mean, which differs here."""
    shutil.copytree(realdata("mr_oblique_20"), tmp_path / "dataset" / "CT")
    save_bright(to_nifti(tmp_path / "dataset" / "CT", tmp_path / "nifti"), tmp_path / "dataset" / "CT_bright.nii.gz")
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), tmp_path / "dataset", tmp_path / "root")
    record = records_of(tmp_path / "root")[0]
    assert (record.status, record.reason) == ("failed", "geometry_mismatch")
    assert "mm apart" in record.message
