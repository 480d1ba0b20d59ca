"""Formats: one module (or folder) a format, each with an object `FORMAT`; found by scanning this folder.

A format finds volumes by their headers, reads them and encodes copies. Nothing else imports pydicom or nibabel.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from medaug_cli.core.encoded import EncodedFile
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.sample import Derivation, Loaded, Role, Source, Volume

_BITS = re.compile(r"\d+$")  # int16, float32


@dataclass(frozen=True)
class Limits:
    """What a header may ask for before anything is decoded, and whether UIDs that are blank in it are made."""

    max_voxels: float = 4.0e8
    repair: bool = False


@dataclass(frozen=True, slots=True)
class FoundVolume:
    """One volume as its headers describe it; `files` are relative to the dataset, in slice order.

    `name` is the path that stands for it in messages and ids. `patient`, `identifiers`, `study` and
    `frame_of_reference` are as read and stay in memory. `problem` is (reason, message) where it cannot be used. `role`
    says whether it holds an image, labels or marks; `instances` are the UIDs of its own instances, `refers` those of
    the series and instances that labels name as theirs; `shared` says that the files tell of other samples, too.
    """

    format: str
    name: str
    files: tuple[str, ...]
    stamps: tuple[tuple[int, int], ...]
    geometry: Geometry | None = None
    dtype: str = ""
    components: int = 1
    modality: str = ""
    patient: str = ""
    identifiers: tuple[str, ...] = ()
    study: str = ""
    series: str = ""
    frame_of_reference: str = ""
    irregular: str = ""
    warnings: tuple[str, ...] = ()
    problem: tuple[str, str] | None = None
    role: Role = "image"
    instances: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()
    shared: bool = False

    @property
    def voxels(self) -> int:
        """Number of voxels of one component; 0 where the header could not be read."""
        if self.geometry is None:
            return 0
        x, y, z = self.geometry.size
        return x * y * z

    @property
    def unpacked_bytes(self) -> int:
        """What the voxels of all components take without compression; 0 where the header does not tell their type."""
        bits = _BITS.search(self.dtype)
        width = 1 if self.dtype.startswith("rgb") else int(bits[0]) // 8 if bits else 0
        return self.voxels * self.components * width


@dataclass(frozen=True)
class Found:
    """What a format found: volumes, and files left alone as (path, reason, message)."""

    volumes: tuple[FoundVolume, ...] = ()
    left_alone: tuple[tuple[str, str, str], ...] = field(default=())


Kind = Literal[
    "attribute",
    "text",
    "uid",
    "private",
    "overlay",
    "preamble",
    "file_meta",
    "pixels",
    "claim",
    "header",
    "extension",
    "gzip",
    "key",
    "column",
    "name",
    "other",
    "unreadable",
]
"""Kinds of places that `medaug scan --phi` lists; docs/privacy.md says what each is."""


@dataclass(frozen=True, order=True)
class Place:
    """A place where something stands that may tell of a patient; `name` is of the standard's words, never a value."""

    kind: Kind
    name: str


class Format(Protocol):
    """What a format can do. `root` is the dataset; every path is POSIX and relative to it or to ROOT."""

    name: str

    def claims(self, path: Path, *, bare: bool = False) -> bool:
        """Say by name, and where needed by the first bytes, whether `path` is of this format.

        `bare` takes also what lacks the mark that tells its format for certain.
        """
        ...

    def find(self, root: Path, files: Sequence[str], *, repair: bool = False) -> Found:
        """Group `files` (sorted, all claimed by this format) into volumes; reads headers only, raises nothing.

        `repair` makes UIDs that are blank.
        """
        ...

    def read(self, root: Path, source: Source, limits: Limits, images: Sequence[Loaded] = ()) -> Loaded:
        """Read the voxels of `source` and check that every byte is sound; raises SampleError.

        `images` are those of the sample, read before; labels that cover a part of their field of view are spread over
        the whole, where a mapping may take them.
        """
        ...

    def encode(
        self, content: Volume | Labels | Marks, like: Loaded, targets: Sequence[str], derivation: Derivation
    ) -> Iterator[EncodedFile]:
        """Yield the files of a copy, one for each path in `targets`, which are ordered as the source's files are.

        Voxels come from `content`, everything else from `like`, or where that was read in another format from the
        images of `derivation`; raises SampleError.
        """
        ...

    def identifying(self, root: Path, file: str) -> Counter[Place]:
        """Return how many things that may tell of a patient stand where in `file`; raises SampleError."""
        ...


def format_names() -> tuple[str, ...]:
    """Return the names of all formats without importing them."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@cache
def load_format(name: str) -> Format:
    """Return the format called `name`."""
    found: Format = importlib.import_module(f"{__name__}.{name}").FORMAT
    return found
