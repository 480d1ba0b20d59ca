"""`medaug init`: a commented starter recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medaug_cli.cli.say import say
from medaug_cli.core.errors import RootError, UsageError


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder to write recipe.yaml to.")] = Path(),
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME", envvar="MEDAUG_PRESET", help="Which preset to start from.")
    ] = "quickstart",
) -> None:
    """Write a commented starter recipe, and the schema that editors check it with."""
    from medaug_cli.presets import preset_names, read_config

    if preset not in preset_names():
        raise UsageError(f"--preset {preset}: no such preset; allowed: {', '.join(preset_names())}")
    files = {"recipe.yaml": read_config(f"{preset}.yaml"), "recipe.schema.json": read_config("recipe.schema.json")}
    standing = [folder / name for name in files if (folder / name).exists()]
    if standing:
        raise RootError(f"{standing[0]}: exists already; remove it or name another folder")
    target = folder / "recipe.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RootError(f"{folder}: cannot be written: {error.strerror}") from error
    say(f"{target}: the {preset} recipe; next: medaug validate {target}, then medaug run {target} DATASET")
