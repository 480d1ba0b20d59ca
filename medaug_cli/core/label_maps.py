"""Label maps and stacks of them: which voxels belong to what, in whole numbers or as shares."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from medaug_cli.core.lazy import np, tallies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.geometry import Geometry

_VALUE = re.compile(r"-?[0-9]{1,20}")
_HALF = 0.5
"""The share of a voxel from which a component is said to hold it."""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Labels: `array` (z, y, x) of an integer type, or of whole numbers stored as float.

    `names` are those that the file itself gives its values; what the recipe says of them comes on top. Voxels of the
    values that are `exchanged` lie on their own side again: a reflection has moved them and swap_labels their values.
    """

    array: AnyArray
    geometry: Geometry
    names: Mapping[int, str] = field(default_factory=dict)
    exchanged: frozenset[int] = frozenset()

    def parts(self) -> Sequence[AnyArray]:
        """Return the arrays (z, y, x) to be moved: the one there is."""
        return (self.array,)

    def with_parts(self, parts: Sequence[AnyArray], geometry: Geometry) -> LabelMap:
        """Return the map with its array moved onto `geometry`."""
        return replace(self, array=parts[0], geometry=geometry)

    @cached_property
    def counts(self) -> dict[float, int]:
        """How many voxels hold each value but 0; counted once, so only to be asked of maps that stay as they are."""
        return tallies.count_values(self.array)


def label_value(name: str, *names: Mapping[int, str]) -> int | None:
    """Return the value that the first of `names` which know `name` gives it, else the number that it is itself."""
    found = [value for some in names for value, text in some.items() if text == name]
    if found:
        return found[0]
    return int(name) if is_value(name) else None


def is_value(name: str) -> bool:
    """Say whether the name of a label is the number of one: digits from 0 to 9, and no more than voxels can hold."""
    return _VALUE.fullmatch(name) is not None


@dataclass(frozen=True, eq=False)
class LabelStack:
    """Labels that may overlap, one a component: `array` (component, z, y, x), `names` one a component.

    Each component is 0 and 1 and moves as a label map does; where `soft`, it is float32 from 0 to 1, a probability or
    a share of the voxel, and moves by linear interpolation. In a `partition` the components of every voxel add up to 1
    and still do after a move; what comes in from outside belongs to the first, the background. `exchanged` components,
    counted from 1, are on their own side again, as those values of a LabelMap.
    """

    array: AnyArray
    geometry: Geometry
    names: tuple[str, ...] = ()
    soft: bool = False
    partition: bool = False
    exchanged: frozenset[int] = frozenset()

    def parts(self) -> Sequence[AnyArray]:
        """Return the components (z, y, x), or of a partition into labels the one map of their numbers from 0 on."""
        return (self.array.argmax(axis=0).astype(np.int32),) if self._is_one_map else tuple(self.array)

    def with_parts(self, parts: Sequence[AnyArray], geometry: Geometry) -> LabelStack:
        """Return the stack with its components moved onto `geometry`."""
        numbers = np.arange(len(self.array))[:, None, None, None]
        array = (parts[0] == numbers).astype(self.array.dtype) if self._is_one_map else np.stack(parts)
        return replace(self, array=array, geometry=geometry)

    def numbered_parts(self) -> Iterator[AnyArray]:
        """Yield the same arrays, in which a component's voxels hold its number, from 1 on, and the background 0."""
        if self._is_one_map:
            (part,) = self.parts()
            yield np.where(part > 0, part + 1, 0)  # the first component is the background
            return
        for number, part in enumerate(self.array, start=1):
            yield np.where(part > 0, np.int32(number), np.int32(0))

    def with_numbered_parts(self, parts: Iterable[AnyArray]) -> LabelStack:
        """Return the stack with the components that `numbered_parts` gave, changed, one of them held at a time."""
        if self._is_one_map:
            return self.with_parts([np.where(part > 0, part - 1, 0) for part in parts], self.geometry)
        return self.with_parts([(part > 0).astype(self.array.dtype) for part in parts], self.geometry)

    @property
    def _is_one_map(self) -> bool:
        return self.partition and not self.soft

    @cached_property
    def counts(self) -> dict[float, int]:
        """How many voxels each component, from 1 on, holds to at least a half; empty ones are left out."""
        found = {number: int((part >= _HALF).sum()) for number, part in enumerate(self.array, start=1)}
        return {float(number): count for number, count in found.items() if count}


Labels: TypeAlias = LabelMap | LabelStack
