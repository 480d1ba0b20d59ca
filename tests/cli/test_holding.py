"""Holding ROOT: one run at a time, whoever asks is told which, and a killed one holds nothing."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import clean_environment, here, run_here, run_serially

from medaug_cli.core.errors import RootError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def held(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold ROOT until it is killed, or its stdin ends."""
    hold = (
        "import sys; from pathlib import Path; from medaug_cli.holding import hold_root\n"
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
        patched.setattr("medaug_cli.holding.FileLock.acquire", refuse)
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
