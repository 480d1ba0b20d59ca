"""Real images: found, read and copied, they are what nibabel says they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest

from medaug_cli.core.sample import Derivation, Source
from medaug_cli.formats import Limits
from medaug_cli.formats.nifti import FORMAT

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = ["nifti", "totalseg", "brain_tumour", "sts025_nifti"]
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
UNCHANGED = Derivation(copy=1, recipe_sha256="0" * 64, uid_key="key")
KEPT = ["dim", "pixdim", "xyzt_units", "sform_code", "qform_code", "datatype", "dim_info", "slice_code", "toffset"]


def load(path: Path) -> Any:
    """Open `path` with nibabel."""
    return nib.load(path)


def nifti_files(root: Path, folder: str) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in (root / folder).iterdir() if FORMAT.claims(p))


@pytest.mark.parametrize("folder", FOLDERS)
def test_all_real_images_but_the_cifti_are_found_with_the_grid_of_nibabel(realdata: Path, folder: str) -> None:
    for volume in FORMAT.find(realdata, nifti_files(realdata, folder)).volumes:
        if volume.name.endswith(".dconn"):
            assert (volume.problem or ("",))[0] == "cifti_not_supported"
            continue
        image = load(realdata / volume.files[0])
        assert volume.geometry is not None
        assert volume.problem is None
        assert volume.geometry.affine == pytest.approx(FLIP @ image.affine, abs=1e-4)
        assert volume.geometry.size == image.shape[:3]
        assert volume.components == (image.shape[3] if image.ndim > 3 else 1)


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_unchanged_copy_of_a_real_image_equals_it_by_nibabel(realdata: Path, tmp_path: Path, folder: str) -> None:
    for volume in FORMAT.find(realdata, nifti_files(realdata, folder)).volumes:
        if volume.problem is not None:
            continue
        is_label = any(word in volume.name for word in ("label", "mask", "seg"))
        source = Source("label" if is_label else "image", "a", "nifti", volume.files, volume.stamps)
        loaded = FORMAT.read(realdata, source, Limits())
        target = tmp_path / ("copy" + volume.files[0][volume.files[0].index(".nii") :])
        (file,) = FORMAT.encode(loaded.content, loaded, (target.name,), UNCHANGED)
        target.write_bytes(file.data)
        before, after = load(realdata / volume.files[0]), load(target)
        assert np.array_equal(after.dataobj.get_unscaled(), before.dataobj.get_unscaled())
        assert np.array_equal(np.asanyarray(after.dataobj), np.asanyarray(before.dataobj))
        assert np.array_equal(after.affine, before.affine)
        assert all(np.array_equal(after.header[field], before.header[field]) for field in KEPT)
        assert after.header.endianness == before.header.endianness
        assert file.voxel_sha256 == loaded.entries[0].voxel_sha256
        if is_label:
            assert loaded.content.array.dtype == before.get_data_dtype()


def test_scaled_integers_of_a_real_image_are_read_as_nibabel_scales_them(realdata: Path) -> None:
    """The functional image of nipy: slope 0.0754, intercept 3100.8."""
    loaded = FORMAT.read(realdata, Source("image", "a", "nifti", ("nifti/functional.nii.gz",)), Limits())
    wanted = load(realdata / "nifti/functional.nii.gz").get_fdata().T
    assert loaded.template.header.slope != 1
    assert np.abs(loaded.content.array - wanted).max() < 1e-3


def test_image_and_mask_of_a_real_patient_lie_on_one_grid(realdata: Path) -> None:
    for name in ("CT", "MR_T1", "PET"):
        files = [f"sts025_nifti/{name}_image.nii.gz", f"sts025_nifti/{name}_mask.nii.gz"]
        image, mask = FORMAT.find(realdata, files).volumes
        assert image.geometry is not None
        assert mask.geometry is not None
        assert image.geometry.same_grid(mask.geometry)
