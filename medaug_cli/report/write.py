"""Write a contact sheet to the one file that was asked for; never over a file that is not a sheet of medaug's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.errors import RootError, UsageError
from medaug_cli.core.files import publish
from medaug_cli.report.page import GENERATOR, sheet_html
from medaug_cli.report.png import SIGNATURE
from medaug_cli.report.sheet import sheet_png

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.report.sheet import Sheet

_WRITERS = {".png": sheet_png, ".html": sheet_html, ".htm": sheet_html}
_HEAD_BYTES = 512


def check_target(target: Path) -> None:
    """Raise UsageError for a name of another kind, RootError for a file that medaug did not make."""
    if target.suffix.lower() not in _WRITERS:
        raise UsageError(f"-o {target}: a sheet is a picture or a page; name it .png or .html")
    if target.is_dir():
        raise RootError(f"{target}: is a folder; name a file in it")
    if not target.exists():
        return
    with target.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    ours = b"Software\0medaug " in head if head.startswith(SIGNATURE) else GENERATOR.encode() in head
    if not ours:
        raise RootError(f"{target}: exists and is no sheet of medaug's; name another file")


def write_sheet(sheet: Sheet, target: Path) -> None:
    """Write `sheet` as the suffix of `target` says, in place of an older sheet; raises RootError."""
    check_target(target)
    publish([(target, _WRITERS[target.suffix.lower()](sheet))])
