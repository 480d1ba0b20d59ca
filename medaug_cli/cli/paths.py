"""Paths: what is said of an argument that the file system refuses, such as one too long or not to be entered."""

from __future__ import annotations

import errno
import functools
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import DatasetError, MedaugError, ResourceError, RootError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_KINDS: dict[str, type[MedaugError]] = {
    **dict.fromkeys(("dataset", "source"), DatasetError),
    **dict.fromkeys(("root", "output", "target", "folder"), RootError),
}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ADVICE = {
    errno.ENAMETOOLONG: "give a shorter name",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "check its permissions, and those of the folders above it"),
    **dict.fromkeys(_FULL, "free some space"),
}
_OURS = (".medaug", "medaug-manifest.jsonl", "SHA256SUMS")


def explaining(command: Callable[..., None]) -> Callable[..., None]:
    """Return `command` such that what the file system refuses of its arguments ends it as an error, not as a bug."""

    @functools.wraps(command)
    def explained(**arguments: Any) -> None:
        with refusals_explained(arguments):
            command(**arguments)

    return explained


@contextmanager
def refusals_explained(arguments: Mapping[str, object]) -> Iterator[None]:
    """Turn an OSError at one of `arguments`, by the names that commands give them, into an error with advice."""
    try:
        yield
    except OSError as error:
        if (explained := _explain(error, arguments)) is None:
            raise
        raise explained from error


def _explain(error: OSError, arguments: Mapping[str, object]) -> MedaugError | None:
    """Return what to tell of `error`; None where neither an argument nor what a user can mend is at fault."""
    if not isinstance(error.filename, str):
        return None
    where: str = error.filename
    kind: type[MedaugError] | None = UsageError if error.errno in _ADVICE else None
    folder, name = os.path.split(where)
    places = (Path(os.path.realpath(where)), Path(os.path.realpath(folder), name))  # a link lies where it stands, too
    paths = {key: Path(os.path.realpath(path)) for key, path in arguments.items() if isinstance(path, Path)}
    holders = {
        key: place.relative_to(path).parts
        for key, path in paths.items()
        for place in places
        if place.is_relative_to(path)
    }
    if holders:
        key = max(holders, key=lambda one: len(paths[one].parts))
        inside = holders[key]
        ours = bool(inside) and inside[0] in _OURS and _may_enter(paths[key])
        kind = RootError if ours else _KINDS.get(key, UsageError)
        if kind is DatasetError and inside:  # the name of a file in it may tell of a patient
            where = str(arguments[key])
    if kind is None:
        return None
    kind = ResourceError if error.errno in _FULL else kind
    advice = _ADVICE.get(error.errno or 0, "check the path, and the disk that it lies on")
    return kind(f"{where}: cannot be used: {error.strerror}; {advice}")


def _may_enter(folder: Path) -> bool:
    return os.access(folder, os.X_OK, effective_ids=os.access in os.supports_effective_ids)
