"""The main job on real images: copies open in independent readers with their source's geometry, labels stay labels."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner
from witnesses import REALDATA, dicom_errors, to_nifti, validator

from medaug_cli.cli import app

PROJECT = Path(__file__).parents[1]
COPIES = 4

pytestmark = pytest.mark.skipif(
    not REALDATA.is_dir(), reason="no real images: set MEDAUG_REALDATA or put them into ../shared/realdata"
)


def run_preset(preset: str, folder: str, tmp_path: Path, **dataset: object) -> tuple[int, list[dict]]:
    """Run a preset, its dataset section replaced, on a folder of the real images; return exit code and records."""
    recipe = yaml.safe_load((PROJECT / "configs" / f"{preset}.yaml").read_text())
    recipe["dataset"] = {**recipe["dataset"], **dataset}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    arguments = ["run", str(path), str(REALDATA / folder), "-o", str(tmp_path / "out"), "--engine", "serial"]
    result = CliRunner().invoke(app, [*arguments, "--copies", str(COPIES)])
    lines = (tmp_path / "out" / "medaug-manifest.jsonl").read_text().splitlines()
    return result.exit_code, [json.loads(line) for line in lines]


NIFTI_CASES = [
    ("abdomen-ct", "sts025_nifti", {}, 3, 0),
    ("brain-mr-lesion", "brain_tumour", {}, 2, 0),
    # CIFTI-2 is refused, the ten others are done.
    ("brain-mr-lesion", "nifti", {}, 10, 3),
    (
        "abdomen-ct",
        "totalseg",
        {"layout": "nifti", "images": {"ct": "{case}_ct_sm.nii.gz"}, "labels": {"organs": "{case}_seg.nii.gz"}},
        1,
        0,
    ),
    (
        "brain-mr-lesion",
        "totalseg",
        {"layout": "nifti", "images": {"mr": "{case}_mr_sm.nii.gz"}, "labels": {"organs": "{case}_seg_mr.nii.gz"}},
        1,
        0,
    ),
]


@pytest.mark.parametrize(("preset", "folder", "dataset", "samples", "exit_code"), NIFTI_CASES)
def test_nifti_copies_keep_grid_type_and_codes_and_labels_stay_labels(
    preset: str, folder: str, dataset: dict, samples: int, exit_code: int, tmp_path: Path
) -> None:
    code, records = run_preset(preset, folder, tmp_path, **dataset)
    made = [record for record in records if record["status"] == "ok"]
    assert (code, len(made)) == (exit_code, samples * COPIES)
    niimath = validator("niimath")
    for record in made:
        for source, output in zip(record["source"], record["output"], strict=True):
            before, after = nib.load(REALDATA / folder / source["path"]), nib.load(tmp_path / "out" / output["path"])
            assert after.shape == before.shape
            assert after.get_data_dtype() == before.get_data_dtype()
            assert np.abs(after.affine - before.affine).max() < 1e-4
            assert after.header["qform_code"] == before.header["qform_code"]
            subprocess.run([niimath, tmp_path / "out" / output["path"], "-add", "0", tmp_path / "r"], check=True)
            if source["role"] == "label":
                assert set(np.unique(after.dataobj)) <= set(np.unique(before.dataobj))


@pytest.mark.parametrize(
    ("folder", "images", "labels", "sample"),
    [
        ("totalseg", "{case}_ct_sm.nii.gz", "{case}_seg.nii.gz", "example"),
        ("sts025_nifti", "{case}_image.nii.gz", "{case}_mask.nii.gz", "CT"),
    ],
)
def test_soft_tissue_organs_keep_their_median_hu_under_their_moved_labels(
    folder: str, images: str, labels: str, sample: str, tmp_path: Path
) -> None:
    """A label that no longer matched its image would take in fat, air or bone: hundreds of HU.

    Organs of at least 500 voxels at -100 to 300 HU; the preset itself shifts by up to 10 HU.
    """
    _, records = run_preset("abdomen-ct", folder, tmp_path, layout="nifti", images={"i": images}, labels={"l": labels})
    apart = []
    for record in [one for one in records if one["sample_id"] == sample]:
        source, output = ({entry["role"]: entry["path"] for entry in record[key]} for key in ("source", "output"))
        before = {role: nib.load(REALDATA / folder / path).get_fdata() for role, path in source.items()}
        after = {role: nib.load(tmp_path / "out" / path).get_fdata() for role, path in output.items()}
        for value in np.unique(before["label"])[1:]:
            inside, moved = before["label"] == value, after["label"] == value
            hu = np.median(before["image"][inside])
            if min(inside.sum(), moved.sum()) >= 500 and -100 <= hu <= 300:
                apart.append(abs(hu - np.median(after["image"][moved])))
    assert len(apart) >= COPIES
    assert max(apart) < 40


DICOM_CASES = [
    ("abdomen-ct", "sts025_dicom/CT/image", "CT"),
    ("brain-mr-lesion", "sts025_dicom/MR_T1/image", "MR"),
    ("abdomen-ct", "sts025_dicom/PET/image", "PT"),
    ("brain-mr-lesion", "mr_oblique_20", "MR"),
]


@pytest.mark.parametrize(("preset", "folder", "modality"), DICOM_CASES)
def test_dcm2niix_reads_every_dicom_copy_with_the_geometry_of_its_source(
    preset: str, folder: str, modality: str, tmp_path: Path
) -> None:
    code, records = run_preset(preset, folder, tmp_path, modality=modality)
    assert (code, len(records)) == (0, COPIES)
    before = to_nifti(REALDATA / folder, tmp_path / "before")
    for number, record in enumerate(records):
        series = tmp_path / "out" / Path(record["output"][0]["path"]).parent
        after = to_nifti(series, tmp_path / f"after{number}")
        assert after.shape == before.shape
        assert np.abs(after.affine - before.affine).max() < 1e-4


def errors_of(path: Path) -> set[str]:
    """Return what dciodvfy calls an error in a DICOM file, fault and value, without the attribute it stands in."""
    return {error.split("> - ")[-1] for error in dicom_errors(path)}


@pytest.mark.parametrize(("preset", "folder", "modality"), DICOM_CASES)
def test_dciodvfy_finds_no_error_that_the_source_series_did_not_have(
    preset: str, folder: str, modality: str, tmp_path: Path
) -> None:
    """The oblique MR's own UIDs are illegal, and a copy rightly refers to all of them as its sources."""
    _, records = run_preset(preset, folder, tmp_path, modality=modality)
    known = set.union(*(errors_of(REALDATA / folder / entry["path"]) for entry in records[0]["source"]))
    for record in records:
        for entry in record["output"][:: max(1, len(record["output"]) // 3)]:
            assert errors_of(tmp_path / "out" / entry["path"]) <= known
