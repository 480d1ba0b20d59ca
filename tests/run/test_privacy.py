"""P7: no identifying text of a header in manifest, logs, events, state or names of files."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import nibabel as nib
import pydicom
import pytest
from datasets_for_runs import (
    PROJECT,
    RECIPE,
    clean_environment,
    medaug,
    records_of,
    run_here,
    save_dataset,
    save_image,
    save_recipe,
)

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "XYZZY^CANARY"
ELEMENTS = {
    "PatientName": CANARY,
    "PatientID": CANARY,
    "PatientBirthDate": "19010203",
    "InstitutionName": CANARY,
    "ReferringPhysicianName": CANARY,
    "AccessionNumber": "CANARY1901",
    "StudyDescription": CANARY,
    "SeriesDescription": CANARY,
    "ProtocolName": CANARY,
    "OperatorsName": CANARY,
    "StudyID": "CANARY",
    "ImageComments": CANARY,
}
UNFIT = ("StudyDate", "StudyTime", "PatientAge", "PatientSex", "PatientWeight", "KVP", "BodyPartExamined")
BUG = """
import medaug_cli.catalogue
from medaug_cli.cli import main
def fail(*_):
    raise ValueError("XYZZY^" + "canary".upper())
medaug_cli.catalogue.describe_step = fail
main()
"""
SIGNS = (b"CANARY", b"XYZZY", b"19010203")


def bytes_told(root: Path, *more: str) -> bytes:
    """Return everything that a run tells: manifest, hash list, state, names of files, and `more`."""
    told = [path.read_bytes() for path in (root / ".medaug").rglob("*") if path.is_file()]
    told += [(root / name).read_bytes() for name in ("medaug-manifest.jsonl", "SHA256SUMS")]
    names = "\n".join(path.relative_to(root).as_posix() for path in root.rglob("*"))
    return b"\n".join([*told, names.encode(), *(text.encode() for text in more)])


def mark(path: Path) -> None:
    """Put the canary into the header of a DICOM file."""
    header = pydicom.dcmread(path)
    for keyword, value in ELEMENTS.items():
        setattr(header, keyword, value)
    header.add_new(0x00091001, "LO", CANARY)
    header.save_as(path)


def run_telling_all(tmp_path: Path, dataset: Path, recipe: str, *, as_json: bool) -> bytes:
    """Run verbosely with a log file; return everything that was told."""
    root, log = tmp_path / "root", tmp_path / "medaug.log"
    flags = ["--json"] if as_json else []
    recipe_path = save_recipe(tmp_path / "recipe.yaml", recipe)
    done = medaug("run", recipe_path, dataset, "-o", root, "--engine", "serial", "-v", "--log-file", log, *flags)
    assert done.returncode in {0, 3}, done.stderr
    others = [medaug("scan", dataset, "--deep"), medaug("scan", dataset, "--json"), medaug("status", root, "--json")]
    texts = [text for one in (done, *others) for text in (one.stdout, one.stderr)]
    return bytes_told(root, log.read_text(encoding="utf-8"), *texts)


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_the_name_of_a_dicom_patient_is_told_nowhere(tmp_path: Path, as_json: bool) -> None:
    for sample in ("ct", "xray"):
        shutil.copytree(PROJECT / "sample_data" / sample, tmp_path / "dataset" / sample)
    for path in (tmp_path / "dataset").rglob("*.dcm"):
        mark(path)
    damaged = tmp_path / "dataset" / "xray" / "chest_pa.dcm"
    damaged.write_bytes(damaged.read_bytes()[:-5000])
    told = run_telling_all(tmp_path, tmp_path / "dataset", "version: 1\nsteps: [gamma]\n", as_json=as_json)
    assert [sign for sign in SIGNS if sign in told] == []
    records = records_of(tmp_path / "root")
    assert {record.status for record in records} == {"ok", "failed"}
    # The patient is told apart all the same, by a keyed hash; without a request to remove it the copy keeps the name.
    assert {len(record.patient_key) for record in records if record.status == "ok"} == {32}
    copy = next((tmp_path / "root").rglob("*_aug0001/*.dcm"))
    assert pydicom.dcmread(copy).PatientName == CANARY


def test_the_patient_key_depends_on_the_users_own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = save_recipe(tmp_path / "recipe.yaml", "version: 1\nsteps: [gamma]\n")
    keys = []
    for number, secret in enumerate(["", "one", "two", "two"]):
        root = tmp_path / str(number)
        monkeypatch.setenv("MEDAUG_KEY", secret)
        run_here(recipe, PROJECT / "sample_data" / "xray", root)
        keys.append(records_of(root)[0].patient_key)
    assert len(set(keys[:3])) == 3
    assert keys[2] == keys[3]


def test_free_text_of_a_nifti_header_is_told_nowhere_and_not_even_copied(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    for case in ("case02", "case03"):
        save_image(dataset / f"{case}.nii.gz", descrip=CANARY, aux_file=CANARY, intent_name=CANARY, db_name="CANARY")
    damaged = dataset / "case03.nii.gz"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    told = run_telling_all(tmp_path, dataset, RECIPE, as_json=False)
    assert [sign for sign in SIGNS if sign in told] == []
    copy = tmp_path / "root" / "case02_aug0001.nii.gz"
    raw = gzip.decompress(copy.read_bytes())
    assert [sign for sign in SIGNS if sign in raw] == []
    assert nib.load(copy).shape == (14, 12, 6)


def test_values_that_no_standard_allows_and_the_folder_above_the_dataset_are_told_nowhere(tmp_path: Path) -> None:
    dataset = tmp_path / "XYZZY CANARY" / "dataset"
    shutil.copytree(PROJECT / "sample_data" / "ct", dataset / "ct")
    for path in dataset.rglob("*.dcm"):
        mark(path)
        header = pydicom.dcmread(path)
        for keyword in UNFIT:
            header.add_new(keyword, "LO", CANARY)
        # Without VRs in the file readers go by the dictionary, which allows none of these.
        header.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        header.save_as(path, implicit_vr=True, little_endian=True)
    told = run_telling_all(tmp_path, dataset, "version: 1\nsteps: [gamma]\n", as_json=False)
    # ROOT remembers where its dataset lies, and nothing else says so.
    place = (tmp_path / "root" / ".medaug" / "root.json").read_bytes()
    assert [sign for sign in SIGNS if sign in told.replace(place, b"")] == []
    assert {record.status for record in records_of(tmp_path / "root")} == {"ok"}


def test_a_traceback_has_places_but_not_the_text_of_the_error() -> None:
    words = [sys.executable, "-c", BUG, "transforms"]
    done = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback (most recent call last):\n" in done.stderr
    assert "in transforms" in done.stderr
    assert "medaug: a bug in medaug: ValueError; please report it" in done.stderr
    assert "CANARY" not in done.stderr
