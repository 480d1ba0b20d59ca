"""Extent: how many voxels copies will have, drawn from headers alone as the run will draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.program import may_change_grid, predict_grid
from medaug_cli.step import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.sample import Sample
    from medaug_cli.recipe.model import Recipe

_MOST_DRAWS = 256  # evenly spaced copies; the others are taken to be like them


@dataclass(frozen=True)
class Extent:
    """Voxels and stored bytes of all copies, and the voxels of the source and the copy that need most memory."""

    voxels: float
    stored_bytes: float
    largest: tuple[int, int]


def predict_extent(copies: Sequence[tuple[Sample, int]], recipe: Recipe) -> Extent:
    """Return the extent of `copies`, (sample, number of the copy).

    Where a window lies around all of a label, whose size no header tells, a copy counts like its source.
    """
    ordered = sorted(copies, key=lambda one: -one[0].voxels)
    drawn = ordered[:: -(-len(ordered) // _MOST_DRAWS) or 1] if any(map(may_change_grid, recipe.steps)) else []
    pairs = [(sample, _predict_voxels(sample, copy, recipe)) for sample, copy in drawn]
    voxels = sum(sample.voxels for sample, _ in copies)
    stored = sum(sample.stored_bytes for sample, _ in copies)
    sources = [(sample.voxels, sample.voxels) for sample, _ in ordered[:1]]
    largest = max([*sources, *((sample.voxels, made) for sample, made in pairs)], key=sum, default=(0, 0))
    return Extent(
        voxels=voxels * _ratio([(made, sample.voxels) for sample, made in pairs]),
        stored_bytes=stored
        * _ratio([(sample.stored_bytes * made / sample.voxels, sample.stored_bytes) for sample, made in pairs]),
        largest=largest,
    )


def _predict_voxels(sample: Sample, copy: int, recipe: Recipe) -> int:
    if sample.geometry is None or sample.problem:
        return sample.voxels
    most = recipe.limits.max_voxels
    scene = Scene(sample.geometry, recipe.seed, (sample.id, copy), max_voxels=most, headers_only=True)
    try:
        after = predict_grid(recipe.steps, scene)
    except SampleError:
        return sample.voxels
    return round(sample.voxels * after.voxels / sample.geometry.voxels)


def _ratio(parts: Sequence[tuple[float, float]]) -> float:
    """Return the sum of the new over the sum of the old; 1 where there is nothing."""
    old = sum(before for _, before in parts)
    return sum(after for after, _ in parts) / old if old else 1.0
