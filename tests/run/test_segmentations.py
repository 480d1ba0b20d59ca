"""DICOM SEG: real ones and made ones go with their images, and dcmqi and highdicom read the copies voxel for voxel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
import pytest
from builders import dice
from datasets_for_runs import records_of, run_here, save_recipe
from pydicom.sr.codedict import codes

from medaug_cli.preview import load_previewed, preview_copies
from medaug_cli.recipe import load_recipe
from medaug_cli.replay import compare, replay_record
from medaug_cli.report.tiles import images_of, labels_of, make_painter
from tests.formats.dicom.datasets import dicom_errors, ramp, realdata, save_series, validator

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.manifest import Record

NOTHING = "version: 1\nsteps:\n  - flip: {axes: [LR], p: 0}\n"
FLIP = "version: 1\nsteps:\n  - flip: {axes: [LR], p: 1}\n"
TURN = "version: 1\nsteps:\n  - rotate90: {plane: axial, turns: 1, p: 1}\n"
DCMQI = ("ct_seg_dcmqi", "ct-3slice")
HIGHDICOM = ("ct_seg_highdicom", "CT2")
REAL = [
    (DCMQI, "liver"),
    (DCMQI, "partial_overlaps"),
    (HIGHDICOM, "seg_image_ct_binary"),
    (HIGHDICOM, "seg_image_ct_binary_overlap"),
    (HIGHDICOM, "seg_image_ct_binary_fractional"),
    (HIGHDICOM, "seg_image_ct_true_fractional"),
]
IN_ONE_PIECE = [REAL[0], REAL[1]]  # CT2 has a gap, which spatial steps but flips refuse


def copied(folder: tuple[str, str], name: str, tmp_path: Path) -> Path:
    """Return a dataset of a real series, in `ct`, and one of its SEGs, in `seg`."""
    shutil.copytree(realdata(*folder), tmp_path / "data" / "ct")
    (tmp_path / "data" / "seg").mkdir()
    shutil.copy(realdata(folder[0], f"{name}.dcm"), tmp_path / "data" / "seg" / f"{name}.dcm")
    return tmp_path / "data"


def run(recipe: str, dataset: Path, tmp_path: Path) -> Record:
    """Run `recipe`; return the record of its only copy, which must be a good one."""
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe), dataset, tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert (record.status, record.message) == ("ok", "")
    return record


def made_seg(record: Record, tmp_path: Path) -> Path:
    (path,) = [file.path for file in record.output if file.role == "label"]
    return tmp_path / "out" / path


def by_dcmqi(path: Path, into: Path) -> dict[int, np.ndarray]:
    """Return by segment what dcmqi reads, on the SEG's own planes."""
    into.mkdir()
    command = [validator("segimage2itkimage"), "--inputDICOM", path, "--outputDirectory", into, "-t", "nii"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    files = {int(file.name.partition(".")[0].rpartition("-")[2]): file for file in into.glob("*.nii*")}
    assert files
    assert json.loads(next(into.glob("*.json")).read_text())["segmentAttributes"]
    return {number: nib.load(file).get_fdata() for number, file in files.items()}


def by_highdicom(path: Path) -> np.ndarray:
    """Return (plane, row, column, segment) as highdicom reads it."""
    return np.asarray(hd.seg.segread(path).get_volume(rescale_fractional=False, rtol=0.05).array)


@pytest.mark.parametrize(("folder", "name"), IN_ONE_PIECE, ids=str)
def test_dcmqi_reads_the_same_segments_of_source_and_unmoved_copy(
    folder: tuple[str, str], name: str, tmp_path: Path
) -> None:
    dataset = copied(folder, name, tmp_path)
    made = made_seg(run(NOTHING, dataset, tmp_path), tmp_path)
    before = by_dcmqi(dataset / "seg" / f"{name}.dcm", tmp_path / "a")
    after = by_dcmqi(made, tmp_path / "b")
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[number], after[number]) for number in before)


@pytest.mark.parametrize(("folder", "name"), IN_ONE_PIECE, ids=str)
def test_dcmqi_reads_the_mirrored_segments_of_a_mirrored_copy(
    folder: tuple[str, str], name: str, tmp_path: Path
) -> None:
    dataset = copied(folder, name, tmp_path)
    made = made_seg(run(FLIP, dataset, tmp_path), tmp_path)
    before = by_dcmqi(dataset / "seg" / f"{name}.dcm", tmp_path / "a")
    after = by_dcmqi(made, tmp_path / "b")
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[number][::-1], after[number]) for number in before)
    assert not all(np.array_equal(before[number], after[number]) for number in before)


@pytest.mark.parametrize(("folder", "name"), REAL, ids=str)
def test_highdicom_reads_the_mirrored_segments_of_a_mirrored_copy(
    folder: tuple[str, str], name: str, tmp_path: Path
) -> None:
    dataset = copied(folder, name, tmp_path)
    source = dataset / "seg" / f"{name}.dcm"
    made = made_seg(run(FLIP, dataset, tmp_path), tmp_path)
    assert np.array_equal(by_highdicom(made), by_highdicom(source)[:, :, ::-1])
    assert dicom_errors(made) <= dicom_errors(source)


@pytest.mark.parametrize(("folder", "name"), IN_ONE_PIECE, ids=str)
def test_a_quarter_turn_moves_every_voxel(folder: tuple[str, str], name: str, tmp_path: Path) -> None:
    dataset = copied(folder, name, tmp_path)
    made = by_highdicom(made_seg(run(TURN, dataset, tmp_path), tmp_path))
    before = by_highdicom(dataset / "seg" / f"{name}.dcm")
    turned = [np.rot90(before, turns, (1, 2)) for turns in (1, -1)]
    assert made.any()
    assert max(dice(made > 0, one > 0) for one in turned) == 1


@pytest.mark.parametrize(("folder", "name"), REAL, ids=str)
def test_a_copy_s_segments_refer_to_the_copy_s_images_in_their_frame(
    folder: tuple[str, str], name: str, tmp_path: Path
) -> None:
    dataset = copied(folder, name, tmp_path)
    record = run(FLIP, dataset, tmp_path)
    made, source = (pydicom.dcmread(path) for path in (made_seg(record, tmp_path), dataset / "seg" / f"{name}.dcm"))
    images = [pydicom.dcmread(tmp_path / "out" / file.path) for file in record.output if file.role == "image"]
    (series,) = made.ReferencedSeriesSequence
    named = {item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence}
    assert named <= {image.SOPInstanceUID for image in images}
    assert series.SeriesInstanceUID == images[0].SeriesInstanceUID
    assert made.FrameOfReferenceUID == images[0].FrameOfReferenceUID != source.FrameOfReferenceUID
    assert (made.SOPInstanceUID, made.SeriesInstanceUID) != (source.SOPInstanceUID, source.SeriesInstanceUID)
    assert (made.SegmentationType, made.ImageType) == (source.SegmentationType, ["DERIVED", "PRIMARY"])
    assert made.get("MaximumFractionalValue") == source.get("MaximumFractionalValue")
    assert made.SegmentSequence == source.SegmentSequence
    assert made.PatientID == source.PatientID


def test_sources_and_copies_are_consistent_entities(tmp_path: Path) -> None:
    dataset = copied(DCMQI, "liver", tmp_path)
    record = run(FLIP, dataset, tmp_path)

    def errors(paths: list[Path]) -> set[str]:
        done = subprocess.run(
            [validator("dcentvfy"), *paths], capture_output=True, text=True, check=False, errors="replace"
        )
        lines = (done.stdout + done.stderr).splitlines()
        return {line.partition(" for file <")[0] for line in lines if line.startswith("Error")}

    sources = sorted(path for path in dataset.rglob("*") if path.is_file())
    assert errors([*sources, *(tmp_path / "out" / file.path for file in record.output)]) <= errors(sources)


def test_replay_makes_the_same_bytes_and_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    dataset = copied(DCMQI, "partial_overlaps", tmp_path)
    record = run(FLIP, dataset, tmp_path)
    compare(record, replay_record(record, dataset))
    before = made_seg(record, tmp_path).stat().st_mtime_ns
    run(FLIP, dataset, tmp_path)
    assert made_seg(record, tmp_path).stat().st_mtime_ns == before
    assert record.labels["partial_overlaps"] == {
        str(number): (count, count) for number, count in enumerate((9602, 11888, 10743, 6693, 4713), start=1)
    }


def test_two_workers_write_the_same_bytes_as_one(tmp_path: Path) -> None:
    dataset = copied(DCMQI, "partial_overlaps", tmp_path)
    recipe = save_recipe(
        tmp_path / "recipe.yaml", "version: 1\ncopies: 2\nsteps: [{affine: {rotation_deg: [-9, 9]}}]\n"
    )
    run_here(recipe, dataset, tmp_path / "one")
    run_here(recipe, dataset, tmp_path / "two", engine="local", workers="2")
    one, two = (
        sorted(file.path for made in records_of(tmp_path / name) for file in made.output) for name in ("one", "two")
    )
    assert len(one) == 2 * (3 + 1)
    assert one == two
    assert all((tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes() for path in one)


def test_a_preview_outlines_the_segments_of_source_and_copy_by_their_names(tmp_path: Path) -> None:
    save_series(tmp_path / "data" / "ct", [ramp(k, 40, 50) for k in range(5)])
    array = np.zeros((5, 40, 50), np.uint8)
    array[2, 5:25, 5:15], array[2, 5:25, 15:20] = 1, 2
    make_seg(tmp_path / "data", array, names=("Left kidney", "Right kidney"))
    recipe = load_recipe(save_recipe(tmp_path / "recipe.yaml", FLIP))
    orders, sample = load_previewed(recipe, tmp_path / "data", None)
    (made,) = preview_copies(orders, sample, 1)
    assert made.copy is not None
    painter = make_painter(sample, 100, ("axial",))
    before, _ = painter.paint(images_of(sample), labels_of(sample))
    after, _ = painter.paint(made.copy.images, labels_of(made.copy))
    assert [text for *_, text in painter.legend.entries] == ["Left kidney", "Right kidney"]
    for _, _, colour, _ in painter.legend.entries:
        source, copy = ((picture == colour).all(axis=-1) for picture in (before, after))
        assert source.any()
        assert np.array_equal(copy, source[:, ::-1])


# Made ones: an axial CT of 5 slices, 2.5 mm apart, 4 rows 0.7 mm and 6 columns 0.5 mm apart.


def make_seg(
    folder: Path, array: np.ndarray, kind: str = "BINARY", names: tuple[str, ...] = ("Left kidney",), **more: Any
) -> None:
    """Write a SEG of `array`, (plane, row, column) or with a segment axis, beside the CT in `folder`."""
    images = [pydicom.dcmread(path) for path in sorted((folder / "ct").iterdir())]
    sides = {"left": codes.SCT.Left, "right": codes.SCT.Right}
    described = []
    for number, name in enumerate(names, start=1):
        one = hd.seg.SegmentDescription(number, name, codes.SCT.Organ, codes.SCT.Kidney, "MANUAL")
        side = hd.sr.CodedConcept.from_code(sides[name.split()[0].lower()])
        one.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [side]
        described.append(one)
    seg = hd.seg.Segmentation(
        images, array, kind, described, hd.UID(), 9, hd.UID(), 1, "Maker", "Model", "1", "2", **more
    )
    (folder / "seg").mkdir(exist_ok=True)
    seg.save_as(folder / "seg" / "kidney.dcm")


@pytest.fixture(name="dataset")
def make_dataset(tmp_path: Path) -> Path:
    save_series(tmp_path / "data" / "ct", [ramp(k) for k in range(5)])
    return tmp_path / "data"


def corner(value: int = 1) -> np.ndarray:
    """Return labels (plane, row, column) of `value` at the start of the second plane."""
    array = np.zeros((5, 4, 6), np.uint8)
    array[1, :2, :3] = value
    return array


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


def test_without_highdicom_the_message_names_the_extra(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_seg(dataset, corner())
    monkeypatch.setitem(sys.modules, "highdicom.seg", None)
    run_here(save_recipe(tmp_path / "recipe.yaml", FLIP), dataset, tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert (record.reason, "medaug[labels]" in record.message) == ("package_missing", True)
