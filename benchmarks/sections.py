"""Sections: what is measured, one function a table; each returns plain values for `results.json`."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import workload as w
from bench import FLOOR, LABELS, MEDAUG, PEERS, Series
from measure import empty_folder, run_python, seconds_a_unit

if TYPE_CHECKING:
    from bench import Bench

# The first copy warms up; slow tools show little spread, so that one more of them says enough a round.
COUNTED = {MEDAUG: 8, FLOOR: 5}
COPIES = (1, 3, 5, 7, 9)
SAMPLES = (1, 2, 4, 6, 8)
OWN_TYPES = ("torchio", "monai")  # of images that they write
# medaug before each peer, since the machine's pace changes from minute to minute.
TURNS = (FLOOR, *(tool for peer in PEERS for tool in (MEDAUG, peer)))
# batchgeneratorsv2 cannot shift, so that its labels do not lie where medaug's do.
SAME_PLACE = (MEDAUG, "torchio", "monai")


def compare_peers(bench: Bench) -> dict[str, Any]:
    """Run all tools in turn, round after round, on the brain with the three recipes."""
    found = {recipe: {tool: Series() for tool in (FLOOR, MEDAUG, *PEERS)} for recipe in w.RECIPES}
    own = {recipe: {tool: Series() for tool in OWN_TYPES} for recipe in (w.AFFINE, w.INTENSITY)}
    overlap: dict[str, float] = {}
    for number in range(bench.rounds):
        bench.say(f"Peers, round {number + 1} of {bench.rounds}")
        for recipe in w.RECIPES:
            for tool in TURNS:
                counted = COUNTED.get(tool, 1 if recipe == w.ELASTIC else 2)
                found[recipe][tool].add(*bench.tool(tool, "brain", recipe, 1 + counted))
                if recipe == w.AFFINE and number == 0 and tool in SAME_PLACE:
                    overlap[tool] = _overlap(bench, tool)
            for tool, series in own.get(recipe, {}).items():
                series.add(*bench.tool(tool, "brain", recipe, 3, own_types=True))
    plain, by_itself = (
        {recipe: {tool: asdict(series) for tool, series in tools.items()} for recipe, tools in one.items()}
        for one in (found, own)
    )
    return {"recipes": plain, "own": by_itself, "overlap": overlap, "elastics": _monai_elastics(bench)}


def _monai_elastics(bench: Bench) -> dict[str, Any]:
    """Run MONAI's other ways to an elastic once."""
    found = {recipe: Series() for recipe in (w.ONEDNN_ELASTIC, w.SMOOTH_ELASTIC, w.GRID_ELASTIC)}
    for recipe, series in found.items():
        series.add(*bench.tool("monai", "brain", recipe, 2))
    return {recipe: asdict(series) for recipe, series in found.items()}


def _overlap(bench: Bench, tool: str) -> float:
    """Return the Dice coefficient of a tool's last label map with medaug's, which is kept for the others."""
    made = max((bench.work / "output").rglob(LABELS))
    kept = bench.work / "medaug-label.nii.gz"
    if tool == MEDAUG:
        shutil.copyfile(made, kept)
    return float(run_python("agree.py", [kept, made], bench.work).output)


def compare_floor(bench: Bench) -> dict[str, Any]:
    """Run the full recipe with 8 copies of two samples, and the floor with a decode a copy and with one for all."""
    found = {"medaug": Series(), "each": Series(), "once": Series()}
    image, label = bench.case("brain") / "t1.nii.gz", bench.case("brain") / "t1_seg.nii.gz"
    for number in range(bench.rounds):
        bench.say(f"Floor, round {number + 1} of {bench.rounds}")
        output, process = bench.medaug("brains", w.ELASTIC, 8, "--limit", 2)
        found["medaug"].add(seconds_a_unit(output, LABELS, 2) / 8, process)
        for kind in ("each", "once"):
            output = empty_folder(bench.work / "output")
            process = run_python("floor.py", ["nifti", image, label, output, 9, kind], bench.work)
            found[kind].add(seconds_a_unit(output, LABELS, 9), process)
    return {kind: asdict(series) for kind, series in found.items()}


def compare_workers(bench: Bench) -> dict[str, Any]:
    """Run 16 samples with one and with two workers, the whole command."""
    found = {"1": Series(), "2": Series()}
    copies = 1 if bench.quick else w.WORKER_COPIES
    for number in range(bench.few):
        bench.say(f"Workers, round {number + 1} of {bench.few}")
        for workers, series in found.items():
            _, process = bench.medaug("brains", w.ELASTIC, copies, "--engine", "local", "--workers", workers)
            series.add(process.wall_s, process)
            bench.say(f"  {workers} workers: {process.wall_s:.1f} s")
    return {"copies": copies, "workers": {workers: asdict(series) for workers, series in found.items()}}


def compare_ct(bench: Bench) -> dict[str, Any]:
    """Run a large CT: medaug with all recipes, the peers with the affine one only, once."""
    found = {f"{recipe} {MEDAUG}": Series() for recipe in w.RECIPES} | {f"{w.AFFINE} {FLOOR}": Series()}
    for number in range(bench.few):
        bench.say(f"CT, round {number + 1} of {bench.few}")
        for name, series in found.items():
            recipe, tool = name.split()
            series.add(*bench.tool(tool, "ct", recipe, 3))
    for tool in () if bench.quick else PEERS:
        found[f"{w.AFFINE} {tool}"] = Series()
        found[f"{w.AFFINE} {tool}"].add(*bench.tool(tool, "ct", w.AFFINE, 2))
    return {name: asdict(series) for name, series in found.items()}


def compare_dicom(bench: Bench) -> dict[str, Any]:
    """Run the DICOM series and the radiographs, and pydicom's own reading and writing of the same."""
    found: dict[str, Series] = {}
    for number in range(bench.rounds):
        bench.say(f"DICOM, round {number + 1} of {bench.rounds}")
        for recipe in (w.AFFINE, w.ELASTIC):
            output, process = bench.medaug("series", recipe, w.SERIES_COPIES)
            seconds = seconds_a_unit(output, "*.dcm", len(w.SERIES)) / w.SERIES_COPIES
            found.setdefault(f"series {recipe}", Series()).add(seconds, process)
            output, process = bench.medaug("radiographs", recipe, 1)
            seconds = seconds_a_unit(output, "*.dcm", w.RADIOGRAPHS)
            found.setdefault(f"radiograph {recipe}", Series()).add(seconds, process)
        output = empty_folder(bench.work / "output")
        process = run_python("floor.py", ["dicom", bench.case("series") / w.SERIES[0], output, 4], bench.work)
        found.setdefault("series floor", Series()).add(seconds_a_unit(output, "*.dcm", 4), process)
        output = empty_folder(bench.work / "output")
        process = run_python("floor.py", ["dicom", bench.case("radiographs"), output, 3], bench.work)
        seconds = seconds_a_unit(output, "*.dcm", 3 * w.RADIOGRAPHS)
        found.setdefault("radiograph floor", Series()).add(seconds, process)
    return {name: asdict(series) for name, series in found.items()}


def compare_planar(bench: Bench) -> dict[str, Any]:
    """Run a radiograph and its mask in memory through Albumentations and medaug."""
    found: dict[str, list[float]] = {}
    size = [count // bench.step for count in w.RADIOGRAPH_SHAPE]
    for number in range(bench.rounds):
        bench.say(f"2-D in memory, round {number + 1} of {bench.rounds}")
        for recipe, repeats in ((w.AFFINE, 15), (w.ELASTIC, 3)):
            for tool in ("albumentations", MEDAUG):
                process = run_python(f"peers/with_{tool}.py", [recipe, *size, repeats], bench.work)
                found.setdefault(f"{recipe} {tool}", []).extend(json.loads(process.output.splitlines()[-1]))
    return {name: {"seconds": seconds} for name, seconds in found.items()}


def measure_growth(bench: Bench) -> dict[str, Any]:
    """Run the full recipe with growing numbers of voxels (seconds a copy), copies and samples (whole process)."""
    million = w.BRAIN_SIZE[0] * w.BRAIN_SIZE[1] * w.BRAIN_SIZE[2] / bench.step**3 / 1e6
    voxels: dict[float, list[float]] = {share * million: [] for share in w.VOXEL_SHARES[:: bench.step]}
    copies: dict[float, list[float]] = {count: [] for count in COPIES[:: bench.step]}
    samples: dict[float, list[float]] = {count: [] for count in SAMPLES[:: bench.step]}
    rounds = min(bench.rounds, bench.few + 1)
    for number in range(rounds):
        bench.say(f"Growth, round {number + 1} of {rounds}")
        for place, seconds in enumerate(voxels.values()):
            seconds.append(bench.tool(MEDAUG, f"brain-{place * bench.step}", w.ELASTIC, 5)[0])
        for count, seconds in copies.items():
            seconds.append(bench.medaug("brain", w.ELASTIC, int(count))[1].wall_s)
        for count, seconds in samples.items():
            seconds.append(bench.medaug("brains", w.ELASTIC, 1, "--limit", int(count))[1].wall_s)
    grown = {"voxels": voxels, "copies": copies, "samples": samples}
    return {name: {"x": list(points), "seconds": list(points.values())} for name, points in grown.items()}


def measure_start(bench: Bench) -> dict[str, Any]:
    """Run one copy of the smallest brain with an empty cache of compiled code, then with the filled one."""
    cache = empty_folder(bench.work / "cache")
    extra = {"NUMBA_CACHE_DIR": str(cache)}
    walls = [bench.medaug("brain-0", w.ELASTIC, 1, extra=extra)[1].wall_s for _ in range(3)]
    bench.say(f"Start: {walls[0]:.2f} s with compilation, {min(walls[1:]):.2f} s without")
    return {"first_s": walls[0], "later_s": min(walls[1:])}
