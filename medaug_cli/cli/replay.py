"""`medaug replay`: one output again, from its record alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medaug_cli.cli import options as o
from medaug_cli.cli.say import say
from medaug_cli.core.errors import UsageError


def replay(
    root: o.RootPath,
    output_id: Annotated[
        str, typer.Option("--id", metavar="OUTPUT_ID", envvar="MEDAUG_ID", help="The output_id of a manifest record.")
    ],
    check: Annotated[
        bool,
        typer.Option("--check", envvar="MEDAUG_CHECK", help="Compare with the record, bit for bit (exit 7 if not)."),
    ] = False,
    target: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there; a folder for several files.")
    ] = None,
    source: o.SourceDataset = None,
    key_file: o.KeyFile = None,
) -> None:
    """Make one output again from its manifest record alone, to compare or to keep.

    Exit codes: 0 equal or written, 3 a source is gone or not as it was, 4 the dataset is gone, 5 no such
    record, 7 the output differs.
    """
    from medaug_cli.replay import compare, find_record, replay_record, write_files
    from medaug_cli.root import dataset_of

    if not check and target is None:
        raise UsageError("replay needs --check, -o FILE, or both")
    record = find_record(root, output_id)
    files = replay_record(record, dataset_of(root, source), key_file)
    if target is not None:
        for path in write_files(files, target):
            say(str(path))
    if check:
        compare(record, files)
        say(f"{output_id}: {len(files)} files equal to the record, bit for bit")
