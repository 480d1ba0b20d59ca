"""Points and boxes under `deidentify: basic`: coordinates and words of the field, and not one word more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
from datasets_for_runs import medaug, records_of, run_here, save_recipe
from run.canaries import CANARY, KEY, signs_in, told_by

from medaug_cli.replay import compare, replay_record
from medaug_cli.root import dataset_of

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """\
version: 1
dataset: {points: {marks: "{case}_marks.SUFFIX"}}
steps: [{translate: {translation_mm: {LR: SHIFT, AP: 0, SI: 0}, p: 1}}]
privacy: {deidentify: basic}
"""
AT = ([1.5, 2.0, 3.25], [2.0, 1.0, 3.0])
FCSV = f"""\
# Markups fiducial file version = 5.2
# CoordinateSystem = LPS
# {CANARY}
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
{CANARY},1.5,2.0,3.25,0,0,0,1,1,1,0,left eye {CANARY},{CANARY},{CANARY}
{CANARY}2,2.0,1.0,3.0,0,0,0,1,1,1,0,{CANARY},{CANARY},{CANARY}
"""
CSV = f"""\
# space = LPS
# {CANARY}
{CANARY},label,x,y,z,reader
{CANARY},left eye {CANARY},1.5,2.0,3.25,"{CANARY}, J"
424242,{CANARY},2.0,1.0,3.0,{CANARY}
"""


def slicer() -> dict[str, Any]:
    labels = (f"left eye {CANARY}", CANARY)
    points = [
        {"id": CANARY, "label": label, "description": CANARY, "associatedNodeID": CANARY, "position": at, CANARY: 1}
        for label, at in zip(labels, AT, strict=True)
    ]
    markup = {"type": "Fiducial", "name": CANARY, "coordinateSystem": "LPS", "controlPoints": points}
    return {
        "@schema": f"https://example.org/{CANARY}",
        "author": CANARY,
        "markups": [{**markup, "display": {"a": CANARY}}],
    }


def coco() -> dict[str, Any]:
    categories = [{"id": CANARY, "name": f"left eye {CANARY}", "supercategory": CANARY}, {"id": "b", "name": CANARY}]
    boxes = [
        {"id": f"{CANARY}{n}", "image_id": CANARY, "category_id": one["id"], "bbox": [5, 2, 3, 4], "note": CANARY}
        for n, one in enumerate(categories)
    ]
    images = [{"id": CANARY, "file_name": "case01.nii.gz", "coco_url": CANARY}, {"id": 2, "file_name": f"{CANARY}.nii"}]
    others = [{"id": 9, "image_id": 2, "category_id": "b", "bbox": [1, 1, 1, 1]}]
    return {
        "info": {"contributor": CANARY},
        "images": images,
        "annotations": [*boxes, *others],
        "categories": categories,
    }


KINDS = {"csv": CSV, "fcsv": FCSV, "mrk.json": json.dumps(slicer(), indent=2), "json": json.dumps(coco())}


def save_plain(path: Path, planes: int) -> None:
    """Write an image whose voxel (i, j, k) lies at (0.8 i, 1.1 j, 2.5 k) LPS mm."""
    path.parent.mkdir()
    voxels = np.random.default_rng(1).integers(0, 900, (14, 12, planes)).astype(np.int16)
    nib.save(nib.nifti1.Nifti1Image(voxels, np.diag([-0.8, -1.1, 2.5, 1.0])), path)


def marks_in(path: Path) -> list[tuple[str, list[float]]]:
    """Return (name, numbers) of a copy's file, read by nothing of medaug's."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in {".csv", ".fcsv"}:
        rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
        fcsv = path.suffix == ".fcsv"
        return [
            (row[11], [*map(float, row[1:4])]) if fcsv else (row[3], [*map(float, row[:3])]) for row in rows[not fcsv :]
        ]
    document = json.loads(text)
    if "markups" in document:
        return [(one["label"], one["position"]) for one in document["markups"][0]["controlPoints"]]
    names = {one["id"]: one["name"] for one in document["categories"]}
    return [(names[one["category_id"]], one["bbox"]) for one in document["annotations"]]


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("shift", [0, 1])
def test_coordinates_stay_and_words_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, shift: int
) -> None:
    monkeypatch.setenv("MEDAUG_KEY", KEY)
    dataset, root = tmp_path / "dataset", tmp_path / "root"
    save_plain(dataset / "case01.nii.gz", 1 if suffix == "json" else 6)
    source = dataset / f"case01_marks.{suffix}"
    source.write_text(KINDS[suffix], encoding="utf-8")
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE.replace("SUFFIX", suffix).replace("SHIFT", str(shift)))
    run_here(recipe, dataset, root)
    (record,) = records_of(root)
    assert (record.status, record.message) == ("ok", "")
    assert signs_in(told_by(root)) == []
    (file,) = [one for one in record.output if one.role == "points"]
    made = marks_in(root / file.path)
    assert [name for name, _ in made] == ["left eye", "name-2"]
    away = -shift / 0.8 if suffix == "json" else -shift  # to the right, where LPS and columns count down
    before = [[5, 2, 3, 4]] * 2 if suffix == "json" else AT
    wanted = [[one[0] + away, *one[1:]] for one in before]
    assert np.allclose([numbers for _, numbers in made], wanted, atol=1e-4)
    compare(record, replay_record(record, dataset_of(root, None)))
    assert medaug("verify", root, MEDAUG_KEY=KEY).returncode == 0
