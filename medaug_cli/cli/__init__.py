"""The command line: one file a command, no algorithm. Commands import what they need when they run."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from medaug_cli import __version__
from medaug_cli.cli.bug import tell_bug
from medaug_cli.cli.init import init
from medaug_cli.cli.outlet import final_code, guarded, lost_results, open_closed
from medaug_cli.cli.paths import explaining
from medaug_cli.cli.plan import plan
from medaug_cli.cli.preview import preview
from medaug_cli.cli.replay import replay
from medaug_cli.cli.run import augment, refuse_flags
from medaug_cli.cli.say import say
from medaug_cli.cli.scan import scan
from medaug_cli.cli.schema import schema
from medaug_cli.cli.status import status
from medaug_cli.cli.transforms import transforms
from medaug_cli.cli.validate import validate
from medaug_cli.cli.verify import verify
from medaug_cli.core.errors import ExitCode, Interrupt, MedaugError, RecipeError

app = typer.Typer(
    name="medaug",
    help="Make augmented copies of DICOM and NIfTI datasets, with a record of how each was made.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(explaining(init))
app.command("validate")(explaining(validate))
app.command("scan")(explaining(scan))
app.command("plan")(explaining(plan))
app.command("preview")(explaining(preview))
app.command("run")(explaining(augment))
app.command("status")(explaining(status))
app.command("verify")(explaining(verify))
app.command("replay")(explaining(replay))
app.command("transforms")(explaining(transforms))
app.command("schema")(explaining(schema))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medaug {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version


def main() -> None:
    """Run the command line; an error that a user can mend becomes one message and its exit code."""
    open_closed()
    _read_names_as_utf8()
    sys.stdout, sys.stderr = guarded(sys.stdout), guarded(sys.stderr)
    # Looking for pydantic's plug-ins reads the metadata of every installed package: a tenth of the start-up time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = final_code(_code_of_app())
    if lost := lost_results():
        say(f"medaug: stdout: {lost.strerror}; what was to be said there is lost", err=True)
    sys.exit(code)


def _read_names_as_utf8() -> None:
    """Start once more in Python's UTF-8 mode where the locale has names of files in another encoding (P3).

    What a draw is keyed by, and what the manifest says, would else depend on the locale. Streams keep its encoding.
    """
    if sys.getfilesystemencoding() != "utf-8":
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
        os.environ["PYTHONUTF8"] = "1"
        again = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execv(sys.executable, again)  # noqa: S606  the same program with its own words, which no shell need start


def _code_of_app() -> int:
    """Run the command and return its exit code; say what ended it, where that was an error."""
    try:
        app()
    except SystemExit as end:
        if end.code == ExitCode.USAGE and sys.argv[1:2] == ["run"]:  # Click's own: the run did not begin
            refuse_flags(sys.argv)
        return end.code if isinstance(end.code, int) else int(ExitCode.OK)
    except MedaugError as error:
        say(f"medaug: {error}", err=True, lines=isinstance(error, RecipeError))
        return int(error.exit_code)
    except Interrupt as stop:
        say("medaug: interrupted", err=True)
        return int(stop.exit_code)
    except Exception as error:  # noqa: BLE001  its text must not reach a log by Python's own traceback
        tell_bug(error)
        return int(ExitCode.BUG)
    return int(ExitCode.OK)
