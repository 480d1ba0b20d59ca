"""`privacy:` in a run: nothing of a patient in any byte that is written or told; the same with the same key."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import stat
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pydicom
import pytest
from datasets_for_runs import (
    PROJECT,
    canonical_manifest,
    here,
    medaug,
    records_of,
    run_here,
    save_dataset,
    save_image,
    save_label,
    save_recipe,
    state_of,
    voxel_hashes,
)
from formats.dicom.datasets import dicom_errors, image, placed, ramp, realdata, save
from formats.dicom.test_dicom_deidentify import SIGNS, bearer

from medaug_cli.core.errors import DatasetError, RootError, SampleError, UsageError
from medaug_cli.core.privacy import NOT_OFFERED
from medaug_cli.recipe import load_recipe
from medaug_cli.replay import compare, replay_record
from medaug_cli.root import dataset_of
from medaug_cli.run import Options, preview_run
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a key that is long enough"
REFUSED = [(name, why[:40]) for name, why in NOT_OFFERED.items()]
CANARY = "XYZZYCANARY"
RECIPE = """\
version: 1
copies: 2
seed: 3
steps: [{affine: {translation_mm: [-1, 1], fill: air}}, gamma]
privacy: {deidentify: basic}
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUG_KEY", KEY)


def told_by(root: Path, *texts: str) -> bytes:
    """Return every byte below `root`, what is packed unpacked too, every name, and `texts`."""
    parts = []
    for path in root.rglob("*"):
        parts.append(path.relative_to(root).as_posix().encode())
        if path.is_file():
            data = path.read_bytes()
            parts += [data, gzip.decompress(data)] if data[:2] == b"\x1f\x8b" else [data]
    return b"\n".join([*parts, *(text.encode() for text in texts)])


def signs_in(told: bytes) -> list[bytes]:
    """Return the canaries in `told`, whatever the case, in UTF-16 and base64, too."""
    low = told.lower()
    return [sign for sign in SIGNS if any(form.lower() in low for form in _forms_of(sign))]


def _forms_of(sign: bytes) -> list[bytes]:
    # Six bits a letter: what stands before shifts the letters, and those at the ends are also its neighbours'.
    packed = [base64.b64encode(bytes(shift) + sign)[4 * bool(shift) : -4] for shift in range(3)]
    return [sign, sign.decode().encode("utf-16-le"), sign.hex().encode(), *(form for form in packed if len(form) > 8)]


def save_dicom(dataset: Path, patient: str = CANARY) -> Path:
    """Write a CT series of three slices that bears canaries everywhere, names of folders and files too."""
    folder = dataset / f"{CANARY}^JOHN" / f"study {CANARY}"
    header = bearer(PatientID=patient)
    for k in range(3):
        plane = image(ramp(k), number=k + 1, **placed(k))
        for keyword in ("SOPInstanceUID", "ImagePositionPatient", "InstanceNumber", "PixelData"):
            header[keyword] = plane[keyword]
        save(header, folder / f"{CANARY}.{k}.dcm")
        raw = bytearray((folder / f"{CANARY}.{k}.dcm").read_bytes())
        raw[: len(CANARY)] = CANARY.encode()
        (folder / f"{CANARY}.{k}.dcm").write_bytes(raw)
    return dataset


def save_nifti(dataset: Path) -> Path:
    """Write a case with canaries in its names, its free text and its extensions."""
    folder = dataset / f"{CANARY}_JOHN"
    texts = {"descrip": CANARY, "aux_file": CANARY, "intent_name": CANARY, "db_name": CANARY, "data_type": "XYZZYCANA"}
    save_image(folder / f"{CANARY}.nii.gz", **texts)
    found = nib.load(folder / f"{CANARY}.nii.gz")
    for code in (0, 4, 6, 44):
        found.header.extensions.append(nib.nifti1.Nifti1Extension(code, CANARY.encode()))
    extended = nib.nifti1.Nifti1Image(np.asarray(found.dataobj), found.affine, found.header)
    nib.save(extended, folder / f"{CANARY}.nii.gz")
    save_label(folder / f"{CANARY}_seg.nii.gz")
    (folder / f"{CANARY}.json").write_text(json.dumps({"PatientName": CANARY}), encoding="utf-8")
    return dataset


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


@pytest.mark.parametrize("kind", ["allow", "warn", "refuse"])
def test_identifiers_in_paths_are_counted_and_never_shown(tmp_path: Path, kind: str) -> None:
    dataset = save_dicom(tmp_path / "dataset")
    text = RECIPE.replace("deidentify: basic", f"phi_in_paths: {kind}")
    recipe = save_recipe(tmp_path / "recipe.yaml", text)
    if kind == "refuse":
        with pytest.raises(DatasetError, match="3 paths contain") as refused:
            run_here(recipe, dataset, tmp_path / "root")
        assert CANARY not in str(refused.value)
        assert "3 paths contain" in medaug("validate", recipe, dataset).stderr
        return
    _, events = run_here(recipe, dataset, tmp_path / "root")
    warnings = [event.message for event in events if event.event == "warning"]
    assert [CANARY in text for text in warnings] == ([False] if kind == "warn" else [])


def test_paths_without_identifiers_are_not_refused(tmp_path: Path) -> None:
    for k in range(3):
        save(image(ramp(k), number=k + 1, PatientID="4711042", **placed(k)), tmp_path / "dataset" / "ct" / f"{k}.dcm")
    text = RECIPE.replace("basic}", "basic, phi_in_paths: refuse}")
    assert run_here(save_recipe(tmp_path / "recipe.yaml", text), tmp_path / "dataset", tmp_path / "root")[0].done == 2


def test_the_map_back_is_private_complete_and_made_on_request_alone(tmp_path: Path) -> None:
    dataset, root, secret = save_dicom(tmp_path / "dataset"), tmp_path / "root", tmp_path / "secret" / "map.jsonl"
    secret.parent.mkdir()
    text = RECIPE.replace("basic}", f"basic, id_map: {secret}}}")
    run_here(save_recipe(tmp_path / "recipe.yaml", text), dataset, root)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    (line,) = [json.loads(line) for line in secret.read_text(encoding="utf-8").splitlines()]
    record = records_of(root)[0]
    assert (line["sample_id"], line["patient_key"]) == (record.sample_id, record.patient_key)
    assert line["patient"] == CANARY
    assert {file.path for file in record.source} == set(line["files"])
    assert all((dataset / path).is_file() for path in line["files"].values())
    inside = save_recipe(tmp_path / "inside.yaml", RECIPE.replace("basic}", f"basic, id_map: {root}/map.jsonl}}"))
    with pytest.raises(UsageError, match="handed on"):
        run_here(inside, dataset, root, overwrite="all")


def test_a_map_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    dataset, secret = save_dicom(tmp_path / "dataset"), tmp_path / "secret" / "map.jsonl"
    secret.mkdir(parents=True)
    text = RECIPE.replace("basic}", f"basic, id_map: {secret}}}")
    with pytest.raises(RootError, match="cannot be written"):
        run_here(save_recipe(tmp_path / "recipe.yaml", text), dataset, tmp_path / "root")
    assert list(secret.parent.iterdir()) == [secret]


def test_a_map_replaces_one_that_others_could_read(tmp_path: Path) -> None:
    dataset, secret = save_dicom(tmp_path / "dataset"), tmp_path / "map.jsonl"
    secret.write_text("old", encoding="utf-8")
    secret.chmod(0o644)
    text = RECIPE.replace("basic}", f"basic, id_map: {secret}}}")
    run_here(save_recipe(tmp_path / "recipe.yaml", text), dataset, tmp_path / "root")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert CANARY in secret.read_text(encoding="utf-8")


@pytest.mark.parametrize(("place", "error"), [("root", UsageError), ("nowhere", RootError)])
def test_a_map_that_cannot_be_written_is_told_before_anything_is_replaced(
    tmp_path: Path, place: str, error: type[Exception]
) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=1), tmp_path / "root"
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root)
    before = state_of(root)
    text = RECIPE.replace("basic}", f"basic, id_map: {tmp_path / place}/map.jsonl}}").replace("seed: 3", "seed: 4")
    other = save_recipe(tmp_path / "other.yaml", text)
    with pytest.raises(error, match=r"id_map"):
        run_here(other, dataset, root, overwrite="stale")
    assert state_of(root) == before
    with pytest.raises(error, match=r"id_map"):
        preview_run(load_recipe(other), dataset, root, Options(overwrite="stale"))


def test_samples_are_chosen_by_the_names_that_their_owner_knows(tmp_path: Path) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=2), tmp_path / "root"
    tally, _ = run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root, only="case02")
    assert tally.done == 2
    assert not any("case" in path for path in voxel_hashes(root))


def test_names_keep_what_a_layout_needs(tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    (dataset / "imagesTr").mkdir(parents=True)
    document = {"channel_names": {"0": "T1"}, "labels": {"background": 0, "a": 1, "b": 2}, "file_ending": ".nii.gz"}
    (dataset / "dataset.json").write_text(json.dumps({**document, "numTraining": 1}), encoding="utf-8")
    save_image(dataset / "imagesTr" / "Doe_John_0000.nii.gz")
    save_label(dataset / "labelsTr" / "Doe_John.nii.gz")
    root = tmp_path / "root"
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root)
    names = sorted(voxel_hashes(root))
    hidden = names[0].removeprefix("imagesTr/").partition("_")[0]
    assert names == sorted(
        f"{folder}/{hidden}_aug000{copy}{channel}.nii.gz"
        for copy in (1, 2)
        for folder, channel in (("imagesTr", "_0000"), ("labelsTr", ""))
    )


def test_names_in_a_dataset_json_go_but_for_those_that_the_recipe_speaks_of(tmp_path: Path) -> None:
    dataset, root = tmp_path / "dataset", tmp_path / "root"
    labels = {"background": 0, "stoma_left": 1, "stoma_right": 2, CANARY: 3}
    document = {"channel_names": {"0": CANARY}, "labels": labels, "numTraining": 1, "file_ending": ".nii.gz"}
    save_image(dataset / "imagesTr" / "a_0000.nii.gz")
    save_label(dataset / "labelsTr" / "a.nii.gz")
    (dataset / "dataset.json").write_text(json.dumps(document), encoding="utf-8")
    steps = "[{flip: {axes: [LR], p: 1, swap_labels: [[stoma_left, stoma_right]]}}]"
    recipe = f"version: 1\nsteps: {steps}\nprivacy: {{deidentify: basic}}\n"
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe), dataset, root)
    (record,) = records_of(root)
    assert record.status == "ok", record.message
    assert signs_in(told_by(root)) == []
    names = record.settings.label_names
    assert (names[1], names[2]) == ("stoma_left", "stoma_right")
    compare(record, replay_record(record, dataset))


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
