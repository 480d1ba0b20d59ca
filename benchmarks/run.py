"""Run all benchmarks and write RESULTS.md and the picture. `make benchmark` calls this in an environment of its own."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import sections
from bench import Bench
from measure import HERE, run_python
from report import write_report

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSIONS = (
    *("medaug", "torchio", "monai", "batchgeneratorsv2", "albumentations", "torch", "numpy", "numba", "SimpleITK"),
    *("nibabel", "pydicom", "isal", "opencv-python-headless"),
)
_SECTIONS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "start": sections.measure_start,
    "peers": sections.compare_peers,
    "floor": sections.compare_floor,
    "planar": sections.compare_planar,
    "dicom": sections.compare_dicom,
    "ct": sections.compare_ct,
    "growth": sections.measure_growth,
    "workers": sections.compare_workers,
}


def main() -> None:
    """Measure, and write what was found."""
    arguments = _read_arguments()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="medaug-benchmark-", dir=arguments.work) as folder:
        bench = Bench(Path(folder), arguments.rounds or (1 if arguments.quick else 3), arguments.quick)
        bench.say("Making the inputs")
        run_python("make_input.py", [bench.work / "inputs", *(["--quick"] if bench.quick else [])], bench.work)
        results = _describe_machine() | {"quick": bench.quick, "rounds": bench.rounds, "step": bench.step}
        for name, measure in _SECTIONS.items():
            if not arguments.only or name in arguments.only:
                results[name] = measure(bench)
        results["minutes"] = (time.monotonic() - started) / 60
        record = bench.work / "results.json"
        record.write_text(json.dumps(results, indent=1), encoding="utf-8")
        text = write_report(results)
        if arguments.quick or arguments.only:  # no result to publish
            print(text)
            return
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
        run_python("plot.py", [record, HERE.parent / "docs" / "speed.png"], bench.work)
        bench.say(f"Written: {HERE / 'RESULTS.md'} and docs/speed.png, after {results['minutes']:.0f} minutes")


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure medaug beside its peers.")
    parser.add_argument("--quick", action="store_true", help="two minutes: small inputs, one round; prints the tables")
    parser.add_argument("--rounds", type=int, help="rounds of every measurement (3; 1 with --quick)")
    parser.add_argument("--only", nargs="+", choices=_SECTIONS, help="these measurements alone; prints their tables")
    parser.add_argument("--work", type=Path, help="folder for 1 GB of inputs and outputs (the system's temporary one)")
    return parser.parse_args()


def _describe_machine() -> dict[str, Any]:
    """Return processor, cores, memory, system and the versions of everything measured."""
    names = [line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": psutil.virtual_memory().total / (1 << 30),
        "load": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.release()}, Python {sys.version.split()[0]}",
        "versions": {name: importlib.metadata.version(name) for name in _VERSIONS},
    }


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


if __name__ == "__main__":
    main()
