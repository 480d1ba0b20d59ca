"""Measure every step of medaug beside its peers, function by function, and write STEPS.md.

Arrays in memory, one thread, processor time (which other work on the machine does not count into), all tools of a step
in turn in one process, medians. A step of medaug is the whole of `apply_program`, its copy of the source included.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from step_cases import GROUPS, Case
from step_peers import THRESHOLD

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.sample import Loaded, LoadedSample, Source, Volume
from medaug_cli.program import apply_program, draw_program, scene_of
from medaug_cli.step import Policy
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = (197, 233, 189)
PICTURE = (2000, 1500)
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_ENVIRONMENT = {
    **dict.fromkeys((*_THREADS, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1"),
    "NO_ALBUMENTATIONS_UPDATE": "1",
}
_LONG_S = 4.0  # a call that takes longer is not repeated
_PEERS = ("torchio", "monai", "batchgeneratorsv2", "albumentations", "torch", "scipy", "scikit-image", "SimpleITK")
_FAST = 1.1


def main() -> None:
    """Measure, and write or print what was found."""
    arguments = _read_arguments()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    size = tuple(max(8, int(side * arguments.share)) for side in SIZE)
    volume, picture = _make_volume(size), _make_picture(arguments.share)
    began = f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC, load {os.getloadavg()[1]:.1f} at the beginning"
    tables = [*_tables(arguments, volume, picture)]
    load = f"{began} and {os.getloadavg()[1]:.1f} at the end (runnable processes, mean of 5 minutes)"
    lines = [*_head(size, arguments.rounds, load), *tables, *_without_times()]
    text = "\n".join(lines) + "\n"
    if arguments.only or arguments.share != 1:
        print(text)
    else:
        (Path(__file__).parent / "STEPS.md").write_text(text, encoding="utf-8")


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure every step beside its peers.")
    parser.add_argument("--rounds", type=int, default=5, help="calls of every tool (5), the first not counted")
    parser.add_argument("--only", nargs="+", help="these steps alone; prints their table")
    parser.add_argument("--share", type=float, default=1.0, help="share of the sides of the inputs, for a quick look")
    return parser.parse_args()


def _make_volume(size: tuple[int, ...]) -> Any:
    """Return an image like MR (x, y, z), contiguous: dark noise around a bright, textured ball."""
    generator = np.random.default_rng(0)
    axes = np.meshgrid(*(np.linspace(-1, 1, side) for side in size), indexing="ij", sparse=True)
    ball = sum(axis**2 for axis in axes) < 0.6
    level = np.where(ball, 500.0, 10.0) + 60 * np.where(ball, np.sin(9 * axes[0]) * np.cos(7 * axes[1]), 0)
    return np.abs(level + generator.normal(0, 8, size)).astype(np.float32)


def _make_picture(share: float) -> Any:
    height, width = (max(16, int(side * share) // 16 * 16) for side in PICTURE)
    ramp = np.linspace(0, 255, width)[None, :, None] * np.array([1.0, 0.7, 0.5])
    noise = np.random.default_rng(0).normal(0, 12, (height, width, 3))
    return np.clip(ramp + noise, 0, 255).astype(np.uint8)


def _tables(arguments: argparse.Namespace, volume: Any, picture: Any) -> Iterator[str]:
    for title, cases in GROUPS.items():
        chosen = [case for case in cases if case.step in (arguments.only or step_names())]
        rows = [_row(case, volume, picture, arguments.rounds) for case in chosen if case.step in step_names()]
        if rows:
            yield from (
                "",
                f"## {title}",
                "",
                "| step | medaug | peers | fastest peer ÷ medaug |",
                "| --- | --- | --- | --- |",
            )
            yield from rows


def _row(case: Case, volume: Any, picture: Any, rounds: int) -> str:
    data = volume if case.data == "volume" else picture
    calls: dict[str, Callable[[], object]] = {"medaug": _medaug(case, data)}
    failed: dict[str, str] = {}
    for name, prepare in case.peers.items():
        try:
            calls[name] = prepare(data)
        except (TypeError, ValueError, AttributeError, RuntimeError, ImportError) as error:
            failed[name] = type(error).__name__
    times = _measure(calls, rounds, failed)
    own = times.pop("medaug", None)
    shown = ", ".join(f"{name} {_ms(seconds)}" for name, seconds in times.items())
    broken = ", ".join(f"{name}: {why}" for name, why in failed.items())
    fastest = min(times.values(), default=0.0)
    ratio = f"{fastest / own:.1f}{' (slower)' if own > _FAST * fastest else ''}" if fastest and own else "-"
    print(f"{case.title}: {own and _ms(own)}; {shown} {broken}", file=sys.stderr, flush=True)
    cells = (f"`{case.title}`", _ms(own) if own else "-", ", ".join(filter(None, (shown, broken))) or "-", ratio)
    return f"| {' | '.join(cells)} |"


def _measure(calls: dict[str, Callable[[], object]], rounds: int, failed: dict[str, str]) -> dict[str, float]:
    """Return the median processor seconds of each call, all in turn; the first of each warms up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name, call in calls.items():
            if name in failed or any(seconds > _LONG_S for seconds in times[name]):
                continue
            began = time.process_time()
            try:
                call()
            except (SampleError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
                failed[name] = f"{type(error).__name__}"
                print(f"{name}: {error}", file=sys.stderr)
                continue
            seconds = time.process_time() - began
            if number or (seconds > _LONG_S and name != "medaug"):  # whose first call may compile
                times[name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in times.items() if seconds}


def _medaug(case: Case, data: Any) -> Callable[[], object]:
    """Return the call of one step on a sample in memory, its numbers drawn before."""
    step = load_step(case.step)
    modality = next(one for one in ("MR", *step.meant_for, "XC") if not step.refuses(one))
    if case.data == "picture":
        array = np.ascontiguousarray(np.moveaxis(data, -1, 0)[:, None])
        content = Volume(array, Geometry((array.shape[3], array.shape[2], 1)), rgb=True)
        modality = "XC" if not step.meant_for else modality
    else:
        array = np.ascontiguousarray(data.T[None])
        content = Volume(array, Geometry(data.shape))
    images = {
        str(number): Loaded(Source("image", str(number), "nifti", ()), content, (), None, modality=modality)
        for number in range(case.channels)
    }
    labels = {}
    if case.label:
        label = LabelMap((array[0] > THRESHOLD).astype(np.uint8), content.geometry)
        labels = {"a": Loaded(Source("label", "a", "nifti", ()), label, (), None)}
    sample = LoadedSample("case01", images, labels, {1: "ball"} if case.label else {})
    # What a file of bytes will store is rounded, as peers do with their bytes.
    scene = replace(scene_of(sample, 1, 1), whole_numbers=case.data == "picture")
    program = draw_program([step(**{"p": 1.0, **case.values})], scene)
    # A mirrored image is a view of its source until it is written.
    return lambda: [np.ascontiguousarray(one.array) for one in apply_program(program, sample, scene).images.values()]


def _ms(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds * 1000:.0f} ms"


def _head(size: tuple[int, ...], rounds: int, load: str) -> list[str]:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("medaug", *_PEERS))
    x, y, z = size
    about = (
        f"Made by `benchmarks/steps.py`. One volume of {x} x {y} x {z} voxels in float32, or one 8-bit colour picture "
        f"of {PICTURE[1]} x {PICTURE[0]}; in memory, one thread, processor time, all tools of a step in turn, medians "
        f"of {rounds - 1} calls after one to warm up. medaug's times include its copy of the source. Peers do what "
        "comes nearest: their elastic fields are smoothed otherwise, and some leave the border to zeros. Above 1, "
        "medaug is faster. Where a machine has other work to do, single ratios vary by a third."
    )
    machine = f"{platform.processor() or platform.machine()} with {os.cpu_count()} processors"
    used = f"{machine}; {load}. Python {platform.python_version()}; {versions}."
    return ["# The steps, one by one", "", about, "", used]


def _without_times() -> list[str]:
    known = {case.step for cases in GROUPS.values() for case in cases}
    rest = [name for name in step_names() if name not in known]
    policies = [name for name in rest if issubclass(load_step(name), Policy)]
    unknown = [name for name in rest if name not in policies]
    return [
        "",
        f"Not measured: {_code(policies)}, which choose among the steps above and take the time of what they choose"
        + (f"; {_code(unknown)}." if unknown else "."),
    ]


def _code(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in _ENVIRONMENT.items()):  # libraries read it as they load
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **_ENVIRONMENT})  # noqa: S606  the same program again, which no shell need start
    main()
