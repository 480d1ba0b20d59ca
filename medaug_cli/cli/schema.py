"""`medaug schema`: JSON Schema of recipes, manifest records and events."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class What(StrEnum):
    """What a schema is of."""

    RECIPE = "recipe"
    MANIFEST = "manifest"
    EVENTS = "events"


def schema(what: Annotated[What, typer.Argument(help="Which schema.")]) -> None:
    """Print the JSON Schema of recipes, manifest records or events, as shipped in configs/."""
    from medaug_cli.catalogue import schema_text

    typer.echo(schema_text(what.value), nl=False)
