"""Instances: what grouping, geometry and decoding need of one image's header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.formats.dicom.classes import CROSS_SECTIONS, MODALITIES, describe
from medaug_cli.formats.dicom.header import number, numbers, text, values

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SPLITTERS = ("AcquisitionNumber", "EchoTime", "InversionTime", "TriggerTime", "FrameReferenceTime", "AcquisitionTime")
_SERIES_KEYS = ("PhotometricInterpretation", "EchoNumbers", "TemporalPositionIdentifier", "DiffusionBValue")
TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "PatientID"),
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "ImageType", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"),
    *("ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices", "PatientOrientation", "ModalityLUTSequence"),
    *SPLITTERS,
    *_SERIES_KEYS,
]


@dataclass(frozen=True)
class Instance:
    """One image instance: what grouping and geometry need of its header; lengths in mm, (x, y) order."""

    file: str
    modality: str
    sop_class: str
    sop_instance: str
    series: str
    study: str
    patient: str
    frame_of_reference: str
    rows: int
    columns: int
    dtype: str
    spacing_mm: tuple[float, float] | None
    thickness_mm: float
    position_mm: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    letters: tuple[str, str]
    series_key: tuple[str, ...]
    split_values: tuple[str, ...]

    @property
    def in_patient(self) -> bool:
        """Say whether the plane has a place in the patient's coordinates."""
        return self.position_mm is not None and self.orientation is not None


def parse_instance(header: Dataset, file: str) -> Instance:
    """Return what `header` says of its image. Raises SampleError where it cannot be augmented."""
    sop_class = text(header, "SOPClassUID", file)
    identifiers = {
        name: text(header, name, file) for name in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
    }
    blank = [name for name, value in {"SOPClassUID": sop_class, **identifiers}.items() if not value]
    if blank:
        raise SampleError("blank_uid", f"{file}: {', '.join(blank)} blank; export the study again with its UIDs")
    refuse_unsupported(header, sop_class, file)
    modality = MODALITIES[sop_class]
    position, orientation = _plane(header, modality, file)
    spacing = _spacing(header, modality, file)
    if position and not spacing:
        raise SampleError("bad_header", f"{file}: PixelSpacing is missing or zero; a slice in the patient needs it")
    image_type = values(header, "ImageType", file)
    letters = [str(value) for value in values(header, "PatientOrientation", file)]
    return Instance(
        file=file,
        modality=modality,
        sop_class=sop_class,
        sop_instance=identifiers["SOPInstanceUID"],
        series=identifiers["SeriesInstanceUID"],
        study=identifiers["StudyInstanceUID"],
        patient=text(header, "PatientID", file),
        frame_of_reference=text(header, "FrameOfReferenceUID", file),
        rows=_extent(header, "Rows", file),
        columns=_extent(header, "Columns", file),
        dtype=_dtype(header, file),
        spacing_mm=spacing,
        thickness_mm=_thickness(header, file),
        position_mm=position,
        orientation=orientation,
        letters=(letters[0], letters[1]) if len(letters) == 2 else ("", ""),  # noqa: PLR2004 row and column
        series_key=(
            str(image_type[2]) if len(image_type) > 2 else "",  # noqa: PLR2004 Value 3 says what kind of picture
            *(text(header, keyword, file) for keyword in _SERIES_KEYS),
        ),
        split_values=tuple(text(header, keyword, file) for keyword in SPLITTERS),
    )


def refuse_unsupported(header: Dataset, sop_class: str, file: str) -> None:
    """Raise SampleError for an image that would be mangled: another class, many frames, colour, odd bit layouts."""
    photometric = text(header, "PhotometricInterpretation", file)
    bits_allocated = number(header, "BitsAllocated", file)
    bits_stored = number(header, "BitsStored", file)
    found = ""
    if sop_class not in MODALITIES:
        found = f"{describe(sop_class)} is"
    elif number(header, "NumberOfFrames", file, 1) != 1:
        found = "a multi-frame image is"
    elif number(header, "SamplesPerPixel", file, 1) != 1 or photometric not in {"MONOCHROME1", "MONOCHROME2"}:
        found = "a colour image is"
    elif bits_allocated not in {8, 16}:
        found = f"BitsAllocated {bits_allocated:g} is"
    elif not 1 <= bits_stored <= bits_allocated or number(header, "HighBit", file, bits_stored - 1) != bits_stored - 1:
        found = "a HighBit other than BitsStored - 1 is"
    elif "ModalityLUTSequence" in header:
        found = "a modality look-up table is"
    if found:
        allowed = "single-frame grey CT, MR, PET, CR, DX and MG images are"
        raise SampleError("not_supported", f"{file}: {found} not supported; {allowed}")


def _extent(header: Dataset, keyword: str, file: str) -> int:
    extent = int(number(header, keyword, file))
    if extent < 1:
        raise SampleError("bad_header", f"{file}: {keyword} is {extent}; it must be 1 or more")
    return extent


def _dtype(header: Dataset, file: str) -> str:
    signed = number(header, "PixelRepresentation", file) == 1
    return f"{'int' if signed else 'uint'}{int(number(header, 'BitsAllocated', file))}"


def _plane(header: Dataset, modality: str, file: str) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    if modality not in CROSS_SECTIONS:
        return None, None
    position = numbers(header, "ImagePositionPatient", file, 3)
    orientation = numbers(header, "ImageOrientationPatient", file, 6)
    return (position, orientation) if position and orientation else (None, None)


def _spacing(header: Dataset, modality: str, file: str) -> tuple[float, float] | None:
    keywords = ("PixelSpacing",) if modality in CROSS_SECTIONS else ("PixelSpacing", "ImagerPixelSpacing")
    for keyword in keywords:
        found = numbers(header, keyword, file, 2)
        if found is not None and min(found) > 0:
            return found[1], found[0]  # the file has the distance between rows (y) first
    return None


def _thickness(header: Dataset, file: str) -> float:
    for keyword in ("SliceThickness", "SpacingBetweenSlices"):
        thickness = number(header, keyword, file, 0.0)
        if thickness > 0:
            return thickness
    return 1.0
