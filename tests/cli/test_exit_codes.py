"""Exit codes: each by a real process, and the last line of stdout always agrees (P6)."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import (
    RECIPE,
    clean_environment,
    copies_below,
    damage,
    exit_code_told,
    here,
    leftovers,
    medaug,
    records_of,
    run_here,
    run_serially,
    save_recipe,
)

from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from pathlib import Path


def test_0_when_all_is_done_and_again_when_all_stands(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    code, last, _ = run_serially(recipe, dataset, "-o", tmp_path / "root")
    assert (code, last.startswith("medaug: exit 0: 4 copies made, 0 already valid, 0 failed")) == (0, True)
    code, last, _ = run_serially(recipe, dataset, "-o", tmp_path / "root")
    assert (code, last.startswith("medaug: exit 0: 0 copies made, 4 already valid, 0 failed")) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "many"], "--workers many: allowed: auto or a whole number from 1"),
        (["--max-duration", "soon"], "--max-duration soon: not a duration; write for instance 90s, 10m or 3h50m"),
        (["--max-failures", "few"], "--max-failures few: allowed: a whole number, or a percentage such as 5%"),
        (["--memory", "much"], "--memory much: not a size; write for instance 8GiB or 500MB"),
        (["--workers", "²"], "--workers ²: allowed: auto or a whole number from 1"),
        (["--max-failures", "²%"], "--max-failures ²%: allowed: a whole number"),
        (["--workers", "9" * 5000], ": allowed: auto or a whole number from 1"),
        (["--max-failures", "200%"], "--max-failures 200%: allowed: a whole number, or a percentage such as 5%"),
        (["--max-failures", "9" * 5000], ": allowed: a whole number"),
        (["--memory", "9" * 400], ": not a size; write for instance 8GiB or 500MB"),
        (["--memory", "٨GiB"], "--memory ٨GiB: not a size"),
        (["--workers", "many", "--engine", "serial"], "--workers many: allowed: auto or a whole number from 1"),
        (["--timeout", "0s"], "--timeout 0s: a job needs more than 0 seconds; allowed: 1s or more"),
        (["--memory", "0"], "--memory: 0 bytes do not hold one worker, even without a job; allowed: 160MiB or more"),
        (["--memory", "100MB"], "--memory: 100000000 bytes do not hold one worker"),
        (["--log-file", "/dev/null/log"], "--log-file /dev/null/log: cannot be written: Not a directory"),
        (["--engine", "cloud"], "'cloud' is not one of"),
        (["--copies", "0"], "greater than or equal to 1|0 is not in the range 1<=x"),  # as typer's versions say it
        (["--seed", "-1"], "greater than or equal to 0|-1 is not in the range 0<=x"),
        (["--no-such-flag"], "No such option"),
    ],
)
def test_2_for_a_wrong_flag(recipe: Path, dataset: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    done = medaug("run", recipe, dataset, "-o", tmp_path / "root", *arguments)
    assert done.returncode == 2
    assert any(text in done.stderr for text in said.split("|"))
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    "flags", ["--workers many --engine serial", "--timeout 0s", "--memory 1KiB", "--max-failures few"]
)
def test_2_for_a_plan_whose_run_could_only_fail(recipe: Path, dataset: Path, flags: str) -> None:
    code, _, said = here("plan", recipe, dataset, *flags.split())
    assert (code, "allowed: " in said) == (2, True)


def test_2_for_a_recipe_that_is_not_there_or_wrong(dataset: Path, tmp_path: Path) -> None:
    code, _, said = run_serially(tmp_path / "none.yaml", dataset)
    assert (code, "none.yaml: cannot be read" in said) == (2, True)
    code, last, said = run_serially(save_recipe(tmp_path / "wrong.yaml", "version: 1\nsteps: [gama]\n"), dataset)
    assert (code, last) == (2, "medaug: exit 2")
    assert "wrong.yaml:2:9: unknown step gama; did you mean gamma?" in said


def test_3_when_a_sample_failed(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    damage(dataset / "case01.nii.gz")
    code, last, said = run_serially(recipe, dataset, "-o", tmp_path / "root")
    assert (code, "2 copies made, 0 already valid, 2 failed" in last) == (3, True)
    assert "case01 copy 1: failed: truncated: case01.nii.gz" in said


def test_4_for_a_dataset_that_is_missing_empty_or_holds_nothing_usable(recipe: Path, tmp_path: Path) -> None:
    code, _, said = run_serially(recipe, tmp_path / "none")
    assert (code, "no such folder" in said) == (4, True)
    (tmp_path / "empty").mkdir()
    code, _, said = run_serially(recipe, tmp_path / "empty")
    assert (code, "no file" in said, list((tmp_path / "empty").iterdir())) == (4, True, [])
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "readme.txt").write_text("no image")
    assert run_serially(recipe, tmp_path / "words", "-o", tmp_path / "root")[0] == 4
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("words", ["verify ROOT --source GONE", "replay ROOT --id ID --check"])
def test_4_where_the_dataset_of_a_root_is_gone(recipe: Path, dataset: Path, tmp_path: Path, words: str) -> None:
    root, gone = tmp_path / "root", dataset
    run_here(recipe, dataset, root)
    dataset.rename(tmp_path / "moved")
    known = {"ROOT": root, "GONE": gone, "ID": records_of(root)[0].output_id}
    code, _, said = here(*(known.get(word, word) for word in words.split()))
    assert (code, said) == (4, f"{gone}: no such folder; say with --source where the dataset lies now")


def test_4_when_no_sample_has_the_name(recipe: Path, dataset: Path) -> None:
    code, _, said = run_serially(recipe, dataset, "--only", "case9*")
    assert (code, "no sample is called case9*" in said) == (4, True)


@pytest.mark.parametrize("root", ["file/root", "file"])
def test_5_for_a_root_that_cannot_be_written(recipe: Path, dataset: Path, tmp_path: Path, root: str) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, said = run_serially(recipe, dataset, "-o", tmp_path / root)
    assert (code, "choose another folder with -o" in said) == (5, True)


def test_5_for_foreign_content_in_output_which_is_left_as_it_is(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "thesis.txt").write_text("years of work")
    code, _, said = run_serially(recipe, dataset, "-o", tmp_path / "root")
    assert (code, "medaug did not write, such as thesis.txt" in said) == (5, True)
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["thesis.txt"]


def test_5_for_a_foreign_file_where_a_copy_would_go(recipe: Path, dataset: Path) -> None:
    # The layout would take it for a case of its own; a folder of that name is no case.
    (dataset / "case01_aug0001.nii.gz").mkdir()
    code, _, said = run_serially(recipe, dataset)
    assert (code, "case01_aug0001.nii.gz: exists and was not written by medaug" in said) == (5, True)


FULL_DISK = """
import errno, os, sys
from medaug_cli.core import files
real = files._write_temporary
def full(path, data):
    if isinstance(data, (bytes, bytearray, tuple)) and data[:1] != b"{" and path.parent.name != ".medaug":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return real(path, data)
files._write_temporary = full
from medaug_cli.cli import main
main()
"""


def test_6_when_the_disk_is_full(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    arguments = ["run", str(recipe), str(dataset), "-o", str(tmp_path / "root"), "--engine", "serial"]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, exit_code_told(done.stdout)) == (6, 6), done.stderr
    assert re.search(r"No space left on device: \d+ bytes needed, \d+ free; free some space and run again", done.stderr)
    assert (copies_below(tmp_path / "root"), leftovers(tmp_path / "root")) == (set(), [])
    assert run_here(recipe, dataset, tmp_path / "root")[0].exit_code() == 0


def test_7_when_an_output_was_changed(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)
    damage(root / "case01_aug0001.nii.gz")
    done = medaug("verify", root)
    assert done.returncode == 7
    assert done.stdout.splitlines()[-1] == "8 files checked, 1 do not match the manifest"


def test_8_when_the_time_is_up_and_running_again_goes_on(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    code, last, _ = run_serially(recipe, dataset, "-o", root, "--max-duration", "0s")
    assert (code, "--max-duration reached; run again to go on; 2 copies made" in last) == (8, True)
    assert "2 not made" in last
    assert verify_root(root, None, None) == (4, [])
    tally, _ = run_here(recipe, dataset, root)
    assert (tally.done, tally.kept) == (2, 2)


@pytest.mark.parametrize(("allowed", "code"), [("0", 10), ("1", 10), ("2", 3), ("25%", 10), ("50%", 3)])
def test_10_when_more_failed_than_allowed(recipe: Path, dataset: Path, tmp_path: Path, allowed: str, code: int) -> None:
    damage(dataset / "case01.nii.gz")
    assert run_serially(recipe, dataset, "-o", tmp_path / "root", "--max-failures", allowed)[0] == code


def test_3_at_once_with_fail_fast_or_where_the_recipe_says_so(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    damage(dataset / "case01.nii.gz")
    code, last, _ = run_serially(recipe, dataset, "-o", tmp_path / "root", "--fail-fast")
    assert (code, "stopped at the first failure: truncated: case01.nii.gz" in last, "2 not made" in last) == (
        3,
        True,
        True,
    )
    strict = save_recipe(tmp_path / "strict.yaml", RECIPE + "dataset: {on_bad_sample: fail}\n")
    code, last, _ = run_serially(strict, dataset, "-o", tmp_path / "other")
    assert (code, "stopped at the first failure" in last) == (3, True)
