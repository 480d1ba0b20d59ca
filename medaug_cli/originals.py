"""What stands in OUTPUT beside the copies: originals on request, and BIDS's description of a derivative."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from medaug_cli import __version__
from medaug_cli.core.errors import UsageError
from medaug_cli.core.files import explained, publish, sync_folder, temporary_of
from medaug_cli.naming import BIDS_DERIVATIVES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from medaug_cli.core.sample import Sample
    from medaug_cli.root import Root


def check_originals(wanted: str, dataset: Path, root: Path) -> None:
    """Raise UsageError where originals are wanted in OUTPUT and OUTPUT is the dataset itself."""
    if wanted != "none" and root.resolve() == dataset.resolve():
        raise UsageError(
            f"output.originals is {wanted}, but copies are written beside the originals; name OUTPUT by -o"
        )


def place_originals(wanted: str, samples: Iterable[Sample], dataset: Path, root: Root) -> None:
    """Put the originals beside their copies in OUTPUT, as hard links or copies."""
    if wanted == "none":
        return
    changed: set[Path] = set()
    for path in (path for sample in samples for source in sample.sources for path in source.files):
        target = root.path / path
        if os.path.lexists(target):
            continue
        with explained():
            target.parent.mkdir(parents=True, exist_ok=True)
            if wanted == "link":
                _link(dataset / path, target)
            else:
                _copy(dataset / path, target)
        changed.add(target.parent)
    for folder in changed:
        sync_folder(folder)


def _link(original: Path, target: Path) -> None:
    """Make a hard link, or a symbolic one where OUTPUT lies on another file system."""
    found = original.resolve()  # of a source that is a link, what it leads to
    try:
        os.link(found, target)
    except OSError:
        target.symlink_to(found)


def _copy(original: Path, target: Path) -> None:
    """Make a copy with the times and the mode of its source, whole or not at all."""
    beside = temporary_of(target)
    try:
        shutil.copyfile(original, beside)
        with beside.open("rb+") as stream:
            os.fsync(stream.fileno())
        shutil.copystat(original, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def describe_bids(root: Root) -> None:
    """Write the dataset_description.json that BIDS asks of a derivative."""
    description = {
        "Name": "medaug",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "medaug", "Version": __version__}],
    }
    text = json.dumps(description, indent=1) + "\n"
    publish([(root.path / BIDS_DERIVATIVES / "dataset_description.json", text.encode())])
