"""P2: kill or stop a run at any time, any number of times; running again ends as if nothing had happened."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from datasets_for_runs import (
    clean_environment,
    command,
    copies_below,
    events_of,
    exit_code_told,
    leftovers,
    medaug,
    run_here,
    save_dataset,
    save_recipe,
    voxel_hashes,
)

from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CASES, COPIES = 10, 3
RECIPE = f"version: 1\nseed: 3\ncopies: {COPIES}\nsteps: [affine, gamma]\n"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with recipe.yaml, dataset/ and root/, which a run made that nothing disturbed."""
    folder = tmp_path_factory.mktemp("kills")
    save_dataset(folder / "dataset", cases=CASES)
    run_here(save_recipe(folder / "recipe.yaml", RECIPE), folder / "dataset", folder / "root")
    return folder


@contextlib.contextmanager
def running(reference: Path, root: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Start a real run with two workers and events on stdout; end it however the test leaves it."""
    arguments = ["run", reference / "recipe.yaml", reference / "dataset", "-o", root, "--workers", "2", "--json", *more]
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_copies(process: subprocess.Popen[str], count: int) -> int:
    """Read events until `count` copies are made or the run ends; return how many were."""
    assert process.stdout is not None
    made = 0
    for line in process.stdout:
        made += json.loads(line)["event"] == "copy"
        if made >= count:
            break
    return made


def assert_complete(reference: Path, root: Path) -> None:
    """No file without a record, no record without its file, no temporary, and the voxels of an undisturbed run."""
    assert voxel_hashes(root) == voxel_hashes(reference / "root")
    assert copies_below(root) == set(voxel_hashes(root))
    assert leftovers(root) == []
    assert verify_root(root, None, None) == (CASES * COPIES * 2, [])


def test_killed_again_and_again_the_run_ends_as_an_undisturbed_one(reference: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    made_before_the_kill = []
    for count in (1, 5, 8):
        with running(reference, root) as process:
            made_before_the_kill.append(wait_for_copies(process, count))
            workers = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait()
            _, alive = psutil.wait_procs(workers, timeout=5)
            assert alive == []
    assert sum(made_before_the_kill) >= 1 + 5 + 8
    done = medaug("run", reference / "recipe.yaml", reference / "dataset", "-o", root, "--workers", "2")
    assert (done.returncode, exit_code_told(done.stdout)) == (0, 0)
    assert_complete(reference, root)


def test_status_and_verify_tell_of_a_killed_run(reference: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    with running(reference, root) as process:
        wait_for_copies(process, 1)
        process.send_signal(signal.SIGSTOP)
        held = medaug("status", root)
        process.kill()
        process.wait()
    assert f"running (process {process.pid} on " in held.stdout
    assert "not finished, run again" in medaug("status", root).stdout
    assert medaug("verify", root).returncode == 5  # there is no manifest yet


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_leaves_a_sound_manifest_and_goes_on_later(
    reference: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    root = tmp_path / "root"
    with running(reference, root) as process:
        made = wait_for_copies(process, 2)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        rest, said = process.communicate(timeout=20)
    last = events_of(rest)[-1]
    assert (process.returncode, last["event"], last["exit_code"]) == (code, "finished", code), said
    assert "interrupted; run again to go on" in last["message"]
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert made >= 2
    # At once, before anything is run again:
    assert verify_root(root, None, None)[1] == []
    assert copies_below(root) == set(voxel_hashes(root))
    assert leftovers(root) == []
    run_here(reference / "recipe.yaml", reference / "dataset", root)
    assert_complete(reference, root)


def test_a_worker_killed_from_outside_costs_nothing(reference: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    with running(reference, root) as process:
        wait_for_copies(process, 2)
        workers = [
            child for child in psutil.Process(process.pid).children() if "LokyProcess" in " ".join(child.cmdline())
        ]
        assert workers != []
        workers[0].kill()
        rest, said = process.communicate(timeout=60)
    assert (process.returncode, events_of(rest)[-1]["exit_code"]) == (0, 0), said
    assert_complete(reference, root)


# A run in which a signal comes at a moment that no clock could hit.
SIGNAL_AT = """
import os, signal, sys
number, moment = int(sys.argv.pop(1)), sys.argv.pop(1)
from medaug_cli import root, run
def strike(holder, name):
    real = getattr(holder, name)
    def struck(*arguments, **more):
        setattr(holder, name, real)
        os.kill(os.getpid(), number)
        return real(*arguments, **more)
    setattr(holder, name, struck)
moments = {
    "look": (run, "look"), "begin": (root.Root, "begin"), "add": (root.Root, "add"), "finish": (root.Root, "finish"),
    "sums": (root, "in_order"), "journal": (root, "lines_of"), "publish": (root, "publish"),
}
strike(*moments[moment])
from medaug_cli.cli import main
main()
"""


@pytest.mark.parametrize("moment", ["look", "begin", "publish", "add", "journal", "finish", "sums"])
def test_a_signal_at_any_moment_ends_in_its_exit_code_and_a_sound_root(
    reference: Path, tmp_path: Path, moment: str
) -> None:
    root = tmp_path / "root"
    arguments = [
        "run",
        reference / "recipe.yaml",
        reference / "dataset",
        "-o",
        root,
        "--engine",
        "serial",
        "--limit",
        "2",
    ]
    done = subprocess.run(
        [sys.executable, "-c", SIGNAL_AT, str(int(signal.SIGTERM)), moment, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )
    assert (done.returncode, exit_code_told(done.stdout)) == (143, 143), done.stderr
    assert "Traceback" not in done.stderr
    if (root / "medaug-manifest.jsonl").exists():
        assert verify_root(root, None, None)[1] == []
        assert copies_below(root) == set(voxel_hashes(root))
    run_here(reference / "recipe.yaml", reference / "dataset", root)
    assert_complete(reference, root)


def test_a_second_signal_ends_a_run_at_once_and_the_next_clears_up(reference: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    with running(reference, root) as process:
        wait_for_copies(process, 1)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=5)
    assert process.returncode in {130, -signal.SIGINT}
    run_here(reference / "recipe.yaml", reference / "dataset", root)
    assert_complete(reference, root)
