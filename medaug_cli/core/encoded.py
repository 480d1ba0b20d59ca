"""Encoded: one file of a copy, ready to be published."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class EncodedFile:
    """One output file, ready to be published at `path` (POSIX, relative to ROOT).

    `parts` are its bytes one after another, pixels where they lie. `hash_voxels` is asked once, and best while they are
    on their way to the disk. `suspicions` are stable words for what may still show a patient: `burned_in_text`, `face`.
    """

    path: str
    parts: tuple[bytes | bytearray | memoryview, ...]
    hash_voxels: Callable[[], str]
    dtype: str
    uids: dict[str, str] = field(default_factory=dict)
    clipped: int = 0
    suspicions: tuple[str, ...] = ()

    @property
    def data(self) -> bytes | bytearray:
        """All bytes of the file together."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if isinstance(only, bytes | bytearray) else b"".join(self.parts)

    @cached_property
    def voxel_sha256(self) -> str:
        """The hash of the array and its geometry, as a reader will find them."""
        return self.hash_voxels()

    def told(self) -> EncodedFile:
        """Return what a record says of this file, without the arrays that it was made of."""
        voxel_sha256 = self.voxel_sha256
        return replace(self, parts=(), hash_voxels=lambda: voxel_sha256)
