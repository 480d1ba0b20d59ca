"""DICOM SEG: made ones of every type and grid, on an axial CT of 5 slices, 2.5 mm apart, 4 rows and 6 columns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import highdicom as hd
import numpy as np
import pydicom
import pytest
from datasets_for_runs import here, records_of, run_here, save_recipe
from segmentations import FLIP, by_highdicom, corner, made_seg, make_seg, run

from tests.formats.dicom.datasets import ramp, save_series

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="dataset")
def make_dataset(tmp_path: Path) -> Path:
    save_series(tmp_path / "data" / "ct", [ramp(k) for k in range(5)])
    return tmp_path / "data"


def test_a_label_map_segmentation_stays_one(dataset: Path, tmp_path: Path) -> None:
    array = corner()
    array[2, 3, 5] = 2
    make_seg(dataset, array, "LABELMAP", ("Left kidney", "Right kidney"))
    made = made_seg(run(FLIP, dataset, tmp_path), tmp_path)
    seg = hd.seg.segread(made)
    assert (seg.SegmentationType, seg.SOPClassUID) == ("LABELMAP", "1.2.840.10008.5.1.4.1.1.66.7")
    # highdicom counts planes from the last to the first
    assert np.array_equal(seg.get_volume(combine_segments=True).array, array[2:0:-1, :, ::-1])


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_mirrored_left_kidney_is_a_right_one_by_code_and_by_name(kind: str, dataset: Path, tmp_path: Path) -> None:
    make_seg(dataset, corner(), kind)
    seg = pydicom.dcmread(made_seg(run(FLIP, dataset, tmp_path), tmp_path))
    (segment,) = [one for one in seg.SegmentSequence if one.SegmentNumber == 1]
    (kidney,) = segment.SegmentedPropertyTypeCodeSequence
    (side,) = kidney.SegmentedPropertyTypeModifierCodeSequence
    assert (segment.SegmentLabel, kidney.CodeMeaning) == ("Right kidney", "Kidney")
    assert side.CodeMeaning == "Right"


def test_swapped_segments_keep_their_names_and_change_their_voxels(dataset: Path, tmp_path: Path) -> None:
    array = corner()
    array[1, :2, 5] = 2
    make_seg(dataset, array, names=("Left kidney", "Right kidney"))
    pairs = FLIP.replace("p: 1", "p: 1, swap_labels: [[Left kidney, Right kidney]]")
    made = made_seg(run(pairs, dataset, tmp_path), tmp_path)
    assert [one.SegmentLabel for one in hd.seg.segread(made).SegmentSequence] == ["Left kidney", "Right kidney"]
    wanted = np.stack([array[1:2, :, ::-1] == number for number in (2, 1)], axis=-1)
    assert np.array_equal(by_highdicom(made), wanted)


def test_labels_move_to_planes_where_there_were_none(dataset: Path, tmp_path: Path) -> None:
    make_seg(dataset, corner())
    recipe = "version: 1\nsteps:\n  - translate: {translation_mm: {LR: 0, AP: 0, SI: 5}, p: 1}\n"
    seg = pydicom.dcmread(made_seg(run(recipe, dataset, tmp_path), tmp_path))
    (frame,) = seg.PerFrameFunctionalGroupsSequence
    before, after = 30 + 2.5, float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
    assert abs(after - before) == 5
    assert seg.pixel_array.reshape(4, 6)[:2, :3].all()
    assert seg.pixel_array.sum() == 6


def test_a_grid_finer_than_the_image_s_stays_as_fine(dataset: Path, tmp_path: Path) -> None:
    fine = np.zeros((4, 8, 12), np.uint8)
    fine[1, :3, :5] = 1
    positions = [hd.PlanePositionSequence("PATIENT", (-10.125, 19.825, 32.5 + 1.25 * k)) for k in range(4)]
    make_seg(
        dataset,
        fine,
        plane_positions=positions,
        plane_orientation=hd.PlaneOrientationSequence("PATIENT", (1, 0, 0, 0, 1, 0)),
        pixel_measures=hd.PixelMeasuresSequence((0.35, 0.25), 1.25, 1.25),
    )
    made = hd.seg.segread(made_seg(run(FLIP, dataset, tmp_path), tmp_path))
    volume = made.get_volume()
    assert volume.spacing == pytest.approx((1.25, 0.35, 0.25))
    where = np.argwhere(np.asarray(volume.array)[..., 0])
    x_mm = (volume.affine @ [*where.mean(axis=0), 1])[0]
    middle_mm = -10 + 2.5 * 0.5
    assert x_mm - middle_mm == pytest.approx(middle_mm - (-10.125 + 2 * 0.25))
    assert len(where) == 15


def test_a_segmentation_without_references_goes_by_its_frame_and_planes(dataset: Path, tmp_path: Path) -> None:
    make_seg(dataset, corner())
    path = dataset / "seg" / "kidney.dcm"
    seg = pydicom.dcmread(path)
    del seg.ReferencedSeriesSequence
    for item in seg.PerFrameFunctionalGroupsSequence:
        del item.DerivationImageSequence
    seg.save_as(path)
    made = made_seg(run(FLIP, dataset, tmp_path), tmp_path)
    assert np.array_equal(by_highdicom(made)[..., 0], corner()[1:2, :, ::-1])


def test_a_copy_whose_labels_left_the_image_has_a_seg_that_describes_them(dataset: Path, tmp_path: Path) -> None:
    make_seg(dataset, corner())
    recipe = "version: 1\nsteps:\n  - translate: {translation_mm: {LR: 0, AP: 0, SI: 100}, p: 1}\n"
    record = run(recipe, dataset, tmp_path)
    seg = pydicom.dcmread(made_seg(record, tmp_path))
    assert record.labels["kidney"] == {"1": (6, 0)}
    assert seg.SegmentSequence[0].SegmentLabel == "Left kidney"
    assert not seg.pixel_array.any()


def spoil(path: Path, what: str) -> None:
    seg = pydicom.dcmread(path)
    if what == "slide":
        seg.TotalPixelMatrixColumns = 6
    elif what == "truncated":
        seg.PixelData = seg.PixelData[:2]
    elif what == "tilted":
        seg.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient = [-7, 20, 33]
    else:
        seg.NumberOfFrames = 7
    seg.save_as(path)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("slide", "not_supported"),
        ("truncated", "truncated"),
        ("tilted", "gantry_tilt"),
        ("frames", "bad_header"),
    ],
)
def test_a_seg_that_cannot_be_used_costs_its_sample_and_says_why(
    what: str, reason: str, dataset: Path, tmp_path: Path
) -> None:
    array = corner()
    array[3] = 1
    make_seg(dataset, array)
    spoil(dataset / "seg" / "kidney.dcm", what)
    run_here(save_recipe(tmp_path / "recipe.yaml", FLIP), dataset, tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert (record.status, record.reason) == ("failed", reason)
    assert "kidney.dcm" in record.message


@pytest.mark.parametrize("missing", ["highdicom", "highdicom.seg"])
def test_without_highdicom_the_message_names_the_extra(
    missing: str, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_seg(dataset, corner())
    monkeypatch.setitem(sys.modules, missing, None)
    run_here(save_recipe(tmp_path / "recipe.yaml", FLIP), dataset, tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert (record.reason, "medaug[labels]" in record.message) == ("package_missing", True)


def test_a_deep_scan_says_that_highdicom_will_be_missing(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_seg(dataset, corner())
    assert here("scan", "--deep", dataset)[0] == 0
    monkeypatch.setitem(sys.modules, "highdicom", None)
    code, said, _ = here("scan", "--deep", dataset)
    assert (code, "package_missing" in said, "medaug[labels]" in said) == (3, True, True)


def test_the_distance_of_planes_stays_where_one_between_them_is_empty(dataset: Path, tmp_path: Path) -> None:
    """Between the planes that it is given, highdicom measures 5 mm here."""
    array = corner()
    array[3] = array[1]
    make_seg(dataset, array)
    seg = pydicom.dcmread(made_seg(run(FLIP, dataset, tmp_path), tmp_path))
    assert seg.NumberOfFrames == 2
    assert seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices == 2.5


@pytest.mark.parametrize("thickness", ["", None])
def test_images_need_not_say_how_thick_they_are(thickness: str | None, dataset: Path, tmp_path: Path) -> None:
    """SliceThickness may be empty (type 2), and is left out by some."""
    make_seg(dataset, corner())
    for path in (dataset / "ct").iterdir():
        header = pydicom.dcmread(path)
        header.SliceThickness = thickness
        if thickness is None:
            del header.SliceThickness
        header.save_as(path)
    made = made_seg(run(FLIP, dataset, tmp_path), tmp_path)
    assert np.array_equal(by_highdicom(made)[..., 0], corner()[1:2, :, ::-1])
