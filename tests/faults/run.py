"""Run the fault plan and print a table: `python -m faults.run [--ids K1,V1] [--count K1=30] [--write FILE]`.

A line is written as soon as it is done, so that the plan can be run in parts and taken up again.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from faults.plan import PLAN

from medaug_cli import __version__

if TYPE_CHECKING:
    from faults.experiment import Experiment, Outcome

_LIBRARIES = ("numpy", "numba", "SimpleITK", "nibabel", "pydicom", "joblib", "pydantic", "filelock", "isal")
_HEAD = (
    "| id | injected | injections | violations | seconds | commit | measured |\n"
    "| --- | --- | ---: | ---: | ---: | --- | --- |\n"
)


def main() -> int:
    """Return 0 if no promise was broken."""
    asked = _parse()
    counts = dict(pair.split("=") for pair in asked.count)
    chosen = [one for one in PLAN if not asked.ids or one.id.split(",")[0] in asked.ids.split(",")]
    broken = 0
    for experiment in chosen:
        count = int(counts.get(experiment.id, experiment.full))
        with tempfile.TemporaryDirectory(prefix="medaug-faults-", dir=asked.folder) as folder:
            started = time.monotonic()
            outcome = experiment.work(Path(folder), count)
        line = _line(experiment, outcome, time.monotonic() - started)
        broken += len(outcome.violations)
        print(line, end="", flush=True)
        for violation in outcome.violations[:20]:
            print(f"    {experiment.id}: {violation}", flush=True)
        if asked.write:
            _write(Path(asked.write), line)
    return 1 if broken else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", default="", help="which experiments, such as K1,V1; all without it")
    parser.add_argument("--count", action="append", default=[], metavar="ID=N", help="another number of injections")
    parser.add_argument("--folder", default=None, help="where to work; the system's temporary folder without it")
    parser.add_argument("--write", default="", metavar="FILE", help="write the table into FILE, a line for each id")
    return parser.parse_args()


def _line(experiment: Experiment, outcome: Outcome, seconds: float) -> str:
    if outcome.skipped:
        return f"| {experiment.id} | {experiment.injection} | 0 | | | {_commit()} | skipped: {outcome.skipped} |\n"
    note = outcome.note.replace("|", "/")
    figures = f"{outcome.injections} | {len(outcome.violations)} | {seconds:.0f} | {_commit()}"
    return f"| {experiment.id} | {experiment.injection} | {figures} | {note} |\n"


def _commit() -> str:
    """Return the commit that was measured; empty without git."""
    words = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _write(path: Path, line: str) -> None:
    """Put `line` into the table of the page, in the place of the line with its id; the rest stays."""
    text = path.read_text(encoding="utf-8")
    before, marker, rest = text.partition("<!-- table -->\n")
    old, end_marker, after = rest.partition("<!-- end -->\n")
    every = [*(row for row in old.splitlines(keepends=True) if row.startswith("|")), line]
    rows = {row.split("|")[1].strip(): row for row in every if not row.startswith(("| id", "| ---"))}
    table = "".join(rows[experiment.id] for experiment in PLAN if experiment.id in rows)
    path.write_text(f"{before}{marker}{_machine()}\n\n{_HEAD}{table}{end_marker}{after}", encoding="utf-8")


def _machine() -> str:
    """Return where and when, and by which versions, on one line."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)
    memory = psutil.virtual_memory().total / (1 << 30)
    return (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {platform.system()} {platform.release()} "
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, "
        f"medaug {__version__}, {versions}."
    )


if __name__ == "__main__":
    sys.exit(main())
