"""Phi: where in a dataset something stands that may tell of a patient, by place and count, and never a value."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.names import has_other_words, tells
from medaug_cli.core.privacy import plain_words
from medaug_cli.discover.walk import walk_dataset
from medaug_cli.formats import Place, format_names, load_format
from medaug_cli.naming import split_suffix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from medaug_cli.discover.walk import Tree

_NO_WORDS = (".bval", ".bvec")  # of numbers alone
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d([-._]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(?:0[1-9]|[12]\d|3[01])([-._])(?:0[1-9]|1[0-2])\1(?:19|20)\d\d(?!\d)")
_TWO_NAMES = re.compile(r"(?<![A-Za-z])([A-Z][a-z]{2,})[ ,_.-]+([A-Z][a-z]{2,})(?![A-Za-z])")


@dataclass(frozen=True)
class Finding:
    """A place, in how many files it was found, and how many times in all of them."""

    place: Place
    files: int
    times: int


def find_identifying(dataset: Path, *, force_read: bool = False) -> tuple[int, tuple[Finding, ...]]:
    """Return the number of files in `dataset`, and where in them and in their names something may tell of a patient.

    Copies that medaug wrote are looked at like all others. `force_read` takes DICOM files without a preamble. Raises
    DatasetError where `dataset` cannot be listed.
    """
    tree = walk_dataset(dataset)
    files: Counter[Place] = Counter()
    times: Counter[Place] = Counter()
    identifiers: dict[str, tuple[str, ...]] = {}
    for found in _look_into(tree, identifiers, force_read=force_read):
        files.update(found.keys())
        times.update(found)
    names = _look_at_names(tree.files, identifiers)
    return len(tree.files), tuple(
        Finding(place, counted[place], total[place])
        for counted, total in ((files, times), (names, names))
        for place in sorted(counted)
    )


def _look_into(tree: Tree, identifiers: dict[str, tuple[str, ...]], *, force_read: bool) -> Iterator[Counter[Place]]:
    """Yield what stands in each file, or why it was passed by; adds what headers call the patients to `identifiers`."""
    rest = list(tree.files)
    for name in format_names():
        form = load_format(name)
        claimed = [path for path in rest if form.claims(tree.root / path, bare=force_read)]
        rest = sorted(set(rest).difference(claimed))
        for volume in form.find(tree.root, claimed).volumes:
            identifiers.update(dict.fromkeys(volume.files, volume.identifiers))
        for path in claimed:
            try:
                yield form.identifying(tree.root, path)
            except SampleError as error:
                yield Counter({Place("unreadable", error.reason): 1})
    yield from (Counter({Place("other", "not looked into"): 1}) for path in rest if not path.endswith(_NO_WORDS))
    yield from (Counter({Place("unreadable", reason): 1}) for _, reason, _ in tree.left_alone)


def _look_at_names(paths: Iterable[str], identifiers: dict[str, tuple[str, ...]]) -> Counter[Place]:
    """Count the names of files and folders that tell something, each folder once, by their depth (the top is 0).

    A name is compared with the identifiers of its own file, or with those of everybody where the file tells of none.
    """
    everybody = frozenset(one for told in identifiers.values() for one in told)
    tells_what = cache(_tells_what)  # of a folder once, however many files are in it
    seen: dict[str, set[str]] = {}
    for path in paths:
        parts = path.split("/")
        known = identifiers.get(path) or everybody
        for depth in range(len(parts)):
            seen.setdefault("/".join(parts[: depth + 1]), set()).update(tells_what(parts[depth], known))
    files = set(paths)
    return Counter(
        Place("name", f"{'file' if path in files else 'folder'} at depth {path.count('/')}: {what}")
        for path, found in seen.items()
        for what in found
    )


def _tells_what(name: str, identifiers: tuple[str, ...] | frozenset[str]) -> list[str]:
    """Return what the name of a file or folder looks like; nothing where it is of words of the field and counts."""
    stem = split_suffix(name)[0]
    looks = {
        "identifier of a patient": tells(name, identifiers),
        "like a date": _DATE.search(stem) or _DAY_FIRST.search(stem),
        "like a person's name": "^" in stem
        or any(not any(map(plain_words, pair.groups())) for pair in _TWO_NAMES.finditer(stem)),
    }
    found = [what for what, is_so in looks.items() if is_so]
    return found or (["words of another kind"] if has_other_words(stem) else [])
