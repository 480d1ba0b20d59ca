"""`medaug transforms`: the catalogue, made from the step classes."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from medaug_cli.cli import options as o
from medaug_cli.core.errors import UsageError


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
        for step in steps:
            typer.echo(f"{step['name']:<16} {step['summary']}")
    else:
        _show(steps[0])


def _show(step: dict[str, object]) -> None:
    typer.echo(f"{step['name']} ({step['role']})\n\n{step['description']}\n\nLike: {step['peer'] or 'no peer'}")
    for key, words in (("meant_for", "Only for"), ("refused_for", "Not for")):
        modalities = step[key]
        if isinstance(modalities, list) and modalities:
            typer.echo(f"{words}: {', '.join(modalities)}")
    typer.echo()
    parameters = step["parameters"]
    for parameter in parameters if isinstance(parameters, list) else []:
        limits = f" [{parameter['allowed']}]" if parameter["allowed"] else ""
        typer.echo(f"  {parameter['name']}{limits}, default {parameter['default']}\n      {parameter['help']}")
