"""Classic: the frames of an enhanced image as the slices of a classic series, one header each (PS3.3 A.3, A.4)."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydicom import uid
from pydicom.multival import MultiValue
from pydicom.valuerep import format_number_as_ds

from medaug_cli.core.errors import SampleError
from medaug_cli.formats.dicom.classic_pet import describe_pet
from medaug_cli.formats.dicom.frames import PER_FRAME, SHARED, find_group
from medaug_cli.formats.dicom.header import MALFORMED, text, values
from medaug_cli.formats.dicom.picture import PALETTE_TAGS
from medaug_cli.formats.dicom.regrid import place_slices
from medaug_cli.formats.dicom.template import FramesTemplate, SliceTemplate, shallow_copy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.sample import Loaded, Volume
    from medaug_cli.formats.dicom.frames import Frame, FrameStack

CLASSES = {"CT": uid.CTImageStorage, "MR": uid.MRImageStorage, "PT": uid.PositronEmissionTomographyImageStorage}
# Of many frames in one object, and of the enhanced classes alone.
_OF_FRAMES = (
    *(SHARED, PER_FRAME, "NumberOfFrames", "DimensionOrganizationSequence", "DimensionIndexSequence"),
    *("DimensionOrganizationType", "SourceImageEvidenceSequence", "ReferencedImageEvidenceSequence"),
    *("AcquisitionDuration", "ContentQualification", "PixelPresentation", "VolumetricProperties"),
    *("VolumeBasedCalculationTechnique", "ComplexImageComponent", "AcquisitionContrast", "CardiacRRIntervalSpecified"),
    *("UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence"),
    *("FrameLaterality", "PresentationLUTShape", "AcquisitionContextSequence"),
)
# (functional group, its attribute, that of the classic classes); others of a group have no classic counterpart.
_COUNTERPARTS = (
    ("PlanePositionSequence", "ImagePositionPatient", "ImagePositionPatient"),
    ("PlaneOrientationSequence", "ImageOrientationPatient", "ImageOrientationPatient"),
    ("PixelMeasuresSequence", "PixelSpacing", "PixelSpacing"),
    ("PixelMeasuresSequence", "SliceThickness", "SliceThickness"),
    ("PixelMeasuresSequence", "SpacingBetweenSlices", "SpacingBetweenSlices"),
    ("PixelValueTransformationSequence", "RescaleIntercept", "RescaleIntercept"),
    ("PixelValueTransformationSequence", "RescaleSlope", "RescaleSlope"),
    ("PixelValueTransformationSequence", "RescaleType", "RescaleType"),
    ("FrameVOILUTSequence", "WindowCenter", "WindowCenter"),
    ("FrameVOILUTSequence", "WindowWidth", "WindowWidth"),
    ("FrameVOILUTSequence", "WindowCenterWidthExplanation", "WindowCenterWidthExplanation"),
    ("FrameVOILUTSequence", "VOILUTFunction", "VOILUTFunction"),
    ("FrameAnatomySequence", "AnatomicRegionSequence", "AnatomicRegionSequence"),
    ("FrameContentSequence", "FrameAcquisitionNumber", "AcquisitionNumber"),
    ("FrameContentSequence", "TemporalPositionIndex", "TemporalPositionIdentifier"),
    ("MRTimingAndRelatedParametersSequence", "RepetitionTime", "RepetitionTime"),
    ("MRTimingAndRelatedParametersSequence", "FlipAngle", "FlipAngle"),
    ("MRTimingAndRelatedParametersSequence", "EchoTrainLength", "EchoTrainLength"),
    ("MREchoSequence", "EffectiveEchoTime", "EchoTime"),
    ("MRModifierSequence", "InversionTimes", "InversionTime"),
    ("MRAveragesSequence", "NumberOfAverages", "NumberOfAverages"),
    ("MRImagingModifierSequence", "PixelBandwidth", "PixelBandwidth"),
    ("MRImagingModifierSequence", "TransmitterFrequency", "ImagingFrequency"),
    ("MRReceiveCoilSequence", "ReceiveCoilName", "ReceiveCoilName"),
    ("MRDiffusionSequence", "DiffusionBValue", "DiffusionBValue"),
    ("CTXRayDetailsSequence", "KVP", "KVP"),
    ("CTExposureSequence", "ExposureTimeInms", "ExposureTime"),
    ("CTExposureSequence", "XRayTubeCurrentInmA", "XRayTubeCurrent"),
    ("CTExposureSequence", "ExposureInmAs", "Exposure"),
    ("CTReconstructionSequence", "ConvolutionKernel", "ConvolutionKernel"),
    ("CTReconstructionSequence", "ReconstructionDiameter", "ReconstructionDiameter"),
)
_WHOLE = frozenset({"ExposureTime", "XRayTubeCurrent", "Exposure", "EchoTrainLength"})  # VR IS
_DECIMAL = frozenset(
    {
        *("RepetitionTime", "FlipAngle", "EchoTime", "InversionTime", "NumberOfAverages", "PixelBandwidth"),
        *("ImagingFrequency", "KVP"),
    }
)  # VR DS
_TEXTS = {"SPIN": "SE", "GRADIENT": "GR", "BOTH": ["GR", "SE"]}  # EchoPulseSequence as ScanningSequence
# What the classic classes require, be it empty (PS3.3 C.7.6.1, C.8.2.1, C.8.3.1): keyword, value where nothing tells.
_REQUIRED: dict[str, dict[str, Any]] = {
    "CT": {"RescaleIntercept": "0", "RescaleSlope": "1", "KVP": None, "AcquisitionNumber": None},
    "MR": {"ScanningSequence": "RM", "SequenceVariant": "NONE"}
    | dict.fromkeys(("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength")),
    "PT": {"RescaleIntercept": "0", "RescaleSlope": "1"},
}


def split_frames(content: Volume, like: Loaded, targets: Sequence[str]) -> Iterator[tuple[Volume, Loaded, list[str]]]:
    """Yield for each component of `content` a volume, what it is like, and the paths of its slices.

    `targets` are the path of the one object, or as recorded those of all slices; a single slice has the object's.
    Raises SampleError.
    """
    template: FramesTemplate = like.template
    stack, file = template.instance.stack, template.instance.file
    if stack is None or not isinstance(like.content, type(content)):
        raise TypeError(file)
    slices = len(place_slices(like.content.geometry, content.geometry))
    count = slices * len(stack.order)
    names = list(targets) if len(targets) == count else _number(targets[0], count)
    for component, frames in enumerate(stack.order):
        templates = tuple(
            make_slice(template, stack, stack.frames[frame], component * len(frames) + index + 1)
            for index, frame in enumerate(frames)
        )
        alone = replace(like.content, array=like.content.array[component : component + 1])
        yield (
            replace(content, array=content.array[component : component + 1]),
            replace(like, template=templates, content=alone),
            names[component * slices : (component + 1) * slices],
        )


def _number(target: str, count: int) -> list[str]:
    """Return series.dcm → series_0001.dcm and so on."""
    stem, suffix = posixpath.splitext(target)
    return [f"{stem}_{number:04d}{suffix}" for number in range(1, count + 1)]


def make_slice(template: FramesTemplate, stack: FrameStack, frame: Frame, number: int) -> SliceTemplate:
    """Return the template of the classic slice that holds `frame` of `stack`. Raises SampleError."""
    file, modality = template.instance.file, template.instance.modality
    shared = values(template.header, SHARED, file)
    items = [values(template.header, PER_FRAME, file)[frame.index], *shared[:1]]
    header = shallow_copy(template.header)
    scanning = _TEXTS.get(str(header.get("EchoPulseSequence", "")))
    for key in (*_OF_FRAMES, *PALETTE_TAGS):
        if key in header:
            del header[key]
    _unfold_converted(header, items, file)
    for group, keyword, classic in _COUNTERPARTS:
        item = find_group(items, group, file)
        if item is not None and values(item, keyword, file):
            _set_plain(header, classic, item.get(keyword), file)
    if scanning is not None:
        header.ScanningSequence = scanning
    _set_side(header, find_group(items, "FrameAnatomySequence", file), file)
    if modality == "PT":
        describe_pet(header, items, frame, stack, number)
    for keyword, value in _REQUIRED[modality].items():
        if keyword not in header:
            setattr(header, keyword, value)
    header.SOPClassUID, header.InstanceNumber = CLASSES[modality], number
    if "PositionReferenceIndicator" not in header:
        header.PositionReferenceIndicator = None
    header.ImageType = ["DERIVED", "SECONDARY", "AXIAL" if modality == "CT" else "OTHER"]
    instance = replace(frame.plane, stack=None, frame_number=frame.index + 1)
    storage = template.storages[frame.index]
    return SliceTemplate(header, instance, storage, template.lossy)


def _unfold_converted(header: Dataset, items: Sequence[Dataset], file: str) -> None:
    """Put back what a conversion from a classic series could not place (PS3.3 C.7.6.16.2.25)."""
    for item in items:
        for group in ("UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence"):
            for kept in values(item, group, file):
                for tag in list(kept.keys()):
                    if tag not in header:
                        header[tag] = kept[tag]


def _set_side(header: Dataset, anatomy: Dataset | None, file: str) -> None:
    """Say in `header` which side a frame shows; an unpaired part (U) has none, an unknown side is empty."""
    side = "U" if anatomy is None else text(anatomy, "FrameLaterality", file)
    if side in {"L", "R", ""} and "Laterality" not in header:
        header.Laterality = side


def _set_plain(header: Dataset, keyword: str, value: Any, file: str) -> None:
    """Set `keyword` as the classic attribute takes it: a whole number where it counts, one value where it has one."""
    try:
        if keyword in _WHOLE:
            value = round(float(value))
        elif keyword in _DECIMAL and not isinstance(value, MultiValue):
            value = format_number_as_ds(float(value))  # of FD, whose digits may be more than DS holds
        elif keyword == "InversionTime" and isinstance(value, MultiValue):
            value = format_number_as_ds(float(value[0]))
        setattr(header, keyword, value)
    except MALFORMED as error:
        raise SampleError("bad_header", f"{file}: the {keyword} of a frame breaks its VR") from error
