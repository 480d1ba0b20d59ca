"""P3: why no loop is compiled with fused multiply-add, and that none is."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numba
import numpy as np
import pytest

from medaug_cli.spatial import sampling

FUSED = "vfmadd"
PROGRAM = """
import numpy as np
from medaug_cli.core import elementary, normal
from medaug_cli.core.seeding import make_generator
from medaug_cli.spatial import positions, sampling
from medaug_cli.spatial.bspline import SplineGrid
from medaug_cli.spatial.kernel import Task, sample_all

array, turn = np.ones((4, 5, 6), np.float32), np.eye(4)[[1, 0, 2, 3]]
spline = SplineGrid(np.eye(4), (6, 5, 4), np.ones((4, 4, 4, 3)))
for stages in ((turn,), (np.eye(4), spline, turn), (turn, spline, turn)):
    sample_all([Task(array, "linear", 0.0, np.empty_like(array))], stages, (6, 5, 4))
elementary.raise_in_range(array, 0, 2, 2, 1.5)
normal.fill_normal(make_generator(1), array)
loops = [value for module in (elementary, normal, positions, sampling) for value in vars(module).values()]
code = [text for loop in loops if hasattr(loop, "inspect_asm") for text in loop.inspect_asm().values()]
print(len(code), sum("vfmadd" in text for text in code))
"""


def blended(fastmath: Any) -> tuple[np.ndarray, str]:
    """Return bilinear values of random numbers by medaug's loop, and its code."""
    loop = numba.njit(error_model="numpy", fastmath=fastmath)(sampling.blend_plane.py_func)
    generator = np.random.default_rng(0)
    pairs = generator.uniform(0, 1500, (2, 10000)).astype(np.float32)
    weights = generator.uniform(size=(2, 5000)).astype(np.float32)
    row, nowhere = np.empty(5000, np.float32), np.zeros(5000, np.bool_)
    loop(pairs, (nowhere, weights, nowhere), 0, np.float32(0), nowhere[0], row)
    return row, "".join(loop.inspect_asm().values())


def test_no_loop_holds_a_fused_multiply_add(tmp_path: Any) -> None:
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    count, fused = map(int, made.stdout.split())
    assert count >= 10
    assert fused == 0


def test_a_fused_multiply_add_would_change_the_last_bit() -> None:
    (exact, _), (other, code) = blended(fastmath=False), blended(fastmath={"contract"})
    if FUSED not in code:
        pytest.skip("this processor has no fused multiply-add")
    assert 0 < (exact != other).mean() < 0.5
    assert np.abs(exact - other).max() < 1e-3
