"""DICOM SEG: label maps as another tool writes them, and fractions without a word on their images."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from datasets_for_runs import records_of, run_here, save_recipe
from pydicom.sr.codedict import codes
from segmentations import FLIP, NOTHING, by_dcmqi, by_highdicom, corner, made_seg, make_seg, run
from witnesses import dicom_errors, realdata

from tests.formats.dicom.datasets import image, ramp, save, save_series

if TYPE_CHECKING:
    from pathlib import Path

LABEL_MAPS = ("sparse-labelmap-noppv", "sparse-labelmap-ppv5")


def save_its_images(seg: pydicom.Dataset, folder: Path) -> None:
    """Write the series that `seg` names, which the collection does not have, and a slice between its two planes."""
    (series,) = seg.ReferencedSeriesSequence
    measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    first, second = (frame.PlanePositionSequence[0] for frame in seg.PerFrameFunctionalGroupsSequence)
    x, y, low = (float(value) for value in first.ImagePositionPatient)
    step_mm = (float(second.ImagePositionPatient[2]) - low) / 2
    names = [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence]
    for k, name in enumerate([names[0], f"{names[0]}.1", names[1]]):
        about: dict[str, Any] = {
            "SeriesInstanceUID": series.SeriesInstanceUID,
            "SOPInstanceUID": name[-64:].lstrip(".0"),
            "StudyInstanceUID": seg.StudyInstanceUID,
            "PatientID": seg.PatientID,
            "FrameOfReferenceUID": seg.FrameOfReferenceUID,
            "ImagePositionPatient": [x, y, low + step_mm * k],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": measures.PixelSpacing,
        }
        save(image(ramp(k, seg.Rows, seg.Columns), number=k + 1, **about), folder / f"{k}.dcm")


@pytest.mark.parametrize(("recipe", "turn"), [(NOTHING, slice(None)), (FLIP, slice(None, None, -1))])
@pytest.mark.parametrize("name", LABEL_MAPS)
def test_dcmqi_and_highdicom_read_a_label_map_of_dcmqi_and_its_copies_alike(
    name: str, recipe: str, turn: slice, tmp_path: Path
) -> None:
    """One plane of three is left out; in one file 5 is what belongs to no segment, the other does not say what is."""
    source = realdata("ct_seg_dcmqi", f"{name}.dcm")
    save_its_images(pydicom.dcmread(source), tmp_path / "data" / "ct")
    shutil.copy(source, tmp_path / "data" / "seg.dcm")
    made = made_seg(run(recipe, tmp_path / "data", tmp_path), tmp_path)
    (before,), (after,) = by_dcmqi(source, tmp_path / "a").values(), by_dcmqi(made, tmp_path / "b").values()
    assert np.array_equal(after == 1, before[turn] == 1)
    assert np.array_equal(by_highdicom(made)[..., -1], by_highdicom(source)[:, :, turn, -1])
    seg = hd.seg.segread(made)
    assert (seg.PixelPaddingValue, seg.SegmentationType, list(seg.segment_numbers)) == (0, "LABELMAP", [1])
    assert seg.SegmentSequence == pydicom.dcmread(source).SegmentSequence
    assert dicom_errors(made) <= dicom_errors(source)


@pytest.fixture(name="dataset")
def make_dataset(tmp_path: Path) -> Path:
    save_series(tmp_path / "data" / "ct", [ramp(k) for k in range(5)])
    return tmp_path / "data"


def test_what_is_in_no_segment_of_a_label_map_becomes_0(dataset: Path, tmp_path: Path) -> None:
    make_seg(dataset, corner(), "LABELMAP")
    path = dataset / "seg" / "kidney.dcm"
    seg = pydicom.dcmread(path)
    seg.PixelData = np.where(seg.pixel_array == 0, 7, seg.pixel_array).astype(np.uint8).tobytes()
    seg.PixelPaddingValue = seg.SegmentSequence[0].SegmentNumber = 7
    seg.save_as(path)
    record = run(FLIP, dataset, tmp_path)
    made = hd.seg.segread(made_seg(record, tmp_path))
    assert record.labels["kidney"] == {"1": (6, 6)}
    assert [item.SegmentNumber for item in made.SegmentSequence] == [0, 1]
    assert made.PixelPaddingValue == 0
    assert np.array_equal(by_highdicom(made_seg(record, tmp_path))[..., 0], corner()[1:2, :, ::-1])


def test_a_label_map_whose_0_is_an_organ_is_refused(dataset: Path, tmp_path: Path) -> None:
    make_seg(dataset, corner(), "LABELMAP")
    path = dataset / "seg" / "kidney.dcm"
    seg = pydicom.dcmread(path)
    del seg.PixelPaddingValue
    seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue = codes.SCT.Liver.value
    seg.save_as(path)
    run_here(save_recipe(tmp_path / "recipe.yaml", FLIP), dataset, tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert (record.status, record.reason) == ("failed", "not_supported")
    assert "number segments from 1" in record.message


def test_fractions_without_references_keep_their_255_steps(dataset: Path, tmp_path: Path) -> None:
    """As a public collection of brain metastases has them: a frame for each plane and none that names an image."""
    shares = np.random.default_rng(3).integers(0, 256, (5, 4, 6)) / 255
    make_seg(dataset, shares, "FRACTIONAL", max_fractional_value=255, fractional_type="PROBABILITY")
    path = dataset / "seg" / "kidney.dcm"
    seg = pydicom.dcmread(path)
    del seg.ReferencedSeriesSequence
    for item in seg.PerFrameFunctionalGroupsSequence:
        del item.DerivationImageSequence
    seg.save_as(path)
    before = by_dcmqi(path, tmp_path / "a")[1]
    made = made_seg(run(FLIP, dataset, tmp_path), tmp_path)
    copy = pydicom.dcmread(made)
    assert (copy.MaximumFractionalValue, copy.SegmentationFractionalType) == (255, "PROBABILITY")
    assert len(copy.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 5
    assert np.array_equal(by_highdicom(made)[::-1, ..., 0], np.rint(shares * 255)[:, :, ::-1])
    assert np.array_equal(by_dcmqi(made, tmp_path / "b")[1], before[::-1])


def test_fractions_are_interpolated_and_rounded_to_a_step(dataset: Path, tmp_path: Path) -> None:
    """A quarter of a millimetre is half a column of 0.5 mm: each pixel becomes the mean of itself and its neighbour."""
    shares = np.random.default_rng(3).integers(0, 101, (5, 4, 6)) / 100
    make_seg(dataset, shares, "FRACTIONAL", max_fractional_value=100)
    recipe = "version: 1\nsteps:\n  - translate: {translation_mm: {LR: 0.25, AP: 0, SI: 0}, p: 1}\n"
    made = by_highdicom(made_seg(run(recipe, dataset, tmp_path), tmp_path))[::-1, ..., 0]
    means = 100 * (shares[..., :-1] + shares[..., 1:]) / 2
    assert np.abs(made[..., :-1] - means).max() <= 0.501
