"""DICOM SEGs as labels of NIfTI images: copies are NIfTI label maps, read by nibabel, against highdicom's reading."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
import pytest
from datasets_for_runs import canonical_manifest, records_of, run_here, save_recipe
from run.canaries import CANARY, KEY, signs_in, told_by
from segmentations import make_seg
from witnesses import realdata, validator

from medaug_cli.replay import compare, replay_record
from medaug_cli.verify import verify_root
from tests.formats.dicom.datasets import ramp, save_series

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.manifest import Record

RECIPE = """\
version: 1
dataset: {layout: LAYOUT, labels: {organs: "{case}_seg.dcm"}}
steps: [STEP]
"""
NOTHING = "{flip: {axes: [LR], p: 0}}"
FLIP = "{flip: {axes: [LR], p: 1}}"
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
REAL = [
    ("ct_seg_dcmqi", "ct-3slice", "liver"),
    ("ct_seg_dcmqi", "ct-3slice", "partial_overlaps"),
]


def recipe(step: str, layout: str = "nifti") -> str:
    return RECIPE.replace("LAYOUT", layout).replace("STEP", step)


def run(text: str, dataset: Path, tmp_path: Path, root: str = "out", **options: str) -> Record:
    """Run the recipe `text`; return the record of its only copy, which must be a good one."""
    run_here(save_recipe(tmp_path / "recipe.yaml", text), dataset, tmp_path / root, **options)
    (record,) = records_of(tmp_path / root)
    assert (record.status, record.message) == ("ok", "")
    return record


def made(record: Record, role: str, root: Path) -> nib.Nifti1Image:
    (file,) = [file for file in record.output if file.role == role]
    assert file.format == "nifti"
    return nib.load(root / file.path)


def convert(folder: Path, target: Path) -> None:
    """Write the series in `folder` as NIfTI by dcm2niix, whose rows run from back to front."""
    target.parent.mkdir(parents=True, exist_ok=True)
    name = target.name.removesuffix(".nii.gz")
    command = [validator("dcm2niix"), "-z", "y", "-b", "n", "-f", name, "-o", target.parent, folder]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert target.exists()


def by_highdicom(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each segment the world positions (n, 3) RAS of its voxels and their values."""
    volume = hd.seg.segread(path).get_volume(rescale_fractional=True, rtol=0.05)
    array, affine = np.asarray(volume.array), RAS @ volume.affine
    found = []
    for segment in range(array.shape[-1]):
        where = np.argwhere(array[..., segment])
        found.append((where @ affine[:3, :3].T + affine[:3, 3], array[..., segment][tuple(where.T)]))
    return found


def at(image: nib.Nifti1Image, world: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the indices of `image` at the positions `world`, which must be voxel centres within 0.01 voxels."""
    inverse = np.linalg.inv(image.affine)
    found = world @ inverse[:3, :3].T + inverse[:3, 3]
    assert np.abs(found - np.rint(found)).max() < 0.01
    return tuple(np.rint(found).astype(int).T)


def mirrored(image: nib.Nifti1Image, world: np.ndarray) -> np.ndarray:
    """Return `world` mirrored along the first axis of `image` about the middle of its grid."""
    inverse = np.linalg.inv(image.affine)
    indices = world @ inverse[:3, :3].T + inverse[:3, 3]
    indices[:, 0] = image.shape[0] - 1 - indices[:, 0]
    return np.asarray(indices @ image.affine[:3, :3].T + image.affine[:3, 3])


def check(record: Record, root: Path, seg: Path, *, flipped: bool) -> np.ndarray:
    """Compare the label of a copy with what highdicom reads in `seg`, voxel for voxel; return the label."""
    image, label = made(record, "image", root), made(record, "label", root)
    assert label.shape[:3] == image.shape
    assert np.allclose(label.affine, image.affine, atol=1e-4)
    array = np.asarray(label.dataobj)
    segments = by_highdicom(seg)
    assert segments
    for number, (world, values) in enumerate(segments, start=1):
        where = at(label, mirrored(image, world) if flipped else world)
        part = array[..., number - 1] if array.ndim > 3 else (array == number).astype(np.uint8)
        assert part[where] == pytest.approx(values, abs=1e-6)
        assert np.count_nonzero(part) == len(values) > 0
    return array


@pytest.mark.parametrize(("folder", "series", "name"), REAL, ids=str)
@pytest.mark.parametrize("step", [NOTHING, FLIP])
def test_real_segments_lie_on_the_voxels_of_the_converted_image(
    step: str, folder: str, series: str, name: str, tmp_path: Path
) -> None:
    convert(realdata(folder, series), tmp_path / "data" / "case01.nii.gz")
    seg = tmp_path / "data" / "case01_seg.dcm"
    shutil.copy(realdata(folder, f"{name}.dcm"), seg)
    record = run(recipe(step), tmp_path / "data", tmp_path)
    array = check(record, tmp_path / "out", seg, flipped=step == FLIP)
    assert array.ndim == (4 if name == "partial_overlaps" else 3)
    assert array.dtype == np.uint8
    paths = {file.role: file.path for file in record.output}
    assert paths == {"image": "case01_aug0001.nii.gz", "label": "case01_aug0001_seg.nii.gz"}
    assert [(file.role, file.format) for file in record.source] == [("image", "nifti"), ("label", "dicom")]
    compare(record, replay_record(record, tmp_path / "data"))


# Made ones: 5 slices, 2.5 mm apart, 4 rows 0.7 mm and 6 columns 0.5 mm apart, turned about the patient's axes.


@pytest.fixture(name="dataset")
def make_dataset(tmp_path: Path) -> Path:
    """Return a CT series with the SEG of two kidneys, and its NIfTI twin in `data`."""
    save_series(tmp_path / "ct", [ramp(k) for k in range(5)])
    convert(tmp_path / "ct", tmp_path / "data" / "case01.nii.gz")
    return tmp_path / "data"


def kidneys() -> np.ndarray:
    array = np.zeros((5, 4, 6), np.uint8)
    array[1, :2, :3], array[3, 2:, 1:5] = 1, 2
    return array


def place_seg(dataset: Path, array: np.ndarray, kind: str, name: str = "case01_seg.dcm") -> Path:
    """Write a SEG drawn on the DICOM series beside its NIfTI twin."""
    make_seg(dataset.parent, array, kind, ("Left kidney", "Right kidney")[: array.shape[-1] if array.ndim > 3 else 2])
    (dataset / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(dataset.parent / "seg" / "kidney.dcm", dataset / name)
    return dataset / name


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_made_seg_flips_with_its_image(kind: str, dataset: Path, tmp_path: Path) -> None:
    seg = place_seg(dataset, kidneys(), kind)
    record = run(recipe(FLIP), dataset, tmp_path)
    label = made(record, "label", tmp_path / "out")
    image = made(record, "image", tmp_path / "out")
    if kind == "BINARY":
        check(record, tmp_path / "out", seg, flipped=True)
    assert record.label_names == {"organs": {1: "Left kidney", 2: "Right kidney"}}
    # dcm2niix turns the rows round, the flip the columns
    assert np.array_equal(np.asarray(label.dataobj), kidneys()[:, ::-1, ::-1].T)
    assert np.array_equal(label.affine, image.affine)
    assert record.labels["organs"] == {"1": (6, 6), "2": (8, 8)}


def test_a_segment_without_its_counterpart_has_the_other_name_in_the_record(dataset: Path, tmp_path: Path) -> None:
    array = kidneys()
    for channel, name in (("organs", "Left kidney"), ("other", "Right kidney")):
        make_seg(dataset.parent, (array == 1).astype(np.uint8), names=(name,))
        shutil.move(dataset.parent / "seg" / "kidney.dcm", dataset / f"case01_{channel}.dcm")
    labels = 'labels: {organs: "{case}_organs.dcm", other: "{case}_other.dcm"}'
    flip = "flip: {axes: [LR], p: 1, swap_labels: [[Left kidney, Right kidney]]}"
    record = run(f"version: 1\ndataset: {{layout: nifti, {labels}}}\nsteps:\n  - {flip}\n", dataset, tmp_path)
    assert record.label_names == {"organs": {1: "Right kidney"}, "other": {1: "Left kidney"}}


def test_fractions_become_soft_labels_of_float32(dataset: Path, tmp_path: Path) -> None:
    array = np.zeros((5, 4, 6, 2), np.float32)
    array[1, :2, :3, 0], array[1, 1:, :3, 1] = 0.25, 0.5
    seg = place_seg(dataset, array, "FRACTIONAL")
    record = run(recipe(FLIP), dataset, tmp_path)
    label = check(record, tmp_path / "out", seg, flipped=True)
    assert label.dtype == np.float32
    assert label.shape == (6, 4, 5, 2)
    assert record.label_names == {"organs": {1: "Left kidney", 2: "Right kidney"}}


def test_a_rotation_takes_image_and_segments_to_the_same_place(dataset: Path, tmp_path: Path) -> None:
    """The image shows its own segment, so that both moved by nearest voxels are equal."""
    place_seg(dataset, kidneys(), "BINARY")
    twin = nib.load(dataset / "case01.nii.gz")
    shown = kidneys()[:, ::-1, :].T.astype(np.int16)
    nib.save(nib.Nifti1Image(shown, twin.affine, twin.header), dataset / "case01.nii.gz")
    step = "{affine: {rotation_deg: {LR: 0, AP: 0, SI: 40}, interpolation: nearest, fill: 0, p: 1}}"
    record = run(recipe(step), dataset, tmp_path)
    image, label = (np.asarray(made(record, role, tmp_path / "out").dataobj) for role in ("image", "label"))
    assert np.array_equal(image, label)
    assert label.any()
    assert not np.array_equal(label, shown)


def test_a_finer_seg_keeps_its_grid_and_its_place(dataset: Path, tmp_path: Path) -> None:
    fine = np.zeros((4, 8, 12), np.uint8)
    fine[1, :3, :5] = 1
    positions = [hd.PlanePositionSequence("PATIENT", (-10.125, 19.825, 32.5 + 1.25 * k)) for k in range(4)]
    make_seg(
        dataset.parent,
        fine,
        plane_positions=positions,
        plane_orientation=hd.PlaneOrientationSequence("PATIENT", (1, 0, 0, 0, 1, 0)),
        pixel_measures=hd.PixelMeasuresSequence((0.35, 0.25), 1.25, 1.25),
    )
    seg = dataset.parent / "seg" / "kidney.dcm"
    shutil.copy(seg, dataset / "case01_seg.dcm")
    label = made(run(recipe(NOTHING), dataset, tmp_path), "label", tmp_path / "out")
    ((world, values),) = by_highdicom(seg)
    assert label.header.get_zooms()[:3] == pytest.approx((0.25, 0.35, 1.25))
    array = np.asarray(label.dataobj)
    assert (array[at(label, world)] == 1).all()
    assert np.count_nonzero(array) == len(values) == 15


def test_bids_takes_a_seg_by_its_template(dataset: Path, tmp_path: Path) -> None:
    bids = tmp_path / "bids"
    (bids / "sub-01" / "anat").mkdir(parents=True)
    (bids / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.9.0"}')
    shutil.move(dataset / "case01.nii.gz", bids / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    seg = place_seg(dataset, kidneys(), "BINARY", "sub-01_dseg.dcm")
    shutil.move(seg, bids / "sub-01" / "anat" / "sub-01_dseg.dcm")
    text = recipe(FLIP, "bids").replace("{case}_seg", "{case}_dseg")
    record = run(text.replace("labels:", 'images: {t1: "{case}_T1w.nii.gz"}, labels:'), bids, tmp_path)
    paths = {file.role: file.path for file in record.output}
    assert paths["label"] == "derivatives/medaug/sub-01/anat/sub-01_desc-aug0001_dseg.nii.gz"
    assert record.labels["organs"] == {"1": (6, 6), "2": (8, 8)}


def test_two_runs_verify_and_resume_agree(dataset: Path, tmp_path: Path) -> None:
    place_seg(dataset, kidneys(), "BINARY")
    step = "{affine: {rotation_deg: [-20, 20]}}"
    record = run(recipe(step), dataset, tmp_path)
    assert verify_root(tmp_path / "out", None, dataset) == (4, [])
    label = tmp_path / "out" / next(file.path for file in record.output if file.role == "label")
    before = label.read_bytes(), label.stat().st_mtime_ns
    run(recipe(step), dataset, tmp_path)
    assert (label.read_bytes(), label.stat().st_mtime_ns) == before
    label.unlink()
    run(recipe(step), dataset, tmp_path)
    assert label.read_bytes() == before[0]
    run(recipe(step), dataset, tmp_path, "again", engine="local", workers="2")
    assert canonical_manifest(tmp_path / "again") == canonical_manifest(tmp_path / "out")


def test_nothing_of_a_patient_in_a_seg_comes_into_nifti_copies_and_records(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDAUG_KEY", KEY)
    seg = pydicom.dcmread(place_seg(dataset, kidneys(), "BINARY"))
    (dataset / "case01_seg.dcm").unlink()
    seg.PatientName = seg.PatientID = seg.ContentCreatorName = seg.ContentDescription = seg.ContentLabel = CANARY
    for item in seg.SegmentSequence:
        item.SegmentLabel = item.SegmentDescription = item.TrackingID = CANARY
    seg.SegmentSequence[1].SegmentLabel = f"{CANARY} left"
    seg.save_as(dataset / f"{CANARY}_seg.dcm")
    (dataset / "case01.nii.gz").rename(dataset / f"{CANARY}.nii.gz")
    text = recipe(FLIP) + "privacy: {deidentify: basic}\n"
    record = run(text, dataset, tmp_path)
    told = told_by(tmp_path / "out")
    assert signs_in(told) == []
    assert record.label_names == {"organs": {1: "", 2: "left"}}
    assert str(seg.SOPInstanceUID).encode() not in told
    assert np.unique(np.asarray(made(record, "label", tmp_path / "out").dataobj)).tolist() == [0, 1, 2]
    compare(record, replay_record(record, dataset))


def refused(dataset: Path, tmp_path: Path) -> tuple[str, str]:
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe(FLIP)), dataset, tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert record.status == "failed"
    return record.reason, record.message


def test_a_seg_of_another_place_is_refused(dataset: Path, tmp_path: Path) -> None:
    place_seg(dataset, kidneys(), "BINARY")
    image = nib.load(dataset / "case01.nii.gz")
    affine = image.affine.copy()
    affine[2, 3] += 500
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), dataset / "case01.nii.gz")
    reason, message = refused(dataset, tmp_path)
    assert reason == "geometry_mismatch"
    assert "case01_seg.dcm" in message


def test_a_missing_seg_is_named(dataset: Path, tmp_path: Path) -> None:
    assert refused(dataset, tmp_path) == (
        "missing_label",
        "case01: no file for label 'organs'; looked for case01_seg.dcm",
    )


@pytest.mark.parametrize("kind", ["ct", "rtstruct"])
def test_what_is_no_seg_is_refused(kind: str, dataset: Path, tmp_path: Path) -> None:
    if kind == "ct":
        shutil.copy(next((tmp_path / "ct").iterdir()), dataset / "case01_seg.dcm")
    else:
        shutil.copy(realdata("sts025_dicom", "PET", "mask", "RS.dcm"), dataset / "case01_seg.dcm")
    reason, message = refused(dataset, tmp_path)
    assert reason == "not_supported"
    assert "case01_seg.dcm" in message
