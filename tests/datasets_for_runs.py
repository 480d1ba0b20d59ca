"""Small NIfTI datasets, recipes and runs of the real command, shared by the tests of recipe, command line and runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from typer.testing import CliRunner

from medaug_cli.cli import app
from medaug_cli.core.errors import MedaugError
from medaug_cli.manifest import MANIFEST_NAME, Record, read_records
from medaug_cli.recipe import load_recipe
from medaug_cli.run import Options, run

if TYPE_CHECKING:
    from medaug_cli.events import Event
    from medaug_cli.tally import Tally

PROJECT = Path(__file__).resolve().parents[1]
# Oblique about LR by 10 degrees, voxels of 0.9 x 1.1 x 2.5 mm; RAS, as NIfTI says it.
_TILT = np.deg2rad(10)
OBLIQUE = np.array(
    [
        [-0.9, 0, 0, 20],
        [0, 1.1 * np.cos(_TILT), -2.5 * np.sin(_TILT), -30],
        [0, 1.1 * np.sin(_TILT), 2.5 * np.cos(_TILT), 12],
        [0, 0, 0, 1],
    ]
)
SIZE = (14, 12, 6)
RECIPE = """\
version: 1
seed: 7
copies: 2
steps:
  - flip: {axes: [LR], p: 0.5}
  - affine: {rotation_deg: [-10, 10], translation_mm: [-2, 2]}
  - gaussian_noise: {sigma: [0.01, 0.05], relative_to: percentile}
"""


def save_image(path: Path, seed: int = 1, affine: np.ndarray[Any, Any] = OBLIQUE, **fields: Any) -> None:
    """Write an int16 image of `SIZE` that differs from seed to seed; `fields` go into its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.random.default_rng(seed).integers(-100, 900, SIZE).astype(np.int16)
    image = nib.nifti1.Nifti1Image(array, affine)
    for name, value in fields.items():
        image.header[name] = value
    nib.save(image, path)


def save_label(path: Path, affine: np.ndarray[Any, Any] = OBLIQUE, size: tuple[int, int, int] = SIZE) -> None:
    """Write a uint8 label map: a block of 1 and a block of 2."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros(size, np.uint8)
    array[2:5, 3:8, 1:4], array[8:12, 3:8, 1:4] = 1, 2
    nib.save(nib.nifti1.Nifti1Image(array, affine), path)


def save_case(folder: Path, case: str, seed: int = 1) -> None:
    """Write `CASE.nii.gz` and `CASE_seg.nii.gz`."""
    save_image(folder / f"{case}.nii.gz", seed)
    save_label(folder / f"{case}_seg.nii.gz")


def save_dataset(folder: Path, cases: int = 3) -> Path:
    """Write `cases` cases, case01 and so on; return the folder."""
    for number in range(1, cases + 1):
        save_case(folder, f"case{number:02d}", seed=number)
    return folder


def damage(path: Path) -> None:
    """Cut off the end of a file."""
    path.write_bytes(path.read_bytes()[:-20])


def save_recipe(path: Path, text: str = RECIPE) -> Path:
    """Write a recipe; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def clean_environment(**more: str) -> dict[str, str]:
    """Return this process's environment for a real `medaug`, without the flags that the caller's shell may set."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MEDAUG_")}
    return {**kept, "PYTHONPATH": str(PROJECT), **more}


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of a real `medaug`."""
    return [sys.executable, "-m", "medaug_cli", *map(str, arguments)]


def medaug(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a real `medaug` to its end."""
    return subprocess.run(
        command(*arguments),
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=120,
    )


def here(*arguments: str | Path) -> tuple[int, str, str]:
    """Call a command in this process; return exit code, stdout and stderr, or the text of the error that ended it."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, MedaugError):
        return int(done.exception.exit_code), done.stdout, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def run_here(recipe: Path, dataset: Path, root: Path, **options: Any) -> tuple[Tally, list[Event]]:
    """Run in this process, serially unless `options` say otherwise; return the counts and every event."""
    events: list[Event] = []
    tally = run(load_recipe(recipe), dataset, root, Options(**{"engine": "serial", **options}), events.append)
    return tally, events


def records_of(root: Path) -> list[Record]:
    """Return the records of a manifest."""
    return list(read_records(root / MANIFEST_NAME))


def voxel_hashes(root: Path) -> dict[str, str]:
    """Return the hash of the voxels of every output, by its path."""
    return {file.path: file.voxel_sha256 for record in records_of(root) for file in record.output}


def canonical_manifest(root: Path) -> list[str]:
    """Return the manifest without versions, timing and run, which differ between equal runs."""
    return [record.canonical() for record in records_of(root)]


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the bytes and the mtime of every file below `folder`, medaug's own state left out."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".medaug" not in path.parts)
    return {path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def copies_below(folder: Path) -> set[str]:
    """Return the paths of all NIfTI files below `folder` whose names say that they are copies."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*aug*.nii*")}


def leftovers(root: Path) -> list[Path]:
    """Return every temporary file below `root`."""
    return [path for path in root.rglob("*") if path.name.endswith(".tmp")]


def events_of(stdout: str) -> list[dict[str, Any]]:
    """Return the JSON lines of `--json`."""
    return [json.loads(line) for line in stdout.splitlines()]


def exit_code_told(stdout: str) -> int:
    """Return the exit code that the last line of stdout tells: `medaug: exit N…`."""
    word, _, rest = stdout.splitlines()[-1].partition("medaug: exit ")
    assert not word
    return int(rest.partition(":")[0])


def run_serially(recipe: Path, dataset: Path, *more: str | Path, **environment: str) -> tuple[int, str, str]:
    """Run and check that the last line agrees with the exit code; return code, last line and stderr."""
    done = medaug("run", recipe, dataset, "--engine", "serial", *more, **environment)
    assert exit_code_told(done.stdout) == done.returncode
    return done.returncode, done.stdout.splitlines()[-1], done.stderr
