"""`medaug verify`: whether the outputs are what the manifest says."""

from __future__ import annotations

from typing import Annotated

import typer

from medaug_cli.cli import options as o
from medaug_cli.cli.say import say
from medaug_cli.core.errors import ExitCode


def verify(
    root: o.RootPath,
    subset: Annotated[
        str | None,
        typer.Option(
            "--subset", metavar="K/N", envvar="MEDAUG_SUBSET", help="Only part K of N, for a check spread over days."
        ),
    ] = None,
    source: o.SourceDataset = None,
    key_file: o.KeyFile = None,
) -> None:
    """Hash every output in ROOT again and compare with the manifest; with --source the originals, too (exit 7)."""
    from medaug_cli.verify import verify_root

    checked, problems = verify_root(root, subset, source, key_file)
    for path, problem in problems:
        say(f"{path}: {problem}")
    say(f"{checked} files checked, {len(problems)} do not match the manifest")
    raise typer.Exit(int(ExitCode.MISMATCH if problems else ExitCode.OK))
