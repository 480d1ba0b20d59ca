"""Actions: what the Basic Profile and its options do with each attribute (DICOM PS3.15 E.1, E.3, edition 2026c)."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.tag import Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

EDITION = "2026c"
# A compound action becomes the one that keeps an object valid whatever type the attribute has in its class.
_ACTION_OF_LIST = {
    "X_TAGS": "X",
    "Z_TAGS": "Z",
    "X_Z_TAGS": "Z",
    "D_TAGS": "D",
    "X_D_TAGS": "D",
    "Z_D_TAGS": "D",
    "X_Z_D_TAGS": "D",
    "U_TAGS": "U",
    "X_Z_U_STAR_TAGS": "walk",
}
_DATES = frozenset({"DA", "DT", "TM"})
_BORN = frozenset({"PatientBirthDate", "PatientBirthTime"})  # no option keeps them
_PSEUDONYMS = ("PatientID", "PatientName")
_NAMES_OF_LABELS = (
    *("SegmentLabel", "ROIName", "ROIObservationLabel", "StructureSetLabel", "EntityLabel"),
    *("ContentLabel", "TrackingID"),  # which people choose freely, and the table does not name
)
_TEXTS = frozenset({"LO", "SH", "ST", "LT", "UT", "PN", "UC", "UR", "AE"})
# Texts that the table does not name and that scanners, not people, write: codes, units, ways of measuring.
_PLAIN_TEXTS = frozenset(
    {
        *("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning", "LongCodeValue", "URNCodeValue"),
        *("CodingSchemeRegistry", "CodingSchemeName", "CodingSchemeResponsibleOrganization", "CodingSchemeExternalID"),
        *("Manufacturer", "ManufacturerModelName", "SoftwareVersions", "DeidentificationMethod"),
        *("WindowCenterWidthExplanation", "LUTExplanation", "RescaleType", "ModalityLUTType", "LUTLabel"),
        *("ConvolutionKernel", "SequenceName", "PulseSequenceName", "ImagedNucleus", "ReceiveCoilName"),
        *("TransmitCoilName", "FilterType", "GridAbsorbingMaterial", "ReconstructionMethod", "PlateType"),
        *("AttenuationCorrectionMethod", "ScatterCorrectionMethod", "Radiopharmaceutical", "EnergyWindowName"),
        *("SegmentAlgorithmName", "AlgorithmName", "AlgorithmVersion", "PositionReferenceIndicator", "StackID"),
        *("DetectorDescription", "ExposureControlModeDescription", "DimensionDescriptionLabel", "TransducerData"),
        *("ProcessingFunction", "ContrastBolusRoute", "AcquisitionDeviceProcessingCode", "CollimatorGridName"),
        # Codes, but some write them as a text, and without them no copy can be read.
        *("PhotometricInterpretation", "SpecificCharacterSet"),
    }
)
# What the options' columns of Table E.1-1 keep; what they clean (C) is cleaned for descriptors alone, else it goes.
_OF_OPTION: dict[str, tuple[str, ...]] = {
    "retain_patient_characteristics": (
        *("PatientSex", "PatientAge", "PatientSize", "PatientWeight", "EthnicGroup", "SmokingStatus"),
        *("PregnancyStatus", "PatientSexNeutered"),
    ),
    "retain_device": (
        *("StationName", "DeviceSerialNumber", "DeviceUID", "GantryID", "GeneratorID", "DetectorID", "CassetteID"),
        *("PlateID", "DeviceLabel", "DeviceDescription", "XRayDetectorID", "XRayDetectorLabel", "XRaySourceID"),
        *("SourceSerialNumber", "SourceManufacturer", "TreatmentMachineName", "UDISequence", "UniqueDeviceIdentifier"),
        *("ManufacturerDeviceIdentifier", "ManufacturerDeviceClassUID", "TransducerIdentificationSequence"),
        *("LensMake", "LensModel", "LensSerialNumber", "LensSpecification", "PerformedStationAETitle"),
        *("PerformedStationName", "PerformedStationNameCodeSequence", "PerformedStationGeographicLocationCodeSequence"),
        *("ScheduledStationName", "ScheduledStationNameCodeSequence", "ScheduledStationAETitle"),
        *("ScheduledStationGeographicLocationCodeSequence", "ScheduledProcedureStepLocation"),
        *("ScheduledStudyLocation", "ScheduledStudyLocationAETitle"),
    ),
    "retain_institution": (
        *("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "InstitutionCodeSequence"),
        *("InstitutionalDepartmentTypeCodeSequence", "ClinicalTrialSiteName", "ClinicalTrialSiteID"),
        *("ClinicalTrialCoordinatingCenterName", "ClinicalTrialProtocolEthicsCommitteeName"),
    ),
    "clean_descriptors": (
        *("StudyDescription", "SeriesDescription", "ProtocolName", "PerformedProcedureStepDescription"),
        *("RequestedProcedureDescription", "ScheduledProcedureStepDescription", "RequestedSeriesDescription"),
        *("AcquisitionProtocolDescription", "AcquisitionDeviceProcessingDescription", "StructureSetName"),
        *("StructureSetDescription", "ROIDescription", "SegmentDescription", "ContrastBolusAgent"),
    ),
}
_SET_FOR_OPTION = {"clean_descriptors": "words"}
# UIDs that name a class, a syntax or a dictionary, and no patient's object.
_CLASS_UIDS = (
    *("SOPClassUID", "ReferencedSOPClassUID", "MediaStorageSOPClassUID", "RelatedGeneralSOPClassUID"),
    *("OriginalSpecializedSOPClassUID", "TransferSyntaxUID", "AvailableTransferSyntaxUID", "CodingSchemeUID"),
    *("ContextUID", "MappingResourceUID", "EncryptedContentTransferSyntaxUID", "SOPClassesSupported"),
)


@cache
def profile_actions() -> Mapping[int, str]:
    """Return the action on each attribute of the table: X, Z, D, U, or walk for a sequence of references."""
    from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c  # noqa: PLC0415  only who asks pays

    found: dict[int, str] = {}
    for name, action in _ACTION_OF_LIST.items():
        for tag in getattr(dicomfields_2026c, name):
            if len(tag) == 2:  # noqa: PLR2004  curves and overlays, which have four, are never copied
                found[int(Tag(*tag))] = action
    return found


@lru_cache(maxsize=16)
def actions_for(options: frozenset[str]) -> Mapping[int, str]:
    """Return the action on each attribute that has one: the profile's, as `options` and the names of labels change it.

    Beyond X, Z, D, U: `keep`, `words` (only words of the field stay), `date` (shifted), `pseudonym`, `age`, `walk`.
    """
    found = dict(profile_actions())
    found.update({_tag(keyword): "words" for keyword in _NAMES_OF_LABELS})
    found.update({_tag(keyword): "pseudonym" for keyword in _PSEUDONYMS})
    found.update({_tag(keyword): "keep" for keyword in _CLASS_UIDS})
    for option, keywords in _OF_OPTION.items():
        if option in options:
            found.update({_tag(keyword): _SET_FOR_OPTION.get(option, "keep") for keyword in keywords})
    if "retain_patient_characteristics" in options:
        found[_tag("PatientAge")] = "age"
    found.update({tag: "U" for tag in found if found[tag] == "D" and vr_of(tag) == "UI"})
    for tag in [tag for tag in found if found[tag] in "XZD" and vr_of(tag) in _DATES]:
        if keyword_for_tag(tag) not in _BORN:
            found[tag] = _action_on_date(vr_of(tag), options) or found[tag]
    return found


@lru_cache(maxsize=4096)
def action_beyond(tag: int, vr: str, options: frozenset[str]) -> str:
    """Return the action on an attribute that the table does not name: one that may hold anything is emptied or goes."""
    keyword = keyword_for_tag(tag)
    if not keyword:
        return "X"
    if vr == "SQ":
        return "walk"
    if vr == "UI":
        return "U"
    if vr in _DATES - {"TM"}:
        return _action_on_date(vr, options) or "D"
    return "Z" if vr in _TEXTS and keyword not in _PLAIN_TEXTS else "keep"


def vr_of(tag: int) -> str:
    """Return the VR that the dictionary has for `tag`; empty where it has none."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


def _action_on_date(vr: str, options: frozenset[str]) -> str:
    if "retain_full_dates" in options:
        return "keep"
    if "retain_modified_dates" in options:
        return "keep" if vr == "TM" else "date"
    return ""


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    return 0 if tag is None else int(tag)
