"""Paths that the file system refuses: an error with path, cause and advice, never a bug."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from datasets_for_runs import here, medaug, records_of, run_here, save_dataset

from medaug_cli.cli.paths import refusals_explained
from medaug_cli.core.errors import DatasetError, MedaugError, ResourceError, RootError, UsageError

LONG = "x" * 300
_NOBODY = 65534


@pytest.fixture
def root(recipe: Path, dataset: Path, tmp_path: Path) -> Path:
    run_here(recipe, dataset, tmp_path / "root")
    return tmp_path / "root"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("scan LONG", 4),
        ("scan LONG --phi", 4),
        ("plan RECIPE LONG", 4),
        ("plan RECIPE DATASET -o LONG", 5),
        ("run RECIPE DATASET -o LONG/root --dry-run", 5),
        ("validate RECIPE LONG", 4),
        ("status LONG", 5),
        ("init LONG", 5),
        ("preview RECIPE DATASET -o LONG.png", 5),
        ("preview RECIPE LONG -o sheet.png", 4),
        ("replay ROOT --id ID -o LONG", 5),
        ("verify ROOT --source LONG", 4),
    ],
)
def test_a_name_that_no_disk_holds(
    recipe: Path, dataset: Path, root: Path, tmp_path: Path, words: str, code: int
) -> None:
    known = {"RECIPE": recipe, "DATASET": dataset, "ROOT": root, "ID": records_of(root)[0].output_id}
    long = f"{tmp_path}/{LONG}"
    told, _, said = here(*(known.get(word, word.replace("LONG", long)) for word in words.split()))
    assert (told, long in said) == (code, True)


@pytest.mark.parametrize(("words", "code"), [("LONG", 4), ("DATASET -o LONG", 5)])
def test_the_last_line_of_a_run_agrees(recipe: Path, dataset: Path, words: str, code: int) -> None:
    known = {"LONG": LONG, "DATASET": str(dataset)}
    done = medaug("run", recipe, *(known.get(word, word) for word in words.split()))
    assert (done.returncode, done.stdout) == (code, f"medaug: exit {code}\n")
    assert done.stderr.startswith(f"medaug: {LONG}")


@pytest.mark.skipif(os.name != "posix", reason="permissions bind otherwise elsewhere")
@pytest.mark.parametrize(("words", "code"), [("scan", 4), ("scan --phi", 4), ("status", 5), ("verify", 5), ("init", 5)])
def test_a_folder_that_may_not_be_entered(tmp_path: Path, words: str, code: int) -> None:
    inside = save_dataset(tmp_path / "locked" / "inside", cases=1)
    name, *flags = words.split()
    here(name, inside, *flags)  # imports what it needs while all can be read
    (tmp_path / "locked").chmod(0)
    user = os.geteuid()
    if user == 0:  # whom no permission binds
        os.seteuid(_NOBODY)
    try:
        told, _, said = here(name, inside, *flags)
    finally:
        os.seteuid(user)
        (tmp_path / "locked").chmod(0o755)
    assert (told, str(inside) in said) == (code, True)


def fault(number: int, path: Path | None) -> OSError:
    return OSError(number, os.strerror(number), None if path is None else str(path))


@pytest.mark.parametrize(
    ("number", "path", "kind", "said"),
    [
        (errno.EIO, "dataset/doe_jane/1.dcm", DatasetError, "dataset: cannot"),
        (errno.EIO, "dataset/.medaug/journal.jsonl", RootError, "dataset/.medaug/journal.jsonl: cannot"),
        (errno.EIO, "dataset/out/case01.nii.gz", RootError, "dataset/out/case01.nii.gz: cannot"),
        (errno.ENOSPC, "dataset/out/case01.nii.gz", ResourceError, "; free some space"),
        (errno.EACCES, "elsewhere", UsageError, "elsewhere: cannot be used: Permission denied"),
    ],
)
def test_the_argument_at_fault_decides_the_exit_code(
    tmp_path: Path, number: int, path: str, kind: type[MedaugError], said: str
) -> None:
    (tmp_path / "dataset").mkdir()
    arguments = {"dataset": tmp_path / "dataset", "output": tmp_path / "dataset" / "out", "copies": 3}
    with pytest.raises(kind) as caught, refusals_explained(arguments):
        raise fault(number, tmp_path / path)
    assert said in str(caught.value)
    assert "doe" not in str(caught.value)


def test_a_link_in_the_dataset_is_not_named_wherever_it_leads(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "doe.nii").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(DatasetError, match="dataset: cannot") as caught,
        refusals_explained({"dataset": tmp_path / "dataset"}),
    ):
        raise fault(errno.EACCES, tmp_path / "dataset" / "doe.nii")
    assert "doe" not in str(caught.value)


@pytest.mark.parametrize("path", [None, Path("elsewhere")])
def test_any_other_fault_stays_a_bug(path: Path | None) -> None:
    with pytest.raises(FileNotFoundError), refusals_explained({"dataset": Path("dataset")}):
        raise fault(errno.ENOENT, path)
