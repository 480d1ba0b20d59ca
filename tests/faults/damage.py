"""V1, C1, R1: bytes that change, in outputs, in headers, and in sources while they are read."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import time
from typing import TYPE_CHECKING

from datasets_for_runs import leftovers, records_of, run_here, save_image, save_recipe, voxel_hashes
from faults.experiment import Outcome
from faults.runs import fork_run, make_bench
from hostile import dicom_files, nifti_files
from hostile.surveys import survey

from medaug_cli.core.errors import DatasetError
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from pathlib import Path

_BATCH = 250
_ONE_COPY = "version: 1\ncopies: 1\nsteps: [gamma]\nlimits: {max_voxels: 1.0e+7}\n"


def flip_bits(folder: Path, count: int) -> Outcome:
    """V1: one bit flipped in each of `count` outputs; verify finds them all, and finds nothing before."""
    bench, outcome, rng = make_bench(folder, -(-count // 6)), Outcome(injections=count), random.Random(4)
    checked, problems = verify_root(bench.reference, None, None)
    outcome.check(f"false alarm: {problems[:3]}", holds=problems == [])
    victims = rng.sample(sorted(voxel_hashes(bench.reference)), count)
    for victim in victims:
        path = bench.reference / victim
        raw = bytearray(path.read_bytes())
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(raw)
    found = {path for path, _ in verify_root(bench.reference, None, None)[1]}
    outcome.check(f"missed: {sorted(set(victims) - found)[:3]}", holds=set(victims) <= found)
    outcome.check(f"false alarm: {sorted(found - set(victims))[:3]}", holds=found <= set(victims))
    outcome.note = f"{len(found)} of {count} found among {checked} outputs"
    return outcome


def mutate_headers(folder: Path, count: int) -> Outcome:
    """C1: the malformed inputs of tests/hostile, then `count` headers with random bytes changed, in whole runs."""
    outcome = Outcome()
    for kind, corpus in (("nifti", nifti_files), ("dicom", dicom_files)):
        (folder / kind).mkdir(parents=True)
        recipe = save_recipe(folder / f"{kind}.yaml", corpus.RECIPE)
        found = survey(folder / kind, corpus.save_corpus(folder / kind / "dataset"), recipe)
        outcome.check(f"{kind}: exit {found.run.code}", holds=found.run.code == 3)
        outcome.check(f"{kind}: {found.run.peak_mib:.0f} MiB", holds=found.run.peak_mib < 700)
        done = {name for name, record in found.records.items() if record.status == "ok"}
        outcome.check(f"{kind}: a sound sample was not done", holds=done >= set(corpus.HEALTHY))
        outcome.injections += len(corpus.CASES)
    rng, done, reasons = random.Random(6), 0, set()
    for start in range(0, count, _BATCH):
        kind = ("nifti", "gzip", "dicom")[start // _BATCH % 3]
        batch = folder / f"{kind}{start}"
        size = min(_BATCH, count - start)
        _save_mutants(batch / "dataset", kind, size, rng)
        done += _run_mutants(batch, f"{kind} {start}", outcome, reasons)
        outcome.injections += size
        shutil.rmtree(batch)
    outcome.note = (
        f"{done} of {count} mutants harmless and augmented; reasons of the others: {', '.join(sorted(reasons))}"
    )
    return outcome


def _save_mutants(dataset: Path, kind: str, count: int, rng: random.Random) -> None:
    """Write `count` files of `kind` with up to eight bytes of the header changed, and two sound ones."""
    dataset.mkdir(parents=True)
    sound, limit = _sound(dataset, kind)
    suffix = {"nifti": ".nii", "gzip": ".nii.gz", "dicom": ""}[kind]
    for number in range(count):
        raw = bytearray(sound)
        for _ in range(rng.randint(1, 8)):
            raw[rng.randrange(132 if kind == "dicom" else 0, limit)] = rng.randrange(256)
        (dataset / f"mutant{number:04d}{suffix}").write_bytes(raw)
    if kind == "dicom":  # in a series of its own, which no mutant claims to belong to
        dicom_files.sound(dataset / "sound")
    else:
        (dataset / f"sound{suffix}").write_bytes(sound)


def _sound(dataset: Path, kind: str) -> tuple[bytes, int]:
    """Return the bytes of a sound file and how many of them are its header."""
    if kind == "nifti":
        return bytes(nifti_files.sound_bytes()), 352
    if kind == "gzip":
        save_image(dataset.parent / "one.nii.gz")
        raw = (dataset.parent / "one.nii.gz").read_bytes()
        return raw, len(raw)
    dicom_files.sound(dataset.parent / "series")
    raw = (dataset.parent / "series" / "0.dcm").read_bytes()
    return raw, len(raw) - 16 * 18 * 2


def _run_mutants(batch: Path, name: str, outcome: Outcome, reasons: set[str]) -> int:
    recipe = save_recipe(batch / "recipe.yaml", _ONE_COPY)
    try:
        tally, _ = run_here(recipe, batch / "dataset", batch / "root")
    except DatasetError as error:  # two mutants of one series may clash in name: a refusal before any work
        outcome.check(f"{name}: {error}", holds=False)
        return 0
    except Exception as error:  # noqa: BLE001  whatever comes out is what this experiment is about
        outcome.check(f"{name}: {type(error).__name__} came out: {error}", holds=False)
        return 0
    records = records_of(batch / "root")
    bugs = [(record.sample_id, record.message) for record in records if record.reason == "internal_error"]
    outcome.check(f"{name}: {len(bugs)} bugs, such as {bugs[:1]}", holds=bugs == [])
    reasons |= {record.reason for record in records if record.reason}
    outcome.check(f"{name}: temporary left", holds=leftovers(batch / "root") == [])
    outcome.check(f"{name}: verify complains", holds=verify_root(batch / "root", None, None)[1] == [])
    sound = [record.status for record in records if record.sample_id.startswith("sound")]
    outcome.check(f"{name}: a sound sample was not done", holds=sound != [] and set(sound) == {"ok"})
    return tally.done


def change_sources(folder: Path, count: int) -> Outcome:
    """R1: sources overwritten in place, in halves, while runs go on; what is published is of one whole version."""
    bench, outcome, rng = make_bench(folder, 6), Outcome(), random.Random(7)
    versions = _two_versions(bench.dataset, folder)
    known = {hashlib.sha256(raw).hexdigest() for pair in versions.values() for raw in pair}
    known |= {hashlib.sha256(path.read_bytes()).hexdigest() for path in bench.dataset.glob("*_seg.nii.gz")}
    changed = 0
    for number in range(count):
        root = folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        child = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out")
        while os.waitpid(child.pid, os.WNOHANG)[0] == 0:
            path = rng.choice(sorted(versions))
            raw = rng.choice(versions[path])
            with path.open("r+b") as stream:
                stream.truncate(len(raw))
                stream.write(raw[: len(raw) // 2])
                stream.flush()
                time.sleep(rng.uniform(0, 0.003))
                stream.write(raw[len(raw) // 2 :])
            outcome.injections += 1
        for record in records_of(root) if (root / "medaug-manifest.jsonl").exists() else []:
            changed += record.reason == "source_changed"
            mixed = [file.path for file in record.source if record.status == "ok" and file.sha256 not in known]
            outcome.check(f"round {number}: published from mixed bytes of {mixed}", holds=mixed == [])
            outcome.check(f"round {number}: {record.reason}", holds=record.reason in _HONEST)
        outcome.check(f"round {number}: bug: {child.said()[-200:]}", holds="Traceback" not in child.said())
    outcome.note = f"{count} runs; {changed} copies refused as source_changed"
    return outcome


_HONEST = {"", "source_changed", "truncated", "crc_mismatch", "bad_header", "trailing_bytes", "too_large", "bad_affine"}


def _two_versions(dataset: Path, folder: Path) -> dict[Path, tuple[bytes, bytes]]:
    """Return two sound versions of every image of `dataset`."""
    versions = {}
    for number, path in enumerate(sorted(dataset.glob("case??.nii.gz"))):
        save_image(folder / "other.nii.gz", seed=1000 + number)
        versions[path] = (path.read_bytes(), (folder / "other.nii.gz").read_bytes())
    return versions
