"""Sidecars: the JSON file of an image's name beside it, as BIDS and dcm2niix write it, goes with the image."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.discover.cases import stem

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

    from medaug_cli.core.sample import Sample, Source
    from medaug_cli.discover.walk import Tree


def add_sidecars(samples: Iterable[Sample], tree: Tree) -> tuple[Sample, ...]:
    """Return `samples`, each NIfTI image with its sidecar as its last file.

    What is points or boxes is none, and neither is what has the name of two images, as of `a.nii` and `a.nii.gz`.
    """
    samples = tuple(samples)
    sources = [source for sample in samples for source in sample.sources]
    images = Counter(_sidecar_of(source) for source in sources if _is_nifti_image(source))
    taken = {path for source in sources for path in source.files}
    found = {path for path in tree.files if images.get(path) == 1} - taken
    if not found:
        return samples
    return tuple(
        replace(sample, sources=tuple(_add_sidecar(source, tree.root, found) for source in sample.sources))
        for sample in samples
    )


def _is_nifti_image(source: Source) -> bool:
    return source.role == "image" and source.format == "nifti"


def _sidecar_of(source: Source) -> str:
    return f"{stem(source.files[0])}.json"


def _add_sidecar(source: Source, root: Path, found: Container[str]) -> Source:
    path = _sidecar_of(source)
    if not _is_nifti_image(source) or path not in found or not source.stamps:
        return source
    try:
        status = (root / path).stat()
    except OSError:  # gone since it was listed
        return source
    stamp = (status.st_size, status.st_mtime_ns)
    return replace(source, files=(*source.files, path), stamps=(*source.stamps, stamp))
