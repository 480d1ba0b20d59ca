"""Arguments and flags that commands share, worded once."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from medaug_cli.core.durations import parse_duration
from medaug_cli.core.errors import UsageError

_KIB = 1024
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*([KMGT]i?B|B)?", re.IGNORECASE | re.ASCII)


class Progress(StrEnum):
    """How a run shows its progress."""

    AUTO = "auto"
    BAR = "bar"
    PLAIN = "plain"
    NONE = "none"


class EngineName(StrEnum):
    """Where jobs run."""

    LOCAL = "local"
    SERIAL = "serial"


class ResamplerName(StrEnum):
    """What resamples."""

    KERNEL = "kernel"
    SIMPLEITK = "simpleitk"


class Overwrite(StrEnum):
    """Which copies are made again."""

    NEVER = "never"
    STALE = "stale"
    ALL = "all"


RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.")]
Dataset = Annotated[Path, typer.Argument(metavar="DATASET", help="Folder with DICOM or NIfTI files.")]
RootPath = Annotated[Path, typer.Argument(metavar="ROOT", help="Folder that a run wrote to.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="OUTPUT", envvar="MEDAUG_OUTPUT", help="Write there, not beside originals."),
]
SourceDataset = Annotated[
    Path | None,
    typer.Option("--source", metavar="DATASET", envvar="MEDAUG_SOURCE", help="Where the dataset lies now."),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        envvar="MEDAUG_KEY_FILE",
        help="The key that patients are hidden with, if it is not in the environment.",
    ),
]
Workers = Annotated[str, typer.Option("--workers", envvar="MEDAUG_WORKERS", help="Worker processes: auto or a number.")]
Engine = Annotated[EngineName, typer.Option("--engine", envvar="MEDAUG_ENGINE", help="Where jobs run.")]
Resampler = Annotated[
    ResamplerName,
    typer.Option("--resampler", envvar="MEDAUG_RESAMPLER", help="The compiled kernel, or SimpleITK's slower filter."),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, max=2**63 - 1, envvar="MEDAUG_SEED", help="Seed, instead of the recipe's."),
]
Copies = Annotated[
    int | None,
    typer.Option("--copies", min=1, max=9999, envvar="MEDAUG_COPIES", help="Copies, instead of the recipe's."),
]
Only = Annotated[
    str | None, typer.Option("--only", metavar="GLOB", envvar="MEDAUG_ONLY", help="Samples whose id matches.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, envvar="MEDAUG_LIMIT", help="At most N samples.")]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        metavar="10m",
        envvar="MEDAUG_TIMEOUT",
        help="End a job that takes longer, instead of limits.timeout.",
    ),
]
Retries = Annotated[
    int,
    typer.Option("--retries", min=0, max=100, envvar="MEDAUG_RETRIES", help="Tries again where a worker died."),
]
MaxDuration = Annotated[
    str | None,
    typer.Option(
        "--max-duration", metavar="3h50m", envvar="MEDAUG_MAX_DURATION", help="Stop after that time (exit 8)."
    ),
]
MaxFailures = Annotated[
    str | None,
    typer.Option("--max-failures", metavar="N|P%", envvar="MEDAUG_MAX_FAILURES", help="Stop beyond that (exit 10)."),
]
FailFast = Annotated[bool, typer.Option("--fail-fast", envvar="MEDAUG_FAIL_FAST", help="Stop at the first failure.")]
OverwriteMode = Annotated[
    Overwrite,
    typer.Option("--overwrite", envvar="MEDAUG_OVERWRITE", help="Replace copies: never, of other recipes, or all."),
]
Memory = Annotated[
    str | None,
    typer.Option("--memory", metavar="8GiB", envvar="MEDAUG_MEMORY", help="Memory that all workers may hold."),
]
LockTimeout = Annotated[
    float, typer.Option("--lock-timeout", metavar="S", min=0, envvar="MEDAUG_LOCK_TIMEOUT", help="Wait for ROOT.")
]
ProgressMode = Annotated[Progress, typer.Option("--progress", envvar="MEDAUG_PROGRESS", help="How to show progress.")]
Repair = Annotated[
    bool,
    typer.Option(
        "--repair", envvar="MEDAUG_REPAIR", help="Make DICOM UIDs that are blank, from file meta and content."
    ),
]
ForceRead = Annotated[
    bool, typer.Option("--force-read", envvar="MEDAUG_FORCE_READ", help="Read DICOM files without a preamble, too.")
]
AsJson = Annotated[bool, typer.Option("--json", envvar="MEDAUG_JSON", help="JSON on stdout.")]
LogFile = Annotated[
    Path | None, typer.Option("--log-file", metavar="F", envvar="MEDAUG_LOG_FILE", help="Append messages there, too.")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", envvar="MEDAUG_QUIET", help="Only the last line, and errors.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", envvar="MEDAUG_VERBOSE", help="A line for every copy.")]


def seconds_of(text: str, flag: str) -> float:
    """Return the seconds of a duration such as 90s, 10m or 3h50m; raises UsageError."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{flag} {text}: {error}") from error


def bytes_of(text: str, flag: str) -> int:
    """Return the bytes of a size such as 8GiB or 500MB; raises UsageError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{flag} {text}: not a size; write for instance 8GiB or 500MB")
    unit = (found[2] or "B").upper()
    power = "BKMGT".index(unit[0])
    return int(float(found[1]) * (_KIB if "I" in unit else 1000) ** power)


def human_bytes(count: float) -> str:
    """Return a size for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < _KIB:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KIB
    return f"{count:.1f} TiB"
