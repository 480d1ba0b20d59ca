"""One run, one look and one check over a folder full of bad files, shared by the tests that ask what became of each."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datasets_for_runs import clean_environment, command, events_of, records_of

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.manifest import Record


_STARTER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


@dataclass(frozen=True)
class Told:
    """What one command said, its exit code, and the most memory that it held."""

    code: int
    stdout: str
    stderr: str
    peak_mib: float


def run_measured(folder: Path, *arguments: str | Path, **environment: str) -> Told:
    """Run a real `medaug` to its end, under a small process: Linux counts the starter's memory as the started one's."""
    with (folder / "stdout").open("w+") as out, (folder / "stderr").open("w+") as err:
        told = folder / "peak"
        words = [sys.executable, "-S", "-c", _STARTER, told, *command(*arguments)]
        code = subprocess.call(words, env=clean_environment(**environment), stdout=out, stderr=err)
        out.seek(0), err.seek(0)
        return Told(code, out.read(), err.read(), int(told.read_text()) / 1024)


@dataclass(frozen=True)
class Survey:
    """A dataset of bad files after `run`, `scan --deep` and `validate`."""

    root: Path
    run: Told
    scan: Told
    validate: Told

    @property
    def records(self) -> dict[str, Record]:
        """The record of each sample's first copy."""
        return {record.sample_id: record for record in records_of(self.root)}

    @property
    def events(self) -> list[dict[str, Any]]:
        """What `run --json` told."""
        return events_of(self.run.stdout)

    @property
    def left_alone(self) -> dict[str, str]:
        """Path and reason of what `scan` found to be no source."""
        return {path: reason for path, reason, _ in json.loads(self.scan.stdout)["left_alone"]}


def survey(folder: Path, dataset: Path, recipe: Path) -> Survey:
    """Run, scan deeply and validate `dataset`, one worker each."""
    root = folder / "root"
    return Survey(
        root,
        run_measured(folder, "run", recipe, dataset, "-o", root, "--engine", "serial", "--json"),
        run_measured(folder, "scan", dataset, "--deep", "--json", "--recipe", recipe),
        run_measured(folder, "validate", recipe, dataset),
    )


def control_signs(text: str) -> set[str]:
    """Return the signs of `text`, line ends apart, that could move the cursor or recolour a terminal."""
    return {sign for sign in text if unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp"} and sign != "\n"}
