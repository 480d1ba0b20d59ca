"""Points and boxes of a real CT series, in every format that is read: moved as worked out by hand."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from datasets_for_runs import records_of, run_here, save_recipe
from witnesses import realdata

from medaug_cli.core.lazy import sitk

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """\
version: 1
dataset:
  layout: dicom
  points: {p: "{case}_p.csv", t: "{case}_t.tsv", f: "{case}_f.fcsv", m: "{case}_m.mrk.json", b: "{case}_b.csv"}
steps:
  - flip: {axes: [LR], p: 1}
  - affine: {rotation_deg: {LR: 0, AP: 0, SI: 30}, translation_mm: {LR: 5, AP: -3, SI: 2}, scale: 1, p: 1}
"""
AT = ((20, 30, 10), (100.5, 90.25, 30), (148, 137, 46))  # voxels; the last leaves the image
TO_RAS = (-1, -1, 1)
FCSV = "# Markups fiducial file version = 4.11\n# CoordinateSystem = RAS\n# columns = id,x,y,z,ow,ox,oy,oz,vis,sel\n"
NUMBER = re.compile(r"-?\d+\.\d{3,}")


def save_points(points: np.ndarray, folder: Path) -> None:
    """Write LPS `points` (3, 3), mm, in four formats, and the box around the first two."""
    ras = points * TO_RAS
    words = [[",".join(f"{value:.6f}" for value in row) for row in system] for system in (points, ras)]
    (folder / "CT_p.csv").write_text("x,y,z\n" + "".join(f"{row}\n" for row in words[0]))
    (folder / "CT_t.tsv").write_text("r\ta\ts\n" + "".join(f"{row}\n" for row in words[1]).replace(",", "\t"))
    (folder / "CT_f.fcsv").write_text(FCSV + "".join(f"{n},{row},0,0,0,1,1,1\n" for n, row in enumerate(words[1])))
    told = [{"id": str(n), "position": row} for n, row in enumerate(points.tolist())]
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": told}
    (folder / "CT_m.mrk.json").write_text(json.dumps({"markups": [markup]}))
    box = [*points[:2].min(axis=0), *points[:2].max(axis=0)]
    head = "x_min,y_min,z_min,x_max,y_max,z_max\n"
    (folder / "CT_b.csv").write_text(head + ",".join(f"{value:.6f}" for value in box) + "\n")


def numbers(path: Path) -> np.ndarray:
    """Return the positions (n, 3) in a file, a box as its two corners."""
    if path.suffix == ".json":
        (markup,) = json.loads(path.read_text())["markups"]
        return np.array([point["position"] for point in markup["controlPoints"]])
    return np.array([float(one) for one in NUMBER.findall(path.read_text())]).reshape(-1, 3)


def test_points_of_every_format_are_where_the_affine_takes_them(tmp_path: Path) -> None:
    """Mirrored about the middle, turned by 30 degrees about it, and shifted: RAS (5, -3, 2) is LPS (-5, 3, 2)."""
    shutil.copytree(realdata("sts025_dicom", "CT", "image"), tmp_path / "data" / "CT")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "data" / "CT")))
    image = reader.Execute()
    points = np.array([image.TransformContinuousIndexToPhysicalPoint(at) for at in AT])
    middle = np.array(image.TransformContinuousIndexToPhysicalPoint([(extent - 1) / 2 for extent in image.GetSize()]))
    save_points(points, tmp_path / "data")
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), tmp_path / "data", tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert (record.status, record.message) == ("ok", "")
    cosine, sine = np.cos(np.pi / 6), np.sin(np.pi / 6)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])

    def moved(positions: np.ndarray) -> np.ndarray:
        return np.asarray(((positions - middle) * (-1, 1, 1)) @ turn.T + middle + (-5, 3, 2))

    wanted = moved(points[:2])
    made = {name: tmp_path / "out" / f"CT_aug0001_{name}" for name in ("p.csv", "t.tsv", "f.fcsv", "m.mrk.json")}
    for name, path in made.items():
        system = TO_RAS if name in {"t.tsv", "f.fcsv"} else (1, 1, 1)
        assert numbers(path) == pytest.approx(wanted * system, abs=1e-4), name
    corners = np.array([[x, y, z] for x in points[:2, 0] for y in points[:2, 1] for z in points[:2, 2]])
    box = np.stack([moved(corners).min(axis=0), moved(corners).max(axis=0)])
    assert numbers(tmp_path / "out" / "CT_aug0001_b.csv") == pytest.approx(box, abs=1e-4)
    assert [record.labels[name]["marks"] for name in "ptfmb"] == [(3, 2)] * 4 + [(1, 1)]
