"""Classic PET: what a slice of the classic class must say, from the frame of an enhanced image (PS3.3 C.8.9, C.8.22).

A series that was converted from a classic one still has these attributes; they are taken as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from pydicom.valuerep import DT, format_number_as_ds

from medaug_cli.core.errors import SampleError
from medaug_cli.formats.dicom.frames import find_group
from medaug_cli.formats.dicom.header import MALFORMED, number, text, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.formats.dicom.frames import Frame, FrameStack

# (attribute of C.8.22.4 that is YES, term of CorrectedImage)
_CORRECTIONS = (
    ("DecayCorrected", "DECY"),
    ("AttenuationCorrected", "ATTN"),
    ("ScatterCorrected", "SCAT"),
    ("DeadTimeCorrected", "DTIM"),
    ("GantryMotionCorrected", "MOTN"),
    ("PatientMotionCorrected", "PMOT"),
    ("CountLossNormalizationCorrected", "CLN"),
    ("RandomsCorrected", "RAN"),
    ("NonUniformRadialSamplingCorrected", "RADL"),
    ("SensitivityCalibrated", "DCAL"),
    ("DetectorNormalizationCorrection", "NORM"),
)
_ROUNDING = 1e-6  # relative, of two slopes that are the same
# Units of CID 84 as the defined terms of Units (0054,1001).
_UNITS = {
    "Bq/ml": "BQML",
    "{counts}": "CNTS",
    "{counts}/s": "CPS",
    "{propcounts}": "PROPCNTS",
    "{propcounts}/s": "PROPCPS",
    "1": "NONE",
    "cm2": "CM2",
    "cm2/ml": "CM2ML",
    "%": "PCNT",
    "mg/min/ml": "MGMINML",
    "umol/min/ml": "UMOLMINML",
    "ml/min/g": "MLMING",
    "ml/g": "MLG",
    "/cm": "1CM",
    "umol/ml": "UMOLML",
    "ml/min/ml": "MLMINML",
    "ml/ml": "MLML",
    "g/ml": "GML",
}
_FACTORS = ("PrimaryPromptsCountsAccumulated", "SliceSensitivityFactor", "ScatterFractionFactor", "DeadTimeFactor")
_MAY_BE_EMPTY = (
    *("CollimatorType", "AcquisitionDate", "AcquisitionTime", "ActualFrameDuration"),
    *(
        "RadiopharmaceuticalInformationSequence",
        "PatientOrientationCodeSequence",
        "PatientGantryRelationshipCodeSequence",
    ),
)
_STATIC, _DYNAMIC, _GATED = "STATIC", "DYNAMIC", "GATED"
_BITS = 16


def describe_pet(header: Dataset, items: Sequence[Dataset], frame: Frame, stack: FrameStack, index: int) -> None:
    """Give `header` what the classic class requires of image number `index` of a series (PS3.3 C.8.9.1, C.8.9.4).

    `items` are the functional groups of `frame` and the shared ones. Raises SampleError where nothing tells how
    decay was corrected, or values have an intercept, which the class forbids.
    """
    file = frame.plane.file
    if frame.intercept:
        _refuse(file, "its values have an intercept, which classic PET forbids")
    kind = _series_type(items, stack, file)
    if "DecayCorrection" not in header:
        _set_decay(header, items, file)
    told: dict[str, Any] = {
        "Units": _units(items, frame, file),
        "CountsSource": "EMISSION",
        "SeriesType": [kind, "IMAGE"],
        "CorrectedImage": [term for keyword, term in _CORRECTIONS if text(header, keyword, file) == "YES"],
        "FrameReferenceTime": "0",
        **_times(header, items, file),
        **{keyword: _number_in(items, "PETFrameCorrectionFactorsSequence", keyword, file) for keyword in _FACTORS},
        **(_gate(items, stack, file) if kind == _GATED else {}),
        **({"NumberOfTimeSlices": len(stack.order)} if kind == _DYNAMIC else {}),
    }
    for keyword, value in told.items():
        if keyword not in header and value is not None:
            setattr(header, keyword, value)
    for keyword in _MAY_BE_EMPTY:
        if keyword not in header:
            setattr(header, keyword, None)
    header.NumberOfSlices, header.ImageIndex = len(stack.order[0]), index
    header.BitsStored, header.HighBit = _BITS, _BITS - 1
    for keyword, _ in (*_CORRECTIONS, ("DecayCorrectionDateTime", "")):
        if keyword in header:
            del header[keyword]


def _series_type(items: Sequence[Dataset], stack: FrameStack, file: str) -> str:
    if len(stack.order) == 1:
        return _STATIC
    return _GATED if find_group(items, "CardiacSynchronizationSequence", file) is not None else _DYNAMIC


def _units(items: Sequence[Dataset], frame: Frame, file: str) -> str:
    """Return the unit of the rescaled values: that of the real world mapping where it has the same slope."""
    mapping = find_group(items, "RealWorldValueMappingSequence", file)
    if mapping is None or abs(number(mapping, "RealWorldValueSlope", file, 0.0) / frame.slope - 1) > _ROUNDING:
        return "PROPCNTS"
    code = values(mapping, "MeasurementUnitsCodeSequence", file)
    return _UNITS.get(text(code[0], "CodeValue", file), "PROPCNTS") if code else "PROPCNTS"


def _set_decay(header: Dataset, items: Sequence[Dataset], file: str) -> None:
    """Say to which moment decay was corrected, to the injection or to the start of the acquisition."""
    if text(header, "DecayCorrected", file) != "YES":
        header.DecayCorrection = "NONE"
        return
    factor = _number_in(items, "PETFrameCorrectionFactorsSequence", "DecayFactor", file)
    if factor is None:
        _refuse(file, "a frame names no DecayFactor, which classic PET requires")
    drug = values(header, "RadiopharmaceuticalInformationSequence", file)
    injected = text(drug[0], "RadiopharmaceuticalStartDateTime", file) if drug else ""
    at_injection = bool(injected) and text(header, "DecayCorrectionDateTime", file) == injected
    header.DecayCorrection, header.DecayFactor = "ADMIN" if at_injection else "START", factor


def _times(header: Dataset, items: Sequence[Dataset], file: str) -> dict[str, Any]:
    """Return the moments of series and frame: seconds since the series began are in ms in FrameReferenceTime."""
    content = find_group(items, "FrameContentSequence", file)
    acquired = _moment(content, "FrameAcquisitionDateTime", file)
    referred = _moment(content, "FrameReferenceDateTime", file) or acquired
    began = _moment(header, "AcquisitionDateTime", file) or acquired
    day, hour = (text(header, keyword, file) for keyword in ("SeriesDate", "SeriesTime"))
    if not (day and hour):
        day = f"{began:%Y%m%d}" if began else text(header, "StudyDate", file) or text(header, "ContentDate", file)
        hour = f"{began:%H%M%S.%f}" if began else text(header, "StudyTime", file) or text(header, "ContentTime", file)
    if not (day and hour):
        _refuse(file, "neither series nor acquisition has a date and time, which classic PET requires")
    duration = None if content is None else number(content, "FrameAcquisitionDuration", file, 0.0)
    start = _parse_moment(day + hour, "SeriesDate", file)
    since = (referred.replace(tzinfo=None) - start.replace(tzinfo=None)).total_seconds() if referred else 0.0
    return {
        "SeriesDate": day,
        "SeriesTime": hour,
        "AcquisitionDate": f"{acquired:%Y%m%d}" if acquired else None,
        "AcquisitionTime": f"{acquired:%H%M%S.%f}" if acquired else None,
        "FrameReferenceTime": format_number_as_ds(1000 * since),
        "ActualFrameDuration": round(duration) if duration else None,
    }


def _gate(items: Sequence[Dataset], stack: FrameStack, file: str) -> dict[str, Any]:
    """Return what a gated series requires: one cycle of the heart in as many slots as there are components."""
    slots = len(stack.order)
    cycle_ms = float(_number_in(items, "CardiacSynchronizationSequence", "RRIntervalTimeNominal", file) or 0)
    delay_ms = _number_in(items, "CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", file)
    return {
        "NumberOfRRIntervals": 1,
        "NumberOfTimeSlots": slots,
        "TriggerTime": delay_ms or "0",
        "FrameTime": format_number_as_ds(cycle_ms / slots),
        "BeatRejectionFlag": "",
    }


def _number_in(items: Sequence[Dataset], group: str, keyword: str, file: str) -> str | None:
    """Return a number of a functional group as the text of a DS (or IS), None where it is absent."""
    item = find_group(items, group, file)
    if item is None or not values(item, keyword, file):
        return None
    return format_number_as_ds(number(item, keyword, file))


def _moment(item: Dataset | None, keyword: str, file: str) -> DT | None:
    said = "" if item is None else text(item, keyword, file)
    return _parse_moment(said, keyword, file) if said else None


def _parse_moment(said: str, keyword: str, file: str) -> DT:
    try:
        return DT(said)
    except MALFORMED as error:
        raise SampleError("bad_header", f"{file}: {keyword} is no date and time") from error


def _refuse(file: str, why: str) -> NoReturn:
    raise SampleError("not_supported", f"{file}: {why}; use output.dicom: same")
