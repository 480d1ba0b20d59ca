"""Segmentations for tests: runs over them, what dcmqi and highdicom read of them, and made ones on a small CT."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
from datasets_for_runs import records_of, run_here, save_recipe
from pydicom.sr.codedict import codes
from witnesses import validator

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.manifest import Record

NOTHING = "version: 1\nsteps:\n  - flip: {axes: [LR], p: 0}\n"
FLIP = "version: 1\nsteps:\n  - flip: {axes: [LR], p: 1}\n"


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


def corner(value: int = 1) -> np.ndarray:
    """Return labels (plane, row, column) of `value` at the start of the second plane."""
    array = np.zeros((5, 4, 6), np.uint8)
    array[1, :2, :3] = value
    return array
