"""Names of NIfTI files: which container a suffix stands for, and which names tell of CIFTI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Container = Literal["gzip", "single", "pair"]

FORMAT_NAME = "nifti"
_SUFFIXES: dict[str, Container] = {".nii.gz": "gzip", ".nii": "single", ".hdr": "pair", ".img": "pair"}
_CIFTI = re.compile(
    r"\.(d|p|dp|pd)(conn|tseries|scalar|label|fan|connseries|connscalar|fibersamp|fansamp)\.nii(\.gz)?$", re.IGNORECASE
)


def is_nifti_name(name: str) -> bool:
    """Say whether `name` ends as a NIfTI file does; AppleDouble twins (`._a.nii`) hold no image and are not claimed."""
    return bool(suffix_of(name)) and not name.startswith("._")


def is_cifti_name(path: str) -> bool:
    """Say whether `path` is named as CIFTI-2 asks: `.dconn.nii`, `.dtseries.nii`, and so on."""
    return _CIFTI.search(path) is not None


def suffix_of(path: str) -> str:
    """Return the suffix of `path` as it is written there; empty where it is none of NIfTI's."""
    lower = path.lower()
    for suffix in _SUFFIXES:
        if lower.endswith(suffix):
            return path[-len(suffix) :]
    return ""


def stem_of(path: str) -> str:
    """Return `path` without its NIfTI suffix."""
    return path[: len(path) - len(suffix_of(path))]


def container_of(path: str) -> Container:
    """Return the container that the suffix of `path` stands for; raises KeyError for a path that is not NIfTI."""
    return _SUFFIXES[suffix_of(path).lower()]


def group_files(files: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the files of each volume: one, or an `.hdr` with the `.img` of the same stem; a lone half stands alone."""
    images: dict[str, list[str]] = {}
    for path in files:
        if _is_voxel_half(path):
            images.setdefault(stem_of(path), []).append(path)
    for path in files:
        halves = images.get(stem_of(path)) if path.lower().endswith(".hdr") else None
        if halves:
            yield (path, halves.pop(0))
        elif not _is_voxel_half(path):
            yield (path,)
    for halves in images.values():
        yield from ((path,) for path in halves)


def _is_voxel_half(path: str) -> bool:
    return path.lower().endswith(".img")
