"""De-identification where canaries hide in functional groups and file meta, and what the options' columns say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pydicom
import pytest
from formats.dicom.canaries import PRIVACY, ROOT, SIGNS, TEXT, VALUES, planted, private
from formats.dicom.datasets import UNCHANGED, encode, image, load, placed, publish, ramp, save
from formats.dicom.framed import enhanced, frame, group
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from witnesses import dicom_errors

from medaug_cli.formats.dicom.actions import _OF_OPTION

if TYPE_CHECKING:
    from pathlib import Path

# The attributes that the option columns of PS3.15 Table E.1-1 keep (K).
KEPT: dict[str, str] = {
    "retain_device": """CassetteID DetectorID DeviceDescription DeviceLabel DeviceSerialNumber DeviceUID GantryID
        GeneratorID LensMake LensModel LensSerialNumber LensSpecification ManufacturerDeviceClassUID
        ManufacturerDeviceIdentifier PerformedStationAETitle PerformedStationGeographicLocationCodeSequence
        PerformedStationName PerformedStationNameCodeSequence PlateID ScheduledProcedureStepLocation
        ScheduledStationAETitle ScheduledStationGeographicLocationCodeSequence ScheduledStationName
        ScheduledStationNameCodeSequence ScheduledStudyLocation ScheduledStudyLocationAETitle SourceManufacturer
        SourceSerialNumber StationName TransducerIdentificationSequence TreatmentMachineName UDISequence
        UniqueDeviceIdentifier XRayDetectorID XRayDetectorLabel XRaySourceID""",
    "retain_institution": """ClinicalTrialCoordinatingCenterName ClinicalTrialProtocolEthicsCommitteeName
        ClinicalTrialSiteID ClinicalTrialSiteName InstitutionAddress InstitutionCodeSequence InstitutionName
        InstitutionalDepartmentName InstitutionalDepartmentTypeCodeSequence""",
    "retain_patient_characteristics": """EthnicGroup PatientAge PatientSex PatientSexNeutered PatientSize PatientWeight
        PregnancyStatus SmokingStatus""",
}


@pytest.mark.parametrize("option", KEPT)
def test_an_option_keeps_what_its_column_keeps(option: str) -> None:
    assert set(_OF_OPTION[option]) == set(KEPT[option].split())


def grouped() -> Dataset:
    """Return an enhanced CT of three frames whose functional groups, shared and each frame's, bear canaries."""
    frames = [frame(30 + 2.5 * k, FrameComments=TEXT, FrameAcquisitionDateTime=VALUES["DT"]) for k in range(3)]
    for item in frames:
        item.ReferencedImageSequence = Sequence([planted(0)])
        item.CardiacSynchronizationSequence = Sequence([planted(0)])
        item.FrameContentSequence[0].update({element.tag: element for element in private().values()})
    header = enhanced(frames, CTAcquisitionTypeSequence=group(AcquisitionProtocolName=TEXT, ProtocolName=TEXT))
    shared = header.SharedFunctionalGroupsSequence[0]
    shared.ReferencedImageSequence = Sequence([planted(0)])
    shared.IrradiationEventIdentificationSequence = group(IrradiationEventUID=f"{ROOT}.1")
    shared.update({element.tag: element for element in private().values()})
    header.PatientID = TEXT
    return header


@pytest.mark.parametrize("dicom", ["same", "classic"])
def test_no_canary_is_left_in_functional_groups(tmp_path: Path, dicom: Any) -> None:
    save(grouped(), tmp_path / "in" / "1.dcm")
    source = (tmp_path / "in" / "1.dcm").read_bytes()
    assert [sign for sign in SIGNS if sign not in source] == []
    files = encode(load(tmp_path / "in"), replace(UNCHANGED, privacy=PRIVACY, dicom=dicom))
    assert [sign for file in files for sign in SIGNS if sign in bytes(file.data)] == []
    made = publish(files, tmp_path / "out")
    assert {header.PatientID for header in made} == {PRIVACY.pseudonym(TEXT)}
    if dicom == "same":
        (header,) = made
        places = [
            item.PlanePositionSequence[0].ImagePositionPatient[2] for item in header.PerFrameFunctionalGroupsSequence
        ]
        assert places == [30, 32.5, 35]
        event = header.SharedFunctionalGroupsSequence[0].IrradiationEventIdentificationSequence[0]
        assert event.IrradiationEventUID == PRIVACY.uid(f"{ROOT}.1")


def test_what_only_functional_groups_say_of_a_derivation_is_no_writer_s_elsewhere(tmp_path: Path) -> None:
    told, source = Dataset(), Dataset()
    told.DerivationDescription, source.ReferencedSOPInstanceUID = TEXT, f"{ROOT}.1"
    told.SourceImageSequence = Sequence([source])
    enclosed = enhanced([frame(30 + 2.5 * k) for k in range(3)], DerivationImageSequence=Sequence([told]))
    enclosed.SharedFunctionalGroupsSequence[0].update({element.tag: element for element in told})
    save(image(ramp(), **placed(DerivationImageSequence=Sequence([told]))), tmp_path / "in" / "1.dcm")
    save(enclosed, tmp_path / "enhanced" / "1.dcm")
    for folder in ("in", "enhanced"):
        (file,) = encode(load(tmp_path / folder), replace(UNCHANGED, privacy=PRIVACY))
        assert [sign for sign in (TEXT, f"{ROOT}.1") if sign.encode() in bytes(file.data)] == []


def test_a_clean_enhanced_image_stays_valid(tmp_path: Path) -> None:
    save(enhanced([frame(30 + 2.5 * k) for k in range(3)]), tmp_path / "in" / "1.dcm")
    files = encode(load(tmp_path / "in"), replace(UNCHANGED, privacy=PRIVACY))
    publish(files, tmp_path / "out")
    assert dicom_errors(tmp_path / "out" / files[0].path) <= dicom_errors(tmp_path / "in" / "1.dcm")


def test_nothing_of_the_source_s_file_meta_is_left(tmp_path: Path) -> None:
    header = image(ramp(), **placed())
    header.file_meta = meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.ImplementationVersionName = TEXT
    meta.ImplementationClassUID = meta.PrivateInformationCreatorUID = f"{ROOT}.1"
    meta.SourceApplicationEntityTitle = meta.SendingApplicationEntityTitle = meta.ReceivingApplicationEntityTitle = TEXT
    meta.SourcePresentationAddress = meta.SendingPresentationAddress = f"urn:{TEXT}"
    meta.PrivateInformation = VALUES["OB"]
    save(header, tmp_path / "in" / "1.dcm")
    source = (tmp_path / "in" / "1.dcm").read_bytes()
    assert source.count(TEXT.encode()) == 7
    assert f"{ROOT}.1".encode() in source
    for privacy in (None, PRIVACY):
        (file,) = encode(load(tmp_path / "in"), replace(UNCHANGED, privacy=privacy))
        assert [sign for sign in SIGNS if sign in bytes(file.data)] == []
