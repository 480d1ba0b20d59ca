"""Last words: stdout ends with the exit code whatever happens, also where nobody or a full disk takes what is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from datasets_for_runs import (
    clean_environment,
    command,
    damage,
    events_of,
    exit_code_told,
    medaug,
    run_serially,
    save_image,
)

from medaug_cli.verify import verify_root


@pytest.mark.parametrize(
    "flag", ["MEDAUG_TIMEOUT", "MEDAUG_MAX_DURATION", "MEDAUG_MEMORY", "MEDAUG_WORKERS", "MEDAUG_LOG_FILE"]
)
def test_the_last_line_agrees_where_a_flag_or_its_variable_is_wrong(
    recipe: Path, dataset: Path, tmp_path: Path, flag: str
) -> None:
    done = medaug("run", recipe, dataset, "-o", tmp_path / "root", **{flag: "/dev/null/bad"})
    assert (done.returncode, exit_code_told(done.stdout)) == (2, 2), done.stderr
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("words", [("--nope",), ("--copies", "many"), ("--engine", "steam"), ("a", "third", "word")])
@pytest.mark.parametrize("as_json", [False, True])
def test_the_last_line_agrees_where_the_words_are_no_command_line(
    recipe: Path, dataset: Path, tmp_path: Path, words: tuple[str, ...], as_json: bool
) -> None:
    done = medaug("run", recipe, dataset, "-o", tmp_path / "root", *words, *(["--json"] if as_json else []))
    told = events_of(done.stdout)[-1]["exit_code"] if as_json else exit_code_told(done.stdout)
    assert (done.returncode, told, len(done.stdout.splitlines())) == (2, 2, 1)
    assert done.stderr.startswith("Usage: ")


@pytest.mark.parametrize(("said", "is_json"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_the_variable_for_json_counts_where_the_flags_are_wrong(
    recipe: Path, dataset: Path, said: str, is_json: bool
) -> None:
    done = medaug("run", recipe, dataset, "--nope", MEDAUG_JSON=said)
    assert (done.returncode, done.stdout.startswith("{")) == (2, is_json)


def test_another_command_has_no_last_line_of_a_run() -> None:
    done = medaug("status", "run", "--nope")
    assert (done.returncode, done.stdout) == (2, "")


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
