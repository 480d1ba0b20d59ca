"""Targets: what was to be reached, as ratios within one run, and what was."""

# ruff: noqa: RUF001  a multiplication sign is one

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import workload as w
from bench import FLOOR, MEDAUG
from fit import fit_line, least_of, median

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Results = Mapping[str, Any]

# How many times as long as medaug a peer takes, at the least.
PEER_RATIOS = {
    w.AFFINE: {"torchio": 8.0, "monai": 14.0, "batchgenerators": 8.0},
    w.INTENSITY: {"torchio": 20.0, "monai": 12.0, "batchgenerators": 5.5},
    w.ELASTIC: {"torchio": 55.0, "monai": 85.0, "batchgenerators": 16.0},
}
NAMES = {
    MEDAUG: "medaug",
    FLOOR: "floor",
    "torchio": "TorchIO",
    "monai": "MONAI",
    "batchgenerators": "batchgeneratorsv2",
    "albumentations": "Albumentations",
}
BASE_MIB = 130  # a process with the imports
VOLUMES = 6  # times the int16 volume and its labels
_MIB = 1 << 20


@dataclass(frozen=True)
class Target:
    """One thing to be reached: `found` is to be at `least` or at `most` so much."""

    what: str
    found: float
    least: float | None = None
    most: float | None = None
    unit: str = "×"

    @property
    def reached(self) -> bool:
        """Say whether it was."""
        return self.found >= (self.least or 0.0) and (self.most is None or self.found <= self.most)

    def wanted(self) -> str:
        """Return the limit for people."""
        return f"≥ {self.least:g}{self.unit}" if self.most is None else f"≤ {self.most:g}{self.unit}"


def list_targets(results: Results) -> Iterator[Target]:
    """Yield the targets of every section that was measured."""
    for section, targets in _SECTIONS.items():
        if section in results:
            yield from targets(results[section], results["step"])


def _of_peers(found: Results, step: int) -> Iterator[Target]:
    for recipe, tools in found["recipes"].items():
        ours = median(tools[MEDAUG]["seconds"])
        for tool, least in PEER_RATIOS[recipe].items():
            ratio = median(tools[tool]["seconds"]) / ours
            yield Target(f"{w.TITLES[recipe]}: faster than {NAMES[tool]}", ratio, least=least)
            if tool == "monai" and recipe in found["own"]:
                ratio = median(found["own"][recipe][tool]["seconds"]) / ours
                what = f"{w.TITLES[recipe]}: faster than MONAI that writes the float32 it writes by itself"
                yield Target(what, ratio, least=least)
    ratio = median(found["elastics"][w.SMOOTH_ELASTIC]["seconds"]) / median(
        found["recipes"][w.ELASTIC][MEDAUG]["seconds"]
    )
    what = f"{w.TITLES[w.ELASTIC]}: faster than MONAI with a field as smooth"
    yield Target(what, ratio, least=PEER_RATIOS[w.ELASTIC]["monai"])
    peak = median(found["recipes"][w.ELASTIC][MEDAUG]["peak_mib"])
    x, y, z = (count / step for count in w.BRAIN_SIZE)
    yield Target("peak memory, brain", peak, most=memory_mib(x * y * z, labels=True), unit=" MiB")


def _of_floor(found: Results, _step: int) -> Iterator[Target]:
    ratio = median(found["medaug"]["seconds"]) / median(found["each"]["seconds"])
    yield Target("full recipe, 8 copies, against the floor", ratio, most=4.0)


def _of_planar(found: Results, _step: int) -> Iterator[Target]:
    taken = {name: median(one["seconds"]) for name, one in found.items()}
    affine = taken[f"{w.AFFINE} medaug"] / taken[f"{w.AFFINE} albumentations"]
    yield Target("2-D in memory, affine: time against Albumentations", affine, most=1.2)
    elastic = taken[f"{w.ELASTIC} albumentations"] / taken[f"{w.ELASTIC} medaug"]
    yield Target("2-D in memory, affine, elastic, noise, gamma: faster than Albumentations", elastic, least=10.0)


def _of_dicom(found: Results, step: int) -> Iterator[Target]:
    floor = median(found["radiograph floor"]["seconds"])
    ratio = median(found[f"radiograph {w.AFFINE}"]["seconds"]) / floor
    yield Target("DX DICOM, affine: time against pydicom's reading and writing", ratio, most=3.0)
    voxels = w.CT_SIZE[0] * w.CT_SIZE[1] * w.SERIES_SLICES / step**3
    peak = median(found[f"series {w.ELASTIC}"]["peak_mib"])
    yield Target("peak memory, DICOM series", peak, most=memory_mib(voxels, labels=False), unit=" MiB")


def _of_ct(found: Results, step: int) -> Iterator[Target]:
    voxels = w.CT_SIZE[0] * w.CT_SIZE[1] * w.CT_SIZE[2] / step**3
    peak = median(found[f"{w.ELASTIC} medaug"]["peak_mib"])
    yield Target("peak memory, CT", peak, most=memory_mib(voxels, labels=True), unit=" MiB")


def _of_growth(found: Results, _step: int) -> Iterator[Target]:
    for name, points in found.items():
        line = fit_line(points["x"], least_of(points["seconds"]))
        yield Target(f"growth with {name}: worst distance from a line", line.deviation * 100, most=10.0, unit=" %")


def _of_workers(found: Results, _step: int) -> Iterator[Target]:
    one, two = (median(found["workers"][count]["seconds"]) for count in ("1", "2"))
    yield Target("2 workers, 16 samples: faster than 1", one / two, least=1.8)


def _of_start(found: Results, _step: int) -> Iterator[Target]:
    yield Target("compiling, once a machine", found["first_s"] - found["later_s"], most=6.0, unit=" s")


def memory_mib(voxels: float, *, labels: bool) -> float:
    """Return what a worker may hold at its peak for an int16 volume, and uint8 labels if it has them."""
    return round(BASE_MIB + VOLUMES * voxels * (3 if labels else 2) / _MIB)


_SECTIONS = {
    "peers": _of_peers,
    "floor": _of_floor,
    "planar": _of_planar,
    "dicom": _of_dicom,
    "ct": _of_ct,
    "growth": _of_growth,
    "workers": _of_workers,
    "start": _of_start,
}
