"""Derive: what a copy's header says of its making (DICOM PS3.3 C.7.6.1, C.7.3.1, C.7.5, C.12.1)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from medaug_cli import __version__
from medaug_cli.core.privacy import plain_words
from medaug_cli.formats.dicom.classes import ENHANCED
from medaug_cli.formats.dicom.codes import (
    ACQUISITION_EQUIPMENT,
    code_item,
    purpose_element,
)
from medaug_cli.formats.dicom.elements import encode_item, encoded_element
from medaug_cli.formats.dicom.header import number, text, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataelem import RawDataElement

    from medaug_cli.core.privacy import Privacy
    from medaug_cli.core.sample import Derivation
    from medaug_cli.formats.dicom.template import SliceTemplate

_LONGEST_LO, _LONGEST_ST = 64, 1024
_LARGEST_IS = 2**31 - 1
_EQUIPMENT = (
    *("Manufacturer", "StationName", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions"),
    *("GantryID", "DeviceUID", "SpatialResolution", "DateOfLastCalibration", "TimeOfLastCalibration"),
)
# Parts of the picture as the detector saw it.
_TIED_TO_THE_PIXELS = (
    *("ShutterShape", "ShutterLeftVerticalEdge", "ShutterRightVerticalEdge", "ShutterUpperHorizontalEdge"),
    *("ShutterLowerHorizontalEdge", "CenterOfCircularShutter", "RadiusOfCircularShutter"),
    *("VerticesOfThePolygonalShutter", "ShutterPresentationValue", "CollimatorShape", "CollimatorLeftVerticalEdge"),
    *("CollimatorRightVerticalEdge", "CollimatorUpperHorizontalEdge", "CollimatorLowerHorizontalEdge"),
    *("CenterOfCircularCollimator", "RadiusOfCircularCollimator", "VerticesOfThePolygonalCollimator"),
)
OWN = frozenset({0x0008103E, 0x00082111, 0x00082112, 0x00089124, 0x00089215})
"""What an image's copy says of its making, with UIDs that are mapped already: SeriesDescription, DerivationDescription,
SourceImageSequence, DerivationImageSequence (of the shared functional groups alone) and DerivationCodeSequence."""
OWN_OF_A_SERIES = frozenset({0x0008103E})
"""SeriesDescription, all of these that is made for a copy of labels."""
_JPEG = "ISO_10918_1"
_HAS_THIRD_VALUE = frozenset({"DX", "MG", "IO"})  # of ImageType, if an empty one (PS3.3 C.8.11.1.1.1)
_HAS_FOURTH_VALUE = frozenset({"US", "NM", "OP"})  # PS3.3 C.8.5.6.1.1, C.8.4.9.1.1, C.8.17.2.1.4
_HAS_SERIAL_NUMBER = frozenset({"DMS"})  # by the module Enhanced General Equipment (PS3.3 C.7.5.2)


def describe_copy(header: Dataset, template: SliceTemplate, derivation: Derivation, *, same_grid: bool) -> None:
    """Set in `header` what is new of a copy beside pixels, geometry and UIDs; `same_grid`: as that of the source."""
    file, modality = template.instance.file, template.instance.modality
    enhanced = header.SOPClassUID in ENHANCED
    header.ImageType = _enhanced_type(header, file) if enhanced else _image_type(header, modality, file)
    numbered = enhanced or modality in _HAS_SERIAL_NUMBER
    describe_series(header, file, derivation, required=("DeviceSerialNumber",) if numbered else ())
    _drop(header, "DerivationCodeSequence", "DerivationImageSequence")  # the second is one of functional groups
    for element in _said_alike(derivation_text(derivation), tuple(code for _, code in derivation.steps)):
        header[element.tag] = element
    if template.lossy is not None:
        header.LossyImageCompression = "01"
        header.LossyImageCompressionRatio, header.LossyImageCompressionMethod = template.lossy
    _name_lossy_steps(header, derivation, file)
    if derivation.moved:
        _drop(header, "ReferencedImageSequence")  # of the same place
    if derivation.moved or not same_grid:
        _drop(header, *_TIED_TO_THE_PIXELS)


def _name_lossy_steps(header: Dataset, derivation: Derivation, file: str) -> None:
    """Mark a copy that a step stored with loss; ratios and methods stand side by side (PS3.3 C.7.6.1.1.5)."""
    if not derivation.lossy_ratios:
        return
    ratios, methods = (values(header, f"LossyImageCompression{what}", file) for what in ("Ratio", "Method"))
    header.LossyImageCompression = "01"
    header.LossyImageCompressionRatio = [*ratios, *(f"{ratio:.2f}" for ratio in derivation.lossy_ratios)]
    if len(methods) == len(ratios):  # else nobody could tell which ratio is whose
        header.LossyImageCompressionMethod = [*methods, *[_JPEG] * len(derivation.lossy_ratios)]


def describe_series(
    header: Dataset,
    file: str,
    derivation: Derivation,
    required: Sequence[str] = (),
    made_by: tuple[str, str, str] = ACQUISITION_EQUIPMENT,
) -> None:
    """Set the number and description of the copy's series, and medaug as what made it.

    What made the source contributes to the copy as `made_by`, a code; `required` keywords stay in the copy, too.
    """
    header.SeriesNumber = _series_number(int(number(header, "SeriesNumber", file, 0)), derivation.copy)
    suffix = f"[aug {derivation.copy}]"
    source = _describe_source(header, file, derivation.privacy)[: _LONGEST_LO - len(suffix) - 1]
    header.SeriesDescription = f"{source} {suffix}".strip()
    _name_equipment(header, file, made_by, required)
    for element in _own_equipment():
        header[element.tag] = element


def _describe_source(header: Dataset, file: str, privacy: Privacy | None) -> str:
    """Return SeriesDescription of the source, as far as `privacy` leaves it."""
    source = text(header, "SeriesDescription", file)
    if privacy is None:
        return source
    return plain_words(source) if "clean_descriptors" in privacy.options else ""


def _image_type(header: Dataset, modality: str, file: str) -> list[str]:
    """Return ImageType of a derived image: what its class defines stays, vendors' values go.

    PET, NM and OP allow PRIMARY alone (PS3.3 C.8.9.4.1.1, C.8.4.9.1.1, C.8.17.2.1.4); OP must say how it was derived.
    """
    source = [str(value) for value in values(header, "ImageType", file)]
    kinds = source[2 : 4 if modality in _HAS_FOURTH_VALUE else 3]
    if modality == "PT":
        return ["DERIVED", "PRIMARY"]
    if modality == "NM":
        return ["DERIVED", "PRIMARY", *kinds]
    if modality == "OP":
        return ["DERIVED", "PRIMARY", next(filter(None, kinds[:1]), "AUGMENTED"), *kinds[1:]]
    if modality == "CT":
        kinds = ["AXIAL"]  # any cross-section, and localizers are left alone (PS3.3 C.8.2.1.1.1)
    elif modality == "MR":
        kinds = kinds if any(kinds) else ["OTHER"]
    if not any(kinds):
        kinds = [""] if modality in _HAS_THIRD_VALUE else []
    return ["DERIVED", "SECONDARY", *kinds]


def _enhanced_type(header: Dataset, file: str) -> list[str]:
    """Return ImageType of a derived enhanced image, which has four values (PS3.3 C.8.16.1)."""
    source = [str(value) for value in values(header, "ImageType", file)]
    kinds = [*source[2:4], "", ""][:2]
    return ["DERIVED", "PRIMARY", *(kind or "NONE" for kind in kinds)]


def _series_number(source: int, copy: int) -> int:
    made = source * 1000 + copy
    return made if 0 <= made <= _LARGEST_IS else copy


def derivation_text(derivation: Derivation) -> str:
    """Return tool, version, recipe, copy and steps in words, ASCII, no longer than VR ST holds."""
    names = ", ".join(name for name, _ in derivation.steps) or "no step applied"
    mirrored = "; mirrored: left and right are exchanged" if derivation.mirrored else ""
    recipe = f"recipe sha256 {derivation.recipe_sha256[:16]}"
    words = f"medaug {__version__}, {recipe}, copy {derivation.copy}{mirrored}: {names}"
    return words if len(words) <= _LONGEST_ST else words[: _LONGEST_ST - 4] + " ..."


def _name_equipment(header: Dataset, file: str, made_by: tuple[str, str, str], required: Sequence[str]) -> None:
    """Move what the source says of its equipment into an item of what contributed (PS3.3 C.12.1.1.5, note 1)."""
    scanner = Dataset()
    for keyword in _EQUIPMENT:
        if keyword in header:
            if values(header, keyword, file):
                scanner[keyword] = header.get_item(keyword)
            if keyword not in required:
                del header[keyword]
    if scanner:
        if "Manufacturer" not in scanner:  # type 1 of an item
            scanner.Manufacturer = "UNKNOWN"
        others = values(header, "ContributingEquipmentSequence", file)
        purpose = purpose_element(made_by)
        scanner[purpose.tag] = purpose
        if others:
            header.ContributingEquipmentSequence = Items([*others, scanner])
            return
        element = encoded_element(
            "ContributingEquipmentSequence", "SQ", (encode_item(scanner, header.get("SpecificCharacterSet")),)
        )
        header[element.tag] = element


@lru_cache(maxsize=1)
def _own_equipment() -> tuple[RawDataElement, ...]:
    """Return what a copy says of the equipment that made it."""
    texts = {"Manufacturer": "medaug", "ManufacturerModelName": "medaug", "SoftwareVersions": __version__}
    return tuple(encoded_element(keyword, "LO", (words.encode("ascii"),)) for keyword, words in texts.items())


@lru_cache(maxsize=16)
def _said_alike(description: str, codes: tuple[tuple[str, str, str], ...]) -> tuple[RawDataElement, ...]:
    """Return what the headers of all slices of a copy say of its making."""
    words = encoded_element("DerivationDescription", "ST", (description.encode("ascii"),))
    items = [encode_item(code_item(code)) for code in codes]
    return (words, *([encoded_element("DerivationCodeSequence", "SQ", items)] if items else ()))


def _drop(header: Dataset, *keywords: str) -> None:
    for keyword in keywords:
        if keyword in header:
            del header[keyword]
