"""Rules of a derived object that no other file tests: its codes, what it never claims, and what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate_extended
from pydicom.fileset import FileSet
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from witnesses import dicom_errors

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.sample import Volume
from medaug_cli.transforms import load_step, step_names
from tests.formats.dicom.datasets import (
    CT,
    DX,
    SERIES,
    UNCHANGED,
    encode,
    find,
    image,
    load,
    mammogram,
    placed,
    publish,
    ramp,
    save,
    save_series,
)

if TYPE_CHECKING:
    from medaug_cli.core.sample import Derivation

CHANGED = replace(UNCHANGED, moved=True, intensity_changed=True, steps=(("gamma", ("GAMMA", "99MEDAUG", "Gamma")),))


def copy_of(header: Dataset, root: Path, derivation: Derivation = CHANGED) -> Dataset:
    save(header, root / "in" / "a.dcm")
    return publish(encode(load(root / "in"), derivation), root / "out")[0]


@pytest.mark.parametrize("name", step_names())
def test_every_step_has_a_code_of_the_standard_with_its_own_meaning_or_a_local_one(name: str) -> None:
    """CID 7203 (Image Derivation) as pydicom has it; 125027, of registration, is not for augmentation."""
    standard = {
        getattr(codes.cid7203, word).value: getattr(codes.cid7203, word).meaning for word in codes.cid7203.dir()
    }
    value, scheme, meaning = load_step(name).code
    if scheme == "99MEDAUG":
        assert value not in standard
        assert value.isupper()
    elif value:  # policies have none: the steps that they choose have
        assert scheme == "DCM"
        assert standard[value].lower() == meaning.lower()
    assert value != "125027"
    assert len(value) <= 16
    assert len(meaning) <= 64


def test_many_steps_have_their_codes_in_order_and_a_text_that_still_fits(tmp_path: Path) -> None:
    steps = tuple((f"step_{k}_of_a_long_name", (f"S{k}", "99MEDAUG", "A step")) for k in range(90))
    made = copy_of(image(ramp(), **placed()), tmp_path, replace(CHANGED, steps=steps))
    assert [item.CodeValue for item in made.DerivationCodeSequence] == [f"S{k}" for k in range(90)]
    assert len(made.DerivationDescription) <= 1024
    assert str(tmp_path) not in made.DerivationDescription


@pytest.mark.parametrize("said", ["YES", "NO", None])
def test_burned_in_annotation_is_what_the_source_says_and_nothing_claims_synthetic_data(
    said: str | None, tmp_path: Path
) -> None:
    made = copy_of(image(ramp(), **placed(BurnedInAnnotation=said)), tmp_path)
    assert made.get("BurnedInAnnotation") == said
    assert "SyntheticData" not in made
    assert "PatientIdentityRemoved" not in made


def test_equipment_that_contributed_before_stays_before_the_scanner(tmp_path: Path) -> None:
    earlier = Dataset()
    earlier.Manufacturer = "Workstation"
    header = image(ramp(), **placed(ContributingEquipmentSequence=Sequence([earlier]), StationName="CT7"))
    made = copy_of(header, tmp_path)
    assert [item.Manufacturer for item in made.ContributingEquipmentSequence] == ["Workstation", "Maker"]
    scanner = made.ContributingEquipmentSequence[1]
    assert scanner.StationName == "CT7"
    assert scanner.PurposeOfReferenceCodeSequence[0].CodeValue == "109101"
    assert "StationName" not in made


def test_a_scanner_named_in_another_alphabet_keeps_its_name(tmp_path: Path) -> None:
    header = image(ramp(), **placed(SpecificCharacterSet="ISO_IR 192", StationName="Röntgen 1"))
    assert copy_of(header, tmp_path).ContributingEquipmentSequence[0].StationName == "Röntgen 1"


def test_the_file_meta_information_is_its_own(tmp_path: Path) -> None:
    header = image(ramp(), **placed())
    header.file_meta = pydicom.dataset.FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.SourceApplicationEntityTitle = "CANARY"
    header.file_meta.PrivateInformationCreatorUID, header.file_meta.PrivateInformation = "1.2.3", b"CANARY"
    header.preamble = b"CANARY" + bytes(122)
    made = copy_of(header, tmp_path)
    assert b"CANARY" not in (tmp_path / "out" / "a.dcm").read_bytes()
    assert made.preamble == bytes(128)
    assert made.file_meta.ImplementationClassUID.startswith("2.25.")
    assert made.file_meta.ImplementationVersionName.startswith("MEDAUG_")
    assert made.file_meta.MediaStorageSOPClassUID == made.SOPClassUID


def test_elements_of_messages_and_directories_are_dropped(tmp_path: Path) -> None:
    save(image(ramp(), **placed()), tmp_path / "in" / "a.dcm")
    data = (tmp_path / "in" / "a.dcm").read_bytes()
    at = data.index(b"\x08\x00\x08\x00CS")
    strays = b"\4\0\x30\x11CS\6\0CANARY" + b"\6\0\1\0LO\6\0CANARY"
    (tmp_path / "in" / "a.dcm").write_bytes(data[:at] + strays + data[at:])
    (made,) = publish(encode(load(tmp_path / "in")), tmp_path / "out")
    assert b"CANARY" not in (tmp_path / "out" / "a.dcm").read_bytes()
    assert made.Rows == 4


def test_an_extended_offset_table_does_not_outlive_its_pixels(tmp_path: Path) -> None:
    header = image(ramp(), **placed())
    header.file_meta = pydicom.dataset.FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.compress(RLELossless)
    frame = next(pydicom.encaps.generate_frames(header.PixelData, number_of_frames=1))
    header.PixelData, header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths = encapsulate_extended([frame])
    made = copy_of(header, tmp_path)
    assert "ExtendedOffsetTable" not in made
    assert "ExtendedOffsetTableLengths" not in made
    assert np.array_equal(made.pixel_array, ramp())


def test_what_vouches_for_or_summarises_the_source_is_gone(tmp_path: Path) -> None:
    numbers = ("SmallestImagePixelValue", "LargestImagePixelValue", "SmallestPixelValueInSeries")
    sequences = (
        *("MACParametersSequence", "OriginalAttributesSequence", "HistogramSequence"),
        *("DigitalSignaturesSequence", "IconImageSequence", "ReferencedPerformedProcedureStepSequence"),
    )
    gone: dict[str, Any] = {"PixelDataProviderURL": "http://x", "LargestPixelValueInSeries": 9}
    gone |= dict.fromkeys(numbers, 0) | {keyword: Sequence([Dataset()]) for keyword in sequences}
    made = copy_of(image(ramp(), **placed(**gone)), tmp_path, UNCHANGED)
    assert [keyword for keyword in gone if keyword in made] == []


def test_positions_of_an_oblique_grid_are_short_decimals_and_a_frame(tmp_path: Path) -> None:
    """No DS is longer than 16 bytes, and the cosines are orthonormal to 1e-4 as they are written."""
    save_series(tmp_path / "in", [ramp(0), ramp(1)])
    loaded = load(tmp_path / "in")
    first, second = np.deg2rad(17.123456), np.deg2rad(-8.7654321)
    about_z = np.array([[np.cos(first), -np.sin(first), 0], [np.sin(first), np.cos(first), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(second), -np.sin(second)], [0, np.sin(second), np.cos(second)]])
    frame = about_z @ about_x
    grid = Geometry(
        (5, 3, 2), (0.7123456789, 1 / 3, 2.987654321), (-123.456789012, 1e-7, -1e3 / 7), tuple(frame.ravel())
    )
    content = Volume(np.arange(30, dtype=np.float32).reshape(1, 2, 3, 5), grid)
    made = publish(encode(loaded, CHANGED, content), tmp_path / "out")
    for one in made:
        told = [one.ImagePositionPatient, one.ImageOrientationPatient, one.PixelSpacing, [one.SliceThickness]]
        assert max(len(str(value)) for values in told for value in values) <= 16
        row, column = np.array(one.ImageOrientationPatient, float).reshape(2, 3)
        assert np.abs([row @ row - 1, column @ column - 1, row @ column]).max() < 1e-4
    assert load(tmp_path / "out").content.geometry.same_grid(grid)


def test_uids_are_the_same_in_another_process_and_short_enough(tmp_path: Path) -> None:
    save(image(ramp(), **placed()), tmp_path / "in" / "a.dcm")
    here = encode(load(tmp_path / "in"), CHANGED)[0].uids
    script = (
        "import sys, pathlib; from tests.formats.dicom.datasets import encode, load;"
        "from tests.formats.dicom.test_dicom_rules import CHANGED;"
        "print(sorted(encode(load(pathlib.Path(sys.argv[1])), CHANGED)[0].uids.items()))"
    )
    paths = [str(Path(__file__).parents[3]), str(Path(__file__).parents[2])]
    code = f"import sys; sys.path[:0] = {paths!r}; " + script
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "in"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sorted(here.items()))
    assert all(len(uid) <= 64 and pydicom.uid.UID(uid).is_valid for uid in here.values())


def test_patients_and_studies_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    """Two patients with one series UID (a phantom's template), two studies, a localizer and an MIP in one folder."""
    kinds: list[dict[str, Any]] = [
        {},
        {"PatientID": "P2"},
        {"StudyInstanceUID": f"{SERIES}.0.2", "SeriesInstanceUID": f"{SERIES}.2"},
        {"ImageType": ["DERIVED", "SECONDARY", "MIP"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
    ]
    for number, kind in enumerate(kinds):
        for k in range(3):
            save(image(ramp(k), number=10 * number + k + 1, **placed(k, **kind)), tmp_path / f"{number}{k}.dcm")
    found = find(tmp_path)
    assert sorted(tuple(path[0] for path in volume.files) for volume in found.volumes) == [
        (str(number),) * 3 for number in range(4)
    ]
    assert not any(volume.irregular or volume.problem for volume in found.volumes)
    assert {reason for _, reason, _ in found.left_alone} == {"localizer"}


@pytest.mark.parametrize(
    ("keyword", "first", "second"),
    [
        ("AcquisitionNumber", 1, 2),
        ("EchoTime", 10, 30),
        ("InversionTime", 100, 800),
        ("TriggerTime", 0, 40),
        ("FrameReferenceTime", 0, 60000),
        ("AcquisitionTime", "101010", "101040"),
    ],
)
def test_a_time_series_under_one_uid_is_split_by_what_tells_its_passes_apart(
    keyword: str, first: Any, second: Any, tmp_path: Path
) -> None:
    for number, value in enumerate((first, second)):
        for k in range(3):
            attributes = placed(k, **{keyword: value})
            save(image(ramp(k), number=10 * number + k + 1, **attributes), tmp_path / f"{k}{number}.dcm")
    assert sorted(volume.files for volume in find(tmp_path).volumes) == [
        ("00.dcm", "10.dcm", "20.dcm"),
        ("01.dcm", "11.dcm", "21.dcm"),
    ]


def test_a_folder_with_a_dicomdir_is_read_by_its_files(tmp_path: Path) -> None:
    """A DICOMDIR names the files; they are found without it, whatever their names."""
    directory = FileSet()
    for k in range(3):
        header = image(ramp(k), CT, k + 1, **placed(k))
        save(header, tmp_path / "loose" / f"{k}.dcm")
        directory.add(tmp_path / "loose" / f"{k}.dcm")
    directory.write(tmp_path / "disc")
    assert (tmp_path / "disc" / "DICOMDIR").exists()
    found = find(tmp_path / "disc")
    (volume,) = found.volumes
    assert (len(volume.files), volume.problem, volume.irregular) == (3, None, "")
    assert [(path, reason) for path, reason, _ in found.left_alone] == [("DICOMDIR", "not_an_image")]


@pytest.mark.parametrize("make", [mammogram, lambda pixels, **more: image(pixels, DX, Modality="DX", **more)])
def test_a_turned_projection_forgets_how_its_detector_was_read(make: Any, tmp_path: Path) -> None:
    about = {"FieldOfViewHorizontalFlip": "NO", "FieldOfViewRotation": 0, "PatientOrientation": ["P", "FL"]}
    header = make(np.arange(30, dtype=np.uint16).reshape(5, 6), **about)
    turned = replace(CHANGED, mirrored=True, turn=((0, -1), (1, 1), (2, 1)), swap_laterality=True)
    made = copy_of(header, tmp_path, turned)
    assert made.PatientOrientation == ["A", "FR"]
    assert "FieldOfViewHorizontalFlip" not in made
    assert "FieldOfViewRotation" not in made
    assert dicom_errors(tmp_path / "out" / "a.dcm") <= dicom_errors(tmp_path / "in" / "a.dcm")


NO_IMAGES = {
    "structured report": "1.2.840.10008.5.1.4.1.1.88.22",
    "key object selection": "1.2.840.10008.5.1.4.1.1.88.59",
    "presentation state": "1.2.840.10008.5.1.4.1.1.11.1",
    "plan": "1.2.840.10008.5.1.4.1.1.481.5",
    "treatment record": "1.2.840.10008.5.1.4.1.1.481.4",
    "electrocardiogram": "1.2.840.10008.5.1.4.1.1.9.1.1",
    "document": "1.2.840.10008.5.1.4.1.1.104.1",
    "raw data": "1.2.840.10008.5.1.4.1.1.66",
    "spatial registration": "1.2.840.10008.5.1.4.1.1.66.1",
}


@pytest.mark.parametrize("name", NO_IMAGES)
def test_what_holds_no_picture_is_left_alone_beside_a_series(name: str, tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(k) for k in range(3)])
    other = image(ramp(), NO_IMAGES[name], 9, **dict.fromkeys(("Rows", "Columns")), SeriesInstanceUID=f"{SERIES}.0")
    del other[0x7FE00010]
    save(other, tmp_path / "other.dcm")
    found = find(tmp_path)
    (volume,) = found.volumes
    assert (len(volume.files), volume.problem) == (3, None)
    assert [(path, reason) for path, reason, _ in found.left_alone] == [("other.dcm", "not_an_image")]


def test_one_slice_is_a_picture_that_steps_through_a_volume_refuse(tmp_path: Path) -> None:
    """A single slice has no spacing along its normal: it is used, in its plane alone."""
    save(image(ramp(0, 12, 14), **placed()), tmp_path / "a.dcm")
    loaded = load(tmp_path)
    assert loaded.irregular == ""
    assert loaded.content.geometry.flat_axis == 2
