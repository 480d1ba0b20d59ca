"""Structure sets of real patients: their copies against masks that are moved by the same recipe, and whole runs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from builders import augment, dice, make_step
from datasets_for_runs import medaug, records_of, run_here, save_recipe
from skimage.draw import polygon2mask
from witnesses import dicom_errors, realdata

from medaug_cli.copies import derive, encode_copy, load_sample
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.sample import Loaded, Source
from medaug_cli.formats import Limits
from medaug_cli.manifest import Settings
from medaug_cli.replay import compare, replay_record
from medaug_cli.root import dataset_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from medaug_cli.core.sample import LoadedSample

    Mask = NDArray[np.bool_]

KINDS = ("CT", "MR_T1", "PET")
# Pixels are divided so before masks are made: those of the PET are 3.9 mm wide, and what nearest voxels lose when a
# mask of them is resampled is no contour's fault.
PARTS = {"CT": 1, "MR_T1": 1, "PET": 8}
RECIPES: dict[str, tuple[str, dict[str, Any], bool]] = {
    "flip": ("flip", {"axes": ("LR", "AP", "SI"), "p": 1.0}, False),
    "in plane": (
        "affine",
        {"rotation_deg": {"SI": 12}, "scale": {"LR": 1.1, "AP": 0.9}, "translation_mm": {"LR": 4}},
        False,
    ),
    "3-D affine": ("affine", {"rotation_deg": 8, "scale": 0.95, "translation_mm": 3}, True),
    "elastic": ("elastic", {"control_points": 7, "displacement_mm": 5}, True),
}


def load(kind: str) -> LoadedSample:
    """Return image and structure set, and the mask that skimage makes of the latter, of which the file has a twin."""
    root = realdata("sts025_dicom")
    names = sorted(
        (root / kind / "image").iterdir(),
        key=lambda path: float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2]),
    )
    images = Source("image", "image", "dicom", tuple(path.relative_to(root).as_posix() for path in names))
    structures = Source("label", "RS", "dicom", (f"{kind}/mask/RS.dcm",))
    sample = load_sample(root, kind, [images, structures], {}, Limits())
    grid = finer(sample.images["image"].volume.geometry, PARTS[kind])
    mask = LabelMap(rasterised(root / kind / "mask" / "RS.dcm", grid).astype(np.uint8), grid)
    return replace(sample, labels={"mask": Loaded(Source("label", "mask", "none", ()), mask, (), None)})


def finer(grid: Geometry, parts: int) -> Geometry:
    """Return the same field of view in pixels divided into `parts` along x and y."""
    divide = np.diag([1 / parts, 1 / parts, 1, 1.0])
    divide[:2, 3] = (1 / parts - 1) / 2
    return Geometry.from_affine((grid.size[0] * parts, grid.size[1] * parts, grid.size[2]), grid.affine @ divide)


def rasterised(structure: Path, grid: Geometry) -> Mask:
    """Return the voxels (z, y, x) of `grid` that skimage finds within the contours of a file, as pydicom reads it."""
    mask = np.zeros(grid.size[::-1], bool)
    to_index = np.linalg.inv(grid.affine)
    for region in pydicom.dcmread(structure).ROIContourSequence:
        for item in region.ContourSequence:
            points = np.array(item.ContourData, float).reshape(-1, 3) @ to_index[:3, :3].T + to_index[:3, 3]
            mask[round(points[0, 2])] ^= polygon2mask(mask.shape[1:], points[:, [1, 0]])
    return mask


@pytest.mark.parametrize("kind", KINDS)
def test_the_oracle_finds_the_mask_that_was_published_with_the_contours(kind: str) -> None:
    sample, parts = load(kind), PARTS[kind]
    theirs = np.asarray(nib.load(realdata("sts025_nifti") / f"{kind}_mask.nii.gz").dataobj).transpose(2, 1, 0) > 0
    grid = sample.images["image"].volume.geometry
    assert np.array_equal(rasterised(realdata("sts025_dicom", kind, "mask", "RS.dcm"), grid), theirs)
    coarse = sample.labels["mask"].label.array.reshape(grid.size[2], grid.size[1], parts, grid.size[0], parts)
    assert dice(coarse.mean(axis=(2, 4)) > 0.5, theirs) > 0.97


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", RECIPES)
def test_contours_and_mask_agree_in_a_copy(name: str, kind: str, tmp_path: Path) -> None:
    """The file as written, read by pydicom and rasterised by skimage; a Dice of 0.97 is asked for."""
    step, values, remade = RECIPES[name]
    sample = load(kind)
    made = augment(sample, make_step(step, **values))
    assert made.marks["RS"].remade is remade
    settings = Settings(recipe_sha256="ab" * 32, dtype="preserve", compression="fast")
    targets = {one.source: one.source.files for one in sample.everything()}
    derivation = replace(derive((), made, 1, sample, settings), moved=True)
    unlabelled = replace(sample, labels={})
    for written in encode_copy(made, unlabelled, targets, derivation):
        if written.source.role == "label":
            (tmp_path / "RS.dcm").write_bytes(written.file.data)
    found = rasterised(tmp_path / "RS.dcm", made.labels["mask"].geometry)
    assert dice(found, made.labels["mask"].array > 0) >= 0.97
    source = realdata("sts025_dicom", kind, "mask", "RS.dcm")
    assert dicom_errors(tmp_path / "RS.dcm") <= dicom_errors(source)


@pytest.fixture(name="place")
def make_place(tmp_path: Path) -> Path:
    """Return a folder with dataset/, the MR of one patient with its contours."""
    shutil.copytree(realdata("sts025_dicom", "MR_T1"), tmp_path / "dataset" / "MR_T1")
    return tmp_path


RECIPE = """\
version: 1
seed: 4
copies: 3
steps:
  - flip: {axes: [LR], p: 0.5}
  - affine: {rotation_deg: [-9, 9], p: 0.7}
"""


def test_a_run_takes_structure_sets_along_resumes_and_replays(place: Path) -> None:
    recipe, root = save_recipe(place / "recipe.yaml", RECIPE), place / "root"
    tally, events = run_here(recipe, place / "dataset", root)
    assert (tally.done, tally.failed) == (3, 0)
    records = records_of(root)
    remade = [record for record in records if "remade_contours" in record.qc]
    warnings = [event.message for event in events if event.event == "warning"]
    assert 0 < len(remade) < 3
    assert any(f"{len(remade)} copies have contours" in text for text in warnings)
    assert all(record.labels["RS"]["1"][0] == 15 for record in records)
    for record in records:
        compare(record, replay_record(record, dataset_of(root, None)))
    again, _ = run_here(recipe, place / "dataset", root)
    assert (again.done, again.kept) == (0, 3)


def test_two_workers_write_the_same_bytes(place: Path) -> None:
    recipe = save_recipe(place / "recipe.yaml", RECIPE)
    run_here(recipe, place / "dataset", place / "one")
    assert medaug("run", recipe, place / "dataset", "-o", place / "two", "--workers", "2").returncode == 0
    assert medaug("verify", place / "two").returncode == 0
    names = {path.relative_to(place / "one") for path in (place / "one").rglob("*.dcm")}
    assert sum(path.name == "RS.dcm" for path in names) == 3
    assert all((place / "one" / name).read_bytes() == (place / "two" / name).read_bytes() for name in names)


def test_a_preview_outlines_the_regions(place: Path) -> None:
    recipe = save_recipe(place / "recipe.yaml", RECIPE)
    done = medaug("preview", recipe, place / "dataset", "--copies", "1", "-o", place / "sheet.html")
    assert done.returncode == 0, done.stderr
    assert "GTV_Mass_MR_T1" in (place / "sheet.html").read_text()
