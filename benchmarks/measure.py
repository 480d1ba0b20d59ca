"""Measure: a tool as a whole process, from outside and the same way for all: wall, CPU, peak memory, seconds a copy.

Seconds a copy come from the times at which the files were written, so that no tool's own clock is believed: the time
from the last file of the first copy, which warms up and is not counted, to the last file of the last one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ENVIRONMENT = {
    **os.environ,
    **dict.fromkeys((*_THREADS, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1"),
    # Albumentations asks the network for its newest version.
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "NO_UPDATE_CHECK": "1",
    "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE / "peers"))),
    "PYTHONWARNINGS": "ignore",
}
_KIB = 1024


@dataclass(frozen=True)
class Process:
    """What a process took, and what it printed."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: str


def run_process(
    command: Sequence[str], folder: Path, extra: Mapping[str, str] | None = None, *, alone: bool = True
) -> Process:
    """Run `command` in `folder`; ends the benchmark with the command's own words if it fails.

    `alone` holds the process and all it starts to one core, so that a second thread is no second core for anybody.
    """
    cores = sorted(os.sched_getaffinity(0))
    started = time.perf_counter()
    with (folder / "stdout").open("w+") as output, (folder / "stderr").open("w+") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env={**ENVIRONMENT, **(extra or {})}, stdout=output, stderr=errors
        )
        os.sched_setaffinity(process.pid, cores[-1:] if alone else cores)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.perf_counter() - started
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(command)}\nended with {process.returncode}:\n{errors.read()[-3000:]}")
        # ru_maxrss is in KiB on Linux; a child starts with what its parent held, so this process imports nothing large.
        return Process(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _KIB, output.read())


def run_python(script: str, arguments: Sequence[object], folder: Path) -> Process:
    """Run a script of this folder."""
    return run_process([sys.executable, str(HERE / script), *map(str, arguments)], folder)


def run_medaug(
    arguments: Sequence[object], folder: Path, extra: Mapping[str, str] | None = None, *, alone: bool = True
) -> Process:
    """Run the command `medaug run`, on one core where `alone`."""
    command = [sys.executable, "-m", "medaug_cli", "run", *map(str, arguments), "--progress", "none", "-q"]
    return run_process(command, folder, extra, alone=alone)


def empty_folder(folder: Path) -> Path:
    """Return `folder`, made afresh."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def seconds_a_unit(folder: Path, pattern: str, units: int) -> float:
    """Return the seconds a unit from the end of the first of `units` equal shares of the files to the end of the last.

    A unit is whatever ends with the same number of files that match `pattern`: a copy, or all copies of a sample.
    """
    written = sorted(path.stat().st_mtime_ns for path in folder.rglob(pattern) if ".medaug" not in path.parts)
    if not written or len(written) % units:
        sys.exit(f"{folder}: {len(written)} files match {pattern}, which {units} units cannot have written")
    return (written[-1] - written[len(written) // units - 1]) / 1e9 / (units - 1)
