"""P3 on other processors: the libraries are told to use other instructions, and the voxels stay the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core import _multiarray_umath as umath

PROJECT = Path(__file__).parents[2]
RECIPE = """
version: 1
copies: 1
output: {dtype: float32}
steps:
  - affine: {rotation_deg: [-10, 10], translation_mm: [-5, 5], scale: [0.9, 1.1]}
  - elastic: {control_points: 7, displacement_mm: 6}
  - bias_field: {strength: 0.3}
  - gaussian_noise: {sigma: 0.03}
  - blur: {sigma_mm: 1}
  - contrast: {factor: 1.2}
  - gamma: {log_gamma: 0.2}
  - local_gamma: {strength: 0.2}
  - local_contrast: {strength: 0.2}
  - local_brightness: {strength: 0.1, mode: multiply}
  - motion: {rotation_deg: 2, translation_mm: 2}
  - ghosting: {num_ghosts: 5, intensity: 0.4}
  - spike: {positions: [[0.3, 0.4, 0.6]], intensity: 0.2}
  - spike: {positions: [[40, 50, 60]], intensity: 14, model: log}
  - kspace_undersampling: {acceleration: 2}
  - gibbs: {alpha: 0.2}
  - gibbs: {alpha: 0.2, model: monai}
"""
OLDER = {
    "numpy without its vector instructions": {"NPY_DISABLE_CPU_FEATURES": " ".join(umath.__cpu_dispatch__)},
    "numba for a generic processor": {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": "cache",
    },
    "libm without its vector instructions": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable"},
    "BLAS for another processor": {"OPENBLAS_CORETYPE": "Prescott"},
}


def voxels_of_a_run(folder: Path, environment: dict[str, str]) -> list[str]:
    """Return the voxel hashes of a run, as float32 so that no rounding to integers hides a bit."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE)
    command = [sys.executable, "-m", "medaug_cli", "run", recipe, PROJECT / "sample_data" / "brain-mr"]
    subprocess.run(
        [*command, "-o", folder / "out", "--engine", "serial", "-q"],
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
    )
    lines = (folder / "out" / "medaug-manifest.jsonl").read_text().splitlines()
    return [entry["voxel_sha256"] for line in lines for entry in json.loads(line)["output"]]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the voxel hashes of this processor as it is."""
    return voxels_of_a_run(tmp_path_factory.mktemp("usual"), {})


@pytest.mark.parametrize("older", OLDER)
def test_voxels_do_not_depend_on_the_instructions_of_the_processor(
    older: str, usual: list[str], tmp_path: Path
) -> None:
    assert voxels_of_a_run(tmp_path, OLDER[older]) == usual
