"""Compiled loops on disk: made once for all processes, never taken for another type's, stale with any loop's source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import medaug_cli
from medaug_cli.core.jit_files import _LOCK, _Files

# Says how many loops it compiled, and what one of them gave.
PROGRAM = textwrap.dedent("""
    import sys
    import numpy as np
    from medaug_cli.core import tallies
    values = np.arange(-8, 8).astype(sys.argv[1])
    lowest, highest, *_ = tallies.summarise(values)
    print(sum(tallies._sum_up.stats.cache_misses.values()), int(lowest), int(highest))
""")
ENDS = {"int16": [-8, 7], "uint16": [0, 65535]}


def run(folder: Path, kind: str, sources: Path | None = None) -> list[int]:
    """Run PROGRAM in a process of its own that caches in `folder`; return the numbers that it says."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    if sources is not None:
        environment["PYTHONPATH"] = str(sources)
    command = [sys.executable, "-c", PROGRAM, kind]
    done = subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True, text=True)
    return [int(word) for word in done.stdout.split()]


def run_at_once(folder: Path, *kinds: str) -> list[list[int]]:
    with ThreadPoolExecutor(len(kinds)) as pool:
        return list(pool.map(lambda kind: run(folder, kind), kinds))


def test_processes_that_start_at_once_compile_a_loop_once(tmp_path: Path) -> None:
    found = run_at_once(tmp_path, "int16", "int16", "int16")
    assert [ends for _, *ends in found] == [ENDS["int16"]] * 3
    assert sum(compiled for compiled, *_ in found) == 1


def test_each_of_two_types_compiled_at_once_is_kept(tmp_path: Path) -> None:
    assert run_at_once(tmp_path, *ENDS) == [[1, *ends] for ends in ENDS.values()]
    assert [run(tmp_path, kind) for kind in ENDS] == [[0, *ends] for ends in ENDS.values()]


def test_a_folder_that_cannot_be_locked_is_used_all_the_same(tmp_path: Path) -> None:
    run(tmp_path, "int16")
    (index,) = tmp_path.rglob("*.nbi")
    lock = index.with_name(_LOCK)
    lock.unlink(missing_ok=True)  # some versions of filelock leave it
    lock.mkdir()
    assert run(tmp_path, "uint16") == [1, *ENDS["uint16"]]
    assert run(tmp_path, "uint16") == [0, *ENDS["uint16"]]


def test_a_change_of_another_file_with_loops_makes_it_stale(tmp_path: Path) -> None:
    sources, cache = tmp_path / "sources", tmp_path / "cache"
    cache.mkdir()
    package = shutil.copytree(Path(medaug_cli.__file__).parent, sources / "medaug_cli")
    assert [run(cache, "int16", sources)[0] for _ in range(2)] == [1, 0]
    with (package / "spatial" / "sampling.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert run(cache, "int16", sources)[0] == 1


@pytest.mark.parametrize("step", ["_load_index", "_save_index", "_open_for_write"])
def test_what_two_processes_save_at_once_is_not_mixed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Another process, which had read the index before, saves what it compiled for other types before any step."""
    own, other = (_Files(str(tmp_path), "loop", "stamp") for _ in range(2))
    monkeypatch.setattr(other, "_load_index", dict)
    done: list[str] = []

    def interrupted(*arguments: Any) -> Any:
        if not done:
            done.append(step)
            other.save("float32", "compiled for float32")
        return getattr(_Files, step)(own, *arguments)

    monkeypatch.setattr(own, step, interrupted)
    own.save("int16", "compiled for int16")
    monkeypatch.undo()
    assert done == [step]
    found = [own.load(kind) for kind in ("int16", "float32")]
    assert any(found)
    assert found[0] in ("compiled for int16", None)  # None: compiled once more
    assert found[1] in ("compiled for float32", None)


def test_the_index_never_names_what_is_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (_Files(str(tmp_path), "loop", stamp) for stamp in ("old", "new"))
    old.save("int16", "old code")
    monkeypatch.setattr(new, "_open_for_write", lambda *_: pytest.fail("no space left"))
    with pytest.raises(pytest.fail.Exception):
        new.save("int16", "new code")
    assert new.load("int16") is None


@pytest.mark.parametrize("kept", [0, 1, 20, -1])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_file_that_the_disk_has_lost_a_part_of_is_made_again(tmp_path: Path, kind: str, kept: int) -> None:
    files = _Files(str(tmp_path), "loop", "stamp")
    files.save("int16", "compiled for int16")
    (path,) = tmp_path.glob(f"*.{kind}")
    path.write_bytes(path.read_bytes()[:kept])
    assert files.load("int16") is None
    files.save("int16", "compiled for int16")
    assert files.load("int16") == "compiled for int16"


def test_a_changed_byte_of_compiled_code_is_never_run(tmp_path: Path) -> None:
    files = _Files(str(tmp_path), "loop", "stamp")
    files.save("int16", "compiled for int16")
    (path,) = tmp_path.glob("*.nbc")
    path.write_bytes(path.read_bytes().replace(b"compiled", b"combined"))
    assert files.load("int16") is None
