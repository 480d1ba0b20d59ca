"""DICOM: grey and colour images, classic and enhanced multi-frame; read and written with pydicom alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.sample import Volume
from medaug_cli.formats.dicom.bare import is_bare
from medaug_cli.formats.dicom.find import find_volumes
from medaug_cli.formats.dicom.identifying import find_places
from medaug_cli.formats.dicom.label_objects import encode_labels, read_labels
from medaug_cli.formats.dicom.read import read_volume
from medaug_cli.formats.dicom.write import encode_volume

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from medaug_cli.core.encoded import EncodedFile
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.sample import Derivation, Loaded, Source
    from medaug_cli.formats import Found, Limits, Place

_PREAMBLE = 128


class DicomFormat:
    """The DICOM format, as medaug_cli.formats.Format asks for it."""

    name = "dicom"

    def claims(self, path: Path, *, bare: bool = False) -> bool:
        """Say whether `DICM` follows a preamble; `bare`: or the file begins with an element of group 0002 or 0008."""
        try:
            with path.open("rb") as stream:
                head = stream.read(_PREAMBLE + 4)
        except OSError:
            return False
        return head[_PREAMBLE:] == b"DICM" or (bare and is_bare(head))

    def find(self, root: Path, files: Sequence[str], *, repair: bool = False) -> Found:
        """Group `files` into volumes by their headers, blank UIDs made where `repair` says so; raises nothing."""
        return find_volumes(root, files, repair=repair)

    def read(self, root: Path, source: Source, limits: Limits, images: Sequence[Loaded] = ()) -> Loaded:
        """Read the voxels of `source`; raises SampleError."""
        if source.role == "label":
            return read_labels(root, source, limits, images)
        return read_volume(root, source, limits)

    def encode(
        self, content: Volume | Labels | Marks, like: Loaded, targets: Sequence[str], derivation: Derivation
    ) -> Iterator[EncodedFile]:
        """Yield one instance for each of `targets`, derived from the slices of `like`; raises SampleError."""
        if not isinstance(content, Volume):
            return encode_labels(content, like, targets[0], derivation)
        return encode_volume(content, like, targets, derivation)

    def identifying(self, root: Path, file: str) -> Counter[Place]:
        """Return the places of attributes that the Basic Profile would remove or replace; raises SampleError."""
        return find_places(root / file, file)


FORMAT = DicomFormat()
