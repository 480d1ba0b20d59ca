"""What ``sample_data/README.md`` promises of the files beside it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest

SAMPLE_DATA = Path(__file__).resolve().parents[1] / "sample_data"
README = (SAMPLE_DATA / "README.md").read_text(encoding="utf-8")
FILES = sorted(
    path for path in SAMPLE_DATA.rglob("*") if path.is_file() and "cache" not in str(path.relative_to(SAMPLE_DATA))
)
DICOM_FILES = [path for path in FILES if path.suffix == ".dcm"]
NIFTI_FILES = [path for path in FILES if path.suffix == ".gz"]
IMAGES = DICOM_FILES + NIFTI_FILES
FORBIDDEN_IN_A_SAMPLE = (
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientWeight",
    "PatientAddress",
    "OtherPatientIDs",
    "IssuerOfPatientID",
    "InstitutionName",
    "InstitutionAddress",
    "StationName",
    "DeviceSerialNumber",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "PhysiciansOfRecord",
    "RequestingPhysician",
    "OperatorsName",
    "AccessionNumber",
    "ProtocolName",
    "RequestAttributesSequence",
)
DATE_AND_TIME = {"DA", "TM", "DT"}


def relative(path: Path) -> str:
    """Return the path as the README names it."""
    return path.relative_to(SAMPLE_DATA).as_posix()


@pytest.fixture(scope="module")
def brain() -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Return the brain MR and its label."""
    folder = SAMPLE_DATA / "brain-mr"
    image = nib.load(folder / "sub-01_T1w.nii.gz")
    return image, nib.load(folder / "sub-01_seg.nii.gz")


@pytest.fixture(scope="module")
def ct_slices() -> list[pydicom.Dataset]:
    """Return the CT slices in the order of their names."""
    paths = sorted((SAMPLE_DATA / "ct" / "abdomen").glob("*.dcm"))
    return [pydicom.dcmread(path) for path in paths]


@pytest.fixture(scope="module")
def mammogram() -> pydicom.Dataset:
    """Return the phantom mammogram."""
    return pydicom.dcmread(SAMPLE_DATA / "mammo" / "phantom_rmlo.dcm")


@pytest.fixture(scope="module")
def radiograph() -> pydicom.Dataset:
    """Return the computed chest radiograph."""
    return pydicom.dcmread(SAMPLE_DATA / "xray" / "chest_pa.dcm")


def test_the_sample_data_are_smaller_than_6_mb_in_total() -> None:
    assert IMAGES
    assert sum(path.stat().st_size for path in FILES) < 6_000_000


def test_every_file_is_listed_in_the_readme() -> None:
    assert [relative(path) for path in FILES if relative(path) not in README] == []


def test_every_image_has_the_sha256_that_the_readme_gives() -> None:
    listed = dict(re.findall(r"^([0-9a-f]{64})  (\S+)$", README, flags=re.MULTILINE))
    actual = {hashlib.sha256(p.read_bytes()).hexdigest(): relative(p) for p in IMAGES}
    assert actual == listed


def test_the_readme_and_the_licences_carry_the_notice_of_the_brain_template() -> None:
    notice = (SAMPLE_DATA / "LICENCES" / "ICBM-152.txt").read_text(encoding="utf-8")
    assert "Louis Collins, McConnell Brain Imaging Centre" in notice
    quoted = "".join(f"> {line}\n" for line in notice.splitlines())
    assert quoted in README


@pytest.mark.parametrize("path", NIFTI_FILES, ids=relative)
def test_no_nifti_file_has_a_name_or_a_time_in_its_gzip_header(path: Path) -> None:
    header = path.read_bytes()[:10]
    assert header[3] == 0, "flags: no name, no comment"
    assert header[4:8] == bytes(4), "modification time"


def test_the_brain_image_and_its_label_are_on_the_same_grid(
    brain: tuple[nib.Nifti1Image, nib.Nifti1Image],
) -> None:
    image, label = brain
    assert image.shape == label.shape == (99, 117, 95)
    np.testing.assert_array_equal(image.affine, label.affine)
    np.testing.assert_array_equal(image.header.get_zooms(), (2, 2, 2))


def test_the_label_is_uint8_and_has_the_values_0_1_and_2(
    brain: tuple[nib.Nifti1Image, nib.Nifti1Image],
) -> None:
    data = np.asarray(brain[1].dataobj)
    assert data.dtype == np.uint8
    assert set(np.unique(data)) == {0, 1, 2}


def test_label_1_is_on_the_left_and_label_2_is_on_the_right(
    brain: tuple[nib.Nifti1Image, nib.Nifti1Image],
) -> None:
    label = brain[1]
    data = np.asarray(label.dataobj)
    right_mm = {value: nib.affines.apply_affine(label.affine, np.argwhere(data == value))[:, 0] for value in (1, 2)}
    assert right_mm[1].max() < 0 < right_mm[2].min()
    assert right_mm[1].size > 10_000
    assert right_mm[2].size > 10_000


def test_the_brain_image_differs_from_its_mirror_image_by_the_marker_on_the_right(
    brain: tuple[nib.Nifti1Image, nib.Nifti1Image],
) -> None:
    image = brain[0]
    data = np.asarray(image.dataobj).astype(int)
    brighter_than_mirror = np.argwhere(data > data[::-1])
    position = nib.affines.apply_affine(image.affine, brighter_than_mirror)
    assert len(position) > 0
    assert position[:, 0].min() > 75, "all of them on the right, outside the brain"


@pytest.mark.parametrize("path", DICOM_FILES, ids=relative)
def test_each_dicom_file_is_readable_and_its_pixels_vary(path: Path) -> None:
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array
    assert pixels.shape == (dataset.Rows, dataset.Columns)
    assert pixels.max() < 2**dataset.BitsStored
    assert len(np.unique(pixels)) > 500
    assert pixels.std() > 100


@pytest.mark.parametrize("path", DICOM_FILES, ids=relative)
def test_no_dicom_file_says_who_or_where_or_when(path: Path) -> None:
    dataset = pydicom.dcmread(path)
    assert str(dataset.PatientName).startswith("SAMPLE^")
    assert dataset.PatientID.startswith("SAMPLE-")
    assert [key for key in FORBIDDEN_IN_A_SAMPLE if dataset.get(key)] == []
    dated = [e.keyword for e in dataset.iterall() if e.VR in DATE_AND_TIME and e.value]
    assert dated == []
    assert [element.tag for element in dataset.iterall() if element.tag.is_private] == []


def test_no_two_dicom_files_have_the_same_sop_instance_uid() -> None:
    uids = {str(pydicom.dcmread(path).SOPInstanceUID) for path in DICOM_FILES}
    assert len(uids) == len(DICOM_FILES)
    assert all(pydicom.uid.UID(uid).is_valid for uid in uids)


def test_the_ct_slices_are_one_series_of_one_frame_of_reference(
    ct_slices: list[pydicom.Dataset],
) -> None:
    assert len(ct_slices) == 10
    assert len({s.StudyInstanceUID for s in ct_slices}) == 1
    assert len({s.SeriesInstanceUID for s in ct_slices}) == 1
    assert len({s.FrameOfReferenceUID for s in ct_slices}) == 1
    assert [int(s.InstanceNumber) for s in ct_slices] == list(range(1, 11))


def test_the_ct_slices_are_parallel_and_4_mm_apart(
    ct_slices: list[pydicom.Dataset],
) -> None:
    orientations = {tuple(map(float, s.ImageOrientationPatient)) for s in ct_slices}
    assert orientations == {(1, 0, 0, 0, 1, 0)}
    positions = np.array([s.ImagePositionPatient for s in ct_slices], dtype=float)
    steps = np.diff(positions, axis=0)
    np.testing.assert_allclose(steps, np.tile([0, 0, -4], (9, 1)))


def test_the_ct_shows_air_and_soft_tissue_and_bone_in_hounsfield_units(
    ct_slices: list[pydicom.Dataset],
) -> None:
    middle = ct_slices[5]
    hounsfield = middle.pixel_array * middle.RescaleSlope + middle.RescaleIntercept
    assert hounsfield.min() < -950
    assert np.mean((hounsfield > 0) & (hounsfield < 200)) > 0.3
    assert hounsfield.max() > 500


def test_the_mammogram_is_a_right_mlo_in_all_its_attributes(
    mammogram: pydicom.Dataset,
) -> None:
    assert mammogram.Modality == "MG"
    assert mammogram.ImageLaterality == "R"
    assert list(mammogram.PatientOrientation) == ["P", "FL"]
    assert mammogram.ViewPosition == "MLO"
    assert mammogram.ViewCodeSequence[0].CodeValue == "399368009"
    assert "Laterality" not in mammogram, "excluded by ImageLaterality"


def test_the_mammogram_has_the_chest_wall_on_the_right_and_the_muscle_at_the_top(
    mammogram: pydicom.Dataset,
) -> None:
    pixels = mammogram.pixel_array.astype(float)
    assert pixels[:, -20:].mean() > 1000 > pixels[:, :20].mean()
    top_corner, bottom_corner = pixels[:100, -100:], pixels[600:700, -100:]
    assert top_corner.mean() > 1.2 * bottom_corner.mean()


def test_the_mammogram_says_that_it_is_synthetic(mammogram: pydicom.Dataset) -> None:
    assert mammogram.SyntheticData == "YES"
    assert "not a patient" in mammogram.ImageComments


def test_the_radiograph_is_an_unpaired_chest_hung_as_usual(
    radiograph: pydicom.Dataset,
) -> None:
    assert radiograph.Modality == "DX"
    assert list(radiograph.PatientOrientation) == ["L", "F"]
    assert radiograph.ImageLaterality == "U"
    assert "Laterality" not in radiograph, "excluded by ImageLaterality"
    assert radiograph.BitsStored == 12


def test_the_radiograph_shows_the_heart_on_the_patients_left(
    radiograph: pydicom.Dataset,
) -> None:
    heart = radiograph.pixel_array[330:430].astype(float)
    middle = 350  # the column of the spine
    assert heart[:, middle : middle + 200].mean() > heart[:, middle - 200 : middle].mean()


def test_the_radiograph_says_that_it_is_computed(radiograph: pydicom.Dataset) -> None:
    assert radiograph.ImageType[0] == "DERIVED"
    assert "DRR" in radiograph.DerivationDescription
