"""Patch swap: pairs of patches that change places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field

from medaug_cli.core.lazy import np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.step import Scene

_TRIES = 50  # to find two patches that do not overlap
_DIGITS = 6
_ENDS = ((0.0,) * 3 + (1.0, 0.0, 0.0), (0.0,) * 3 + (0.0, 1.0, 0.0), (0.0,) * 3 + (0.0, 0.0, 1.0))
Side = Annotated[int, Field(ge=1, le=4096)]
Share = Annotated[float, Field(ge=0, le=1)]
Place = tuple[Share, Share, Share, Share, Share, Share]


class PatchSwap(IntensityStep):
    """Exchange the intensities of `count` pairs of patches that do not overlap, one pair after the other.

    For context restoration (Chen 2019). A patch as large as the image is halved along its longest axis. All channels
    and colours exchange the same places; voxels without a measurement stay where they are.
    """

    code: ClassVar[tuple[str, str, str]] = ("PATCHSWAP", "99MEDAUG", "Regions exchanged within the image")
    peer: ClassVar[str] = "torchio.RandomSwap"
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = {"places": ("size", "count")}

    size: Annotated[Span, Bounds(ge=1, le=4096, whole=True, unit="voxel")] | tuple[Side, Side, Side] = Field(
        default=Span.of(8), description="Voxels of a patch along every axis, or three numbers for i, j, k."
    )
    count: Annotated[Span, Bounds(ge=0, le=10000, whole=True)] = Field(
        default=Span.of([2, 10]), description="Number of exchanges; 0 changes nothing."
    )
    places: tuple[Place, ...] | None = Field(
        default=None,
        description="First voxel of both patches of each pair along i, j, k, from 0 to 1 where a patch ends with the "
        "image, instead of drawn ones.",
    )

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its places drawn."""
        if self.places is not None:
            return self
        size = self.size.draw(generator, whole=True) if isinstance(self.size, Span) else self.size
        count = self.count.draw(generator, whole=True)
        drawn = self.model_copy(update={"size": size, "count": count})
        places = tuple(drawn._draw_place(generator, scene.geometry.size) for _ in range(int(count.value)))  # noqa: SLF001  the same class
        return drawn.model_copy(update={"places": places})

    def _draw_place(self, generator: Generator, size: tuple[int, int, int]) -> Place:
        """Return where a pair lies in a grid of `size`; at the ends of its longest axis where chance finds none."""
        sides = self._sides(size)
        for _ in range(_TRIES):
            a, b, c, d, e, f = (round(float(share), _DIGITS) for share in generator.random(6))
            first, second = _corners((a, b, c, d, e, f), size, sides)
            if any(abs(one - other) >= side for one, other, side in zip(first, second, sides, strict=True)):
                return a, b, c, d, e, f
        return _ENDS[size.index(max(size))]

    def _sides(self, size: tuple[int, int, int]) -> list[int]:
        """Return the voxels of a patch along x, y, z, so few that two find room beside each other."""
        wanted = (int(self.size.value),) * 3 if isinstance(self.size, Span) else self.size
        sides = [min(side, count) for side, count in zip(wanted, size, strict=True)]
        if all(2 * side > count for side, count in zip(sides, size, strict=True)):
            longest = size.index(max(size))
            sides[longest] = max(1, size[longest] // 2)
        return sides

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        size = scene.geometry.size
        sides = self._sides(size)
        for place in self.places or ():
            first, second = (
                tuple(slice(start, start + side) for start, side in zip(corner[::-1], sides[::-1], strict=True))
                for corner in _corners(place, size, sides)
            )
            if any(
                abs(one.start - other.start) >= one.stop - one.start for one, other in zip(first, second, strict=True)
            ):
                for component in array:
                    _exchange(component, first, second, scene)


def _corners(place: Place, size: tuple[int, int, int], sides: list[int]) -> tuple[list[int], list[int]]:
    """Return the first voxels (x, y, z) of both patches."""
    room = [count - side + 1 for count, side in zip(size, sides, strict=True)]
    starts = [min(int(share * free), free - 1) for share, free in zip(place, room * 2, strict=True)]
    return starts[:3], starts[3:]


def _exchange(component: FloatArray, first: tuple[slice, ...], second: tuple[slice, ...], scene: Scene) -> None:
    one, other = component[first].copy(), component[second].copy()
    if scene.valid is None:
        component[first], component[second] = other, one
        return
    both = scene.valid[first] & scene.valid[second]
    np.copyto(component[first], other, where=both)
    np.copyto(component[second], one, where=both)
