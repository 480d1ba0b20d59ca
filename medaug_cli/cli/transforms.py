"""`medaug transforms`: the catalogue, made from the step classes."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from medaug_cli.cli import options as o
from medaug_cli.core.errors import UsageError

_TITLES = {"spatial": "Spatial", "intensity": "Intensity", "label": "Labels", "policy": "Policies"}


def transforms(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One step, in full.")] = None,
    as_json: o.AsJson = False,
) -> None:
    """List the steps that a recipe can have, or describe one with its parameters, units and defaults."""
    from medaug_cli.catalogue import describe_step
    from medaug_cli.transforms import step_names

    names = step_names()
    if name is not None and name not in names:
        raise UsageError(f"no step is called {name}; allowed: {', '.join(names)}")
    steps = [describe_step(one) for one in ([name] if name else names)]
    if as_json:
        typer.echo(json.dumps(steps if name is None else steps[0], indent=1))
    elif name is None:
        _list(steps)
    else:
        _show(steps[0])


def _list(steps: list[dict[str, Any]]) -> None:
    for role in dict.fromkeys(step["role"] for step in sorted(steps, key=lambda one: list(_TITLES).index(one["role"]))):
        typer.echo(f"{_TITLES[role]}\n")
        for step in [one for one in steps if one["role"] == role]:
            units = f"  [{', '.join(step['units'])}]" if step["units"] else ""
            typer.echo(f"{step['name']:<21} {step['summary']}{units}\n{'':<21} like {step['peer'] or 'no peer'}")
        typer.echo()
    typer.echo(f"{len(steps)} steps; `medaug transforms NAME` describes one with its parameters.")


def _show(step: dict[str, Any]) -> None:
    typer.echo(f"{step['name']} ({step['role']})\n\n{step['description']}\n\nLike: {step['peer'] or 'no peer'}")
    for key, words in (("meant_for", "Only for"), ("refused_for", "Not for")):
        if step[key]:
            typer.echo(f"{words}: {', '.join(step[key])}")
    typer.echo()
    for parameter in step["parameters"]:
        limits = f" [{parameter['allowed']}]" if parameter["allowed"] else ""
        default = "needed" if parameter["required"] else f"default {json.dumps(parameter['default'])}"
        typer.echo(f"  {parameter['name']}{limits}, {default}\n      {parameter['help']}")
    typer.echo("\nExample:\n\nsteps:")
    typer.echo("".join(f"  {line}\n" for line in step["example"].splitlines()), nl=False)
