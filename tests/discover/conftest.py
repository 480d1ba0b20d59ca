"""Small real files for the tests of discovery: NIfTI written with nibabel, DICOM with pydicom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import nibabel as nib
import numpy as np
import pydicom
import pytest
import witnesses
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

if TYPE_CHECKING:
    from pathlib import Path


class WriteNifti(Protocol):
    """Write a NIfTI file of zeros below the dataset."""

    def __call__(self, *paths: str, size: tuple[int, ...] = (4, 5, 6), shift_mm: float = 0.0) -> None:
        """Write to each of `paths`; the origin lies `shift_mm` along x."""
        ...


class WriteSeries(Protocol):
    """Write a CT series below the dataset."""

    def __call__(
        self, folder: str, series: str, *, study: str = "1.2.1", frame: str = "1.2.2", slices: int = 3
    ) -> None:
        """Write `slices` slices, 2 mm apart, with these UIDs."""
        ...


@pytest.fixture
def nifti(tmp_path: Path) -> WriteNifti:
    def write(*paths: str, size: tuple[int, ...] = (4, 5, 6), shift_mm: float = 0.0) -> None:
        affine = np.eye(4)
        affine[0, 3] = shift_mm
        for path in paths:
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(np.zeros(size, np.uint8), affine), target)

    return write


@pytest.fixture
def series(tmp_path: Path) -> WriteSeries:
    def write(folder: str, series: str, *, study: str = "1.2.1", frame: str = "1.2.2", slices: int = 3) -> None:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for index in range(slices):
            ct_slice = make_ct_slice(f"{series}.{index + 1}", position_mm=2.0 * index)
            ct_slice.SeriesInstanceUID = series
            ct_slice.StudyInstanceUID = study
            ct_slice.FrameOfReferenceUID = frame
            ct_slice.save_as(tmp_path / folder / f"{series}.{index}.dcm", enforce_file_format=True)

    return write


def make_ct_slice(uid: str, position_mm: float) -> pydicom.Dataset:
    """Return an axial CT slice of 4 x 4 pixels at z = `position_mm`."""
    ct_slice = pydicom.Dataset()
    ct_slice.file_meta = FileMetaDataset()
    ct_slice.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ct_slice.SOPClassUID = CTImageStorage
    ct_slice.SOPInstanceUID = uid
    ct_slice.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ct_slice.Modality = "CT"
    ct_slice.PatientID = "someone"
    ct_slice.Rows = ct_slice.Columns = 4
    ct_slice.PixelSpacing = [1, 1]
    ct_slice.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ct_slice.ImagePositionPatient = [0, 0, position_mm]
    ct_slice.SamplesPerPixel = 1
    ct_slice.PhotometricInterpretation = "MONOCHROME2"
    ct_slice.BitsAllocated = ct_slice.BitsStored = 16
    ct_slice.HighBit = 15
    ct_slice.PixelRepresentation = 0
    ct_slice.RescaleSlope = 1
    ct_slice.RescaleIntercept = 0
    ct_slice.PixelData = bytes(32)
    return ct_slice


@pytest.fixture
def realdata() -> Path:
    return witnesses.realdata()
