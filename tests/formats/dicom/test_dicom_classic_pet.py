"""Enhanced PET as a classic series: what the classic class requires, from what the enhanced one says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from witnesses import dicom_errors, realdata

from medaug_cli.core.errors import SampleError
from tests.formats.dicom.datasets import SERIES, encode, load, publish, ramp
from tests.formats.dicom.framed import CLASSIC, frame, group, loaded_from, volume_of, with_frames
from tests.formats.dicom.test_dicom_pictures import picture

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

ENHANCED_PET = "1.2.840.10008.5.1.4.1.1.130"
PET = "1.2.840.10008.5.1.4.1.1.128"
NO = (
    *("GantryMotionCorrected", "PatientMotionCorrected", "CountLossNormalizationCorrected", "SensitivityCalibrated"),
    *("NonUniformRadialSamplingCorrected", "DetectorNormalizationCorrection"),
)
YES = ("DecayCorrected", "AttenuationCorrected", "ScatterCorrected", "DeadTimeCorrected", "RandomsCorrected")


def code(value: str, scheme: str, meaning: str) -> Any:
    return group(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def pet_frame(z_mm: float, time: int = 1, **more: Any) -> Dataset:
    """Return a frame of 30 s that begins `time` - 1 minutes after noon, at height z."""
    began = f"2020010212{time - 1:02d}00"
    content = {
        "FrameAcquisitionDateTime": f"{began}.000",
        "FrameReferenceDateTime": f"{began[:-2]}15.500",
        "FrameAcquisitionDuration": 30000.0,
        "TemporalPositionIndex": time,
    }
    made = frame(z_mm, **content)
    factors = {"DecayFactor": 1.25, "ScatterFractionFactor": 0.3, "DeadTimeFactor": 1.01, "SliceSensitivityFactor": 1.0}
    made.PETFrameCorrectionFactorsSequence = group(**factors)
    for keyword, value in more.items():
        setattr(made, keyword, value)
    return made


def enhanced_pet(frames: list[Dataset], *, decay: str = "20200102110000", **attributes: Any) -> Dataset:
    """Return an enhanced PET image in Bq/ml of a dose injected at eleven, its decay corrected to the moment `decay`."""
    header = picture(
        np.stack([ramp(k) for k in range(len(frames))]),
        ENHANCED_PET,
        Modality="PT",
        ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
    )
    header.DeviceSerialNumber, header.FrameOfReferenceUID = "77", f"{SERIES}.9"
    header.AcquisitionDateTime, header.CountsSource, header.DecayCorrectionDateTime = (
        "20200102120000",
        "EMISSION",
        decay,
    )
    for keyword in (*NO, *YES):
        setattr(header, keyword, "NO" if keyword in NO else "YES")
    drug = {"RadiopharmaceuticalStartDateTime": "20200102110000", "RadionuclideHalfLife": 6586.2}
    header.RadiopharmaceuticalInformationSequence = group(
        **drug, RadionuclideCodeSequence=code("77004003", "SCT", "^18^Fluorine")
    )
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    return with_frames(
        header,
        frames,
        PETFrameTypeSequence=group(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
        PixelValueTransformationSequence=group(RescaleSlope=2, RescaleIntercept=0, RescaleType="US"),
        RealWorldValueMappingSequence=group(
            RealWorldValueSlope=2.0, MeasurementUnitsCodeSequence=code("Bq/ml", "UCUM", "Becquerels/milliliter")
        ),
    )


def classic(header: Dataset, root: Path) -> list[Dataset]:
    return publish(encode(loaded_from(header, root), CLASSIC), root / "out")


def test_a_static_series_says_what_its_class_requires_and_dciodvfy_agrees(tmp_path: Path) -> None:
    made = classic(enhanced_pet([pet_frame(30), pet_frame(32.5)]), tmp_path)
    assert [(one.SOPClassUID, one.ImageIndex, one.NumberOfSlices) for one in made] == [(PET, 1, 2), (PET, 2, 2)]
    first = made[0]
    assert first.ImageType == ["DERIVED", "PRIMARY"]
    assert (first.Units, first.CountsSource, first.SeriesType) == ("BQML", "EMISSION", ["STATIC", "IMAGE"])
    assert first.CorrectedImage == ["DECY", "ATTN", "SCAT", "DTIM", "RAN"]
    assert (first.DecayCorrection, first.DecayFactor) == ("ADMIN", 1.25)
    assert (first.SeriesDate, first.SeriesTime) == ("20200102", "120000.000000")
    assert (first.FrameReferenceTime, first.ActualFrameDuration) == (15500, 30000)
    assert first.ScatterFractionFactor == 0.3
    assert "DecayCorrected" not in first
    assert dicom_errors(tmp_path / "out" / "a_0001.dcm") == set()
    assert np.array_equal(volume_of(load(tmp_path / "out")).array, volume_of(load(tmp_path / "in")).array)


def test_decay_corrected_to_another_moment_than_the_injection_is_corrected_to_the_start(tmp_path: Path) -> None:
    made = classic(enhanced_pet([pet_frame(30), pet_frame(32.5)], decay="20200102120000"), tmp_path)
    assert made[0].DecayCorrection == "START"


def test_uncorrected_decay_has_no_factor(tmp_path: Path) -> None:
    made = classic(enhanced_pet([pet_frame(30), pet_frame(32.5)], DecayCorrected="NO"), tmp_path)
    assert made[0].DecayCorrection == "NONE"
    assert "DECY" not in made[0].CorrectedImage
    assert dicom_errors(tmp_path / "out" / "a_0001.dcm") == set()


def test_time_points_are_the_slices_of_a_dynamic_series(tmp_path: Path) -> None:
    frames = [pet_frame(z, time) for z in (30, 32.5) for time in (2, 1)]
    made = classic(enhanced_pet(frames), tmp_path)
    assert {(tuple(one.SeriesType), one.NumberOfTimeSlices, one.NumberOfSlices) for one in made} == {
        (("DYNAMIC", "IMAGE"), 2, 2)
    }
    assert [one.ImageIndex for one in made] == [1, 2, 3, 4]
    assert [one.FrameReferenceTime for one in made] == [15500, 15500, 75500, 75500]
    assert dicom_errors(tmp_path / "out" / "a_0003.dcm") == set()


def test_phases_of_the_heart_are_the_slots_of_a_gated_series(tmp_path: Path) -> None:
    def gated(z_mm: float, delay_ms: float) -> Dataset:
        gate = group(NominalCardiacTriggerDelayTime=delay_ms, RRIntervalTimeNominal=800.0)
        return pet_frame(z_mm, CardiacSynchronizationSequence=gate)

    made = classic(enhanced_pet([gated(z, delay) for delay in (0.0, 400.0) for z in (30, 32.5)]), tmp_path)
    assert {(one.SeriesType[0], one.NumberOfTimeSlots, one.NumberOfRRIntervals) for one in made} == {("GATED", 2, 1)}
    assert [(one.TriggerTime, one.FrameTime) for one in made] == [(0, 400), (0, 400), (400, 400), (400, 400)]
    assert dicom_errors(tmp_path / "out" / "a_0003.dcm") == set()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"PixelValueTransformationSequence": group(RescaleSlope=2, RescaleIntercept=1, RescaleType="US")},
            "intercept",
        ),
        ({"PETFrameCorrectionFactorsSequence": group(ScatterFractionFactor=0.3)}, "DecayFactor"),
    ],
)
def test_what_classic_pet_cannot_say_is_refused_with_a_way_out(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    header = enhanced_pet([pet_frame(30, **change), pet_frame(32.5)])
    with pytest.raises(SampleError, match=said) as refused:
        classic(header, tmp_path)
    assert refused.value.reason == "not_supported"
    assert "output.dicom: same" in refused.value.message


def test_a_unit_that_the_rescaled_values_do_not_have_is_not_claimed(tmp_path: Path) -> None:
    header = enhanced_pet([pet_frame(30), pet_frame(32.5)])
    header.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0].RealWorldValueSlope = 7.0
    assert classic(header, tmp_path)[0].Units == "PROPCNTS"


def test_a_real_series_converted_and_split_again_says_what_it_said(tmp_path: Path) -> None:
    pytest.importorskip("highdicom", minversion="0.28")  # 0.27 converts no series whose dates are texts
    legacy = pytest.importorskip("highdicom.legacy")
    root = realdata("sts025_dicom", "PET", "image")
    slices = [pydicom.dcmread(path) for path in sorted(root.iterdir())[:12]]
    made = legacy.LegacyConvertedEnhancedPETImage(slices, f"{SERIES}.70", 4, f"{SERIES}.71", 1)
    (tmp_path / "in").mkdir()
    made.save_as(tmp_path / "in" / "a.dcm")
    copies = publish(encode(load(tmp_path / "in"), CLASSIC), tmp_path / "out")
    by_place = {tuple(one.ImagePositionPatient): one for one in copies}
    kept = (
        *(
            "Units",
            "SeriesType",
            "DecayCorrection",
            "DecayFactor",
            "CorrectedImage",
            "FrameReferenceTime",
            "SeriesTime",
        ),
        *("RescaleSlope", "ActualFrameDuration", "CountsSource", "Rows", "PixelSpacing", "SliceThickness"),
    )
    for one in slices:
        twin = by_place[tuple(one.ImagePositionPatient)]
        assert [twin[keyword].value for keyword in kept] == [one[keyword].value for keyword in kept]
        assert np.array_equal(twin.pixel_array, one.pixel_array)
    assert dicom_errors(tmp_path / "out" / "a_0001.dcm") <= dicom_errors(next(root.iterdir()))
