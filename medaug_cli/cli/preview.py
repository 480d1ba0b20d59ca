"""`medaug preview`: what a recipe does to one sample, to look at before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medaug_cli.cli import options as o
from medaug_cli.cli.say import say
from medaug_cli.core.errors import ExitCode


def preview(
    recipe: o.RecipePath,
    dataset: o.Dataset,
    target: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Sheet to write: sheet.png or sheet.html.")
    ],
    sample: Annotated[
        str | None,
        typer.Option(
            "--sample", metavar="ID", envvar="MEDAUG_SAMPLE", help="Which sample; the first usable one if not given."
        ),
    ] = None,
    copies: Annotated[int, typer.Option("--copies", min=1, max=99, help="Copies to show.")] = 8,
    seed: o.Seed = None,
    repair: o.Repair = False,
    force_read: o.ForceRead = False,
) -> None:
    """Draw a contact sheet: one sample and its copies as a run would make them, with the drawn parameters.

    Labels are outlined; volumes show three planes. Nothing but FILE is written. Exit codes: 0 done, 2 wrong usage or
    recipe, 3 the sample or a copy could not be made, 4 no such sample, 5 FILE cannot be written.
    """
    from medaug_cli.preview import load_previewed, preview_copies
    from medaug_cli.recipe import load_recipe
    from medaug_cli.report.sheet import make_sheet
    from medaug_cli.report.write import check_target, write_sheet

    check_target(target)
    loaded = load_recipe(recipe)
    loaded = loaded if seed is None else loaded.model_copy(update={"seed": seed})
    orders, shown = load_previewed(loaded, dataset, sample, repair=repair, force_read=force_read)
    made = make_sheet(shown, preview_copies(orders, shown, copies), loaded.name, loaded.seed)
    write_sheet(made, target)
    failed = [tile for tile in made.tiles if tile.problem]
    for tile in failed:
        say(f"{tile.title}: {tile.problem}", err=True)
    told = f", {len(failed)} of them could not be made" if failed else ""
    say(f"{target}: {shown.id} and {copies} copies{told}")
    raise typer.Exit(int(ExitCode.SOME_FAILED if failed else ExitCode.OK))
