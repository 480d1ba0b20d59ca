"""Seeds: every draw has its own generator, keyed by words, so that no order of work can change it."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from numpy.random import Generator

BIT_GENERATOR = "PCG64"


def digest(*words: str | int) -> bytes:
    """Return the SHA-256 of `words`, each told apart from its neighbours by its length."""
    joined = hashlib.sha256()
    for word in words:
        text = str(word).encode()
        joined.update(f"{len(text)}:".encode() + text)
    return joined.digest()


def make_generator(seed: int, *words: str | int) -> Generator:
    """Return the generator that belongs to `seed` and the key `words` (sample id, copy, step path, …)."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest(seed, *words), "big")))


def keyed_hash(key: str, identifier: str) -> str:
    """Return an HMAC-SHA-256 (32 hex digits) of `identifier`."""
    return hmac.digest(key.encode(), identifier.encode(), "sha256").hex()[:32]
