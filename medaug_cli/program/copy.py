"""Copies as a program makes them: drawn steps in, voxels and marks out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medaug_cli.spatial.mapping import Mapping

if TYPE_CHECKING:
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.sample import Volume
    from medaug_cli.step import Step


@dataclass(frozen=True)
class Drawn:
    """One step as drawn for one copy; `step` is None where chance left it out. A policy names what it chose."""

    path: str
    name: str
    step: Step | None
    chosen: tuple[int, ...] | None = None


Program = tuple[Drawn, ...]


@dataclass(frozen=True, eq=False)
class Copy:
    """One copy's voxels and marks, by channel, and what happened on the way.

    `swaps` are the pairs of label names that reflections have exchanged, in order.
    """

    images: dict[str, Volume]
    labels: dict[str, Labels]
    mapping: Mapping = field(default_factory=Mapping)
    swaps_laterality: bool = False
    swaps: tuple[tuple[str, str], ...] = ()
    marks: dict[str, Marks] = field(default_factory=dict)
    reports: dict[str, Any] = field(default_factory=dict)
