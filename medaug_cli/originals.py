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
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from medaug_cli.core.sample import Sample
    from medaug_cli.root import Root

_PIECE = 1 << 20


def check_originals(wanted: str, dataset: Path, root: Path) -> None:
    """Raise UsageError where originals are wanted in OUTPUT and OUTPUT is the dataset itself."""
    if wanted != "none" and root.resolve() == dataset.resolve():
        raise UsageError(
            f"output.originals is {wanted}, but copies are written beside the originals; name OUTPUT by -o"
        )


def bytes_of_originals(wanted: str, samples: Iterable[Sample], root: Path) -> int:
    """Return what the originals that do not stand in `root` yet will take there."""
    if wanted != "copy":
        return 0
    sources = (source for sample in samples for source in sample.sources)
    files = (pair for source in sources for pair in zip(source.files, source.stamps, strict=False))
    return sum(size for path, (size, _) in files if not os.path.lexists(root / path))


def place_originals(wanted: str, samples: Iterable[Sample], dataset: Path, root: Root) -> list[str]:
    """Put the originals beside their copies in OUTPUT, as hard links or copies; return what could not be read."""
    unread: list[str] = []
    if wanted == "none":
        return unread
    changed: set[Path] = set()
    for path in (path for sample in samples for source in sample.sources for path in source.files):
        target = root.path / path
        if os.path.lexists(target):
            continue
        with explained():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                if wanted == "link":
                    _link(dataset / path, target)
                else:
                    _copy(dataset / path, target)
            except _UnreadableError as error:
                unread.append(f"{path}: {error}; no original of it stands in {root.path}")
        changed.add(target.parent)
    for folder in changed:
        sync_folder(folder)
    return unread


class _UnreadableError(Exception):
    """An original that the system does not give: its sample fails by itself, and no other does."""


def _link(original: Path, target: Path) -> None:
    """Make a hard link, or a symbolic one where OUTPUT lies on another file system."""
    found = original.resolve()  # of a source that is a link, what it leads to
    try:
        os.link(found, target)
    except OSError:
        target.symlink_to(found)


def _pieces(original: Path) -> Iterator[bytes]:
    """Yield what `original` holds; raises _UnreadableError, and no other's error, where reading fails."""
    try:
        with original.open("rb") as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except OSError as error:
        raise _UnreadableError(error.strerror) from error


def _copy(original: Path, target: Path) -> None:
    """Make a copy with the times and the mode of its source, whole or not at all."""
    beside = temporary_of(target)
    try:
        with beside.open("wb") as stream:
            for piece in _pieces(original):
                stream.write(piece)
            stream.flush()
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
