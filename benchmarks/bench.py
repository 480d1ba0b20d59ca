"""Bench: one benchmark run's folders and rounds, and each tool run on one case as a whole process."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import workload as w
from measure import Process, empty_folder, run_medaug, run_python, seconds_a_unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MEDAUG, FLOOR = "medaug", "floor"
PEERS = ("torchio", "monai", "batchgenerators")
LABELS = "*_seg.nii.gz"


@dataclass
class Series:
    """What one tool took in the rounds of one measurement: seconds a unit, wall, CPU over wall, and peak memory."""

    seconds: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    cpu_share: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)

    def add(self, seconds: float, process: Process) -> None:
        """Add one round."""
        self.seconds.append(seconds)
        self.wall_s.append(process.wall_s)
        self.cpu_share.append(process.cpu_s / process.wall_s)
        self.peak_mib.append(process.peak_mib)


@dataclass(frozen=True)
class Bench:
    """Where inputs lie and tools write, how many rounds are run, and whether everything is small."""

    work: Path
    rounds: int
    quick: bool

    started: float = field(default_factory=time.monotonic)

    @property
    def few(self) -> int:
        """Number of rounds of what takes long."""
        return max(1, self.rounds - 2)

    @property
    def step(self) -> int:
        """Every which voxel along an axis the inputs keep."""
        return 2 if self.quick else 1

    def say(self, text: str) -> None:
        """Show progress."""
        seconds = int(time.monotonic() - self.started)
        print(f"{seconds // 60:3d}:{seconds % 60:02d}  {text}", flush=True)

    def case(self, name: str) -> Path:
        """Return the folder of an input."""
        return self.work / "inputs" / name

    def medaug(
        self, case: str, recipe: str, copies: int, *flags: object, extra: Mapping[str, str] | None = None
    ) -> tuple[Path, Process]:
        """Run medaug in its own process, on one core, unless `flags` name an engine; return what it wrote to."""
        output = empty_folder(self.work / "output")
        layout = "dicom" if case in {"series", "radiographs"} else "nifti"
        path = self.work / "recipe.yaml"
        path.write_text(w.recipe_text(recipe, copies, layout), encoding="utf-8")
        alone = "--engine" not in flags
        engine = ("--engine", "serial", "--workers", 1) if alone else ()
        command = [path, self.case(case), "-o", output, *flags, *engine]
        return output, run_medaug(command, self.work, extra, alone=alone)

    def tool(self, tool: str, case: str, recipe: str, copies: int, *, own_types: bool = False) -> tuple[float, Process]:
        """Run a tool on the one image of a NIfTI case; return seconds a copy, the first one not counted.

        With `own_types` a peer writes files of the type that it gives them by itself.
        """
        if tool == MEDAUG:
            output, process = self.medaug(case, recipe, copies)
        else:
            output = empty_folder(self.work / "output")
            label = next(self.case(case).glob(LABELS))
            image = label.with_name(label.name.replace("_seg", ""))
            script = ["floor.py", FLOOR] if tool == FLOOR else [f"peers/with_{tool}.py", recipe]
            kind = "nifti" if tool == FLOOR else recipe
            own = ["own"] if own_types else []
            process = run_python(script[0], [kind, image, label, output, copies, *own], self.work)
        seconds = seconds_a_unit(output, LABELS, copies)
        self.say(f"  {case}, {recipe}, {tool}: {seconds:.3f} s a copy, peak {process.peak_mib:.0f} MiB")
        return seconds, process
