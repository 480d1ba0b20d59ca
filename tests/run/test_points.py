"""Points and boxes through a run: where the voxels of the copy show them, in every layout, resumed and replayed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from builders import oblique_geometry
from datasets_for_runs import medaug, records_of, run_here, save_image, save_recipe

from medaug_cli.recipe import load_recipe
from medaug_cli.replay import compare, replay_record
from medaug_cli.run import look
from tests.formats.dicom.datasets import image, save

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.geometry import Geometry

GRID = oblique_geometry((40, 44, 24), (0.8, 1.1, 2.5))
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
AT = np.array([[14.0, 17.0, 9.0], [25.0, 30.0, 14.0], [22.0, 12.0, 12.0]])  # voxels
NAMES = ("left_eye", "right_eye", "nose")
STEPS = {
    "flip": "flip: {axes: [LR], p: 1}",
    "affine": "affine: {rotation_deg: [8, 12], translation_mm: [2, 4], scale: 1.05, p: 1}",
    "elastic": "elastic: {control_points: 6, displacement_mm: [2, 3], p: 1}",
    "crop": "crop: {size: [32, 36, 18]}",
    "resize": "resize: {size: [30, 50, 20]}",
    "resample": "resample: {spacing_mm: 1.5}",
}
TEMPLATE = """\
version: 1
seed: 3
dataset:
  points: {{landmarks: "{{case}}_points.csv"}}
{more}steps:
"""


def recipe(*steps: str, more: str = "", points: str = "{case}_points.csv") -> str:
    """Return a recipe with points and `steps`."""
    text = TEMPLATE.format(more=more).replace("{case}_points.csv", points)
    return text + "".join(f"  - {step}\n" for step in steps)


def position_mm(index: np.ndarray, grid: Geometry = GRID) -> np.ndarray:
    return index @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def save_eyes(folder: Path) -> None:
    """Write an image with a bright spot at each point, a label map of the spots, and the points in LPS mm."""
    folder.mkdir(parents=True, exist_ok=True)
    z, y, x = np.indices(GRID.size[::-1])
    away = [(((np.stack([x, y, z], -1) - at) * GRID.spacing_mm) ** 2).sum(-1) for at in AT]
    spots = sum(np.exp(-one / (2 * 2.0**2)) * 1000 for one in away)
    labels = sum((one < 5.0**2) * number for number, one in enumerate(away, start=1))
    affine = LPS_TO_RAS @ GRID.affine
    nib.save(nib.nifti1.Nifti1Image(spots.T.astype(np.float32), affine), folder / "case01.nii.gz")
    nib.save(nib.nifti1.Nifti1Image(labels.T.astype(np.uint8), affine), folder / "case01_seg.nii.gz")
    rows = [f"{name},{x:.6f},{y:.6f},{z:.6f}" for name, (x, y, z) in zip(NAMES, position_mm(AT), strict=True)]
    (folder / "case01_points.csv").write_text("\n".join(["name,x,y,z", *rows, ""]))


def read_points(path: Path) -> dict[str, np.ndarray]:
    """Return LPS mm by name."""
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    return {name: np.array([float(value) for value in values]) for name, *values in rows}


def centroid_mm(array: np.ndarray, affine: np.ndarray) -> np.ndarray:
    index = np.stack(np.nonzero(array > 0), -1)
    weights = array[array > 0]
    return (LPS_TO_RAS @ affine @ [*np.average(index, axis=0, weights=weights), 1.0])[:3]


@pytest.mark.parametrize("steps", [*[(name,) for name in STEPS], tuple(STEPS)], ids="-".join)
def test_a_moved_point_lies_where_the_copy_shows_its_spot(tmp_path: Path, steps: tuple[str, ...]) -> None:
    """The centre of each label, and of the brightness in it, is within half a voxel of the point."""
    save_eyes(tmp_path / "dataset")
    path = save_recipe(tmp_path / "recipe.yaml", recipe(*(STEPS[name] for name in steps)))
    tally, _ = run_here(path, tmp_path / "dataset", tmp_path / "root")
    assert (tally.done, tally.failed) == (1, 0)
    before, after = (
        read_points(tmp_path / name) for name in ("dataset/case01_points.csv", "root/case01_aug0001_points.csv")
    )
    bright = nib.load(tmp_path / "root" / "case01_aug0001.nii.gz")
    labels = np.asarray(nib.load(tmp_path / "root" / "case01_aug0001_seg.nii.gz").dataobj)
    assert set(after) == set(NAMES)
    if not set(steps) <= {"crop", "resize", "resample"}:
        assert min(np.linalg.norm(after[name] - before[name]) for name in NAMES) > 0.25
    spacing = np.array(bright.header.get_zooms())
    for number, name in enumerate(NAMES, start=1):
        spot = np.asarray(bright.dataobj) * (labels == number)
        off = np.linalg.inv(bright.affine)[:3, :3] @ (
            LPS_TO_RAS[:3, :3] @ (centroid_mm(spot, bright.affine) - after[name])
        )
        assert np.abs(off).max() < 0.5, (name, off, spacing)
    record = records_of(tmp_path / "root")[0]
    assert record.labels["landmarks"] == {"marks": (3, 3)}
    compare(record, replay_record(record, tmp_path / "dataset"))


def test_a_run_through_the_command_resumes_and_replays(tmp_path: Path) -> None:
    save_eyes(tmp_path / "dataset")
    path = save_recipe(tmp_path / "recipe.yaml", recipe(STEPS["affine"], STEPS["elastic"]))
    done = medaug("run", path, tmp_path / "dataset", "-o", tmp_path / "root", "--copies", "2")
    assert done.returncode == 0, done.stderr
    again = medaug("run", path, tmp_path / "dataset", "-o", tmp_path / "root", "--copies", "2")
    assert again.returncode == 0, again.stderr
    assert [run["kept"] for run in _runs(tmp_path / "root")] == [0, 2]
    record = records_of(tmp_path / "root")[1]
    assert [file.role for file in record.output] == ["image", "label", "points"]
    checked = medaug("replay", tmp_path / "root", "--id", record.output_id, "--check")
    assert (checked.returncode, "3 files equal" in checked.stdout) == (0, True)
    verified = medaug("verify", tmp_path / "root")
    assert verified.returncode == 0, verified.stderr
    scanned = medaug("scan", tmp_path / "dataset", "--recipe", path)
    assert "points landmarks" in scanned.stdout
    for name in NAMES:
        assert name not in done.stdout + done.stderr + (tmp_path / "root" / "medaug-manifest.jsonl").read_text()


def _runs(root: Path) -> list[dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in (root / ".medaug").rglob("*.json") if "kept" in path.read_text()]
    return sorted((one for one in found if one.get("schema") == "medaug.run/1"), key=lambda one: int(one["kept"]))


def test_a_flip_swaps_the_names_of_points_that_no_label_map_knows(tmp_path: Path) -> None:
    save_eyes(tmp_path / "dataset")
    (tmp_path / "dataset" / "case01_points.csv").write_text(
        (tmp_path / "dataset" / "case01_points.csv").read_text().replace("nose", "tip")
    )
    flip = "flip: {axes: [LR], p: 1, swap_labels: [[left_eye, right_eye]]}"
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe(flip)), tmp_path / "dataset", tmp_path / "root")
    after = read_points(tmp_path / "root" / "case01_aug0001_points.csv")
    mirrored = position_mm(np.array([[39 - AT[1, 0], *AT[1, 1:]]]))[0]
    assert list(after) == ["right_eye", "left_eye", "tip"]
    assert after["left_eye"] == pytest.approx(mirrored, abs=1e-4)


@pytest.mark.parametrize(("rule", "left"), [("drop", 1), ("keep", 3)])
def test_points_outside_are_dropped_and_counted_or_kept(tmp_path: Path, rule: str, left: int) -> None:
    save_eyes(tmp_path / "dataset")
    crop = "crop: {size: [8, 8, 8], around: center}"
    text = recipe(crop, more=f"  points_outside: {rule}\n").replace(", around: center", "")
    points = tmp_path / "dataset" / "case01_points.csv"
    inside = position_mm((np.array([GRID.size]) - 1) / 2)[0]
    outside = position_mm(np.array([[0.0, 0, 0], [39, 43, 23]]))
    rows = [",".join(["p", *(f"{value:.6f}" for value in at)]) for at in (outside[0], inside, outside[1])]
    points.write_text("\n".join(["name,x,y,z", *rows, ""]))
    run_here(save_recipe(tmp_path / "recipe.yaml", text), tmp_path / "dataset", tmp_path / "root")
    record = records_of(tmp_path / "root")[0]
    assert record.labels["landmarks"] == {"marks": (3, left)}
    assert len((tmp_path / "root" / "case01_aug0001_points.csv").read_text().splitlines()) == left + 1


def test_another_rule_makes_the_copies_stale(tmp_path: Path) -> None:
    plain = load_recipe(save_recipe(tmp_path / "a.yaml", recipe(STEPS["flip"])))
    for more in ("points_outside: keep", "min_box_share: 0.5", "points_space: ras", "soft_labels: [gm]"):
        other = load_recipe(save_recipe(tmp_path / "b.yaml", recipe(STEPS["flip"], more=f"  {more}\n")))
        assert other.voxel_digest() != plain.voxel_digest()


@pytest.mark.parametrize(
    ("place", "template", "copy"),
    [
        ("case01_points.csv", "{case}_points.csv", "case01_aug0001_points.csv"),
        ("points/case01.fcsv", "points/{case}.fcsv", "points/case01_aug0001.fcsv"),
        ("deep/marks/case01.mrk.json", "{case}.mrk.json", "deep/marks/case01_aug0001.mrk.json"),
    ],
)
def test_points_are_found_by_their_template_and_named_as_the_copy(
    tmp_path: Path, place: str, template: str, copy: str
) -> None:
    save_image(tmp_path / "dataset" / "case01.nii.gz")
    target = tmp_path / "dataset" / place
    target.parent.mkdir(parents=True, exist_ok=True)
    text = {
        ".csv": "x,y,z\n-20,30,12\n",  # the first voxel
        ".fcsv": "1,20,-30,12,0,0,0,1,1,1,0,F-1,,\n",
        ".json": '{"markups": [{"controlPoints": [{"position": [-20, 30, 12]}]}]}',
    }[target.suffix]
    target.write_text(text)
    path = save_recipe(tmp_path / "recipe.yaml", recipe("gamma", points=template))
    tally, _ = run_here(path, tmp_path / "dataset", tmp_path / "root")
    assert (tally.done, tally.failed) == (1, 0), records_of(tmp_path / "root")[0].message
    assert (tmp_path / "root" / copy).read_text() == text
    inventory = look(load_recipe(path), tmp_path / "dataset", tmp_path / "root")
    assert inventory.left_alone == ()


def test_points_go_with_bids_images_and_nnunet_cases(tmp_path: Path) -> None:
    bids = tmp_path / "bids"
    save_image(bids / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    (bids / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.9.0"}')
    (bids / "sub-01" / "anat" / "sub-01_points.tsv").write_text("x\ty\tz\n0\t0\t0\n")
    path = save_recipe(tmp_path / "bids.yaml", recipe("gamma", points="{case}_points.tsv"))
    run_here(path, bids, tmp_path / "root1")
    made = "derivatives/medaug/sub-01/anat/sub-01_desc-aug0001_points.tsv"
    assert records_of(tmp_path / "root1")[0].output[-1].path == made
    nnunet = tmp_path / "nnunet"
    save_image(nnunet / "imagesTr" / "la_001_0000.nii.gz")
    (nnunet / "dataset.json").write_text('{"channel_names": {"0": "MRI"}, "labels": {}, "file_ending": ".nii.gz"}')
    (nnunet / "pointsTr").mkdir()
    (nnunet / "pointsTr" / "la_001.csv").write_text("x,y,z\n0,0,0\n")
    run_here(
        save_recipe(tmp_path / "n.yaml", recipe("gamma", points="pointsTr/{case}.csv")), nnunet, tmp_path / "root2"
    )
    assert records_of(tmp_path / "root2")[0].output[-1].path == "pointsTr/la_001_aug0001.csv"


def test_a_missing_and_an_ambiguous_file_are_problems_of_their_case(tmp_path: Path) -> None:
    for case in ("case01", "case02"):
        save_image(tmp_path / "dataset" / f"{case}.nii.gz")
    (tmp_path / "dataset" / "case01_points.csv").write_text("x,y,z\n0,0,0\n")
    (tmp_path / "dataset" / "elsewhere").mkdir()
    (tmp_path / "dataset" / "elsewhere" / "case01_points.csv").write_text("x,y,z\n0,0,0\n")
    path = save_recipe(tmp_path / "recipe.yaml", recipe("gamma"))
    samples = look(load_recipe(path), tmp_path / "dataset", tmp_path / "root").samples
    assert [sample.problem and sample.problem[0] for sample in samples] == ["ambiguous_points", "missing_points"]
    assert "looked for case02_points.csv" in (samples[1].problem or ("", ""))[1]


def test_one_file_of_boxes_serves_all_pictures_and_each_copy_has_its_own(tmp_path: Path) -> None:
    """A bright rectangle in each picture: in the copy it fills the box that is written beside it."""
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    entries, boxes = [], []
    for number, (x, y, w, h) in enumerate([(5, 7, 12, 9), (20, 3, 8, 16)], start=1):
        pixels = np.zeros((40, 48), np.uint16)
        pixels[y : y + h, x : x + w] = 1000
        picture = image(pixels, "1.2.840.10008.5.1.4.1.1.1.1", number, SeriesInstanceUID=f"1.2.3.{number}")
        save(picture, dataset / f"dx{number}.dcm")
        entries.append({"id": number, "file_name": f"dx{number}.dcm", "width": 48, "height": 40})
        boxes.append({"id": number, "image_id": number, "bbox": [x, y, w, h], "category_id": 1, "area": w * h})
    told = {"images": entries, "annotations": boxes, "categories": [{"id": 1, "name": "nodule"}]}
    (dataset / "boxes.json").write_text(json.dumps(told))
    steps = ("flip: {axes: [horizontal], p: 1}", "crop: {size: [44, 36]}")
    path = save_recipe(tmp_path / "recipe.yaml", recipe(*steps, points="boxes.json"))
    tally, _ = run_here(path, dataset, tmp_path / "root")
    assert (tally.done, tally.failed) == (2, 0), [record.message for record in records_of(tmp_path / "root")]
    for record in records_of(tmp_path / "root"):
        copy, written = record.output[0].path, record.output[1].path
        made = json.loads((tmp_path / "root" / written).read_text())
        rows, columns = np.nonzero(pydicom.dcmread(tmp_path / "root" / copy).pixel_array > 500)
        (box,) = made["annotations"]
        expected = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert box["bbox"] == pytest.approx(expected, abs=1e-3)
        assert made["images"] == [
            {"id": box["image_id"], "file_name": copy.rpartition("/")[2], "width": 44, "height": 36}
        ]
        compare(record, replay_record(record, dataset))


def test_two_coordinates_are_refused_for_a_volume(tmp_path: Path) -> None:
    save_image(tmp_path / "dataset" / "case01.nii.gz")
    (tmp_path / "dataset" / "case01_points.csv").write_text("x,y\n1,2\n")
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe("gamma")), tmp_path / "dataset", tmp_path / "root")
    assert records_of(tmp_path / "root")[0].reason == "third_coordinate_missing"
