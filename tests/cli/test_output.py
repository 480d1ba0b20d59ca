"""What a run tells: stdout for results, stderr for people, JSON lines, log files, environment variables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import RECIPE, copies_below, events_of, here, medaug, records_of, run_here, save_recipe, state_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_says_one_line_on_stdout_and_the_rest_on_stderr(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "made" / "medaug-manifest.jsonl"
    done = medaug("run", recipe, dataset, "-o", manifest.parent, "--engine", "serial", "--progress", "plain")
    assert done.stdout == f"medaug: exit 0: 4 copies made, 0 already valid, 0 failed; see {manifest}\n"
    assert done.stderr == "4 copies to make, 0 already valid, 1 workers\n"


def test_quiet_leaves_the_last_line_only(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    done = medaug("run", recipe, dataset, "-o", tmp_path / "root", "--engine", "serial", "-q")
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_verbose_tells_every_copy_and_the_log_file_keeps_all_of_it(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    log = tmp_path / "medaug.log"
    done = medaug("run", recipe, dataset, "-o", tmp_path / "root", "--engine", "serial", "-v", "--log-file", log)
    copies = [f"case0{case} copy {copy}: ok" for case in (1, 2) for copy in (1, 2)]
    assert done.stderr.splitlines()[1:] == copies
    messages = [line.split(" ", 1)[1] for line in log.read_text(encoding="utf-8").splitlines()]
    assert messages == [*done.stderr.splitlines(), *done.stdout.splitlines()]


def test_a_log_file_is_appended_to_even_when_quiet(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    log = tmp_path / "medaug.log"
    log.write_text("before\n", encoding="utf-8")
    medaug("run", recipe, dataset, "-o", tmp_path / "root", "--engine", "serial", "-q", "--log-file", log)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "before"
    assert "medaug: exit 0: 4 copies made" in lines[-1]


@pytest.mark.parametrize("flags", [["--timeout", "5m", "--retries", "3"], ["--memory", "4GiB"], []], ids=" ".join)
def test_flags_that_a_serial_run_does_not_heed_are_told(
    recipe: Path, dataset: Path, tmp_path: Path, flags: list[str]
) -> None:
    words = ["run", recipe, dataset, "-o", tmp_path / "root", "--engine", "serial", *flags]
    idle = ", ".join(flag for flag in flags if flag.startswith("--"))
    warning = f"warning: {idle}: without effect beside --engine serial, which nothing guards; use --engine local\n"
    expected = warning if flags else ""
    assert medaug(*words, "--dry-run").stderr == expected
    assert medaug(*words).stderr == f"{expected}4 copies to make, 0 already valid, 1 workers\n"


def test_a_bar_is_drawn_on_stderr_when_asked_for(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    done = medaug("run", recipe, dataset, "-o", tmp_path / "root", "--engine", "serial", "--progress", "bar")
    assert "4/4" in done.stderr
    assert done.stdout.startswith("medaug: exit 0")


def test_json_counts_every_copy_and_ends_with_the_exit_code(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    done = medaug("run", recipe, dataset, "-o", tmp_path / "root", "--engine", "serial", "--json")
    events = events_of(done.stdout)
    assert [event["event"] for event in events] == ["started", *["copy"] * 4, "finished"]
    assert [event["done"] for event in events] == [0, 1, 2, 3, 4, 4]
    assert [event["exit_code"] for event in events] == [None] * 5 + [0]
    assert {(event["sample_id"], event["copy"]) for event in events[1:-1]} == {
        (f"case0{case}", copy) for case in (1, 2) for copy in (1, 2)
    }


def test_flags_may_stand_in_the_environment(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    done = medaug(
        *("run", recipe, dataset),
        MEDAUG_OUTPUT=str(tmp_path / "root"),
        MEDAUG_ENGINE="serial",
        MEDAUG_WORKERS="1",
        MEDAUG_COPIES="1",
        MEDAUG_SEED="99",
        MEDAUG_ONLY="*02",
        MEDAUG_JSON="1",
        MEDAUG_QUIET="1",
    )
    assert events_of(done.stdout)[-1]["done"] == 1
    assert done.stderr == ""
    (record,) = records_of(tmp_path / "root")
    assert (record.sample_id, record.copy_, record.seed.root) == ("case02", 1, 99)


def test_a_flag_wins_over_the_environment(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    done = medaug(
        *("run", recipe, dataset, "-o", root, "--copies", "1", "--limit", "1", "--engine", "serial"), MEDAUG_COPIES="3"
    )
    assert done.returncode == 0
    assert [(record.sample_id, record.copy_) for record in records_of(root)] == [("case01", 1)]


def test_a_dry_run_and_a_plan_say_the_same_and_write_nothing(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    before = state_of(tmp_path)
    dry = medaug("run", recipe, dataset, "-o", tmp_path / "root", "--dry-run")
    plan = medaug("plan", recipe, dataset, "-o", tmp_path / "root")
    assert (dry.returncode, plan.returncode) == (0, 0)
    assert dry.stdout.splitlines()[:2] == plan.stdout.splitlines()[:2]
    assert "jobs: 2 samples, 4 copies to make, 0 already valid" in plan.stdout
    assert state_of(tmp_path) == before
    assert not (tmp_path / "root").exists()
    assert not (dataset / ".medaug").exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--copies", "3", "--engine", "serial", "--resampler", "simpleitk", "--timeout", "5m", "--retries", "2"],
        ["--workers", "2", "--memory", "4GiB", "--max-duration", "1h", "--max-failures", "5%", "--fail-fast"],
        ["--workers", "many"],
    ],
    ids=["recipe", "limits", "wrong"],
)
def test_a_plan_takes_the_flags_of_a_run_and_says_what_it_would_do(
    recipe: Path, dataset: Path, flags: list[str]
) -> None:
    given = {"MEDAUG_OUTPUT": str(dataset.parent / "root"), "MEDAUG_ONLY": "*02"}
    dry = medaug("run", recipe, dataset, "--dry-run", *flags, **given)
    plan = medaug("plan", recipe, dataset, *flags, **given)
    assert (plan.returncode, plan.stderr) == (dry.returncode, dry.stderr)
    assert told_of(plan.stdout) == told_of(dry.stdout)
    assert told_of(plan.stdout) == [] or "jobs: 1 samples" in plan.stdout


def told_of(stdout: str) -> list[str]:
    """Return the lines without that on the disk, which others write to meanwhile."""
    return [line for line in stdout.splitlines() if not line.startswith("disk: ")]


def test_a_plan_with_another_seed_than_that_of_the_copies_is_refused_as_the_run_is(
    recipe: Path, dataset: Path, tmp_path: Path
) -> None:
    run_here(recipe, dataset, tmp_path / "root")
    assert here("plan", recipe, dataset, "-o", tmp_path / "root", "--seed", "8")[0] == 5
    assert "0 copies to make, 4 already valid" in here("plan", recipe, dataset, "-o", tmp_path / "root")[1]


@pytest.mark.parametrize("output", ["file", "file/root"])
def test_a_plan_tells_its_warnings_in_json_too_and_that_output_is_a_file(
    recipe: Path, dataset: Path, tmp_path: Path, output: str
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    warning = f"{tmp_path}/file: is a file; choose another folder with -o"
    _, said, _ = here("plan", recipe, dataset, "-o", tmp_path / output, "--json")
    assert json.loads(said)["warnings"] == [warning]
    assert f"warning: {warning}\n" in here("plan", recipe, dataset, "-o", tmp_path / output)[2]


def test_a_plan_counts_no_copy_of_a_sample_that_it_leaves_out(recipe: Path, dataset: Path) -> None:
    before = json.loads(here("plan", recipe, dataset, "--only", "case01", "--json")[1])
    (dataset / "case02_seg.nii.gz").write_bytes(b"no nifti")
    after = json.loads(here("plan", recipe, dataset, "--json")[1])
    assert [problem[0] for problem in after["problems"]] == ["case02"]
    kept = ("jobs", "outputs", "bytes_needed", "bytes_of_memory_a_worker", "seconds")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert "jobs: 1 samples, 2 copies to make, 0 already valid" in here("plan", recipe, dataset)[1]


def test_a_plan_in_json_names_every_file_that_the_run_then_writes(recipe: Path, dataset: Path) -> None:
    plan = json.loads(medaug("plan", recipe, dataset, "--json").stdout)
    assert plan["jobs"] == [{"sample_id": "case01", "copies": [1, 2]}, {"sample_id": "case02", "copies": [1, 2]}]
    assert (plan["samples"], plan["kept"], plan["skipped"], plan["problems"]) == (2, 0, [], [])
    assert plan["bytes_free"] > plan["bytes_needed"]
    run_here(recipe, dataset, dataset)
    assert copies_below(dataset) == set(plan["outputs"])
    assert sum((dataset / path).stat().st_size for path in plan["outputs"]) < plan["bytes_needed"]
    again = json.loads(medaug("plan", recipe, dataset, "--json").stdout)
    assert (again["jobs"], again["kept"], again["samples"]) == ([], 4, 2)


def test_a_plan_tells_the_samples_that_the_table_and_their_files_leave_out(dataset: Path, tmp_path: Path) -> None:
    (dataset / "case02_seg.nii.gz").write_bytes(b"no nifti")
    (dataset / "split.csv").write_text("case,split\ncase01,test\ncase02,train\n", encoding="utf-8")
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE + "dataset: {table: split.csv, split: {column: split}}\n")
    done = medaug("plan", recipe, dataset)
    assert done.returncode == 0, done.stderr
    left_out = [line for line in done.stdout.splitlines() if line.startswith("left out: ")]
    assert [line.split(": ")[1] for line in left_out] == ["case01", "case02"]
    assert "case02_seg.nii.gz" in left_out[1]
