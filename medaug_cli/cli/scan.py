"""`medaug scan`: what a dataset holds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medaug_cli.cli import options as o
from medaug_cli.cli.say import say
from medaug_cli.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from medaug_cli.core.sample import Sample
    from medaug_cli.discover import Inventory


def scan(
    dataset: o.Dataset,
    as_json: o.AsJson = False,
    deep: Annotated[
        bool, typer.Option("--deep", envvar="MEDAUG_DEEP", help="Read every voxel and check every byte.")
    ] = False,
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--recipe", metavar="RECIPE", envvar="MEDAUG_RECIPE", help="Look as this recipe's dataset section says."
        ),
    ] = None,
    phi: Annotated[
        bool,
        typer.Option(
            "--phi",
            envvar="MEDAUG_PHI",
            help="List instead where something may tell of a patient, by place and count; no value.",
        ),
    ] = False,
    repair: o.Repair = False,
    force_read: o.ForceRead = False,
) -> None:
    """Say what DATASET holds: samples, pairing, geometry, patients, splits, integrity. Reads headers only."""
    if phi:
        _refuse_beside_phi({"--deep": deep, "--recipe": recipe is not None, "--repair": repair})
        _show_identifying(dataset, as_json=as_json, force_read=force_read)
        return
    from medaug_cli.root import known_copies
    from medaug_cli.scan import check_integrity, look_at

    inventory = look_at(dataset, recipe, known_copies(dataset), repair=repair, force_read=force_read)
    problems = {sample.id: sample.problem for sample in inventory.samples if sample.problem}
    if deep:
        problems |= check_integrity(inventory, dataset, recipe, repair=repair)
    if as_json:
        typer.echo(json.dumps(_document(inventory, problems), indent=1, sort_keys=True))
    else:
        _show(inventory, problems)
    raise typer.Exit(int(ExitCode.SOME_FAILED if problems else ExitCode.OK))


def _refuse_beside_phi(given: dict[str, bool]) -> None:
    others = ", ".join(flag for flag, is_given in given.items() if is_given)
    if others:
        raise UsageError(f"--phi looks at every file as it is; leave out {others}")


def _show_identifying(dataset: Path, *, as_json: bool, force_read: bool) -> None:
    """List places that may tell of a patient: an inventory, and no judgement, so that the exit code is 0."""
    from medaug_cli.phi import find_identifying

    files, findings = find_identifying(dataset, force_read=force_read)
    if as_json:
        places = [
            {"kind": one.place.kind, "name": one.place.name, "files": one.files, "times": one.times} for one in findings
        ]
        typer.echo(json.dumps({"files": files, "places": places}, indent=1))
        return
    rows = [("kind", "files", "times", "place")]
    rows += [(one.place.kind, str(one.files), str(one.times), one.place.name) for one in findings]
    for kind, count, times, name in rows:
        say(f"{kind:<10} {count:>8} {times:>8}  {name}")
    say(f"{files} files: {len(findings)} places that may tell of a patient; docs/privacy.md says what each kind is")


def _show(inventory: Inventory, problems: dict[str, Any]) -> None:
    for sample in inventory.samples:
        problem = problems.get(sample.id)
        what = f"{problem[0]}: {problem[1]}" if problem else _describe(sample)
        say(f"{sample.id}: {what}")
    for reason, count in sorted(Counter(reason for _, reason, _ in inventory.left_alone).items()):
        first = next(path for path, other, _ in inventory.left_alone if other == reason)
        say(f"left alone: {count} {reason}, such as {first}")
    for reason, count in sorted(Counter(reason for _, reason, _ in inventory.skipped).items()):
        say(f"not augmented: {count} {reason}")
    for text in inventory.warnings:
        say(f"warning: {text}", err=True)
    patients = {sample.patient for sample in inventory.samples if sample.patient}
    splits = Counter(sample.split for sample in inventory.samples if sample.split)
    told = "".join(f", {count} in {split}" for split, count in sorted(splits.items()))
    usable = len(inventory.samples) - len(problems)
    say(f"layout {inventory.layout}: {len(inventory.samples)} samples, {usable} usable, {len(patients)} patients{told}")


def _describe(sample: Sample) -> str:
    channels = ", ".join(f"{source.channel} ({len(source.files)} files)" for source in sample.images())
    labels = ", ".join(source.channel for source in sample.labels()) or "none"
    points = "".join(f", points {source.channel}" for source in sample.points())
    grid = sample.geometry
    size = "x".join(map(str, grid.size)) if grid else "unknown"
    spacing = "x".join(f"{value:.4g}" for value in grid.spacing_mm) if grid else "unknown"
    return (
        f"{sample.modality or 'unknown modality'}, {size} at {spacing} mm, images {channels}, labels {labels}{points}"
    )


def _document(inventory: Inventory, problems: dict[str, Any]) -> dict[str, Any]:
    """Return the inventory without any identifier of a patient."""
    return {
        "layout": inventory.layout,
        "samples": [
            {
                "id": sample.id,
                "modality": sample.modality,
                "split": sample.split,
                "class": sample.category,
                "images": {source.channel: list(source.files) for source in sample.images()},
                "labels": {source.channel: list(source.files) for source in sample.labels()},
                "points": {source.channel: list(source.files) for source in sample.points()},
                "size": list(sample.geometry.size) if sample.geometry else None,
                "spacing_mm": list(sample.geometry.spacing_mm) if sample.geometry else None,
                "problem": list(problems[sample.id]) if sample.id in problems else None,
            }
            for sample in inventory.samples
        ],
        "patients": len({sample.patient for sample in inventory.samples if sample.patient}),
        "left_alone": [list(item) for item in inventory.left_alone],
        "skipped": [list(item) for item in inventory.skipped],
        "warnings": list(inventory.warnings),
    }
