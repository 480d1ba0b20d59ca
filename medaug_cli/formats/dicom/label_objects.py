"""Label objects: SEG and RTSTRUCT, read and written by their class; a copy's refer to the copy of their images."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any, NamedTuple

from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import FileEntry
from medaug_cli.formats.dicom.classes import LABELS, describe
from medaug_cli.formats.dicom.header import quiet, read_dataset, text
from medaug_cli.formats.dicom.read import read_bytes
from medaug_cli.formats.dicom.repair import fill_uids
from medaug_cli.formats.dicom.rtstruct import encode_structures, read_structures
from medaug_cli.formats.dicom.seg.read import read_segmentation
from medaug_cli.formats.dicom.seg.write import encode_segmentation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pydicom.dataset import Dataset

    from medaug_cli.core.encoded import EncodedFile
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.sample import Derivation, Loaded, Source
    from medaug_cli.formats import Limits

_UIDS = {
    "sop_instance": "SOPInstanceUID",
    "series_instance": "SeriesInstanceUID",
    "frame_of_reference": "FrameOfReferenceUID",
}


class _Kind(NamedTuple):
    """How the objects of one kind are read and written, and in which formats there may be copies."""

    read: Callable[[Dataset, Source, FileEntry, Limits, Sequence[Loaded]], Loaded]
    encode: Callable[[Any, Loaded, str, Derivation], EncodedFile]
    copied_as: frozenset[str] = frozenset({"dicom"})


_KINDS = {
    "SEG": _Kind(read_segmentation, encode_segmentation, frozenset({"dicom", "nifti"})),
    "RTSTRUCT": _Kind(read_structures, encode_structures),
}


def read_labels(root: Path, source: Source, limits: Limits, images: Sequence[Loaded]) -> Loaded:
    """Read the label object of `source`, which belongs to `images`. Raises SampleError."""
    file = source.files[0]
    data = read_bytes(root, source, 0)
    with quiet():
        header = read_dataset(io.BytesIO(data), file)
        if limits.repair:
            fill_uids(header, file, lambda: data)
        sop_class = text(header, "SOPClassUID", file)
        kind = _KINDS.get(LABELS.get(sop_class, ""))
        if kind is None:
            raise SampleError("not_supported", f"{file}: {describe(sop_class)} holds no labels that are read")
        if source.copy_format not in kind.copied_as:
            message = f"{describe(sop_class)} needs DICOM images to refer to; give the labels as a SEG or as NIfTI"
            raise SampleError("not_supported", f"{file}: {message}")
        uids = {name: text(header, keyword, file) for name, keyword in _UIDS.items()}
        entry = FileEntry(
            role=source.role,
            channel=source.channel,
            path=file,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            voxel_sha256="",
            format="dicom",
            dtype="",
            uids={name: uid for name, uid in uids.items() if uid},
        )
        return kind.read(header, source, entry, limits, images)


def encode_labels(content: Labels | Marks, like: Loaded, target: str, derivation: Derivation) -> Iterator[EncodedFile]:
    """Yield the label object of a copy, derived from that of `like`. Raises SampleError."""
    with quiet():
        yield _KINDS[like.modality].encode(content, like, target, derivation)
