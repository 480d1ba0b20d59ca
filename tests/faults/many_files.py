"""S1: scan, plan and resume over many files, the ROOT of a finished run grown from a small real one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from datasets_for_runs import clean_environment, command, records_of, run_here, save_recipe
from faults.experiment import Outcome
from hostile.nifti_files import sound_bytes

from medaug_cli.journal import lines_of, read_entry, read_standings
from medaug_cli.manifest import Record
from medaug_cli.verify import verify_root
from medaug_cli.worker import output_id_of

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.journal import Entry

_A_FOLDER = 1000
_REALLY_RUN = 50
_TIMED_FROM = 10_000  # fewer files take less than starting Python does
_SOURCE_NS = 1_700_000_000_000_000_000  # one mtime for all, so that one record serves for all
_AT_ONCE = 5000
# A child's peak (getrusage(2), ru_maxrss) is at least what its parent held when it started it: so a small parent.
_STARTER = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(code)
"""


def look_at_many_files(folder: Path, count: int) -> Outcome:
    """S1: scan, plan, and resume a finished run, over `count` files; the limits are those for 100 000.

    Of few files only what they hold and what is said of them is checked, not how long it takes.
    """
    outcome = Outcome(injections=count)
    names = [f"{number // _A_FOLDER:03d}/case{number:06d}" for number in range(count)]
    dataset, root = folder / "dataset", folder / "root"
    for name in names:
        _save(dataset / f"{name}.nii", bytes(sound_bytes()), _SOURCE_NS)
    recipe = save_recipe(folder / "recipe.yaml", "version: 1\nsteps: [{flip: {axes: [LR], p: 1}}]\n")
    run_words = ["run", str(recipe), str(dataset), "-o", str(root), "-q", "--progress", "none"]
    figures = {"first scan": _measure("first scan", ["scan", str(dataset)], folder, outcome)}
    figures["scan"] = _measure("scan", ["scan", str(dataset)], folder, outcome)
    figures["plan"] = _measure("plan", ["plan", str(recipe), str(dataset), "-o", str(root)], folder, outcome)
    _finish(recipe, dataset, root, names, outcome)
    _measure("the run after", run_words, folder, outcome, f"0 copies made, {count} already valid, 0 failed")
    outcome.check("verify complains", holds=verify_root(root, None, None) == (count, []))
    figures["resume"] = _measure(
        "resume", run_words, folder, outcome, f"0 copies made, {count} already valid, 0 failed"
    )
    share = count / 100_000
    for name, limit_s in (("scan", 10), ("resume", 30)) if count >= _TIMED_FROM else ():
        outcome.check(f"{name}: {figures[name]}", holds=figures[name][1] <= limit_s * share + 2)
    for name in ("plan", "resume"):
        outcome.check(f"{name}: {figures[name]}", holds=figures[name][2] <= 300e6)
    outcome.note = "; ".join(
        f"{name} {wall_s:.1f} s ({core_s:.1f} s of a core), {held / 1e6:.0f} MB"
        for name, (wall_s, core_s, held) in figures.items()
    )
    return outcome


def _save(path: Path, raw: bytes, mtime_ns: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    os.utime(path, ns=(mtime_ns, mtime_ns))


def _measure(name: str, words: list[str], folder: Path, outcome: Outcome, said: str = "") -> tuple[float, float, float]:
    """Run a fresh medaug; return seconds, seconds of a core, and the most bytes it held."""
    out, started = folder / "out", time.monotonic()
    with out.open("w") as stream:
        starter = [sys.executable, "-S", "-c", _STARTER, *command(*words)]
        ended = subprocess.run(starter, stdout=subprocess.PIPE, stderr=stream, env=clean_environment(), check=False)
    seconds, text = time.monotonic() - started, out.read_text(encoding="utf-8")
    holds = ended.returncode == 0 and said in text
    outcome.check(f"{name}: exit {ended.returncode}: {text[-200:]}", holds=holds)
    core_s, held_kib = map(float, ended.stdout.split())
    return seconds, core_s, held_kib * 1024


def _finish(recipe: Path, dataset: Path, root: Path, names: list[str], outcome: Outcome) -> None:
    """Make the ROOT of a finished run: a few samples really run, the others by the record and the file of the first.

    All sources hold the same bytes and the recipe draws nothing, so that the copies do, too. The samples that were
    really run show that a record is made as a run makes it.
    """
    run_here(recipe, dataset, root, limit=_REALLY_RUN)
    journal = root / ".medaug" / "journal.jsonl"
    first = read_entry(journal, min(standing.place for standing in read_standings(journal).values()))
    (output,) = first.record.output
    (_, mtime_ns) = first.stamps[f"output:{output.path}"]
    raw = (root / output.path).read_bytes()
    for name, record in zip(names, records_of(root), strict=False):
        twin = _twin(first, name).record
        outcome.check(f"{name}: made by another record", holds=twin.canonical() == record.canonical())
        outcome.check(f"{name}: other bytes", holds=(root / record.output[0].path).read_bytes() == raw)
    for start in range(_REALLY_RUN, len(names), _AT_ONCE):
        entries = [_twin(first, name) for name in names[start : start + _AT_ONCE]]
        for entry in entries:
            _save(root / entry.record.output[0].path, raw, mtime_ns)
        with journal.open("ab") as stream:
            stream.write(lines_of(entries))


def _twin(first: Entry, name: str) -> Entry:
    """Return the entry of the sample `name`, in all else that of `first`."""
    old = first.record.sample_id
    record = Record.model_validate_json(first.record.line().replace(old, name))
    settings = record.settings
    assert settings is not None
    output_id = output_id_of(settings, name, record.copy_, record.modality, record.source)
    stamps = {path.replace(old, name): stamp for path, stamp in first.stamps.items()}
    return type(first)(record.model_copy(update={"output_id": output_id}), stamps)
