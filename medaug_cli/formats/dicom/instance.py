"""Instances: what grouping, geometry and decoding need of one image's header."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from medaug_cli.core.errors import SampleError
from medaug_cli.formats.dicom.classes import COLOURED, CROSS_SECTIONS, ENHANCED, FRAMED, MODALITIES, describe
from medaug_cli.formats.dicom.frames import PER_FRAME, SHARED, FrameStack, parse_frames
from medaug_cli.formats.dicom.header import number, numbers, text, values
from medaug_cli.formats.dicom.picture import COLOURS, GREYS, PALETTE, is_coloured, stored_type

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_OTHER_COLOURS = frozenset({"ARGB", "CMYK", "HSV", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "XYB"})
SPLITTERS = ("AcquisitionNumber", "EchoTime", "InversionTime", "TriggerTime", "FrameReferenceTime", "AcquisitionTime")
_SERIES_KEYS = ("PhotometricInterpretation", "EchoNumbers", "TemporalPositionIdentifier", "DiffusionBValue")
IDENTIFIERS = ("PatientID", "PatientName", "OtherPatientIDs", "PatientBirthDate", "AccessionNumber")
"""What tells who a patient is; looked for in paths, and never written for that."""
TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "PatientID"),
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "ImageType", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"),
    *("ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices", "PatientOrientation", "ModalityLUTSequence"),
    *("NominalScannedPixelSpacing", "PixelAspectRatio", "ConcatenationUID", SHARED, PER_FRAME),
    *IDENTIFIERS,
    *SPLITTERS,
    *_SERIES_KEYS,
]


_PROJECTION_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


@dataclass(frozen=True)
class Instance:
    """One image instance: what grouping and geometry need of its header; lengths in mm, (x, y) order.

    `frame_number` (from 1) says that it is one frame of an enhanced image, whose class and UID it has; `made_uids`
    which of its UIDs were blank in the file. `aspect` is how many times higher than wide a pixel of unknown size is.
    """

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
    frames: int = 1
    samples: int = 1
    stack: FrameStack | None = None
    frame_number: int = 0
    identifiers: tuple[str, ...] = ()
    made_uids: tuple[str, ...] = ()
    aspect: float = 1.0

    @property
    def components(self) -> int:
        """The colours of the picture, frame after frame; of an enhanced image the times it passes its planes."""
        return self.frames * self.samples if self.stack is None else len(self.stack.order)

    @property
    def is_rgb(self) -> bool:
        """Say whether the components are red, green and blue, of one frame after another."""
        return self.samples > 1

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
        mend = "export the study again with its UIDs, or let --repair make what file meta and content tell"
        raise SampleError("blank_uid", f"{file}: {', '.join(blank)} blank; {mend}")
    refuse_unsupported(header, sop_class, file)
    modality = MODALITIES[sop_class]
    position, orientation = _plane(header, modality, file)
    spacing = _spacing(header, modality, file)
    enhanced = sop_class in ENHANCED
    if position and not spacing and not enhanced:
        raise SampleError("bad_header", f"{file}: PixelSpacing is missing or zero; a slice in the patient needs it")
    image_type = values(header, "ImageType", file)
    letters = [str(value) for value in values(header, "PatientOrientation", file)]
    instance = Instance(
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
        dtype=_dtype(header, modality, file),
        frames=int(number(header, "NumberOfFrames", file, 1)),
        samples=3 if is_coloured(header, modality, file) else 1,
        spacing_mm=spacing,
        thickness_mm=_thickness(header, file),
        position_mm=None if enhanced else position,
        orientation=None if enhanced else orientation,
        letters=(letters[0], letters[1]) if len(letters) == 2 else ("", ""),  # noqa: PLR2004  row and column
        series_key=(
            str(image_type[2]) if len(image_type) > 2 else "",  # noqa: PLR2004  Value 3 says what kind of picture
            *(text(header, keyword, file) for keyword in _SERIES_KEYS),
        ),
        split_values=tuple(text(header, keyword, file) for keyword in SPLITTERS),
        aspect=_aspect(header, file) if spacing is None and not enhanced else 1.0,
        identifiers=tuple(filter(None, (text(header, keyword, file) for keyword in IDENTIFIERS))),
    )
    return replace(instance, stack=parse_frames(header, instance, instance.frames)) if enhanced else instance


def refuse_unsupported(header: Dataset, sop_class: str, file: str) -> None:
    """Raise SampleError for an image that would be mangled: another class, odd frames, colours or bit layouts."""
    if sop_class not in MODALITIES:
        _refuse(file, f"{describe(sop_class)} is", "CT, MR, PET, X-ray, NM, US, SC, OP and VL images are")
    frames = number(header, "NumberOfFrames", file, 1)
    framed = sop_class in ENHANCED or MODALITIES[sop_class] in FRAMED
    if frames < 1 or (frames != 1 and not framed):
        _refuse(file, f"{frames:g} frames are", "an image of its class has one")
    _refuse_colours(header, MODALITIES[sop_class], file)
    bits_allocated = number(header, "BitsAllocated", file)
    bits_stored = number(header, "BitsStored", file)
    if bits_allocated not in {8, 16}:
        _refuse(file, f"BitsAllocated {bits_allocated:g} is", "8 and 16 are")
    if not 1 <= bits_stored <= bits_allocated or number(header, "HighBit", file, bits_stored - 1) != bits_stored - 1:
        _refuse(file, "a HighBit other than BitsStored - 1 is", "values that begin at bit 0 are")


def _refuse_colours(header: Dataset, modality: str, file: str) -> None:
    photometric = text(header, "PhotometricInterpretation", file)
    samples = number(header, "SamplesPerPixel", file, 1)
    if photometric in COLOURS and samples == 3 and modality in COLOURED:  # noqa: PLR2004  red, green and blue
        return
    if photometric == PALETTE and samples == 1 and modality in FRAMED:
        return
    if photometric not in GREYS or samples != 1:
        colours = ", ".join(sorted(COLOURS))
        allowed = f"one sample of {' or '.join(sorted(GREYS))} is"
        allowed += f", and three of {colours}, and a palette" if modality in COLOURED else " in its class"
        named = photometric if photometric in COLOURS | GREYS | _OTHER_COLOURS | {PALETTE} else "unknown"
        _refuse(file, f"PhotometricInterpretation {named} with {samples:g} samples is", allowed)


def _refuse(file: str, found: str, allowed: str) -> NoReturn:
    raise SampleError("not_supported", f"{file}: {found} not supported; {allowed}")


def _extent(header: Dataset, keyword: str, file: str) -> int:
    extent = int(number(header, keyword, file))
    if extent < 1:
        raise SampleError("bad_header", f"{file}: {keyword} is {extent}; it must be 1 or more")
    return extent


def _dtype(header: Dataset, modality: str, file: str) -> str:
    signed = number(header, "PixelRepresentation", file) == 1
    return stored_type(header, modality, int(number(header, "BitsAllocated", file)), signed=signed, file=file)


def _plane(header: Dataset, modality: str, file: str) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    if modality not in CROSS_SECTIONS:
        return None, None
    position = numbers(header, "ImagePositionPatient", file, 3)
    orientation = numbers(header, "ImageOrientationPatient", file, 6)
    return (position, orientation) if position and orientation else (None, None)


def _spacing(header: Dataset, modality: str, file: str) -> tuple[float, float] | None:
    keywords = ("PixelSpacing",) if modality in CROSS_SECTIONS else _PROJECTION_SPACINGS
    for keyword in keywords:
        found = numbers(header, keyword, file, 2)
        if found is not None and min(found) > 0:
            return found[1], found[0]  # the file has the distance between rows (y) first
    return None


def _aspect(header: Dataset, file: str) -> float:
    found = numbers(header, "PixelAspectRatio", file, 2)
    return found[0] / found[1] if found is not None and min(found) > 0 else 1.0  # vertical, horizontal


def _thickness(header: Dataset, file: str) -> float:
    for keyword in ("SliceThickness", "SpacingBetweenSlices"):
        thickness = number(header, keyword, file, 0.0)
        if thickness > 0:
            return thickness
    return 1.0
