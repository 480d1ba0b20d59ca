"""Sides of DICOM SEG: what a mirroring makes of segments, by name, code and voxels, on an axial CT of 5 slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import highdicom as hd
import numpy as np
import pydicom
import pytest
from datasets_for_runs import records_of, run_here, save_recipe
from segmentations import FLIP, corner, made_seg, make_seg, run

from tests.formats.dicom.datasets import ramp, save_series

if TYPE_CHECKING:
    from pathlib import Path

PAIR = FLIP.replace("p: 1", "p: 1, swap_labels: [[Left kidney, Right kidney]]")


@pytest.fixture(name="dataset")
def make_dataset(tmp_path: Path) -> Path:
    save_series(tmp_path / "data" / "ct", [ramp(k) for k in range(5)])
    return tmp_path / "data"


def sides(path: Path) -> list[tuple[str, str]]:
    """Return (label, side by code) of each segment but the background."""
    return [
        (segment.SegmentLabel, side.CodeMeaning)
        for segment in pydicom.dcmread(path).SegmentSequence
        for side in segment.SegmentedPropertyTypeCodeSequence[0].get("SegmentedPropertyTypeModifierCodeSequence", ())
    ]


def two_objects(dataset: Path, kind: str) -> None:
    """Write the left kidney as one SEG, the right one as another."""
    for name, side in (("left", "Left kidney"), ("right", "Right kidney")):
        array = corner() if side == "Left kidney" else np.ascontiguousarray(corner()[..., ::-1])
        make_seg(dataset, array[..., None] if kind == "FRACTIONAL" else array, kind, (side,))
        (dataset / "seg" / "kidney.dcm").rename(dataset / "seg" / f"{name}.dcm")


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
def test_a_mirrored_organ_whose_counterpart_is_in_another_object_takes_its_name(
    kind: str, dataset: Path, tmp_path: Path
) -> None:
    two_objects(dataset, kind)
    record = run(PAIR, dataset, tmp_path)
    made = {file.channel: sides(tmp_path / "out" / file.path) for file in record.output if file.role == "label"}
    assert made == {"left": [("Right kidney", "Right")], "right": [("Left kidney", "Left")]}


@pytest.mark.parametrize(("value", "meaning"), [("18639004", "Left kidney"), ("X1", "Left thing")])
def test_a_type_that_holds_the_side_itself_is_mapped_or_refused(
    value: str, meaning: str, dataset: Path, tmp_path: Path
) -> None:
    make_seg(dataset, corner())
    seg = pydicom.dcmread(dataset / "seg" / "kidney.dcm")
    (kind,) = seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence
    del kind.SegmentedPropertyTypeModifierCodeSequence
    kind.CodeValue, kind.CodeMeaning = value, meaning
    seg.save_as(dataset / "seg" / "kidney.dcm")
    run_here(save_recipe(tmp_path / "recipe.yaml", FLIP), dataset, tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    if value == "X1":
        assert (record.status, record.reason) == ("failed", "not_supported")
        assert "SegmentedPropertyTypeCodeSequence" in record.message
    else:
        (segment,) = pydicom.dcmread(made_seg(record, tmp_path)).SegmentSequence
        (made,) = segment.SegmentedPropertyTypeCodeSequence
        assert (made.CodeValue, made.CodeMeaning, segment.SegmentLabel) == ("9846003", "Right kidney", "Right kidney")


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segments_that_the_recipe_names_and_exchanges_keep_their_own_description(
    kind: str, dataset: Path, tmp_path: Path
) -> None:
    array = corner()
    array[1, :2, 5] = 2
    make_seg(dataset, array, kind, ("Left kidney", "Right kidney"))
    named = "dataset: {label_names: {1: lk, 2: rk}}\nsteps:"
    pair = FLIP.replace("p: 1", "p: 1, swap_labels: [[lk, rk]]").replace("steps:", named)
    record = run(pair, dataset, tmp_path)
    (path,) = [file.path for file in record.output if file.role == "label"]
    assert sides(tmp_path / "out" / path) == [("Left kidney", "Left"), ("Right kidney", "Right")]
    assert record.labels["kidney"] == {"1": (6, 2), "2": (2, 6)}


def test_numbers_of_overlapping_segments_leave_no_wrong_side(dataset: Path, tmp_path: Path) -> None:
    one = corner()
    make_seg(dataset, np.stack([one, one], axis=-1), names=("Left kidney", "Right kidney"))
    run(FLIP.replace("p: 1", "p: 1, swap_labels: [[1, 2]]"), dataset, tmp_path)
    (record,) = records_of(tmp_path / "out")
    (path,) = [file.path for file in record.output if file.role == "label"]
    assert sides(tmp_path / "out" / path) == [("Right kidney", "Right"), ("Left kidney", "Left")]


def test_whole_objects_that_change_places_keep_what_they_are_called(dataset: Path, tmp_path: Path) -> None:
    two_objects(dataset, "BINARY")
    record = run(FLIP.replace("p: 1", "p: 1, swap_labels: [[left, right]]"), dataset, tmp_path)
    paths = {file.channel: tmp_path / "out" / file.path for file in record.output if file.role == "label"}
    assert {name: sides(path) for name, path in paths.items()} == {
        "left": [("Left kidney", "Left")],
        "right": [("Right kidney", "Right")],
    }
    # The right kidney lay at the end of the rows, and mirrored at their start: where the left one was.
    left = np.asarray(hd.seg.segread(paths["left"]).get_volume().array)[..., 0]
    assert np.array_equal(left, corner()[1:2])
