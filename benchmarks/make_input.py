"""Input: volumes and pictures as scanners make them, of the sample data and of noise from fixed seeds.

`python make_input.py FOLDER [--quick]`; the same files each time. Quick ones are half as wide along every axis.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pydicom
import workload as w
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from scipy import ndimage

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from pydicom.uid import UID

SAMPLES = Path(__file__).resolve().parent.parent / "sample_data"
BRAIN_GREY_LEVELS = 6.0  # of the template's 238, as an int16 scanner would spread them
BRAIN_NOISE = 18.0
CT_NOISE_HU = 12.0


def main() -> None:
    """Make all inputs below FOLDER."""
    parser = argparse.ArgumentParser(description="Make the inputs of the benchmarks.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="half the voxels along every axis")
    arguments = parser.parse_args()
    step = 2 if arguments.quick else 1
    make_brains(arguments.folder, step)
    make_ct(arguments.folder, step)
    make_radiographs(arguments.folder / "radiographs", step)


def make_brains(folder: Path, step: int) -> None:
    """Write `brain` (one case), `brains` (several equal ones), and `brain-<n>` with another number of slices."""
    image, label = draw_brain(step)
    write_case(folder / "brain", "t1", image, label)
    (folder / "brains").mkdir(exist_ok=True)
    for number in range(w.BRAINS):
        for suffix in (".nii.gz", "_seg.nii.gz"):
            shutil.copyfile(folder / "brain" / f"t1{suffix}", folder / "brains" / f"case{number:02d}{suffix}")
    for number, share in enumerate(w.VOXEL_SHARES):
        slices = np.arange(round(image.shape[2] * share)) % image.shape[2]
        write_case(folder / f"brain-{number}", "t1", image[:, :, slices], label[:, :, slices])


def draw_brain(step: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return a T1 (x, y, z) with Rician noise and its labels, upsampled from the sample of 2 mm to 1 mm."""
    folder = SAMPLES / "brain-mr"
    t1, segmentation = (nib.Nifti1Image.from_filename(folder / f"sub-01_{kind}.nii.gz") for kind in ("T1w", "seg"))
    template, tissue = np.asarray(t1.dataobj, np.float32), np.asarray(segmentation.dataobj)
    zoom = np.array(w.BRAIN_SIZE) / template.shape
    signal = ndimage.zoom(template, zoom, order=1)[::step, ::step, ::step] * BRAIN_GREY_LEVELS
    label = ndimage.zoom(tissue, zoom, order=0)[::step, ::step, ::step]
    generator = np.random.Generator(np.random.PCG64(1))
    real, imaginary = generator.standard_normal((2, *signal.shape), dtype=np.float32) * BRAIN_NOISE
    return np.rint(np.hypot(signal + real, imaginary)).astype(np.int16), label.astype(np.uint8)


def write_case(folder: Path, name: str, image: NDArray[np.int16], label: NDArray[np.uint8]) -> None:
    """Write `name`.nii.gz and `name`_seg.nii.gz, of 1 mm voxels along the patient's axes."""
    folder.mkdir(parents=True, exist_ok=True)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -np.array(image.shape) / 2
    nib.save(nib.Nifti1Image(image, affine), folder / f"{name}.nii.gz")
    nib.save(nib.Nifti1Image(label, affine), folder / f"{name}_seg.nii.gz")


def make_ct(folder: Path, step: int) -> None:
    """Write `ct` (NIfTI image and labels) and `series` (two equal DICOM series of its first slices)."""
    hounsfield, label = draw_ct(step)
    write_case(folder / "ct", "ct", hounsfield, label)
    for name in w.SERIES:
        (folder / "series" / name).mkdir(parents=True, exist_ok=True)
        for number in range(w.SERIES_SLICES // step):
            write_slice(folder / "series" / name / f"{number:04d}.dcm", (name, number), hounsfield[:, :, number].T)


def draw_ct(step: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return a trunk (x, y, z) in HU with spine and two organs, noise of the detector, air about it, and its labels."""
    x, y, z = (np.linspace(-1, 1, n // step, dtype=np.float32) for n in w.CT_SIZE)
    x, y, z = x[:, None, None], y[None, :, None], z[None, None, :]
    organs = (  # centre x, y, radii x, y, z, HU
        (0.0, 0.0, 0.85, 0.6, 9.0, -90),
        (0.0, 0.0, 0.78, 0.53, 9.0, 45),
        (0.0, 0.35, 0.1, 0.12, 9.0, 600),
        (-0.35, -0.1, 0.3, 0.25, 0.8, 110),
        (0.4, 0.0, 0.16, 0.2, 0.6, 160),
    )
    hounsfield = np.full((x.size, y.size, z.size), -1000, dtype=np.float32)
    label = np.zeros(hounsfield.shape, np.uint8)
    for number, (at_x, at_y, wide_x, wide_y, wide_z, value) in enumerate(organs):
        inside = ((x - at_x) / wide_x) ** 2 + ((y - at_y) / wide_y) ** 2 + (z / wide_z) ** 2 <= 1
        hounsfield[inside], label[inside] = value, number
    noise = np.random.Generator(np.random.PCG64(2)).standard_normal(hounsfield.shape, dtype=np.float32)
    hounsfield += noise * CT_NOISE_HU
    return np.rint(hounsfield.clip(-1024, 3071)).astype(np.int16), label


def write_slice(path: Path, place: tuple[str, int], hounsfield: NDArray[np.int16]) -> None:
    """Write slice (series, number) of axial rows and columns, 0.8 mm pixels, 1.5 mm apart."""
    source: Any = pydicom.dcmread(SAMPLES / "ct" / "abdomen" / "0001.dcm")
    series, number = place
    source.SeriesInstanceUID = generate_uid(entropy_srcs=["medaug benchmark", series])
    source.SOPInstanceUID = generate_uid(entropy_srcs=["medaug benchmark", series, str(number)])
    source.InstanceNumber = number + 1
    source.Rows, source.Columns = hounsfield.shape
    source.PixelSpacing = [0.8, 0.8]
    source.SliceThickness = 1.5
    source.ImagePositionPatient = [-200.0, -200.0, 1.5 * number]
    source.SliceLocation = 1.5 * number
    source.RescaleIntercept, source.RescaleSlope = -1024, 1
    source.BitsStored, source.HighBit, source.PixelRepresentation = 12, 11, 0
    save(source, (hounsfield + 1024).astype(np.uint16), path, CTImageStorage)


def save(dataset: Dataset, pixels: NDArray[np.uint16], path: Path, sop_class: UID) -> None:
    """Write `dataset` with `pixels` (rows, columns) as Explicit VR Little Endian."""
    dataset.PixelData = pixels.astype("<u2").tobytes()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)


def make_radiographs(folder: Path, step: int) -> None:
    """Write chest X-rays of 12 bits, upsampled from the sample, each with noise of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    sample: Any = pydicom.dcmread(SAMPLES / "xray" / "chest_pa.dcm")
    pixels = sample.pixel_array.astype(np.float32)
    signal = ndimage.zoom(pixels, np.array(w.RADIOGRAPH_SHAPE) / pixels.shape)[::step, ::step]
    spacing = 0.14 * step
    for number in range(w.RADIOGRAPHS):
        generator = np.random.Generator(np.random.PCG64(10 + number))
        picture = signal + generator.standard_normal(signal.shape, dtype=np.float32) * 20
        sample.SOPInstanceUID, sample.SeriesInstanceUID = (
            generate_uid(entropy_srcs=["medaug benchmark", kind, str(number)]) for kind in ("image", "series")
        )
        sample.Rows, sample.Columns = picture.shape
        sample.ImagerPixelSpacing = [spacing, spacing]
        save(
            sample, np.rint(picture.clip(0, 4095)).astype(np.uint16), folder / f"chest{number}.dcm", sample.SOPClassUID
        )


if __name__ == "__main__":
    main()
