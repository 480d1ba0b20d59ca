"""Exit codes: each by a real process, and the last line of stdout always agrees (P6)."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import (
    RECIPE,
    clean_environment,
    command,
    copies_below,
    events_of,
    exit_code_told,
    here,
    leftovers,
    medaug,
    records_of,
    run_here,
    save_image,
    save_recipe,
    state_of,
    voxel_hashes,
)

from medaug_cli.core.errors import RootError
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from collections.abc import Iterator


def run_serially(recipe: Path, dataset: Path, *more: str | Path, **environment: str) -> tuple[int, str, str]:
    """Run and check that the last line agrees with the exit code; return code, last line and stderr."""
    done = medaug("run", recipe, dataset, "--engine", "serial", *more, **environment)
    assert exit_code_told(done.stdout) == done.returncode
    return done.returncode, done.stdout.splitlines()[-1], done.stderr


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


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


@pytest.mark.parametrize("change", [("seed: 7", "seed: 8"), ("0.05]", "0.04]")], ids=["seed", "step"])
def test_5_for_a_root_made_by_another_recipe_or_seed_until_stale_copies_are_replaced(
    recipe: Path, dataset: Path, tmp_path: Path, change: tuple[str, str]
) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)
    before = voxel_hashes(root)
    other = save_recipe(tmp_path / "other.yaml", RECIPE.replace(*change))
    code, _, said = run_serially(other, dataset, "-o", root)
    assert (code, "--overwrite stale" in said, voxel_hashes(root) == before) == (5, True, True)
    code, last, _ = run_serially(other, dataset, "-o", root, "--overwrite", "stale")
    assert (code, "4 copies made" in last) == (0, True)
    assert set(voxel_hashes(root)) == set(before)
    assert voxel_hashes(root) != before
    assert verify_root(root, None, None) == (8, [])


@pytest.mark.parametrize("mode", ["stale", "all"])
def test_stale_copies_that_the_new_recipe_does_not_make_are_gone_for_good(
    recipe: Path, dataset: Path, tmp_path: Path, mode: str
) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)
    other = save_recipe(tmp_path / "other.yaml", RECIPE.replace("seed: 7", "seed: 8").replace("copies: 2", "copies: 1"))
    run_here(other, dataset, root, overwrite=mode)
    expected = {f"case0{case}_aug0001{part}.nii.gz" for case in (1, 2) for part in ("", "_seg")}
    assert copies_below(root) == set(voxel_hashes(root)) == expected
    tally, _ = run_here(other, dataset, root, only="case01")
    assert (tally.done, tally.kept) == (0, 1)
    assert verify_root(root, None, None) == (4, [])


@pytest.mark.parametrize("mode", ["stale", "all"])
@pytest.mark.parametrize("flags", [("--only", "case01"), ("--limit", "1")], ids=["only", "limit"])
def test_2_where_stale_copies_would_go_that_are_not_made_again(
    recipe: Path, dataset: Path, tmp_path: Path, mode: str, flags: tuple[str, str]
) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)
    before = state_of(root)
    other = save_recipe(tmp_path / "other.yaml", RECIPE.replace("seed: 7", "seed: 8"))
    code, _, said = run_serially(other, dataset, "-o", root, "--overwrite", mode, *flags)
    planned, _, told = here("plan", other, dataset, "-o", root, "--overwrite", mode, *flags)
    assert (code, planned) == (2, 2)
    assert all("2 of them of samples that --only or --limit leaves out" in text for text in (said, told))
    assert state_of(root) == before


def test_stale_copies_of_the_chosen_samples_alone_are_replaced(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root, only="case01")
    other = save_recipe(tmp_path / "other.yaml", RECIPE.replace("seed: 7", "seed: 8"))
    tally, _ = run_here(other, dataset, root, overwrite="stale", only="case01")
    assert (tally.done, tally.kept) == (2, 0)


def test_overwrite_all_makes_every_copy_again_with_the_same_voxels(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)
    before = voxel_hashes(root)
    code, last, _ = run_serially(recipe, dataset, "-o", root, "--overwrite", "all")
    assert (code, "4 copies made, 0 already valid" in last) == (0, True)
    assert voxel_hashes(root) == before


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


@contextmanager
def held(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold ROOT until it is killed, or its stdin ends."""
    hold = (
        "import sys; from pathlib import Path; from medaug_cli.root import hold_root\n"
        "with hold_root(Path(sys.argv[1]), 0):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", hold, str(root)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment()
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_11_while_another_run_holds_root_and_free_at_once_after_kill_9(
    recipe: Path, dataset: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    with held(root) as holder:
        code, _, said = run_serially(recipe, dataset, "-o", root)
        assert (code, f"another run holds it (process {holder.pid} on " in said) == (11, True)
        holder.kill()
        holder.wait()
        assert run_here(recipe, dataset, root)[0].done == 4


def test_status_says_running_of_a_run_that_has_yet_to_begin(tmp_path: Path) -> None:
    with held(tmp_path) as holder:
        code, said, _ = here("status", tmp_path)
        assert (code, f"running (process {holder.pid} on " in said) == (0, True)


def test_status_tells_another_user_who_holds_root(
    recipe: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    run_here(recipe, dataset, root)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(root / ".medaug" / "lock"))

    with monkeypatch.context() as patched, held(root) as holder:
        patched.setattr("medaug_cli.root.FileLock.acquire", refuse)
        assert f"running (process {holder.pid} on " in here("status", root)[1]
        holder.kill()
        holder.wait()
        assert here("status", root)[1] == "finished: 4 copies valid, 0 failed\n"


@pytest.mark.parametrize("end", ["killed", "gave up"])
def test_with_a_lock_timeout_a_run_waits_until_root_is_free(
    recipe: Path,
    dataset: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
) -> None:
    """A run that gives up before it began takes ROOT along, which it made."""
    root = tmp_path / "new" / "root"
    caplog.set_level(logging.DEBUG, "filelock")
    with held(root) as holder:

        class Release(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if "waiting" in record.getMessage() and holder.poll() is None:  # it found ROOT held, and will ask again
                    if end == "killed":
                        holder.kill()
                    assert holder.stdin is not None
                    holder.stdin.close()
                    holder.wait()
                    assert root.exists() == (end == "killed")

        monkeypatch.setattr(logging.getLogger("filelock"), "handlers", [Release()])
        assert run_here(recipe, dataset, root, lock_timeout_s=100.0)[0].done == 4
        assert holder.returncode == (-signal.SIGKILL if end == "killed" else 0)


def test_a_run_that_ends_before_it_began_leaves_no_folder(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    code, _, _ = run_serially(recipe, dataset, "-o", tmp_path / "there" / "new" / "deep" / "er", "--only", "nobody")
    assert (code, list((tmp_path / "there").iterdir())) == (4, [])


def test_5_at_once_where_a_file_or_a_dead_link_stands_for_root(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(RootError, match="cannot be written"):
            run_here(recipe, dataset, tmp_path / name, lock_timeout_s=100.0)


@pytest.mark.parametrize(
    "flag", ["MEDAUG_TIMEOUT", "MEDAUG_MAX_DURATION", "MEDAUG_MEMORY", "MEDAUG_WORKERS", "MEDAUG_LOG_FILE"]
)
def test_the_last_line_agrees_where_a_flag_or_its_variable_is_wrong(
    recipe: Path, dataset: Path, tmp_path: Path, flag: str
) -> None:
    done = medaug("run", recipe, dataset, "-o", tmp_path / "root", **{flag: "/dev/null/bad"})
    assert (done.returncode, exit_code_told(done.stdout)) == (2, 2), done.stderr
    assert not (tmp_path / "root").exists()


def test_a_bug_has_its_last_line_too_and_its_text_is_not_in_it(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    code = (
        "from medaug_cli import run\ndef fail(*_): raise ValueError('Doe^Jane')\nrun.make_plan = fail\n"
        "from medaug_cli.cli import main\nmain()"
    )
    arguments = ["run", str(recipe), str(dataset), "-o", str(tmp_path / "root"), "--engine", "serial"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--log-file", str(tmp_path / "log")],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, exit_code_told(done.stdout)) == (1, 1)
    assert "exit 1: a bug in medaug: ValueError" in (tmp_path / "log").read_text(encoding="utf-8")
    assert "Doe" not in (tmp_path / "log").read_text(encoding="utf-8") + done.stdout


def test_the_last_json_line_tells_the_exit_code_of_an_error_too(dataset: Path, tmp_path: Path) -> None:
    done = medaug("run", tmp_path / "none.yaml", dataset, "--json")
    (event,) = events_of(done.stdout)
    assert (done.returncode, event["event"], event["exit_code"]) == (2, "finished", 2)
    assert "none.yaml: cannot be read" in event["message"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_names_that_the_terminal_cannot_show_end_no_run(recipe: Path, tmp_path: Path, encoding: str) -> None:
    save_image(tmp_path / "d" / "脑é.nii.gz")
    damage(tmp_path / "d" / "脑é.nii.gz")
    root = tmp_path / "root脑"
    arguments = ["run", recipe, tmp_path / "d", "-o", root, "--engine", "serial", "--json"]
    done = medaug(*arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 3
    events = events_of(done.stdout)
    assert {event["sample_id"] for event in events if event["event"] == "copy"} == {"脑é"}
    assert "root脑" in events[-1]["message"]


@pytest.mark.skipif(os.name != "posix", reason="pipes close otherwise elsewhere")
def test_a_reader_that_leaves_early_breaks_nothing_that_stands(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    """As `medaug run --json | head -1` does."""
    root = tmp_path / "root"
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ["run", str(recipe), str(dataset), "-o", str(root), "--engine", "serial", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "medaug_cli", *arguments], stdout=writing, env=clean_environment(), check=False
    )
    os.close(writing)
    assert done.returncode == 0
    assert verify_root(root, None, None) == (8, [])


@pytest.mark.skipif(os.name != "posix", reason="a shell that closes streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_cost_no_copy(recipe: Path, dataset: Path, tmp_path: Path, closed: str) -> None:
    """As some daemons start what they run."""
    root = tmp_path / "root"
    words = command("run", recipe, dataset, "-o", root, "--workers", "1")
    done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *words], env=clean_environment(), check=False)
    assert done.returncode == 0
    assert verify_root(root, None, None) == (8, [])


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full stands on Linux only")
@pytest.mark.parametrize(
    ("stream", "flags", "code"),
    [("stdout", ["--json"], 6), ("stdout", [], 6), ("stderr", ["-v"], 0), ("stderr", ["--progress", "bar"], 0)],
)
def test_a_full_disk_under_what_is_said_costs_no_copy(
    recipe: Path, dataset: Path, tmp_path: Path, stream: str, flags: list[str], code: int
) -> None:
    root, log = tmp_path / "root", tmp_path / "log"
    words = command("run", recipe, dataset, "-o", root, "--engine", "serial", "--log-file", log, *flags)
    with FULL.open("w", encoding="utf-8") as full:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full}
        done = subprocess.run(words, **streams, env=clean_environment(), text=True, check=False)
    assert done.returncode == code
    assert f"medaug: exit {code}: 4 copies made" in log.read_text(encoding="utf-8").splitlines()[-1]
    assert stream == "stderr" or "stdout: No space left on device; what was to be said there is lost" in done.stderr
    assert verify_root(root, None, None) == (8, [])


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full stands on Linux only")
def test_a_log_on_a_full_disk_is_dropped_with_one_warning(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    code, _, said = run_serially(recipe, dataset, "-o", root, "--log-file", FULL)
    warning = "warning: --log-file /dev/full: cannot be written: No space left on device; nothing more is logged"
    assert (code, said.splitlines()) == (0, [warning, "4 copies to make, 0 already valid, 1 workers"])
    assert verify_root(root, None, None) == (8, [])


@pytest.mark.skipif(os.name != "posix", reason="pipes close otherwise elsewhere")
def test_a_reader_that_leaves_a_long_answer_early_is_no_bug() -> None:
    """As `medaug transforms | head -1` does."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command("transforms"), stdout=writing, stderr=subprocess.PIPE, env=clean_environment(), check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
