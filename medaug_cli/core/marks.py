"""Marks: what is known of a sample by positions instead of voxels: points, boxes, contours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.geometry import Geometry

LEAST_BOX_SHARE = 0.25
"""A box of which less than this share is left within the copy is dropped, unless the recipe says otherwise."""
Space: TypeAlias = Literal["lps_mm", "index"]
"""In what positions are counted: LPS mm, or voxels (i, j, k) of the sample's first image, 0 at a voxel's centre."""


@dataclass(frozen=True)
class MarkRules:
    """What becomes of marks that leave the field of view: dropped and cut, or all kept where they are.

    Of a box at least `min_box_share` must be left, from 0 to 1.
    """

    outside: Literal["drop", "keep"] = "drop"
    min_box_share: float = LEAST_BOX_SHARE


@dataclass(frozen=True, eq=False)
class Points:
    """Landmarks: `positions` (n, 3) in `space`, `names` one a point.

    `rows` are the numbers of the points in their file, in whose place what else it says of them is found; a copy has
    fewer where points have left the field of view and the file's format has no room for those. `planar` says that the
    file has no third coordinate, which only a 2-D image can do without; `whole`, that the points make up one shape, of
    which none is dropped.
    """

    positions: Array64
    names: tuple[str, ...]
    rows: tuple[int, ...]
    space: Space = "lps_mm"
    planar: bool = False
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes along the axes of `space`: `low` and `high` (n, 3) are opposite corners, low <= high.

    In a plane both have one and the same third coordinate. Names, rows and `planar` are as those of Points.
    """

    low: Array64
    high: Array64
    names: tuple[str, ...]
    rows: tuple[int, ...]
    space: Space = "lps_mm"
    planar: bool = False


@dataclass(frozen=True, eq=False)
class Contour:
    """One outline: `points_mm` (n, 3) LPS of the region called `region`; where `closed` a polygon in one plane.

    `row` is its number in the file, -1 for one that was made anew.
    """

    points_mm: Array64
    region: int
    row: int = -1
    closed: bool = True


@dataclass(frozen=True, eq=False)
class Contours:
    """Regions outlined plane by plane: `names` by region number.

    What lies within an odd number of closed contours of a region and a plane is in the region. `remade` says that the
    closed ones were rasterised, resampled and outlined again, since the mapping takes them off the slices. Regions
    that reflections have made change places are `exchanged`. `image` is the channel on whose slices they are drawn,
    empty for the first.
    """

    contours: tuple[Contour, ...]
    names: dict[int, str]
    remade: bool = False
    exchanged: frozenset[int] = frozenset()
    image: str = ""

    @property
    def counts(self) -> dict[int, int]:
        """How many contours each region has."""
        found = dict.fromkeys(self.names, 0)
        for contour in self.contours:
            found[contour.region] += 1
        return found


Marks: TypeAlias = Points | Boxes | Contours


@dataclass(frozen=True, eq=False)
class Move:
    """Where marks go: from the grid `before` of the image that they belong to, to the grid `after` of its copy.

    `swaps` are pairs of names to be exchanged, in order; `resampler` does what has to be resampled.
    `regular` says that the image has all its slices, evenly spaced, so that its grid tells where they lie.
    """

    before: Geometry
    after: Geometry
    swaps: tuple[tuple[str, str], ...] = ()
    resampler: Literal["kernel", "simpleitk"] = "kernel"
    rules: MarkRules = MarkRules()
    regular: bool = True

    def renamed(self, name: str) -> str:
        """Return what `name` is called after the swaps."""
        for one, other in self.swaps:
            name = {one: other, other: one}.get(name, name)
        return name
