"""DICOM SEG: real ones go with their images, and dcmqi and highdicom read the copies voxel for voxel."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from datasets_for_runs import records_of, run_here, save_recipe
from segmentations import FLIP, NOTHING, by_dcmqi, by_highdicom, made_seg, make_seg, run
from witnesses import dicom_errors, realdata, validator

from medaug_cli.preview import load_previewed, preview_copies
from medaug_cli.recipe import load_recipe
from medaug_cli.replay import compare, replay_record
from medaug_cli.report.tiles import images_of, labels_of, make_painter
from tests.formats.dicom.datasets import ramp, save_series

if TYPE_CHECKING:
    from pathlib import Path

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


def copied(folder: tuple[str, str], name: str, tmp_path: Path) -> Path:
    """Return a dataset of a real series, in `ct`, and one of its SEGs, in `seg`."""
    shutil.copytree(realdata(*folder), tmp_path / "data" / "ct")
    (tmp_path / "data" / "seg").mkdir()
    shutil.copy(realdata(folder[0], f"{name}.dcm"), tmp_path / "data" / "seg" / f"{name}.dcm")
    return tmp_path / "data"


@pytest.mark.parametrize(("folder", "name"), REAL, ids=str)
def test_dcmqi_reads_the_same_segments_of_source_and_unmoved_copy(
    folder: tuple[str, str], name: str, tmp_path: Path
) -> None:
    dataset = copied(folder, name, tmp_path)
    made = made_seg(run(NOTHING, dataset, tmp_path), tmp_path)
    before = by_dcmqi(dataset / "seg" / f"{name}.dcm", tmp_path / "a")
    after = by_dcmqi(made, tmp_path / "b")
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[number], after[number]) for number in before)


@pytest.mark.parametrize(("folder", "name"), REAL, ids=str)
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


@pytest.mark.parametrize(("folder", "name"), REAL, ids=str)
def test_a_quarter_turn_moves_every_voxel(folder: tuple[str, str], name: str, tmp_path: Path) -> None:
    dataset = copied(folder, name, tmp_path)
    made = by_highdicom(made_seg(run(TURN, dataset, tmp_path), tmp_path))
    before = by_highdicom(dataset / "seg" / f"{name}.dcm")
    assert made.any()
    assert np.array_equal(made, np.rot90(before, -1, (1, 2)))


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
