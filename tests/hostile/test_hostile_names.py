"""N1, N2: names of any kind are plain names or clearly refused; what is no regular file is counted and never opened."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import unicodedata
from typing import TYPE_CHECKING

import pydicom
import pytest
from datasets_for_runs import PROJECT, copies_below, leftovers, medaug, records_of, save_case, save_image, save_recipe
from hostile.surveys import control_signs

from medaug_cli.cli.say import plain
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = "version: 1\ncopies: 1\nsteps: [gamma]\n"
NAMES = [
    "with space",
    "-rf",
    "--help",
    "it's",
    'say "a"',
    "50%s%n",
    "$(touch PWNED)",
    "`id`",
    "a;b&c|d",
    "back\\slash",
    "new\nline",
    "carriage\rreturn",
    "tab\there",
    "escape\x1b[31mred\x1b]0;title\x07",
    "bell\x07",
    "delete\x7f",
    "right\u202eleft",
    "separator\u2028next",
    "smile😀",
    "脑",
    "é",
    "{case}",
    "*",
    "[a-z]",
    "~",
    "CON",
    "nul",
    "x" * 200,
    "脑" * 70,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a dataset of every name, each once sound and once damaged."""
    folder = tmp_path_factory.mktemp("names")
    for name in NAMES:
        save_case(folder / "dataset" / "sound", name)
        save_image(folder / "dataset" / "damaged" / f"{name}.nii.gz")
        damaged = folder / "dataset" / "damaged" / f"{name}.nii.gz"
        damaged.write_bytes(damaged.read_bytes()[:-9])
    return folder


def test_every_name_is_a_plain_name_to_every_command(folder: Path) -> None:
    recipe, dataset, root = save_recipe(folder / "recipe.yaml", RECIPE), folder / "dataset", folder / "root"
    log = folder / "medaug.log"
    run = medaug("run", recipe, dataset, "-o", root, "--engine", "serial", "-v", "--log-file", log)
    assert run.returncode == 3, run.stderr
    told = [run, *(medaug(*words) for words in (
        ("scan", dataset), ("scan", dataset, "--json"), ("validate", recipe, dataset), ("status", root),
        ("plan", recipe, dataset, "-o", root), ("verify", root), ("run", recipe, dataset, "-o", root, "--json"),
    ))]  # fmt: skip
    assert [one.returncode for one in told] == [3, 0, 0, 0, 3, 0, 0, 3]
    for one in told:
        assert control_signs(one.stdout + one.stderr) == set()
        assert "Traceback" not in one.stderr
    assert control_signs(log.read_text(encoding="utf-8")) == set()
    # A line is a message: no name begins one of its own.
    assert not any(line.startswith("line") for line in (run.stderr + log.read_text(encoding="utf-8")).splitlines())
    records = records_of(root)
    assert {record.sample_id for record in records if record.status == "ok"} == {f"sound/{name}" for name in NAMES}
    assert {record.reason for record in records if record.status == "failed"} == {"truncated"}
    assert copies_below(root) == {file.path for record in records for file in record.output}
    assert verify_root(root, None, None) == (2 * len(NAMES), [])
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=root, capture_output=True, check=False)
    assert done.returncode == 0
    assert not (PROJECT / "PWNED").exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 脑 😀", "plain é 脑 😀"),
        ("a\nb\x1b[2Jc", "a\\nb\\x1b[2Jc"),
        ("\u202e\u2028\x7f\udcff", "\\u202e\\u2028\\x7f\\udcff"),
    ],
)
def test_signs_that_steer_a_terminal_are_escaped_and_others_stay(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_line_ends_stay_where_a_message_has_lines() -> None:
    assert plain("a\nb\r", lines=True) == "a\nb\\r"


def test_a_name_that_leaves_no_room_for_the_copys_number_fails_its_sample_only(tmp_path: Path) -> None:
    longest = "y" * (255 - len(".nii.gz"))
    save_image(tmp_path / "dataset" / f"{longest}.nii.gz")
    save_image(tmp_path / "dataset" / "sound.nii.gz")
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE)
    for _ in range(2):  # the second run meets what the first noted
        done = medaug("run", recipe, tmp_path / "dataset", "-o", tmp_path / "root", "--engine", "serial")
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr
    found = {record.sample_id: (record.status, record.reason) for record in records_of(tmp_path / "root")}
    assert found == {"sound": ("ok", ""), longest: ("failed", "name_too_long")}
    assert leftovers(tmp_path / "root") == []
    assert verify_root(tmp_path / "root", None, None) == (1, [])


@pytest.mark.parametrize(
    "twins", [("Case", "case"), (unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")), ("ß", "SS")]
)
def test_names_that_are_one_on_another_disk_are_refused_before_any_work(tmp_path: Path, twins: tuple[str, str]) -> None:
    for name in twins:
        save_image(tmp_path / "dataset" / f"{name}.nii.gz")
    if len(list((tmp_path / "dataset").iterdir())) < 2:
        pytest.skip("this disk takes the two names for one")
    done = medaug("run", save_recipe(tmp_path / "r.yaml", RECIPE), tmp_path / "dataset", "-o", tmp_path / "root")
    assert done.returncode == 4
    assert re.search(r"copies of .* and .* would both be written to .*; rename one", done.stderr)
    assert not (tmp_path / "root").exists()


PATIENTS = ["../../etc/x", "/abs/path", "CON", "x" * 64, "😀", "-rf", "a\x1b[31mb", "..", "a/../../b"]


def test_a_patients_identifier_is_part_of_no_path_and_of_no_message(tmp_path: Path) -> None:
    header = pydicom.dcmread(PROJECT / "sample_data" / "xray" / "chest_pa.dcm")
    header.SpecificCharacterSet = "ISO_IR 192"
    own = header.SOPInstanceUID
    for number, patient in enumerate(PATIENTS):
        header.PatientID = header.SeriesDescription = patient
        header.SOPInstanceUID, header.SeriesInstanceUID = f"{own}.{number}", f"{own}.{number}.1"
        (tmp_path / "dataset" / str(number)).mkdir(parents=True)
        header.save_as(tmp_path / "dataset" / str(number) / "x.dcm")
    recipe, root = save_recipe(tmp_path / "r.yaml", RECIPE), tmp_path / "root"
    done = medaug("run", recipe, tmp_path / "dataset", "-o", root, "--engine", "serial", "-v")
    assert done.returncode == 0, done.stderr
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.dcm")}
    numbers = range(len(PATIENTS))
    # One file in a folder is a sample of its own, named after the file.
    assert written == {f"dataset/{n}/x.dcm" for n in numbers} | {f"root/{n}_aug0001/x.dcm" for n in numbers}
    told = done.stdout + done.stderr + (root / "medaug-manifest.jsonl").read_text(encoding="utf-8")
    assert [patient for patient in PATIENTS if len(patient) > 3 and patient in told] == []
    assert control_signs(done.stdout + done.stderr) == set()


@pytest.mark.parametrize("template", ["../{case}.nii.gz", "/etc/{case}", "a/../../{case}.nii", "{case}/{x}.nii"])
def test_a_template_that_leaves_the_dataset_is_refused(tmp_path: Path, template: str) -> None:
    save_image(tmp_path / "dataset" / "a.nii.gz")
    text = f"{RECIPE}dataset: {{images: {{t1: {json.dumps(template)}}}}}\n"
    done = medaug("run", save_recipe(tmp_path / "r.yaml", text), tmp_path / "dataset", "-o", tmp_path / "root")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert not (tmp_path / "root").exists()


def test_what_is_no_regular_file_is_counted_and_never_opened(tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    save_case(dataset, "sound")
    (tmp_path / "secret").mkdir()
    save_image(tmp_path / "secret" / "outside.nii.gz")
    (dataset / "loop").symlink_to(dataset)
    (dataset / "self.nii.gz").symlink_to("self.nii.gz")
    (dataset / "broken.nii.gz").symlink_to("nowhere.nii.gz")
    (dataset / "out.nii.gz").symlink_to(tmp_path / "secret" / "outside.nii.gz")
    (dataset / "outer").symlink_to(tmp_path / "secret")
    (dataset / "device.nii.gz").symlink_to("/dev/zero")
    os.mkfifo(dataset / "pipe.nii.gz")
    (dataset / "folder.nii.gz").mkdir()
    (dataset / "folder.nii.gz" / "text").write_text("x")
    (dataset / "locked").mkdir(mode=0o000)
    try:
        recipe = save_recipe(tmp_path / "r.yaml", RECIPE)
        run = medaug("run", recipe, dataset, "-o", tmp_path / "root", "--engine", "serial")
        scan = medaug("scan", dataset, "--json")
    finally:
        (dataset / "locked").chmod(0o700)
    assert (run.returncode, "Traceback" in run.stderr) == (0, False), run.stderr
    assert {record.sample_id for record in records_of(tmp_path / "root")} == {"sound"}
    left = {path: reason for path, reason, _ in json.loads(scan.stdout)["left_alone"]}
    assert set(left) >= {"loop", "self.nii.gz", "broken.nii.gz", "out.nii.gz", "outer", "device.nii.gz", "pipe.nii.gz"}
    assert left["pipe.nii.gz"] == "not_a_regular_file"
    assert copies_below(tmp_path / "root") == {"sound_aug0001.nii.gz", "sound_aug0001_seg.nii.gz"}


def test_a_pipe_as_a_recipe_or_a_dataset_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    recipe = save_recipe(tmp_path / "r.yaml", RECIPE)
    assert medaug("scan", tmp_path / "pipe").returncode == 4
    assert medaug("run", recipe, tmp_path / "pipe").returncode == 4
    assert medaug("run", recipe, tmp_path, "-o", tmp_path / "pipe").returncode in {4, 5}
    shutil.rmtree(tmp_path / "root", ignore_errors=True)
