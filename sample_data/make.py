# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "nibabel==5.4.2",
#     "nilearn==0.14.1",
#     "numpy==2.4.6",
#     "pydicom==3.0.2",
#     "pylibjpeg-openjpeg==2.6.0",
#     "scipy==1.17.1",
# ]
# ///
"""Make every file of ``sample_data/`` except this script and ``README.md``.

Run ``python sample_data/make.py``. It needs the packages listed above; the
versions are those the committed files were made with. The sources are:

* nilearn 0.14.1, installed: the MNI152 T1 and grey matter templates.
* TotalSegmentator 2.18.0, source distribution (38 MB): a DICOM CT series and a
  chest CT. ``pip download`` fetches it, or ``--totalsegmentator-sdist`` names a
  copy. Nothing of it is installed or run, but pip builds its metadata.

Every source file is checked against a SHA-256 before it is read, nothing depends
on the time or the place of the run, and so each run writes the same bytes.
``README.md`` says what each file is and what was done to it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import (
    UID,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent

NILEARN_SHA256 = {
    "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz": (
        "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6"
    ),
    "mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz": (
        "97a5ca69bd24db37a9cb7b32525e1733a209af904129bf1cd36da06d24243bed"
    ),
}
TOTALSEGMENTATOR = "totalsegmentator-2.18.0"
TOTALSEGMENTATOR_SHA256 = "5d4223ef93973bc36d710869d11e7742ead2c154c72f7f9edcaaadd5b6c4bd03"
CT_SERIES = f"{TOTALSEGMENTATOR}/tests/reference_files/example_ct_dicom/"
CHEST_CT = f"{TOTALSEGMENTATOR}/tests/reference_files/aorta_report/example_ct.nii.gz"

ICBM_NOTICE = """\
Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre,
Montreal Neurological Institute, McGill University.
Permission to use, copy, modify, and distribute this software and its
documentation for any purpose and without fee is hereby granted, provided
that the above copyright notice appear in all copies. The authors and
McGill University make no representations about the suitability of this
software for any purpose. It is provided "as is" without express or
implied warranty. The authors are not responsible for any data loss,
equipment damage, property loss, or injury to subjects or patients
resulting from the use or misuse of this software package.
"""

# The only attributes taken over from the CT files: the equipment's make and how
# the picture was taken. Everything else is dropped or written anew.
KEPT_CT_ATTRIBUTES = (
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "SliceThickness",
    "KVP",
    "ConvolutionKernel",
    "ContrastBolusAgent",
    "PatientPosition",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "WindowCenter",
    "WindowWidth",
    "WindowCenterWidthExplanation",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
)
CT_CROP = (slice(152, 408), slice(64, 448))  # rows, columns: the trunk, no arms
CT_EVERY = 2  # of 20 slices 2 mm apart, keep 10, 4 mm apart


def main() -> None:
    """Make all the files, under ``--out``."""
    parser = argparse.ArgumentParser(description="Make the files of sample_data/.")
    parser.add_argument("--totalsegmentator-sdist", type=Path, metavar="TAR_GZ")
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sdist = arguments.totalsegmentator_sdist or download_sdist(Path(scratch))
        check_sha256(sdist.read_bytes(), TOTALSEGMENTATOR_SHA256, sdist.name)
        with tarfile.open(sdist) as archive:
            make_licences(archive, arguments.out / "LICENCES")
            make_ct_series(archive, arguments.out / "ct" / "abdomen")
            make_radiograph(archive, arguments.out / "xray" / "chest_pa.dcm")
    make_brain(arguments.out / "brain-mr")
    make_mammogram(arguments.out / "mammo" / "phantom_rmlo.dcm")


# --- sources ------------------------------------------------------------------


def download_sdist(folder: Path) -> Path:
    """Fetch the TotalSegmentator source distribution with pip; return its path."""
    name, version = TOTALSEGMENTATOR.split("-")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", name, "--dest", str(folder), f"{name}=={version}"]
    subprocess.run(command, check=True)
    return folder / f"{TOTALSEGMENTATOR}.tar.gz"


def check_sha256(content: bytes, expected: str, name: str) -> None:
    """Stop unless the content is the one these files were made from."""
    if hashlib.sha256(content).hexdigest() != expected:
        message = f"{name} is not the expected file (its SHA-256 differs)"
        raise SystemExit(message)


def read_member(archive: tarfile.TarFile, name: str) -> bytes:
    """Return the content of one file of the archive."""
    member = archive.extractfile(name)
    if member is None:
        message = f"{name} is not a file in the source distribution"
        raise SystemExit(message)
    return member.read()


def load_nilearn_template(name: str) -> nib.Nifti1Image:
    """Load one of the templates packaged with nilearn."""
    source = resources.files("nilearn") / "datasets" / "data" / name
    content = source.read_bytes()
    check_sha256(content, NILEARN_SHA256[name], name)
    return nib.Nifti1Image.from_bytes(gzip.decompress(content))


def make_licences(archive: tarfile.TarFile, folder: Path) -> None:
    """Write the licence of each source."""
    folder.mkdir(parents=True, exist_ok=True)
    nilearn = metadata.distribution("nilearn").read_text("licenses/LICENSE") or ""
    apache = read_member(archive, f"{TOTALSEGMENTATOR}/LICENSE")
    (folder / "ICBM-152.txt").write_bytes(ICBM_NOTICE.encode())
    (folder / "nilearn-BSD-3-Clause.txt").write_bytes(nilearn.encode())
    (folder / "TotalSegmentator-Apache-2.0.txt").write_bytes(apache)


# --- brain MR -----------------------------------------------------------------

HALF_PROBABILITY = 128  # the grey matter map goes from 0 to 255


def make_brain(folder: Path) -> None:
    """Write the MNI152 T1 template and its left and right grey matter, at 2 mm."""
    t1 = load_nilearn_template("mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    grey = load_nilearn_template("mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz")
    affine = t1.affine @ np.diag([2, 2, 2, 1])
    image = halve_resolution(np.asarray(t1.dataobj))
    probability = halve_resolution(np.asarray(grey.dataobj))
    right_mm = np.arange(image.shape[0]) * affine[0, 0] + affine[0, 3]
    add_right_marker(image, affine)
    label = label_grey_matter(probability, right_mm)
    write_nifti(image, affine, folder / "sub-01_T1w.nii.gz")
    write_nifti(label, affine, folder / "sub-01_seg.nii.gz")


def halve_resolution(volume: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Smooth by 1-2-1 along each axis, then keep every second voxel."""
    total = volume.astype(np.int64)
    for axis in range(3):
        total = ndimage.convolve1d(total, [1, 2, 1], axis=axis, mode="nearest")
    return ((total[::2, ::2, ::2] + 32) // 64).astype(np.uint8)


def add_right_marker(image: NDArray[np.uint8], affine: NDArray[np.float64]) -> None:
    """Draw a capsule (6 x 12 x 6 mm radii) beside the right side of the brain.

    The template is its own mirror image, so without a marker a left-right flip
    would leave no trace in it.
    """
    centre = np.array([84.0, -10.0, 10.0])
    radii = np.array([6.0, 12.0, 6.0])
    index = np.moveaxis(np.indices(image.shape), 0, -1)
    position = index @ affine[:3, :3].T + affine[:3, 3]
    inside = (((position - centre) / radii) ** 2).sum(axis=-1) <= 1
    image[inside] = 200


def label_grey_matter(probability: NDArray[np.uint8], right_mm: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return 1 in left and 2 in right grey matter; 0 elsewhere and at x = 0."""
    side = np.select([right_mm < 0, right_mm > 0], [1, 2], 0).astype(np.uint8)
    grey = probability >= HALF_PROBABILITY
    return np.where(grey, side[:, None, None], np.uint8(0))


def write_nifti(data: NDArray[np.uint8], affine: NDArray[np.float64], path: Path) -> None:
    """Write a gzipped NIfTI-1 file, its gzip header without name and time."""
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, code="mni")
    image.set_qform(affine, code="mni")
    image.header.set_xyzt_units("mm")
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as stream:
        stream.write(image.to_bytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed.getvalue())


# --- DICOM, common ------------------------------------------------------------


def sample_uid(name: str) -> UID:
    """Return a UID that depends on the name only."""
    return generate_uid(entropy_srcs=["medaug sample_data", name])


def describe_patient_and_study(dataset: Dataset, name: str, description: str) -> None:
    """Fill in the patient, study and series modules: a made-up patient, no dates."""
    dataset.PatientName = f"SAMPLE^{name}"
    dataset.PatientID = f"SAMPLE-{name}"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = ""
    dataset.StudyInstanceUID = sample_uid(f"{name} study")
    dataset.SeriesInstanceUID = sample_uid(f"{name} series")
    for keyword in ("StudyDate", "StudyTime", "AccessionNumber"):
        setattr(dataset, keyword, "")
    dataset.ReferringPhysicianName = ""
    dataset.StudyID = "1"
    dataset.SeriesNumber = 1
    dataset.StudyDescription = "medaug sample data"
    dataset.SeriesDescription = description


def declare_identity_removed(dataset: Dataset) -> None:
    """State that the picture comes from a patient who is no longer named."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Only technical attributes kept, UIDs replaced"


def describe_image(dataset: Dataset, name: str, number: int, sop_class: UID) -> None:
    """Fill in what identifies one image, and that nothing was lost or burned in."""
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = sample_uid(f"{name} image {number}")
    dataset.InstanceNumber = number
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"


def code_item(code: Code) -> Dataset:
    """Return the code as an item of a code sequence."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def write_dicom(dataset: Dataset, path: Path) -> None:
    """Write the data set as Explicit VR Little Endian."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = sample_uid("implementation")
    dataset.file_meta.ImplementationVersionName = "MEDAUG_SAMPLE"
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


# --- CT -----------------------------------------------------------------------


def make_ct_series(archive: tarfile.TarFile, folder: Path) -> None:
    """Write the cropped CT series without anything that identifies the patient."""
    slices = sorted(read_ct_slices(archive), key=lambda s: int(s.InstanceNumber))
    for number, source in enumerate(slices[::CT_EVERY], start=1):
        write_dicom(make_ct_slice(source, number), folder / f"{number:04d}.dcm")


def read_ct_slices(archive: tarfile.TarFile) -> Iterable[Dataset]:
    """Yield the slices of the CT series in the source distribution."""
    for name in archive.getnames():
        if name.startswith(CT_SERIES):
            yield pydicom.dcmread(io.BytesIO(read_member(archive, name)))


def make_ct_slice(source: Dataset, number: int) -> Dataset:
    """Return a new data set with the cropped pixels of the source, unchanged."""
    dataset = Dataset()
    describe_patient_and_study(dataset, "CT", "CT upper abdomen, cropped")
    declare_identity_removed(dataset)
    for keyword in KEPT_CT_ATTRIBUTES:
        setattr(dataset, keyword, source[keyword].value)
    describe_image(dataset, "CT", number, CTImageStorage)
    dataset.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
    dataset.DerivationDescription = "Cropped in plane, every second slice kept"
    dataset.BodyPartExamined = "ABDOMEN"
    dataset.AcquisitionNumber = 1
    dataset.FrameOfReferenceUID = sample_uid("CT frame of reference")
    dataset.PositionReferenceIndicator = ""
    dataset.ImagePositionPatient = position_of_crop(source)
    dataset.SliceLocation = source.ImagePositionPatient[2]
    pixels = source.pixel_array[CT_CROP]
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelData = pixels.astype("<u2").tobytes()
    return dataset


def position_of_crop(source: Dataset) -> list[float]:
    """Return the position of the crop's first pixel; the slice must be axial."""
    if list(source.ImageOrientationPatient) != [1, 0, 0, 0, 1, 0]:
        message = "the CT slices are not axial"
        raise SystemExit(message)
    row_spacing, column_spacing = source.PixelSpacing
    x, y, z = source.ImagePositionPatient
    rows, columns = CT_CROP
    return [x + columns.start * column_spacing, y + rows.start * row_spacing, z]


# --- radiograph and mammogram, common -----------------------------------------


def describe_projection(dataset: Dataset, pixels: NDArray[np.uint16], spacing: float) -> None:
    """Fill in what a DX and an MG image share: pixels, grey scale and detector."""
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.Manufacturer = "medaug sample_data/make.py"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    dataset.RescaleType = "US"
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.ImagerPixelSpacing = [spacing, spacing]
    dataset.DetectorType = ""
    dataset.AcquisitionContextSequence = []
    dataset.PixelData = pixels.astype("<u2").tobytes()


def describe_view(dataset: Dataset, region: Code, view: Code) -> None:
    """Fill in the coded anatomic region and view."""
    dataset.AnatomicRegionSequence = [code_item(region)]
    view_item = code_item(view)
    if dataset.Modality == "MG":
        view_item.ViewModifierCodeSequence = []
    dataset.ViewCodeSequence = [view_item]


def to_12_bits(values: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Return values from 0 to 1 as whole numbers from 0 to 4095."""
    return np.rint(np.clip(values, 0, 1) * 4095).astype(np.uint16)


# --- radiograph ---------------------------------------------------------------


def make_radiograph(archive: tarfile.TarFile, path: Path) -> None:
    """Write a chest radiograph computed from the chest CT."""
    content = gzip.decompress(read_member(archive, CHEST_CT))
    chest = nib.as_closest_canonical(nib.Nifti1Image.from_bytes(content))
    dataset = Dataset()
    describe_patient_and_study(dataset, "XRAY", "Chest PA, computed from a CT")
    describe_image(dataset, "XRAY", 1, DigitalXRayImageStorageForPresentation)
    declare_identity_removed(dataset)
    dataset.Modality = "DX"
    dataset.DerivationDescription = "Parallel projection of a CT (DRR)"
    dataset.PositionerType = "NONE"
    dataset.BodyPartExamined = "CHEST"
    dataset.ImageLaterality = "U"
    dataset.PatientOrientation = ["L", "F"]
    dataset.ViewPosition = "PA"
    describe_view(
        dataset,
        Code("816094009", "SCT", "Chest"),
        Code("272479007", "SCT", "postero-anterior"),
    )
    describe_projection(dataset, to_12_bits(project_chest(chest)), spacing=0.5)
    write_dicom(dataset, path)


def project_chest(chest: nib.Nifti1Image) -> NDArray[np.float64]:
    """Return the attenuation along antero-posterior rays, from 0 to 1.

    The first row is the head end and the first column the right side of the
    patient, as a chest radiograph is hung. One voxel of 1.5 mm becomes 3 x 3 pixels.
    """
    attenuation = np.clip(1 + chest.get_fdata() / 1000, 0, None)  # water is 1
    path_length = attenuation.sum(axis=1)[::-1, ::-1].T
    fine = ndimage.zoom(path_length, 3, order=3, mode="nearest", grid_mode=True)
    detail = fine - ndimage.gaussian_filter(fine, 20)
    sharpened = fine + detail
    low, high = np.percentile(sharpened, [0.5, 99.8])
    return (sharpened - low) / (high - low)


# --- mammogram ----------------------------------------------------------------

MAMMO_SHAPE = (800, 600)
MAMMO_SPACING = 0.3
BREAST_CENTRE = (430.0, 599.0)  # row, column: on the chest wall, the last column
BREAST_RADII = (520.0, 345.0, 430.0)  # upwards (to the armpit), downwards, across
NIPPLE = (430.0, 176.0)


def make_mammogram(path: Path) -> None:
    """Write a phantom of a right medio-lateral oblique mammogram."""
    dataset = Dataset()
    describe_patient_and_study(dataset, "MAMMO", "Phantom, right MLO")
    sop_class = DigitalMammographyXRayImageStorageForPresentation
    describe_image(dataset, "MAMMO", 1, sop_class)
    dataset.Modality = "MG"
    dataset.SyntheticData = "YES"
    dataset.DerivationDescription = "Computed phantom, not a patient"
    dataset.ImageComments = "Computed phantom, not a patient"
    dataset.BodyPartExamined = "BREAST"
    dataset.OrganExposed = "BREAST"
    dataset.ImageLaterality = "R"
    dataset.PatientOrientation = ["P", "FL"]
    dataset.ViewPosition = "MLO"
    dataset.PositionerType = "MAMMOGRAPHIC"
    dataset.PartialView = "NO"
    dataset.BreastImplantPresent = "NO"
    describe_view(
        dataset,
        Code("76752008", "SCT", "Breast"),
        Code("399368009", "SCT", "medio-lateral oblique"),
    )
    describe_projection(dataset, to_12_bits(draw_breast()), MAMMO_SPACING)
    write_dicom(dataset, path)


def draw_breast() -> NDArray[np.float64]:
    """Return the phantom, from 0 to 1, its chest wall on the right side."""
    row, column = np.indices(MAMMO_SHAPE, dtype=np.float64)
    depth = depth_under_skin(row, column)
    inside = depth > 0
    gland = glandular_tissue(row, column)
    tissue = 0.30 + 0.42 * gland
    thickness = np.clip(depth / 0.12, 0, 1) ** 0.5
    skin = 0.10 * np.exp(-((depth - 0.012) ** 2) / (2 * 0.006**2))
    picture = np.where(inside, tissue * thickness + skin, 0.0)
    picture += pectoral_muscle(row, column) * inside
    picture = ndimage.gaussian_filter(picture, 1.0)
    picture += microcalcifications(row, column)
    return picture + 0.01 * random_field(11, 0.7) * inside


def depth_under_skin(row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 at the centre of the breast, 0 at the skin, negative outside."""
    upwards, downwards, sideways = BREAST_RADII
    down = (row - BREAST_CENTRE[0]) / np.where(row < BREAST_CENTRE[0], upwards, downwards)
    across = (column - BREAST_CENTRE[1]) / sideways
    nipple = ((row - NIPPLE[0]) / 22) ** 2 + ((column - NIPPLE[1]) / 20) ** 2
    return np.maximum(1 - np.hypot(down, across), 0.05 * (1 - nipple))


def random_field(seed: int, sigma: float) -> NDArray[np.float64]:
    """Return smooth noise with mean 0 and standard deviation 1."""
    noise = np.random.Generator(np.random.PCG64(seed)).random(MAMMO_SHAPE)
    smooth = ndimage.gaussian_filter(noise, sigma, mode="wrap")
    return (smooth - smooth.mean()) / smooth.std()


def glandular_tissue(row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of gland, 0 to 1: strands that run towards the nipple."""
    radius = np.hypot(row - NIPPLE[0], column - NIPPLE[1])
    angle = np.arctan2(row - NIPPLE[0], column - NIPPLE[1])
    strands = sample_field(random_field(3, 7.0), 120 + angle * 160, radius * 0.35)
    clouds = random_field(5, 26.0)
    fine = random_field(7, 5.0)
    bulk = np.exp(-(((row - 415) / 170) ** 2) - ((column - 360) / 150) ** 2)
    texture = 0.5 + 0.22 * clouds + 0.14 * strands + 0.08 * fine
    return np.clip(0.12 + bulk * np.clip(texture, 0.1, 1.2) + 0.03 * strands, 0, 1)


def sample_field(
    field: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Read the field at fractional positions, wrapping at its edges."""
    return ndimage.map_coordinates(field, [row, column], order=1, mode="grid-wrap")


def pectoral_muscle(row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the muscle: a bright triangle in the upper corner of the chest wall."""
    edge = 1 - (row / 470) - ((599 - column) / 215) + 0.02 * random_field(13, 40.0)
    return 0.24 / (1 + np.exp(-edge / 0.015))


def microcalcifications(row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a cluster of nine small bright spots."""
    generator = np.random.Generator(np.random.PCG64(17))
    spots = np.zeros(MAMMO_SHAPE)
    for offset_row, offset_column, size in generator.random((9, 3)):
        centre = (330 + 44 * offset_row, 345 + 44 * offset_column)
        distance = np.hypot(row - centre[0], column - centre[1])
        spots += 0.35 * np.exp(-((distance / (0.9 + 0.9 * size)) ** 2))
    return spots


if __name__ == "__main__":
    main()
