"""Extent: how many voxels copies will have, drawn from headers alone as the run will draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.program import may_change_grid, predict_grid
from medaug_cli.step import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.sample import Sample, Source
    from medaug_cli.recipe.model import Recipe

_MOST_DRAWS = 256  # evenly spaced copies; the others are taken to be like them
# Moved outlines, another packer and frames that were empty make of label maps 1.4 to 2.1 times their files (measured).
_LABELS_OUTGROW = 4
_FLOAT32_BYTES = 4
_BLOCK_BYTES = 4096  # a file takes whole ones; so much is what a copy's header is longer by
_RECORD_BYTES = 16384  # in journal, manifest, hash list and what a run notes of itself


@dataclass(frozen=True)
class Extent:
    """Voxels of all copies, the most bytes they may take, and the voxels of the source and copy that need most memory.

    Noise leaves nothing to pack in an image, so that its copies count as unpacked, whatever its own file takes.
    """

    voxels: float
    most_bytes: float
    largest: tuple[int, int]


def predict_extent(copies: Sequence[tuple[Sample, int]], recipe: Recipe) -> Extent:
    """Return the extent of `copies`, (sample, number of the copy).

    Where a window lies around all of a label, whose size no header tells, a copy counts like its source.
    """
    samples = {sample.id: sample for sample, _ in copies}  # each asked once, however many its copies are
    voxels_of = {name: sample.voxels for name, sample in samples.items()}
    bytes_of = {name: _most_bytes(sample, recipe) for name, sample in samples.items()}
    ordered = sorted(copies, key=lambda one: -voxels_of[one[0].id])
    drawn = ordered[:: -(-len(ordered) // _MOST_DRAWS) or 1] if any(map(may_change_grid, recipe.steps)) else []
    pairs = [(sample.id, _predict_voxels(sample, copy, recipe)) for sample, copy in drawn]
    sources = [(voxels_of[sample.id], voxels_of[sample.id]) for sample, _ in ordered[:1]]
    largest = max([*sources, *((voxels_of[name], made) for name, made in pairs)], key=sum, default=(0, 0))
    bytes_made = [(bytes_of[name] * made / voxels_of[name], bytes_of[name]) for name, made in pairs]
    return Extent(
        voxels=sum(voxels_of[sample.id] for sample, _ in copies)
        * _ratio([(made, voxels_of[name]) for name, made in pairs]),
        most_bytes=sum(bytes_of[sample.id] for sample, _ in copies) * _ratio(bytes_made),
        largest=largest,
    )


def _most_bytes(sample: Sample, recipe: Recipe) -> int:
    """Return what one copy of `sample` on the grid of its source takes at most, with its record."""
    files = sum(len(source.files) for source in sample.sources)
    voxels = sum(_most_bytes_of(source, recipe) for source in sample.sources)
    return voxels + files * _BLOCK_BYTES + _RECORD_BYTES


def _most_bytes_of(source: Source, recipe: Recipe) -> int:
    unpacked, stored = source.unpacked_bytes, source.stored_bytes
    if source.role == "image":
        as_float = recipe.output.dtype == "float32" and source.copy_format == "nifti"
        return max(stored, _FLOAT32_BYTES * source.voxels if as_float else unpacked)
    if recipe.output.compression == "none" and unpacked:
        return max(stored, unpacked)
    outgrown = _LABELS_OUTGROW * stored
    return max(stored, min(unpacked or outgrown, outgrown))


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
