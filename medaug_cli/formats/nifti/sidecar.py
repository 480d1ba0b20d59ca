"""Sidecar: the JSON file beside an image, of which a copy keeps how it was acquired and nothing else."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Keys of BIDS and dcm2niix whose numbers tell of a method and of no person, place or day, and hold however an image is
# moved; so neither directions of encoding nor times of slices.
NUMBERS = frozenset(
    {
        *("MagneticFieldStrength", "ImagingFrequency", "EchoTime", "EchoTime1", "EchoTime2", "EchoNumber"),
        *("EchoTrainLength", "RepetitionTime", "RepetitionTimeExcitation", "RepetitionTimePreparation"),
        *("InversionTime", "FlipAngle", "NumberShots", "NumberOfAverages", "PixelBandwidth", "DwellTime"),
        *("TotalReadoutTime", "EffectiveEchoSpacing", "WaterFatShift", "PercentPhaseFOV", "PercentSampling"),
        *("PartialFourier", "ParallelReductionFactorInPlane", "ParallelReductionFactorOutOfPlane"),
        *("MultibandAccelerationFactor", "MTState", "SpoilingState", "SpoilingRFPhaseIncrement"),
        *("SpoilingGradientMoment", "SpoilingGradientDuration", "NonlinearGradientCorrection", "SkullStripped"),
        *("KVP", "XRayTubeCurrent", "XRayExposure", "ExposureTime", "FrameDuration", "FrameTimesStart"),
    }
)
WORDS: Mapping[str, frozenset[str]] = {
    "Modality": frozenset({"CT", "MR", "PT", "NM", "US", "DX", "MG", "CR", "XA"}),
    "MRAcquisitionType": frozenset({"1D", "2D", "3D"}),
    "Manufacturer": frozenset(
        {"Siemens", "SIEMENS", "GE", "Philips", "Canon", "Toshiba", "Hitachi", "UIH", "Bruker", "Agilent", "Mediso"}
    ),
}
DTYPE = "json"  # in the manifest, where other files have the type of their voxels
_MOST_BYTES = 1 << 20


def files_of_volume(files: Sequence[str]) -> tuple[str, ...]:
    """Return the `files` of a source or a copy without the sidecar, which is the last where there is one."""
    return tuple(files[:-1] if files[-1].lower().endswith(".json") else files)


def read_kept(raw: bytes) -> dict[str, Any]:
    """Return what a copy keeps of a sidecar; nothing of one that is no JSON object, or longer than 1 MiB."""
    if len(raw) > _MOST_BYTES:
        return {}
    try:
        found = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    return {key: value for key, value in found.items() if _is_kept(key, value)} if isinstance(found, dict) else {}


def encode(kept: Mapping[str, Any]) -> bytes:
    """Return the sidecar of a copy."""
    return (json.dumps(kept, indent=1, sort_keys=True) + "\n").encode()


def _is_kept(key: str, value: Any) -> bool:
    return (key in NUMBERS and _is_number(value)) or (isinstance(value, str) and value in WORDS.get(key, ()))


def _is_number(value: Any) -> bool:
    """Say whether `value` is a number, yes or no, or a list of such."""
    return all(map(_is_finite, value)) if isinstance(value, list) else _is_finite(value)


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False
