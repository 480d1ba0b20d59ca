"""K1 on real images: kills of runs of the full recipe over a CT series and a brain MR."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from datasets_for_runs import PROJECT, leftovers, run_here, save_recipe, voxel_hashes
from faults.experiment import Outcome
from faults.runs import Bench, fork_run, real_run

from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from faults.runs import Child

_REALDATA = Path(os.environ.get("MEDAUG_REALDATA") or PROJECT.parent / "shared" / "realdata")
_IMAGES = {
    "CT series": "sts025_dicom/CT/image",
    "MNI152 T1": "nifti/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz",
}
_NOISE = "  - {}_noise: {{sigma: [0.01, 0.05], relative_to: percentile}}\n"
_MORE = {"CT series": _NOISE.format("gaussian"), "MNI152 T1": _NOISE.format("rician") + "  - bias_field\n"}
_RECIPE = """\
version: 1
seed: 20261122
copies: 4
steps:
  - flip: {axes: [LR], p: 0.5}
  - affine: {rotation_deg: [-10, 10], translation_mm: [-5, 5], scale: [0.9, 1.1], p: 0.9}
  - elastic: {control_points: 7, displacement_mm: [0, 6], p: 0.5}
  - gamma: {log_gamma: [-0.3, 0.3]}
"""
_SOONER, _LATER = 0.8, 1.05  # a run that came to its end was killed too late, one that was killed perhaps too soon
_OF_MEDAUG = {".medaug", "medaug-manifest.jsonl", "SHA256SUMS"}


def kill_real_runs(folder: Path, count: int) -> Outcome:
    """K1 on real images: kill the run at random times until it is done, `count` kills of each image."""
    if not _REALDATA.is_dir():
        return Outcome(skipped="no real images: set MEDAUG_REALDATA or put them into ../shared/realdata")
    outcome, notes = Outcome(), []
    for name, place in _IMAGES.items():
        own = folder / name.split()[0]
        source, dataset = _REALDATA / place, own / "dataset"
        if source.is_dir():
            shutil.copytree(source, dataset / "series")
        else:
            dataset.mkdir(parents=True)
            shutil.copy(source, dataset)
        bench = Bench(save_recipe(own / "recipe.yaml", _RECIPE + _MORE[name]), dataset, own / "reference")
        began = time.monotonic()
        tally, _ = run_here(bench.recipe, dataset, bench.reference)
        outcome.check(f"{name}: undisturbed run", holds=(int(tally.exit_code()), tally.done) == (0, 4))
        finished = _kill(bench, own / "root", count, time.monotonic() - began, name, outcome)
        notes.append(f"{name}: {len(voxel_hashes(bench.reference))} files, {finished} runs finished between kills")
    outcome.note = "; ".join(notes)
    return outcome


def _kill(bench: Bench, root: Path, count: int, whole_s: float, name: str, outcome: Outcome) -> int:
    """Kill runs, every fifth with workers, so that some come to their end between kills; return how many did."""
    rng, kills, finished = random.Random(11), 0, 0
    while kills < count:
        wait_s = rng.uniform(0, whole_s)
        code = _killed_after(bench, root, wait_s, with_workers=kills % 5 == 4)
        if code == -signal.SIGKILL:
            kills, whole_s = kills + 1, whole_s * _LATER
            continue
        finished, whole_s = finished + 1, whole_s * _SOONER
        outcome.check(f"{name}, kill {kills}: exit {code}", holds=code == 0)
        _check_same(bench, root, f"{name}, kill {kills}", outcome)
        shutil.rmtree(root)
    outcome.injections += kills
    last: Child = fork_run(bench.arguments(root, "--engine", "serial"), root.parent / "out")
    outcome.check(f"{name}, last run", holds=last.wait() == 0)
    _check_same(bench, root, f"{name}, last run", outcome)
    return finished + 1


def _killed_after(bench: Bench, root: Path, wait_s: float, *, with_workers: bool) -> int:
    """Return the exit code of a run that is killed after `wait_s`, unless it ends before."""
    out = root.parent / "out"
    if with_workers:
        with real_run(bench.arguments(root, "--workers", "2"), out) as process:
            deadline = time.monotonic() + wait_s + 2.0  # its start takes longer than a fork
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            process.kill()
            return process.wait()
    child = fork_run(bench.arguments(root, "--engine", "serial"), out)
    time.sleep(wait_s)
    child.kill()
    return child.wait()


def _check_same(bench: Bench, root: Path, when: str, outcome: Outcome) -> None:
    """Check P1 and P2: the voxels of the undisturbed run, no file without a record, no temporary."""
    hashes = voxel_hashes(root)
    files = {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    copies = {path.as_posix() for path in files if path.parts[0] not in _OF_MEDAUG}
    outcome.check(f"{when}: other voxels", holds=hashes == voxel_hashes(bench.reference))
    outcome.check(f"{when}: file without record", holds=copies == set(hashes))
    outcome.check(f"{when}: temporary left", holds=leftovers(root) == [])
    outcome.check(f"{when}: verify complains", holds=verify_root(root, None, None)[1] == [])
