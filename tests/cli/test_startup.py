"""Start-up: what answers at once loads none of the heavy libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import PROJECT, clean_environment, save_dataset

if TYPE_CHECKING:
    from pathlib import Path

# NumPy and SimpleITK stand in sys.modules unexecuted (core/lazy.py); these of their parts tell that they were.
HEAVY = {
    "numpy._core",
    "SimpleITK._SimpleITK",
    "pydicom",
    "nibabel",
    "joblib",
    "numba",
    "scipy",
    "pandas",
    "psutil",
    "tqdm",
    "PIL",
    "rich",
}
TELL = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from medaug_cli.cli import main
main()
"""


def loaded_by(*arguments: str | Path) -> set[str]:
    """Return the names of all modules that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, *map(str, arguments)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["validate", PROJECT / "configs" / "brain-mr-lesion.yaml"],
        ["transforms"],
    ],
    ids=lambda arguments: " ".join(str(argument).rpartition("/")[2] for argument in arguments),
)
def test_nothing_heavy_is_loaded(arguments: list[str | Path]) -> None:
    loaded = loaded_by(*arguments)
    assert "medaug_cli.cli" in loaded
    assert loaded & HEAVY == set()


def test_help_does_not_even_load_pydantic() -> None:
    assert {"pydantic", "yaml"} & loaded_by("--help") == set()


def test_a_run_of_nifti_loads_no_dicom_library_and_no_blas_for_the_compiler(tmp_path: Path) -> None:
    """Together they would be 45 MiB of every worker."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("version: 1\nsteps: [affine, gaussian_noise]\n", encoding="utf-8")
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    loaded = loaded_by("run", recipe, dataset, "-o", tmp_path / "out", "--engine", "serial", "--progress", "none")
    assert {"nibabel", "numba"} <= loaded
    assert {"pydicom", "PIL", "requests", "scipy.linalg"} & loaded == set()
