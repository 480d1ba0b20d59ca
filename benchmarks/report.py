"""Report: what was measured as Markdown tables. Every number comes from the run; `python report.py results.json`."""

# ruff: noqa: RUF001  a multiplication sign is one

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workload as w
from bench import FLOOR, MEDAUG
from fit import fit_line, least_of, median, spread
from targets import NAMES, list_targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Results = Mapping[str, Any]

_HOW = """\
A copy is an image and its label map, written as .nii.gz or DICOM. Every tool is a process of its own with one thread
for its computing, held to one core (the table of workers apart), reads its input once, makes one copy that warms it up
and is not counted, then the counted ones. **Seconds a copy** is the time between the last file of the first copy and
the last file of the last one, by the times of the files, the same way for all. Tools ran in turn, round after round;
tables give medians, and ± half the distance between the extremes.

The peers run as their documentation has it (`benchmarks/peers/`), with the same angles, shifts, noise and gamma; their
result is brought back to the source's integer type, without which they would write twice the bytes. batchgeneratorsv2
has no bias field and no translation. MONAI's and batchgeneratorsv2's elastic are smoothed random fields; MONAI's is
as rough as in its tutorials, since a field as smooth as 7³ control points asks torch for more than 24 GB when it is
told one thread. medaug also hashes, syncs to disk, reads back and records what it writes; no peer does.
"""


def write_report(results: Results) -> str:
    """Return all tables of the sections that were measured."""
    parts = ["# Benchmarks", "Written by `make benchmark`; do not edit.", _machine(results), _HOW, _targets(results)]
    parts += [table(results[name]) for name, table in _TABLES.items() if name in results]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _machine(results: Results) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    size = (
        "**Quick run: half the voxels along every axis that is named here; the targets are for all of them.** "
        if results["quick"]
        else ""
    )
    rounds = "1 round" if results["rounds"] == 1 else f"{results['rounds']} rounds, fewer of CT, growth and workers"
    return (
        f"{size}{results['cpu']}, {results['cores']} cores, {results['memory_gib']:.0f} GiB; {results['system']}; "
        f"load before the run {results['load']:.1f}; {rounds}, {results['minutes']:.0f} minutes.\n\n{versions}."
    )


def _targets(results: Results) -> str:
    rows = [
        (target.what, f"{target.found:.3g}{target.unit}", target.wanted(), "yes" if target.reached else "**no**")
        for target in list_targets(results)
    ]
    return "## Targets\n\n" + _table(("what", "found", "wanted", "reached"), rows)


def _peers(found: Results) -> str:
    tools = list(found["recipes"][w.AFFINE])
    rows, peaks = [], []
    for recipe, taken in found["recipes"].items():
        ours = median(taken[MEDAUG]["seconds"])
        rows.append((w.TITLES[recipe], *(_seconds(taken[tool]["seconds"], ours, tool) for tool in tools)))
        peaks.append((w.TITLES[recipe], *(f"{median(taken[tool]['peak_mib']):.0f}" for tool in tools)))
    names = [NAMES[tool] for tool in tools]
    shares = [share for taken in found["recipes"].values() for one in taken.values() for share in one["cpu_share"]]
    overlap = ", ".join(f"{NAMES[tool]} {dice:.3f}" for tool, dice in found["overlap"].items() if tool != MEDAUG)
    x, y, z = w.BRAIN_SIZE
    return (
        f"## Brain MR, {x}×{y}×{z} int16 with a uint8 label map: seconds a copy\n\n"
        + _table(("recipe", *names), rows)
        + "\nIn brackets: how many times as long as medaug. The floor decodes, changes every voxel once and encodes\n"
        + f"with medaug's compressor. No process used more than {max(shares):.2f} cores.\n"
        + f"The label maps of the affine copies overlap with medaug's by (Dice): {overlap}.\n\n"
        + "Peak memory of the process, MiB:\n\n"
        + _table(("recipe", *names), peaks)
        + "\nWith files of the type that the peers give them by themselves, float32, in the same run:\n\n"
        + _own_types(found)
        + "\nMONAI has several ways to an elastic; the table above has the first, those below ran once. *oneDNN*:\n"
        + "torch is told two threads, which share the one core, and takes another path, of less time and memory.\n\n"
        + _elastics(found)
    )


def _elastics(found: Results) -> str:
    """Return the table of MONAI's elastics."""
    ways = {w.ELASTIC: found["recipes"][w.ELASTIC]["monai"], **found["elastics"]}
    ours = median(found["recipes"][w.ELASTIC][MEDAUG]["seconds"])
    rows = [
        (w.MONAI_TITLES[way], _seconds(one["seconds"], ours, "monai"), f"{median(one['peak_mib']):.0f}")
        for way, one in ways.items()
    ]
    return _table(("affine, elastic, bias field, noise, gamma", "s a copy", "peak MiB"), rows)


def _own_types(found: Results) -> str:
    """Return the table of peers that are not told to write the source's type."""
    tools = list(found["own"][w.AFFINE])
    rows = []
    for recipe, taken in found["own"].items():
        ours = median(found["recipes"][recipe][MEDAUG]["seconds"])
        rows.append((w.TITLES[recipe], *(_seconds(taken[tool]["seconds"], ours, tool) for tool in tools)))
    return _table(("recipe", *(NAMES[tool] for tool in tools)), rows)


def _seconds(seconds: Sequence[float], ours: float, tool: str) -> str:
    ratio = "" if tool == MEDAUG else f" ({median(seconds) / ours:.{2 if tool == FLOOR else 1}f}×)"
    return f"{median(seconds):.3f} ±{spread(seconds):.0%}{ratio}"


def _floor(found: Results) -> str:
    ours = median(found["medaug"]["seconds"])
    names = {"each": "a decode for every copy", "once": "one decode for all copies"}
    rows = [
        (f"floor, {text}", f"{median(found[kind]['seconds']):.3f}", f"{ours / median(found[kind]['seconds']):.2f}×")
        for kind, text in names.items()
    ]
    rows.insert(0, ("medaug, reading included", f"{ours:.3f}", ""))
    return "## Full recipe at 8 copies against the floor\n\n" + _table(("", "s a copy", "medaug / floor"), rows)


def _planar(found: Results) -> str:
    rows = []
    for recipe, title in ((w.AFFINE, "affine"), (w.ELASTIC, "affine, elastic, noise, gamma")):
        ours, theirs = (found[f"{recipe} {tool}"]["seconds"] for tool in ("medaug", "albumentations"))
        rows.append((title, _milliseconds(ours), _milliseconds(theirs), f"{median(theirs) / median(ours):.2f}×"))
    rows_, columns = w.RADIOGRAPH_SHAPE
    title = f"## X-ray, {columns}×{rows_} float32 image and mask, in memory\n\n"
    return title + _table(("recipe", "medaug", "Albumentations", "Albumentations / medaug"), rows)


def _milliseconds(seconds: Sequence[float]) -> str:
    return f"{median(seconds) * 1e3:.0f} ms ±{spread(seconds):.0%}"


def _dicom(found: Results) -> str:
    x, y, _ = w.CT_SIZE
    rows_, columns = w.RADIOGRAPH_SHAPE
    titles = {"series": f"CT series, {w.SERIES_SLICES} slices of {x}×{y}", "radiograph": f"DX image, {columns}×{rows_}"}
    rows = []
    for kind, title in titles.items():
        floor = median(found[f"{kind} floor"]["seconds"])
        for recipe, text in ((w.AFFINE, "affine"), (w.ELASTIC, "affine, elastic, noise, gamma")):
            seconds = found[f"{kind} {recipe}"]["seconds"]
            ratio = f"{median(seconds) / floor:.2f}×"
            rows.append((title, text, f"{median(seconds):.3f} ±{spread(seconds):.0%}", f"{floor:.3f}", ratio))
    head = ("input", "recipe", "medaug, s a copy", "pydicom reads and writes, s", "ratio")
    note = f"\nReading is included: {w.SERIES_COPIES} copies of a series share it, a DX image has one.\n"
    return "## DICOM in, DICOM out\n\n" + _table(head, rows) + note


def _ct(found: Results) -> str:
    rows = [
        (w.TITLES[recipe], NAMES[tool], f"{median(one['seconds']):.2f}", f"{median(one['peak_mib']):.0f}")
        for name, one in found.items()
        for recipe, tool in [name.split()]
    ]
    x, y, z = w.CT_SIZE
    head = ("recipe", "tool", "s a copy", "peak MiB")
    return f"## CT, {x}×{y}×{z} int16 with labels, .nii.gz\n\nThe peers ran once.\n\n" + _table(head, rows)


def _growth(found: Results) -> str:
    rows = []
    for name, points in found.items():
        seconds = least_of(points["seconds"])
        line = fit_line(points["x"], seconds)
        measured = ", ".join(f"{x:.3g}: {y:.2f}" for x, y in zip(points["x"], seconds, strict=True))
        fitted = f"{line.start:.2f} + {line.slope:.3f} · {'Mvoxel' if name == 'voxels' else name}"
        rows.append((name, measured, fitted, f"{line.r_squared:.4f}", f"{line.deviation:.1%}"))
    note = (
        "Seconds a copy against million voxels; seconds of the whole process, start-up included, against the rest.\n"
        "Each is the least of its rounds: what disturbs only adds.\n\n"
    )
    return "## Growth, full recipe\n\n" + note + _table(("with", "measured", "line, s", "R²", "worst deviation"), rows)


def _workers(found: Results) -> str:
    taken = {count: one["seconds"] for count, one in found["workers"].items()}
    rows = [(count, f"{median(seconds):.1f} ±{spread(seconds):.0%}") for count, seconds in taken.items()]
    ratio = median(taken["1"]) / median(taken["2"])
    title = f"## Workers: {w.BRAINS} samples, {found['copies']} copies each, full recipe, the whole command\n\n"
    return title + _table(("workers", "s"), rows) + f"\n2 workers: {ratio:.2f} times as fast.\n"


def _start(found: Results) -> str:
    return (
        "## Start\n\nThe command for one copy of a small volume: "
        f"{found['first_s']:.2f} s where nothing is compiled yet, {found['later_s']:.2f} s ever after.\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


_TABLES = {
    "peers": _peers,
    "floor": _floor,
    "planar": _planar,
    "dicom": _dicom,
    "ct": _ct,
    "growth": _growth,
    "workers": _workers,
    "start": _start,
}

if __name__ == "__main__":
    print(write_report(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
