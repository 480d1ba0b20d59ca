"""Points and boxes: tables (CSV, TSV), Slicer's .fcsv and .mrk.json, COCO-like JSON; written back as they were read."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from medaug_cli.core.marks import Boxes, Points
from medaug_cli.formats import Found, FoundVolume
from medaug_cli.formats.points.files import encode_copy, read_source, stamp_of
from medaug_cli.formats.points.identifying import find_places
from medaug_cli.formats.points.kinds import SUFFIXES

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from medaug_cli.core.encoded import EncodedFile
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.sample import Derivation, Loaded, Source, Volume
    from medaug_cli.formats import Limits, Place


class PointsFormat:
    """Files of points or boxes, as medaug_cli.formats.Format asks for it; docs/labels.md says what each may hold."""

    name = "points"

    def claims(self, path: Path, *, bare: bool = False) -> bool:
        """Say by its name whether `path` may hold points; none is `bare`."""
        del bare
        return path.suffix.lower() in SUFFIXES and not path.name.startswith("._")

    def find(self, root: Path, files: Sequence[str], *, repair: bool = False) -> Found:
        """Return one set of points a file; none is opened, and there is nothing to `repair`."""
        del repair
        return Found(tuple(_find(root, file) for file in files))

    def read(self, root: Path, source: Source, limits: Limits, images: Sequence[Loaded] = ()) -> Loaded:
        """Read the points or boxes of `source`, of a file of many images those of the first here."""
        del limits
        return read_source(root, source, images[0].source.files[0] if images else "")

    def encode(
        self, content: Volume | Labels | Marks, like: Loaded, targets: Sequence[str], derivation: Derivation
    ) -> Iterator[EncodedFile]:
        """Yield the file of a copy: the text of `like` with the positions of `content`; raises SampleError."""
        if not isinstance(content, Points | Boxes):
            raise TypeError(type(content).__name__)
        return encode_copy(content, like, targets, derivation)

    def identifying(self, root: Path, file: str) -> Counter[Place]:
        """Return the keys and columns with text, of files of points and of any other table or JSON beside images.

        Raises SampleError for a file that cannot be read as such.
        """
        return find_places(root / file, file)


def _find(root: Path, file: str) -> FoundVolume:
    stamp, problem = stamp_of(root, file)
    return FoundVolume(
        format="points", name=str(PurePosixPath(file)), files=(file,), stamps=(stamp,), role="points", problem=problem
    )


FORMAT = PointsFormat()
