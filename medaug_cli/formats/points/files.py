"""Files of points: read whole, parsed by their kind, and encoded for a copy."""

from __future__ import annotations

import hashlib
import json
import os
from functools import partial
from typing import TYPE_CHECKING

from medaug_cli.core.encoded import EncodedFile
from medaug_cli.core.errors import SampleError
from medaug_cli.core.marks import Points
from medaug_cli.core.sample import FileEntry, Loaded
from medaug_cli.formats.points.hide import hide
from medaug_cli.formats.points.json_text import load_json
from medaug_cli.formats.points.kinds import CopiedImage
from medaug_cli.formats.points.markups import read_markups
from medaug_cli.formats.points.pictures import Wanted, read_pictures
from medaug_cli.formats.points.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from medaug_cli.core.marks import Boxes
    from medaug_cli.core.sample import Derivation, Source
    from medaug_cli.formats.points.kinds import Document

MOST_BYTES = 64 << 20
_DTYPE = "text"
_DECIMALS = 6


def stamp_of(root: Path, file: str) -> tuple[tuple[int, int], tuple[str, str] | None]:
    """Return size and time of a file, and (reason, message) where it cannot be used."""
    try:
        found = (root / file).stat()
    except OSError as error:
        return (0, 0), ("unreadable", f"{file}: {error.strerror}")
    problem = _too_large(file, found.st_size) if found.st_size > MOST_BYTES else None
    return (found.st_size, found.st_mtime_ns), problem


def read_source(root: Path, source: Source, image: str) -> Loaded:
    """Return the points or boxes of `source`, in LPS mm or voxels; in a file of many images those of `image`.

    Raises SampleError: `unreadable`, `source_changed`, `too_large`, `bad_points` with file and line.
    """
    name = source.files[0]
    raw = _read_bytes(root, source)
    document = parse(name, raw, source, image)
    entry = FileEntry(
        role=source.role,
        channel=source.channel,
        path=name,
        bytes=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        voxel_sha256=_hash(document.content),
        format=source.format,
        dtype=_DTYPE,
    )
    return Loaded(source, document.content, (entry,), document)


def parse(name: str, raw: bytes, source: Source, image: str) -> Document:
    """Return the file `name` by its kind, which its suffix tells, and of JSON its keys; raises SampleError."""
    if not name.lower().endswith(".json"):
        return read_table(name, raw.decode("utf-8", "surrogateescape"), source.declared)
    content = load_json(name, raw)
    if isinstance(content, dict) and "markups" in content:
        return read_markups(name, raw, content)
    if isinstance(content, dict) and "annotations" in content:
        return read_pictures(name, content, raw, Wanted(image, shared=source.shared))
    raise SampleError("bad_points", f"{name}: JSON with neither markups (Slicer) nor images and annotations (COCO)")


def encode_copy(
    content: Points | Boxes, like: Loaded, targets: Sequence[str], derivation: Derivation
) -> Iterator[EncodedFile]:
    """Yield the file of a copy; its hash is that of the positions as a reader will find them."""
    document: Document = like.template
    loaded, volume, paths = derivation.images[0]
    before = loaded.volume.geometry
    image = CopiedImage(paths[0], volume.geometry, derivation.moved or volume.geometry != before)
    if derivation.privacy is not None:
        document, content = hide(document, content, targets[0])
    data = document.write(content, image).encode("utf-8", "surrogateescape")
    again = parse(targets[0], data, like.source, paths[0])
    yield EncodedFile(targets[0], (data,), partial(_hash, again.content), _DTYPE)


def _read_bytes(root: Path, source: Source) -> bytes:
    """Return a whole file, which must be as it was found and stay so while it is read."""
    name = source.files[0]
    try:
        with (root / name).open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
            after = os.fstat(stream.fileno())
    except OSError as error:
        raise SampleError("unreadable", f"{name}: {error.strerror}") from error
    if len(raw) > MOST_BYTES:
        raise SampleError(*_too_large(name, after.st_size))
    stamp = (after.st_size, after.st_mtime_ns)
    if (source.stamps and stamp != source.stamps[0]) or len(raw) != after.st_size:
        raise SampleError("source_changed", f"{name}: changed since it was found; run again")
    return raw


def _too_large(name: str, size: int) -> tuple[str, str]:
    return "too_large", f"{name}: {size} bytes; points and boxes may take {MOST_BYTES}; split the file by case"


def _hash(content: Points | Boxes) -> str:
    """Return the SHA-256 of positions, to 1e-6, and names."""
    parts = (content.positions,) if isinstance(content, Points) else (content.low, content.high)
    told = {
        "kind": type(content).__name__,
        "space": content.space,
        "positions": [[round(value, _DECIMALS) + 0.0 for value in part.ravel().tolist()] for part in parts],
        "names": list(content.names),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
