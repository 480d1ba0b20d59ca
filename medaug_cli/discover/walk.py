"""Walk: the regular files of a dataset that may be sources; follows no link out of it, opens no file."""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from medaug_cli.core.errors import DatasetError
from medaug_cli.formats import load_format

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from medaug_cli.discover.inventory import LeftAlone

# What medaug itself writes at the top of a ROOT, which by default is the dataset.
_OWN_FILES = frozenset({"medaug-manifest.jsonl", "SHA256SUMS"})
_OWN_FOLDERS = frozenset({"derivatives/medaug"})
_LONGEST_SUFFIX = 9


@dataclass(frozen=True)
class Tree:
    """The files of a dataset: POSIX paths relative to `root`, sorted; `left_alone` is what the walk passed by."""

    root: Path
    files: tuple[str, ...]
    left_alone: tuple[LeftAlone, ...] = ()
    warnings: tuple[str, ...] = ()
    bare: bool = False  # whether files that lack the mark of their format are taken, too
    # Asking a format about a file may open it, so that each format is asked once.
    _claimed: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    def claimed_by(self, format_name: str) -> tuple[str, ...]:
        """Return the files that the format called `format_name` takes, of those that no format asked before took."""
        if format_name not in self._claimed:
            taken = {path for claimed in self._claimed.values() for path in claimed}
            rest = [path for path in self.files if path not in taken]
            # Without files to ask about, the format and the library below it need not be loaded.
            claims = load_format(format_name).claims if rest else None
            self._claimed[format_name] = tuple(
                path for path in rest if claims is not None and claims(self.root / path, bare=self.bare)
            )
        return self._claimed[format_name]

    def count_by_suffix(self) -> str:
        """Return a text such as `12 files (10 .mha, 2 without suffix)`."""
        if not self.files:
            reasons = Counter((reason, message) for _, reason, message in self.left_alone).most_common(3)
            told = "; ".join(f"{count} {reason}: {message}" for (reason, message), count in reasons)
            return f"no file that can be read ({told})" if told else "no file"
        counts = Counter(_suffix(path) for path in self.files)
        parts = [f"{count} {suffix or 'without suffix'}" for suffix, count in counts.most_common(8)]
        return f"{len(self.files)} files ({', '.join(parts)}{', …' if len(counts) > len(parts) else ''})"


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2].lower()
    if name.endswith(".nii.gz"):
        return ".nii.gz"
    suffix = PurePosixPath(name).suffix
    # DICOM files are often named by their UID, whose last number is no suffix.
    return suffix if suffix[1:2].isalpha() and len(suffix) <= _LONGEST_SUFFIX else ""


def walk_dataset(root: Path, exclude: Iterable[Path] = (), known_outputs: Container[str] = frozenset()) -> Tree:
    """Return the regular files below `root` in an order that does not depend on the file system.

    Hidden files and folders, `exclude` and `known_outputs` are passed over. Links to files count where they end
    inside `root`; links to folders are not followed. Raises DatasetError where `root` is no folder that can be listed.
    """
    if not root.exists():
        raise DatasetError(f"{root}: no such folder; name the folder that holds the images")
    if not root.is_dir():
        raise DatasetError(f"{root}: is a file; name the folder that holds the images")
    steps = _Walk(root, exclude, known_outputs)
    steps.run()
    return Tree(root, tuple(sorted(steps.files)), tuple(sorted(steps.left_alone)), tuple(sorted(steps.warnings)))


class _Walk:
    """The state of one walk."""

    def __init__(self, root: Path, exclude: Iterable[Path], known_outputs: Container[str]) -> None:
        self.real_root = os.path.realpath(root)
        # ROOT is the dataset itself by default; that excludes nothing.
        self.excluded = {os.path.realpath(root / folder) for folder in exclude} - {self.real_root}
        self.known_outputs = known_outputs
        self.files: list[str] = []
        self.left_alone: list[LeftAlone] = []
        self.warnings: list[str] = []

    def run(self) -> None:
        """List folder after folder."""
        waiting = [""]
        while waiting:
            waiting.extend(self._list(waiting.pop()))

    def _list(self, folder: str) -> list[str]:
        """Take the files of `folder` and return the folders in it that are to be listed."""
        try:
            with os.scandir(f"{self.real_root}/{folder}") as listing:
                entries = list(listing)
        except OSError as error:
            if not folder:
                raise DatasetError(f"{self.real_root}: the folder cannot be listed ({error.strerror})") from error
            self._leave(folder, "unreadable", f"the folder cannot be listed ({error.strerror})")
            return []
        if folder and any(entry.name == ".medaug" for entry in entries):
            self._leave(folder, "medaug_root", "medaug wrote here; its copies never become sources")
            self.warnings.append(
                f"{folder}: left alone, since medaug wrote copies into it; to augment its originals give it as DATASET"
            )
            return []
        prefix = f"{folder}/" if folder else ""
        visible = (entry for entry in entries if not entry.name.startswith("."))
        return [path for entry in visible if (path := self._take(entry, prefix + entry.name))]

    def _take(self, entry: os.DirEntry[str], path: str) -> str:
        """Take `entry` if it is a file; return its path if it is a folder to list, else nothing."""
        try:
            path.encode()
        except UnicodeEncodeError:
            shown = path.encode("utf-8", "backslashreplace").decode()
            self._leave(shown, "bad_name", "the name is not valid UTF-8; rename it")
            return ""
        try:
            if entry.is_symlink():
                self._take_link(entry, path)
            elif entry.is_dir(follow_symlinks=False):
                return "" if self._is_own(path) else path
            elif entry.is_file(follow_symlinks=False):
                self._take_file(entry, path, path)
            else:
                self._leave(path, "not_a_regular_file", "a pipe, socket or device is never read")
        except OSError as error:
            self._leave(path, "unreadable", f"the file system gives no account of it ({error.strerror})")
        return ""

    def _take_link(self, entry: os.DirEntry[str], path: str) -> None:
        try:
            mode = entry.stat().st_mode
        except OSError:
            self._leave(path, "symlink_broken", "the link leads nowhere; fetch its content (git annex get) first")
            return
        target = os.path.realpath(entry.path)
        if stat.S_ISDIR(mode):
            self._leave(path, "symlink_folder", "links to folders are not followed; copy the folder into the dataset")
        elif not target.startswith(self.real_root.rstrip(os.sep) + os.sep):
            self._leave(path, "symlink_outside", "the link leads out of the dataset; copy the file into it")
        elif not stat.S_ISREG(mode):
            self._leave(path, "not_a_regular_file", "a pipe, socket or device is never read")
        else:
            self._take_file(entry, path, os.path.relpath(target, self.real_root).replace(os.sep, "/"))

    def _take_file(self, entry: os.DirEntry[str], path: str, target: str) -> None:
        """Take the file `path`, whose content lies at `target` (both relative to the dataset)."""
        if path in self.known_outputs or target in self.known_outputs or path in _OWN_FILES:
            return
        if target != path and any(self._is_own(parent.as_posix()) for parent in Path(target).parents):
            return
        if not os.access(entry.path, os.R_OK):
            self._leave(path, "unreadable", "no permission to read the file")
            return
        self.files.append(path)

    def _is_own(self, folder: str) -> bool:
        """Say whether `folder` holds what medaug wrote, or was excluded."""
        if folder in _OWN_FOLDERS or folder.rpartition("/")[2] == ".medaug":
            return True
        return bool(self.excluded) and f"{self.real_root}/{folder}" in self.excluded

    def _leave(self, path: str, reason: str, message: str) -> None:
        self.left_alone.append((path, reason, message))
