"""What the peers' scripts share: the command line `RECIPE IMAGE LABEL FOLDER COPIES [own]`, and where they write to.

With `own` files have the type that the peer gives them by itself, without it the source's.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Job:
    """COPIES of one image and its label map, to be written to FOLDER as .nii.gz."""

    recipe: str
    image: Path
    label: Path
    folder: Path
    copies: int
    own_types: bool

    @classmethod
    def from_arguments(cls) -> Job:
        """Return the job that the command line names."""
        recipe, image, label, folder, copies, *own = sys.argv[1:]
        return cls(recipe, Path(image), Path(label), Path(folder), int(copies), bool(own))

    def targets(self) -> Iterator[tuple[Path, Path]]:
        """Yield for each copy the paths of its image and of its label map, which is to be written last."""
        for number in range(self.copies):
            yield self.folder / f"copy{number:04d}.nii.gz", self.folder / f"copy{number:04d}_seg.nii.gz"
