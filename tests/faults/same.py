"""D1, D2: the same voxels whatever the circumstances, and from the record alone."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from typing import TYPE_CHECKING

from datasets_for_runs import canonical_manifest, clean_environment, medaug, records_of, voxel_hashes
from faults.experiment import Outcome
from faults.runs import make_bench

if TYPE_CHECKING:
    from pathlib import Path

_RECIPE = """\
version: 1
seed: 7
copies: 2
steps:
  - flip: {axes: [LR], p: 0.5}
  - affine: {rotation_deg: [-10, 10], translation_mm: [-2, 2]}
  - elastic: {control_points: 5, displacement_mm: [0, 2], p: 0.5}
  - one_of: [{gaussian_noise: {sigma: [0.01, 0.05]}}, {blur: {sigma_mm: [0.3, 1.0]}}]
  - bias_field
  - gamma
"""
# The order in which a disk lists files is made another one for each process, as the seed says.
_SHUFFLED = """
import os, random, sys
seed, umask = int(sys.argv.pop(1)), int(sys.argv.pop(1), 8)
os.umask(umask)
real = os.scandir
class Shuffled:
    def __init__(self, *arguments):
        with real(*arguments) as listing:
            self.entries = list(listing)
        random.Random(seed).shuffle(self.entries)
    def __iter__(self):
        return iter(self.entries)
    __enter__ = __iter__
    def __exit__(self, *_):
        pass
os.scandir = Shuffled
from medaug_cli.cli import main
main()
"""


def vary_circumstances(folder: Path, count: int) -> Outcome:
    """D1: `count` combinations of engine, workers, order of listing, hash seed, locale, time zone and umask."""
    bench, outcome = make_bench(folder, 4, _RECIPE), Outcome()
    engines = [("--engine", "serial"), ("--workers", "1"), ("--workers", "2"), ("--workers", "4")]
    places = [("C.UTF-8", "UTC"), ("C", "Asia/Kolkata"), ("de_DE.UTF-8", "America/St_Johns"), ("tr_TR.UTF-8", "UTC")]
    every = list(itertools.product(engines, places, ("0", "1", "4711"), ("022", "077", "000")))
    for number, (engine, (locale, zone), seed, umask) in enumerate(
        random.Random(8).sample(every, min(count, len(every)))
    ):
        root = folder / str(number)
        environment = clean_environment(LC_ALL=locale, LANG=locale, TZ=zone, PYTHONHASHSEED=seed)
        words = [sys.executable, "-c", _SHUFFLED, str(number), umask, *bench.arguments(root, *engine)]
        done = subprocess.run(words, env=environment, capture_output=True, check=False)
        what = f"{engine}, {locale}, {zone}, hash seed {seed}, umask {umask}"
        outcome.check(f"{what}: exit {done.returncode}: {done.stderr[-200:]!r}", holds=done.returncode == 0)
        outcome.check(f"{what}: other voxels", holds=voxel_hashes(root) == voxel_hashes(bench.reference))
        outcome.check(f"{what}: manifest", holds=canonical_manifest(root) == canonical_manifest(bench.reference))
        sums = [(one / "SHA256SUMS").read_bytes() for one in (root, bench.reference)]
        outcome.check(f"{what}: other bytes", holds=sums[0] == sums[1])
        outcome.injections += 1
    return outcome


def replay_records(folder: Path, count: int) -> Outcome:
    """D2: replay `count` random records, each in a fresh process that knows nothing but the manifest."""
    bench, outcome = make_bench(folder, 10, _RECIPE.replace("copies: 2", "copies: 10")), Outcome()
    for record in random.Random(9).sample(records_of(bench.reference), count):
        done = medaug("replay", bench.reference, "--id", record.output_id, "--check")
        outcome.check(f"{record.sample_id} copy {record.copy_}: {done.stderr}", holds=done.returncode == 0)
        outcome.injections += 1
    return outcome
