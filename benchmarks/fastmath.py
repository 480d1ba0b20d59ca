"""What fused multiply-add and fastmath would give and cost: the same loops, compiled in three ways, on one volume.

Prints a Markdown table; run it with nothing else going on. The numbers in docs/reproducibility.md are from it.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np

MODES: dict[str, Any] = {"exact": False, "fused multiply-add": {"contract"}, "fastmath": True}
ROUNDS = 9


def measure(mode: str, folder: Path) -> dict[str, float]:
    """Compile in one mode, run each loop, keep the voxels in `folder`; return medians of seconds."""
    from medaug_cli.core import jit  # noqa: PLC0415  before anything is compiled

    if mode != "exact":
        jit.compiled = jit.inner = numba.njit(nogil=True, error_model="numpy", fastmath=MODES[mode])
    from medaug_cli.core import elementary, normal  # noqa: PLC0415  after the compiler is chosen
    from medaug_cli.core.seeding import make_generator  # noqa: PLC0415  after the compiler is chosen
    from medaug_cli.spatial.kernel import Task, sample_all  # noqa: PLC0415  after the compiler is chosen
    from medaug_cli.spatial.mapping import about  # noqa: PLC0415  after the compiler is chosen

    source = make_generator(1).uniform(0, 1500, (189, 233, 197)).astype(np.float32)
    turn, _ = np.linalg.qr(make_generator(2).normal(size=(3, 3)) * 0.1 + np.eye(3))
    matrix = about(np.array([98.0, 116, 94]), turn * 0.95)
    work = {
        "affine, linear": lambda out: sample_all([Task(source, "linear", 0.0, out)], (matrix,), (197, 233, 189)),
        "power": lambda out: elementary.raise_in_range(out, 0, 1500, 1500, 1.2),
        "normal noise": lambda out: normal.fill_normal(make_generator(3), out),
    }
    seconds = {}
    for name, change in work.items():
        taken = []
        for _ in range(ROUNDS):
            out = source.copy()
            started = time.perf_counter()
            change(out)
            taken.append(time.perf_counter() - started)
        seconds[name] = statistics.median(taken[1:])
        np.save(folder / f"{hashlib.sha256(f'{mode} {name}'.encode()).hexdigest()[:8]}.npy", out)
    return seconds


def main(folder: Path) -> None:
    """Measure each mode in a process of its own and print how its voxels differ from the exact ones."""
    found = {}
    for mode in MODES:
        made = subprocess.run([sys.executable, __file__, mode, folder], check=True, capture_output=True, text=True)
        found[mode] = json.loads(made.stdout)
    print("| loop | exact, ms | mode | ms | voxels that differ | as int16 |\n| --- | --- | --- | --- | --- | --- |")
    for name, exact_s in found["exact"].items():
        for mode in list(MODES)[1:]:
            one, other = (
                np.load(folder / f"{hashlib.sha256(f'{which} {name}'.encode()).hexdigest()[:8]}.npy")
                for which in ("exact", mode)
            )
            differ, stored = (one != other).mean(), (np.rint(one) != np.rint(other)).mean()
            ours = found[mode][name]
            print(f"| {name} | {exact_s * 1e3:.0f} | {mode} | {ours * 1e3:.0f} | {differ:.1%} | {stored:.1e} |")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
    else:
        import tempfile

        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
