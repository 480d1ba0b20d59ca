"""Enhanced multi-frame CT and MR: volumes by functional groups, copies that are valid objects of the same class."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence
from witnesses import dicom_errors, realdata

from medaug_cli.core.geometry import Geometry
from medaug_cli.spatial.grids import window_grid
from tests.formats.dicom.datasets import (
    AXIAL,
    SERIES,
    UNCHANGED,
    encode,
    load,
    only,
    publish,
    ramp,
    save,
    save_series,
)
from tests.formats.dicom.framed import (
    CHANGED,
    CLASSIC,
    MIRRORED,
    copy_of,
    enhanced,
    frame,
    group,
    loaded_from,
    volume_of,
    with_frames,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset


def test_frames_are_sorted_by_where_they_lie_and_not_as_they_stand(tmp_path: Path) -> None:
    """Frames 0, 1 and 2 hold 100 more each and lie at 35, 30 and 32.5 mm."""
    loaded = loaded_from(enhanced([frame(35), frame(30), frame(32.5)]), tmp_path)
    content = volume_of(loaded)
    assert content.array[0, :, 0, 0].tolist() == [100 - 1024, 200 - 1024, -1024]
    assert content.geometry.size == (6, 4, 3)
    assert content.geometry.spacing_mm == (0.5, 0.7, 2.5)
    assert content.geometry.origin_mm == (-10, 20, 30)
    found = only(tmp_path / "in")
    assert found.geometry == content.geometry
    assert (found.modality, found.components, found.warnings) == ("CT", 1, ())


def test_an_unchanged_copy_keeps_the_frames_in_the_order_of_the_source(tmp_path: Path) -> None:
    loaded = loaded_from(enhanced([frame(35), frame(30), frame(32.5)]), tmp_path)
    made = copy_of(loaded, tmp_path)
    source = pydicom.dcmread(tmp_path / "in" / "a.dcm")
    assert np.array_equal(made.pixel_array, source.pixel_array)
    positions = [
        item.PlanePositionSequence[0].ImagePositionPatient[2] for item in made.PerFrameFunctionalGroupsSequence
    ]
    assert positions == [35, 30, 32.5]
    assert made.FrameOfReferenceUID == source.FrameOfReferenceUID
    assert made.SOPInstanceUID != source.SOPInstanceUID


def test_each_frame_is_rescaled_by_its_own_slope_and_stored_with_it(tmp_path: Path) -> None:
    frames = [frame(30 + 2.5 * k) for k in range(3)]
    for item, slope in zip(frames, (1, 0.5, 2.5), strict=True):
        item.PixelValueTransformationSequence = group(RescaleSlope=slope, RescaleIntercept=0, RescaleType="US")
    pixels = np.full((3, 4, 6), 101, np.int16)
    loaded = loaded_from(enhanced(frames, pixels, PixelValueTransformationSequence=None), tmp_path)
    assert volume_of(loaded).array[0, :, 0, 0].tolist() == [101, 50.5, 252.5]
    assert np.array_equal(copy_of(loaded, tmp_path).pixel_array, pixels)


def test_time_points_of_the_same_planes_are_components(tmp_path: Path) -> None:
    frames = [frame(z, TemporalPositionIndex=time) for z in (30, 32.5) for time in (2, 1)]
    loaded = loaded_from(enhanced(frames), tmp_path)
    assert volume_of(loaded).array[:, :, 0, 0].tolist() == [[100 - 1024, 300 - 1024], [-1024, 200 - 1024]]
    assert only(tmp_path / "in").components == 2
    assert np.array_equal(copy_of(loaded, tmp_path).pixel_array, pydicom.dcmread(tmp_path / "in" / "a.dcm").pixel_array)


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([frame(30), frame(32.5), frame(40)], "missing_slices"),
        ([frame(30), frame(30), frame(32.5)], "duplicate_position: planes have 1 to 2 frames"),
    ],
)
def test_frames_that_form_no_grid_say_why(tmp_path: Path, frames: list[Dataset], said: str) -> None:
    loaded = loaded_from(enhanced(frames), tmp_path)
    assert said in loaded.irregular
    assert said in only(tmp_path / "in").irregular
    assert np.array_equal(copy_of(loaded, tmp_path).pixel_array, pydicom.dcmread(tmp_path / "in" / "a.dcm").pixel_array)


def test_frames_of_several_orientations_are_no_grid(tmp_path: Path) -> None:
    frames = [frame(30), frame(32)]
    for item, orientation in zip(frames, (AXIAL, [1, 0, 0, 0, 0, -1]), strict=True):
        item.PlaneOrientationSequence = group(ImageOrientationPatient=orientation)
    loaded = loaded_from(enhanced(frames, PlaneOrientationSequence=None), tmp_path)
    assert loaded.irregular.startswith("mixed_orientations")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"PerFrameFunctionalGroupsSequence": Sequence([])}, "bad_header"),
        ({"SharedFunctionalGroupsSequence": Sequence([])}, "bad_header"),
        ({"ConcatenationUID": f"{SERIES}.5"}, "not_supported"),
        ({"NumberOfFrames": 3}, "bad_header"),
    ],
)
def test_frames_without_a_known_place_are_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    header = enhanced([frame(30), frame(32)])
    for keyword, value in change.items():
        setattr(header, keyword, value)
    save(header, tmp_path / "a.dcm")
    problem = only(tmp_path).problem
    assert problem is not None
    assert problem[0] == reason


def test_the_copy_is_derived_primary_in_the_object_and_in_every_frame(tmp_path: Path) -> None:
    header = enhanced([frame(30), frame(32)])
    header.EchoPulseSequence = "GRADIENT"
    made = copy_of(loaded_from(header, tmp_path), tmp_path, CHANGED)
    (shared,) = made.SharedFunctionalGroupsSequence
    assert list(made.ImageType) == ["DERIVED", "PRIMARY", "AXIAL", "NONE"]
    assert list(shared.CTImageFrameTypeSequence[0].FrameType) == ["DERIVED", "PRIMARY", "AXIAL", "NONE"]
    assert made.DeviceSerialNumber == "77"
    assert made.Manufacturer == "medaug"
    assert "EchoPulseSequence" not in made
    assert made.FrameOfReferenceUID != f"{SERIES}.9"


def test_what_was_done_and_to_what_stands_in_the_functional_groups(tmp_path: Path) -> None:
    made = copy_of(loaded_from(enhanced([frame(30), frame(32)]), tmp_path), tmp_path, CHANGED)
    (derived,) = made.SharedFunctionalGroupsSequence[0].DerivationImageSequence
    assert derived.DerivationCodeSequence[0].CodeValue == "GAMMA"
    assert derived.SourceImageSequence[0].ReferencedSOPInstanceUID == f"{SERIES}.1"
    assert derived.SourceImageSequence[0].SpatialLocationsPreserved == "NO"
    assert "DerivationDescription" not in made
    (study,) = made.SourceImageEvidenceSequence
    assert study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == f"{SERIES}.1"


def test_windows_of_frames_follow_the_intensities(tmp_path: Path) -> None:
    """Real values are 0 to 23 more than -1024 and the slice's 100; the window covers percentiles 1 to 99 of them."""
    frames = [frame(30), frame(32)]
    frames[0].FrameVOILUTSequence = group(WindowCenter=40, WindowWidth=400)
    frames[1].FrameVOILUTSequence = group(WindowCenter=[1, 2], WindowWidth=[3, 4])
    loaded = loaded_from(enhanced(frames), tmp_path)
    kept = copy_of(loaded, tmp_path).PerFrameFunctionalGroupsSequence[0].FrameVOILUTSequence[0]
    assert (kept.WindowCenter, kept.WindowWidth) == (40, 400)
    made = copy_of(loaded, tmp_path, CHANGED).PerFrameFunctionalGroupsSequence
    low, high = np.percentile(volume_of(loaded).array, [1, 99])
    assert made[0].FrameVOILUTSequence[0].WindowCenter == pytest.approx((low + high) / 2, rel=1e-4)
    assert made[0].FrameVOILUTSequence[0].WindowWidth == pytest.approx(high - low, rel=1e-4)
    assert list(made[1].FrameVOILUTSequence[0].WindowCenter) == [1, 2]


def test_the_side_of_frames_changes_when_they_are_mirrored_and_the_source_stays(tmp_path: Path) -> None:
    loaded = loaded_from(enhanced([frame(30), frame(32)]), tmp_path)
    sides = [
        copy_of(loaded, tmp_path, derivation).SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0].FrameLaterality
        for derivation in (MIRRORED, UNCHANGED, MIRRORED)
    ]
    assert sides == ["L", "R", "L"]


def test_padding_of_every_frame_is_void_and_stamped_again(tmp_path: Path) -> None:
    pixels = np.stack([ramp(0), ramp(1)])
    pixels[:, 0, 0] = -2000
    header = enhanced([frame(30), frame(32)], pixels)
    header.PixelPaddingValue = -2000
    loaded = loaded_from(header, tmp_path)
    void = volume_of(loaded).void
    assert void is not None
    assert (int(void.sum()), bool(void[:, 0, 0].all())) == (2, True)
    assert np.array_equal(copy_of(loaded, tmp_path).pixel_array, pixels)


def test_a_cut_copy_does_not_say_how_large_a_field_was_reconstructed(tmp_path: Path) -> None:
    field = {"ReconstructionFieldOfView": [300.0, 300.0], "ReconstructionPixelSpacing": [0.7, 0.5]}
    reconstruction = group(ConvolutionKernel="SOFT", ReconstructionDiameter=300, **field)
    loaded = loaded_from(
        enhanced([frame(30 + 5 * k) for k in range(2)], CTReconstructionSequence=reconstruction), tmp_path
    )
    old = volume_of(loaded)
    cut = replace(old, array=old.array[:, :, 1:3], geometry=window_grid(old.geometry, (0, 1, 0), (6, 2, 2)))
    (shared,) = copy_of(loaded, tmp_path, CHANGED, cut).SharedFunctionalGroupsSequence
    assert [one.keyword for one in shared.CTReconstructionSequence[0]] == ["ConvolutionKernel"]


def test_a_copy_on_another_grid_says_where_every_frame_lies(tmp_path: Path) -> None:
    """Three slices every 2.5 mm become two every 5 mm, cut to 2 rows from the second on: (-10, 20.7, 30)."""
    numbered = [frame(30 + 2.5 * k, InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1]) for k in range(3)]
    loaded = loaded_from(enhanced(numbered), tmp_path)
    old = volume_of(loaded)
    grid = Geometry((6, 2, 2), (0.5, 0.7, 5.0), (-10.0, 20.7, 30.0))
    made = copy_of(loaded, tmp_path, CHANGED, replace(old, array=old.array[:, ::2, 1:3], geometry=grid))
    assert (made.NumberOfFrames, made.Rows, made.Columns) == (2, 2, 6)
    again = volume_of(load(tmp_path / "out"))
    assert again.geometry.same_grid(grid)
    assert np.array_equal(again.array, old.array[:, ::2, 1:3])
    content = [item.FrameContentSequence[0] for item in made.PerFrameFunctionalGroupsSequence]
    assert [list(item.DimensionIndexValues) for item in content] == [[1, 1], [1, 2]]
    assert [item.InStackPositionNumber for item in content] == [1, 2]


@pytest.mark.parametrize("derivation", [UNCHANGED, CHANGED, MIRRORED])
def test_copies_of_a_real_enhanced_ct_have_no_error_that_their_source_had_not(tmp_path: Path, derivation: Any) -> None:
    path = realdata("single") / "eCT_Supplemental.dcm"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(path.read_bytes())
    copy_of(load(tmp_path / "in"), tmp_path, derivation)
    assert dicom_errors(tmp_path / "out" / "a.dcm") <= dicom_errors(path)


OF_AN_ORIGINAL = (  # required of an ORIGINAL image and forbidden of a derived one (PS3.3 C.8.13.4)
    *("BulkMotionCompensationTechnique", "PulseSequenceName", "MRAcquisitionType", "EchoPulseSequence"),
    *("MultiPlanarExcitation", "PhaseContrast", "TimeOfFlightContrast", "SteadyStatePulseSequence"),
    *("EchoPlanarPulseSequence", "SaturationRecovery", "SpectrallySelectedSuppression", "OversamplingPhase"),
    *("GeometryOfKSpaceTraversal", "RectilinearPhaseEncodeReordering", "SegmentedKSpaceTraversal"),
    *("CoverageOfKSpace", "NumberOfKSpaceTrajectories"),
)


@pytest.mark.parametrize("name", ["emri_small", "emri_small_RLE", "emri_small_jpeg_ls_lossless"])
def test_copies_of_a_real_enhanced_mr_have_no_error_that_their_source_had_not(tmp_path: Path, name: str) -> None:
    """The real object of 10 frames lost its functional groups when it was made small; these are put back."""
    header = pydicom.dcmread(realdata("single") / f"{name}.dcm")
    frame_type = group(
        FrameType=["ORIGINAL", "PRIMARY", "T1", "NONE"],
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
        ComplexImageComponent="MAGNITUDE",
        AcquisitionContrast="T1",
    )
    frames = [frame(30 - k, InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1]) for k in range(10)]
    shared = {"MRImageFrameTypeSequence": frame_type, "FrameAnatomySequence": group(FrameLaterality="U")}
    loaded = loaded_from(with_frames(header, frames, **shared), tmp_path)
    made = copy_of(loaded, tmp_path, CHANGED)
    assert np.array_equal(made.pixel_array, header.pixel_array)
    assert [keyword for keyword in OF_AN_ORIGINAL if keyword in header]
    assert not [keyword for keyword in OF_AN_ORIGINAL if keyword in made]
    assert dicom_errors(tmp_path / "out" / "a.dcm") <= dicom_errors(tmp_path / "in" / "a.dcm")
    publish(encode(loaded, CLASSIC), tmp_path / "classic")
    errors = {error.partition("> - ")[2] for error in dicom_errors(tmp_path / "classic" / "a_0001.dcm")}
    assert errors <= {error.partition("> - ")[2] for error in dicom_errors(tmp_path / "in" / "a.dcm")}


def test_a_legacy_converted_series_is_the_volume_that_it_was_made_of(tmp_path: Path) -> None:
    legacy = pytest.importorskip("highdicom.legacy")
    save_series(
        tmp_path / "ct", [ramp(k) for k in range(3)], RescaleSlope=1, RescaleIntercept=-1024, KVP=120, PatientName="A^B"
    )
    slices = [pydicom.dcmread(path) for path in sorted((tmp_path / "ct").iterdir())]
    series = legacy.LegacyConvertedEnhancedCTImage(slices, f"{SERIES}.70", 4, f"{SERIES}.71", 1)
    (tmp_path / "in").mkdir()
    series.save_as(tmp_path / "in" / "a.dcm")
    classic, converted = load(tmp_path / "ct"), load(tmp_path / "in")
    assert np.array_equal(volume_of(classic).array, volume_of(converted).array)
    assert volume_of(classic).geometry.same_grid(volume_of(converted).geometry)
    copy_of(converted, tmp_path, CHANGED)
    assert dicom_errors(tmp_path / "out" / "a.dcm") <= dicom_errors(tmp_path / "in" / "a.dcm")
