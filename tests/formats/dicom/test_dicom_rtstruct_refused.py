"""Structure sets that are not sound: refused with a reason and a place, or copied, and nothing else."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import Source
from medaug_cli.formats import Limits
from medaug_cli.formats.dicom import FORMAT
from tests.formats.dicom.datasets import UNCHANGED
from tests.formats.dicom.structures import load_case, outline, save_case, square, structure_set

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset


BAD: dict[str, tuple[dict[str, list[Dataset]], str]] = {
    "seven numbers": ({"a": [outline([1, 2, 3, 4, 5, 6, 7])]}, "7 values"),
    "no numbers": ({"a": [outline([])]}, "0 values"),
    "not a number": ({"a": [outline(square(1) * np.nan)]}, "not finite"),
    "far away": ({"a": [outline(square(1) * 1e9)]}, "100000 mm"),
    "bent": ({"a": [outline([[0, 0, 0], [9, 0, 0], [9, 9, 4], [0, 9, 0]])]}, "off its own plane"),
    "unknown kind": ({"a": [outline(square(1), "ROUND")]}, "none of"),
    "two for a point": ({"a": [outline(square(1), "POINT")]}, "allowed: 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_unsound_contours_are_refused_with_their_place(tmp_path: Path, name: str) -> None:
    regions, words = BAD[name]
    save_case(tmp_path, regions)
    with pytest.raises(SampleError, match=words) as caught:
        load_case(tmp_path)
    assert caught.value.reason == "bad_contour"
    assert "rs.dcm: contour 1, of ROI 1" in caught.value.message


def test_words_for_numbers_are_refused(tmp_path: Path) -> None:
    save_case(tmp_path, {"a": [outline(square(1))]})
    path = tmp_path / "rs.dcm"
    path.write_bytes(path.read_bytes().replace(b"-5\\25\\", b"-5\\2x\\"))
    with pytest.raises(SampleError, match="other than numbers") as caught:
        load_case(tmp_path)
    assert caught.value.reason == "bad_contour"


def broken(change: str) -> dict[str, Any]:
    header = structure_set({"a": [outline(square(1))], "b": [outline(square(2))]})
    if change == "number twice":
        header.StructureSetROISequence[1].ROINumber = 1
    elif change == "two frames":
        header.StructureSetROISequence[1].ReferencedFrameOfReferenceUID = "1.2.3"
    else:
        header.ROIContourSequence[1].ReferencedROINumber = 9
    return {keyword: header[keyword].value for keyword in ("StructureSetROISequence", "ROIContourSequence")}


@pytest.mark.parametrize(
    ("change", "reason"),
    [("number twice", "bad_header"), ("two frames", "not_supported"), ("unknown region", "bad_contour")],
)
def test_regions_that_contradict_each_other_are_refused(tmp_path: Path, change: str, reason: str) -> None:
    save_case(tmp_path, {}, **broken(change))
    with pytest.raises(SampleError) as caught:
        load_case(tmp_path)
    assert caught.value.reason == reason


def test_damaged_files_are_refused_or_copied_and_nothing_else(tmp_path: Path) -> None:
    regions = {"a": [outline(square(k), ContourNumber=k) for k in range(4)], "b": [outline([[0, 30, 30]], "POINT")]}
    save_case(tmp_path, regions)
    sound = (tmp_path / "rs.dcm").read_bytes()
    image = FORMAT.read(tmp_path, Source("image", "image", "dicom", tuple(f"ct/{k}.dcm" for k in range(6))), Limits())
    images = ((image, image.volume, image.source.files),)
    derivation = replace(UNCHANGED, moved=True, swap_laterality=True, images=images)
    rng, reasons = random.Random(1), Counter[str]()
    for _ in range(200):
        damaged = bytearray(sound)
        for _ in range(rng.choice([1, 2, 5])):
            damaged[rng.randrange(128, len(damaged))] = rng.randrange(256)
        (tmp_path / "rs.dcm").write_bytes(damaged[: rng.choice([len(damaged), len(damaged), rng.randrange(200, 3000)])])
        try:
            read = FORMAT.read(tmp_path, Source("label", "rs", "dicom", ("rs.dcm",)), Limits(), [image])
            reasons["copied"] += len(list(FORMAT.encode(read.marked, read, ["rs.dcm"], derivation)))
        except SampleError as error:
            reasons[error.reason] += 1
    assert {"copied", "bad_contour", "bad_header"} <= set(reasons)
    assert sum(reasons.values()) == 200
