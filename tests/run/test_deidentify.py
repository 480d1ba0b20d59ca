"""`privacy:` in a run: nothing of a patient in any byte that is written or told; the same with the same key."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pydicom
import pytest
from datasets_for_runs import (
    PROJECT,
    canonical_manifest,
    here,
    medaug,
    records_of,
    run_here,
    save_recipe,
    state_of,
)
from run.canaries import CANARY, KEY, RECIPE, save_dicom, save_nifti, signs_in, told_by
from witnesses import dicom_errors, realdata

from medaug_cli.core.errors import RootError, SampleError, UsageError
from medaug_cli.core.privacy import NOT_OFFERED
from medaug_cli.replay import compare, replay_record
from medaug_cli.root import dataset_of
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("own_key")

REFUSED = [(name, why[:40]) for name, why in NOT_OFFERED.items()]


def cut_copy(path: Path, target: Path) -> None:
    """Write a copy of `path` that lacks its end, as another series."""
    target.parent.mkdir()
    if path.suffix == ".dcm":
        header = pydicom.dcmread(path)
        header.SeriesInstanceUID, header.SOPInstanceUID = "1.2.826.4242424242.1", "1.2.826.4242424242.2"
        for tag in [tag for tag in header.keys() if tag > 0x7FE00010]:  # noqa: SIM118  a dataset is no mapping
            del header[tag]
        header.save_as(target)
    else:
        shutil.copyfile(path, target)
    target.write_bytes(target.read_bytes()[:-40])


@pytest.mark.parametrize("kind", ["dicom", "nifti"])
def test_no_canary_is_in_any_byte_that_is_written_or_told(tmp_path: Path, kind: str) -> None:
    dataset = (save_dicom if kind == "dicom" else save_nifti)(tmp_path / f"{CANARY} 山田" / "dataset")
    damaged = next(path for path in dataset.rglob("*") if path.name.endswith((".0.dcm", "RY.nii.gz")))
    cut_copy(damaged, damaged.parent.with_name(f"{CANARY}-broken") / f"Z{damaged.name}")
    root, log = tmp_path / "root", tmp_path / "log.txt"
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE)
    flags = ("-v", "--engine", "serial", "--log-file", log)
    done = medaug("run", recipe, dataset, "-o", root, *flags, MEDAUG_KEY=KEY)
    assert done.returncode == 3, done.stderr
    plan = medaug("plan", recipe, dataset, "-o", root, "--json", "--overwrite", "all", MEDAUG_KEY=KEY)
    again = medaug("run", recipe, dataset, "-o", root, "--json", "--engine", "serial", MEDAUG_KEY=KEY)
    status = medaug("status", root, "--json")
    texts = [text for one in (done, plan, again, status) for text in (one.stdout, one.stderr)]
    made = next(record for record in records_of(root) if record.status == "ok")
    for arguments in (
        ("validate", recipe, dataset),
        ("preview", recipe, dataset, "-o", root / "sheet.html", "--copies", 1, "--sample", made.sample_id),
        ("verify", root, "--source", dataset),
        ("replay", root, "--id", made.output_id, "--source", dataset, "--check", "-o", root / "again"),
        ("scan", root, "--phi"),
    ):
        texts += here(*arguments)[1:]
    assert (root / "sheet.html").exists()
    assert (root / "again").exists()
    assert signs_in(told_by(root, log.read_text(encoding="utf-8"), *texts)) == []
    assert {record.status for record in records_of(root)} == {"ok", "failed"}
    assert KEY.encode() not in told_by(root)


def test_original_uids_are_nowhere_and_references_end_in_the_output_or_at_a_mapped_source(tmp_path: Path) -> None:
    dataset, root = save_dicom(tmp_path / "dataset"), tmp_path / "root"
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root)
    originals = {
        str(element.value)
        for path in dataset.rglob("*.dcm")
        for element in pydicom.dcmread(path).iterall()
        if element.VR == "UI" and not str(element.value).startswith("1.2.840.10008")
    }
    told = told_by(root)
    assert [uid for uid in originals if uid.encode() in told] == []
    made = [pydicom.dcmread(path) for path in root.rglob("*.dcm")]
    assert len(made) == 6
    entries = [file for record in records_of(root) for file in (*record.source, *record.output)]
    known = {file.uids["sop_instance"] for file in entries}
    pointed = {
        str(element.value)
        for header in made
        for element in header.SourceImageSequence[0].iterall()
        if element.keyword == "ReferencedSOPInstanceUID"
    }
    assert pointed <= known
    assert {str(header.SOPInstanceUID) for header in made} <= known
    assert {header.file_meta.MediaStorageSOPInstanceUID for header in made} == {one.SOPInstanceUID for one in made}
    assert len({header.StudyInstanceUID for header in made}) == 1
    assert {header.PatientID for header in made} == {record.patient_key for record in records_of(root)}


def test_one_worker_or_two_and_another_run_give_the_same_bytes(tmp_path: Path) -> None:
    dataset = save_dicom(tmp_path / "dataset")
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE)
    run_here(recipe, dataset, tmp_path / "serial")
    done = medaug("run", recipe, dataset, "-o", tmp_path / "two", "--workers", "2", "-q", MEDAUG_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert canonical_manifest(tmp_path / "serial") == canonical_manifest(tmp_path / "two")
    files = [{path: data for path, (data, _) in state_of(tmp_path / name).items()} for name in ("serial", "two")]
    assert {path for path in files[0] if path.endswith(".dcm")} == {path for path in files[1] if path.endswith(".dcm")}
    assert all(files[0][path] == files[1][path] for path in files[0] if path.endswith(".dcm"))


@pytest.mark.parametrize("kind", ["dicom", "nifti"])
def test_replay_verify_and_resume_work_with_the_key_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    dataset = (save_dicom if kind == "dicom" else save_nifti)(tmp_path / "dataset")
    root, recipe = tmp_path / "root", save_recipe(tmp_path / "recipe.yaml", RECIPE)
    run_here(recipe, dataset, root)
    for record in records_of(root):
        compare(record, replay_record(record, dataset_of(root, None)))
    assert verify_root(root, None, dataset)[1] == []
    assert run_here(recipe, dataset, root)[0].kept == 2
    touched = next(path for path in dataset.rglob("*") if path.is_file() and path.suffix != ".json")
    touched.touch()  # seen by its hash to be the same
    assert run_here(recipe, dataset, root)[0].kept == 2
    monkeypatch.setenv("MEDAUG_KEY", "another key, also long enough")
    with pytest.raises(RootError, match="another key"):
        run_here(recipe, dataset, root)
    with pytest.raises(UsageError, match="not the one"):
        replay_record(records_of(root)[0], dataset)
    monkeypatch.delenv("MEDAUG_KEY")
    with pytest.raises(UsageError, match="MEDAUG_KEY is not set"):
        verify_root(root, None, dataset)
    key_file = tmp_path / "key"
    key_file.write_text(f"{KEY}\n", encoding="utf-8")
    assert replay_record(records_of(root)[0], dataset, key_file)
    with pytest.raises(SampleError, match="no_source"):
        replay_record(records_of(root)[0], tmp_path, key_file)


def test_copies_with_and_without_names_never_stand_in_one_root(tmp_path: Path) -> None:
    dataset, root = save_dicom(tmp_path / "dataset"), tmp_path / "root"
    plain = save_recipe(tmp_path / "plain.yaml", RECIPE.replace("deidentify: basic", "phi_in_paths: allow"))
    run_here(plain, dataset, root)
    with pytest.raises(RootError, match="hide patients"):
        run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root)


@pytest.mark.parametrize("key", ["", "short", "passpasspasspasspasspass"])
def test_a_missing_or_weak_key_is_told_before_anything_is_written(tmp_path: Path, key: str) -> None:
    dataset, recipe = save_dicom(tmp_path / "dataset"), save_recipe(tmp_path / "recipe.yaml", RECIPE)
    for command in (("run", recipe, dataset, "-o", tmp_path / "root"), ("validate", recipe, dataset)):
        done = medaug(*command, MEDAUG_KEY=key)
        assert done.returncode == 2
        assert "16 characters or more, 8 of them different" in done.stderr
    assert not (tmp_path / "root").exists()


def test_a_key_in_root_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    text = RECIPE.replace("basic}", f"basic, key_file: {root}/key}}")
    with pytest.raises(UsageError, match="handed on"):
        run_here(save_recipe(tmp_path / "recipe.yaml", text), save_dicom(tmp_path / "dataset"), root)


def test_suspicions_are_recorded_and_told_once(tmp_path: Path) -> None:
    dataset, root = tmp_path / "dataset", tmp_path / "root"
    shutil.copytree(PROJECT / "sample_data" / "xray", dataset)
    for path in dataset.rglob("*.dcm"):
        header = pydicom.dcmread(path)
        header.BurnedInAnnotation = "YES"
        header.save_as(path)
    recipe = "version: 1\ncopies: 2\nsteps: [gamma]\nprivacy: {deidentify: basic}\n"
    _, events = run_here(save_recipe(tmp_path / "recipe.yaml", recipe), dataset, root)
    assert {tuple(record.qc["suspicions"]) for record in records_of(root)} == {("burned_in_text",)}
    warnings = [event.message for event in events if event.event == "warning"]
    assert sum("burned into their pixels" in text for text in warnings) == 1
    made = [pydicom.dcmread(path) for path in root.rglob("*.dcm")]
    assert not any("PatientIdentityRemoved" in header for header in made)


@pytest.mark.parametrize(
    ("privacy", "said"),
    [
        ("{deidentify: full}", "allowed: 'basic'"),
        ("{deidentify: basic, options: [retain_full_dates, retain_modified_dates]}", "choose one"),
        ("{options: [retain_device]}", "need deidentify"),
        ("{deidentify: basic, options: [retain_devices]}", "retain_device"),
        ("{deidentify: basic}\noutput: {originals: copy}", "identified originals"),
        *((f"{{deidentify: basic, options: [{name}]}}", f"{name} is not offered: {why}") for name, why in REFUSED),
    ],
)
def test_what_a_recipe_cannot_ask_for_is_told(tmp_path: Path, privacy: str, said: str) -> None:
    recipe = save_recipe(tmp_path / "recipe.yaml", f"version: 1\nsteps: [gamma]\nprivacy: {privacy}\n")
    done = medaug("validate", recipe)
    assert done.returncode == 2
    assert said in done.stderr


def run_real(tmp_path: Path, folder: str) -> Path:
    """Run gamma over a folder of real files, de-identified; return ROOT."""
    dataset, root = realdata(folder), tmp_path / "root"
    recipe = "version: 1\nsteps: [gamma]\nprivacy: {deidentify: basic, phi_in_paths: allow}\n"
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe), dataset, root, limit=2)
    sources = {entry.sha256: entry for record in records_of(root) for entry in record.source}
    assert sources
    return root


@pytest.mark.parametrize("folder", ["mr_oblique_20"])
def test_a_real_series_is_as_valid_as_it_was(tmp_path: Path, folder: str) -> None:
    root = run_real(tmp_path, folder)
    before = {error for path in sorted(realdata(folder).rglob("*.dcm"))[:3] for error in dicom_errors(path)}
    for path in sorted(root.rglob("*.dcm"))[:3]:
        assert dicom_errors(path) <= before
