"""NIfTI-1 and NIfTI-2, as `.nii`, `.nii.gz` or an `.hdr`/`.img` pair; the only place that says RAS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.label_maps import LabelMap, LabelStack
from medaug_cli.core.sample import Volume
from medaug_cli.formats.nifti import find, identifying, names, read, write

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from medaug_cli.core.encoded import EncodedFile
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.sample import Derivation, Loaded, Source
    from medaug_cli.formats import Found, Limits, Place


class NiftiFormat:
    """The NIfTI format: intensities carry 24 bits (float32 in memory), labels are exact in every type."""

    name = names.FORMAT_NAME

    def claims(self, path: Path, *, bare: bool = False) -> bool:
        """Say by its name whether `path` is NIfTI, in whatever case its suffix is written; none is `bare`."""
        del bare
        return names.is_nifti_name(path.name)

    def find(self, root: Path, files: Sequence[str], *, repair: bool = False) -> Found:
        """Return one volume a file, or a pair of files, from their headers alone; there is nothing to `repair`."""
        del repair
        return find.find_volumes(root, files)

    def read(self, root: Path, source: Source, limits: Limits, images: Sequence[Loaded] = ()) -> Loaded:
        """Read the voxels of `source`, every byte checked; raises SampleError."""
        del images  # labels lie on their images' grid
        return read.read_source(root, source, limits)

    def encode(
        self, content: Volume | Labels | Marks, like: Loaded, targets: Sequence[str], derivation: Derivation
    ) -> Iterator[EncodedFile]:
        """Yield the files of a copy, of the kind that the suffixes of `targets` say; raises SampleError."""
        if not isinstance(content, Volume | LabelMap | LabelStack):
            raise TypeError(type(content).__name__)
        return write.encode_copy(content, like, targets, derivation)

    def identifying(self, root: Path, file: str) -> Counter[Place]:
        """Return the places of free text, of extensions and of what gzip notes; raises SampleError."""
        return identifying.find_places(root / file, file)


FORMAT = NiftiFormat()
