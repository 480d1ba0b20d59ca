"""Outputs: the paths that runs may write to, also where only the worker will know how many slices there are."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Stack = tuple[str, str]
"""What paths of slices begin and end with; a number of four digits, or more where there are so many, stands between."""

_NUMBERED = re.compile(r"(.*_(?:slice)?)(?:\d{4}|[1-9]\d{4,5})", re.DOTALL)


@dataclass(frozen=True)
class Outputs:
    """Paths relative to ROOT, and the stacks whose slices have more of them."""

    paths: frozenset[str] = frozenset()
    stacks: frozenset[Stack] = frozenset()

    def __contains__(self, path: object) -> bool:
        """Say whether `path` is one of the paths, or may be a slice of one of the stacks."""
        return path in self.paths or (bool(self.stacks) and stack_of(str(path)) in self.stacks)

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.paths or self.stacks)

    def __or__(self, other: Outputs) -> Outputs:
        """Return both together."""
        return Outputs(self.paths | other.paths, self.stacks | other.stacks)

    def below(self, folder: str) -> Outputs:
        """Return what lies in `folder`, relative to it."""
        start = f"{folder}/"
        return Outputs(
            frozenset(path.removeprefix(start) for path in self.paths if path.startswith(start)),
            frozenset((head.removeprefix(start), end) for head, end in self.stacks if head.startswith(start)),
        )

    def folders(self) -> set[str]:
        """Return the folders that the stacks lie in, in which there is nothing but slices of copies."""
        return {posixpath.dirname(head) for head, _ in self.stacks}

    def slices_in(self, root: Path) -> Iterator[str]:
        """Yield the path of every file in `root` that may be a slice of one of the stacks."""
        for folder in sorted(self.folders()):
            entries = (root / folder).iterdir() if (root / folder).is_dir() else ()
            paths = (posixpath.join(folder, name) for name in sorted(entry.name for entry in entries))
            yield from (path for path in paths if stack_of(path) in self.stacks)


def stack_of(path: str) -> Stack | None:
    """Return the stack that `path` is a slice of if it is one; None where it has no number."""
    stem, suffix = posixpath.splitext(path)
    found = _NUMBERED.fullmatch(stem)
    return None if found is None else (found[1], suffix)
