"""Sidecars: the JSON file of an image's name beside it, as BIDS and dcm2niix write it, goes with the image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.discover.cases import stem

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

    from medaug_cli.core.sample import Sample, Source
    from medaug_cli.discover.walk import Tree


def add_sidecars(samples: Iterable[Sample], tree: Tree) -> tuple[Sample, ...]:
    """Return `samples`, each NIfTI image with its sidecar as its last file; what is points or boxes is none."""
    samples = tuple(samples)
    taken = {path for sample in samples for source in sample.sources for path in source.files}
    found = {path for path in tree.files if path.endswith(".json")} - taken
    if not found:
        return samples
    return tuple(
        replace(sample, sources=tuple(_add_sidecar(source, tree.root, found) for source in sample.sources))
        for sample in samples
    )


def _add_sidecar(source: Source, root: Path, found: Container[str]) -> Source:
    path = f"{stem(source.files[0])}.json"
    if source.role != "image" or source.format != "nifti" or path not in found or not source.stamps:
        return source
    try:
        status = (root / path).stat()
    except OSError:  # gone since it was listed
        return source
    stamp = (status.st_size, status.st_mtime_ns)
    return replace(source, files=(*source.files, path), stamps=(*source.stamps, stamp))
