"""Template: the headers that copies of a volume are written with, one a slice."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence as Items

from medaug_cli.formats.dicom.header import text
from medaug_cli.formats.dicom.pixels import transfer_syntax

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.tag import BaseTag

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.formats.dicom.instance import Instance
    from medaug_cli.formats.dicom.storage import Storage

_BELONGS_TO_SOURCE = frozenset(
    {
        *range(7),  # 0000 to 0006 belong to messages, file meta and DICOMDIR
        *range(0x5000, 0x5100),  # curves
        *range(0x6000, 0x6100),  # overlays
        *(0x7FE0, 0xFFFC),  # pixels and padding
        *(0x4FFE, 0xFFFA),  # signatures
    }
)
_STALE = frozenset(
    {
        *range(0x00280106, 0x00280112),  # smallest and largest pixel values
        0x00081111,  # ReferencedPerformedProcedureStepSequence: the step made the source
        0x00287FE0,  # PixelDataProviderURL
        0x00603000,  # HistogramSequence
        0x00880200,  # IconImageSequence
        *(0x04000500, 0x04000550, 0x04000561),  # encrypted, modified and original attributes
    }
)
_UNKNOWN_VRS = frozenset({None, "UN", "SQ"})


_LOSSY_METHODS = {
    uid.JPEGBaseline8Bit: "ISO_10918_1",
    uid.JPEGExtended12Bit: "ISO_10918_1",
    uid.JPEGLSNearLossless: "ISO_14495_1",
    uid.JPEG2000: "ISO_15444_1",
    uid.HTJ2K: "ISO_15444_15",
}


@dataclass(frozen=True, eq=False)
class SliceTemplate:
    """One slice's header without pixels, private tags and what is true of the source alone.

    `lossy` is (ratio, method) of a lossy compression that the source went through last; `padded` the stored values of a
    slice whose padding is a range, so that an unmoved copy gets back what stood there.
    """

    header: Dataset
    instance: Instance
    storage: Storage
    lossy: tuple[str, str] | None = None
    padded: AnyArray | None = None


@dataclass(frozen=True, eq=False)
class FramesTemplate(SliceTemplate):
    """The header of an enhanced multi-frame image, and how each of its frames, in the file's order, stores values."""

    storages: tuple[Storage, ...] = ()


def find_lossy(header: Dataset, stored: AnyArray, file: str) -> tuple[str, str] | None:
    """Return (ratio, method) of a lossy encoding that the header does not own up to (PS3.3 C.7.6.1.1.5)."""
    method = _LOSSY_METHODS.get(transfer_syntax(header, file))
    if method is None or text(header, "LossyImageCompression", file):
        return None
    encoded = len(header.get_item("PixelData").value)
    return f"{stored.nbytes / encoded:.2f}", method


def clean_header(header: Dataset) -> Dataset:
    """Return `header` without pixels, overlays, curves, signatures, stale descriptions and private tags, at any depth.

    The result is encoded in Explicit VR Little Endian, whatever `header` was: its elements stay undecoded until they
    are asked for, and are written as they are. They are shared by all copies: replace them, never change them.
    """
    kept = _without_foreign(header)
    if header.original_encoding == (False, True):
        return kept
    encoded = DicomBytesIO()
    encoded.is_implicit_VR, encoded.is_little_endian = False, True
    write_dataset(encoded, kept)
    return read_dataset(io.BytesIO(encoded.getvalue()), is_implicit_VR=False, is_little_endian=True)


def _without_foreign(header: Dataset) -> Dataset:
    kept: dict[BaseTag, DataElement | RawDataElement] = {}
    for tag, element in list(header.items()):
        if _is_foreign(tag):
            continue
        kept[tag] = element
        if element.VR in _UNKNOWN_VRS:
            decoded = header[tag]
            if decoded.VR == "SQ" and any(_has_foreign(item) for item in decoded.value):
                kept[tag] = type(decoded)(tag, "SQ", Items([_without_foreign(item) for item in decoded.value]))
            elif element.VR != "SQ":
                kept[tag] = decoded
    return like(header, kept)


def _is_foreign(tag: BaseTag) -> bool:
    """Say whether a copy must not have an element of its source: private, of the source alone, or a group's length."""
    group = tag >> 16
    return bool(group & 1) or group in _BELONGS_TO_SOURCE or tag in _STALE or not tag & 0xFFFF


def shallow_copy(header: Dataset) -> Dataset:
    """Return a dataset with the elements of `header`; setting or deleting one leaves `header` as it is."""
    # Setting an attribute changes the value within its element, so that a decoded one must not be shared.
    elements = {tag: element if element.is_raw else copy.copy(element) for tag, element in header.items()}
    return like(header, elements)


def like(header: Dataset, elements: dict[BaseTag, Any]) -> Dataset:
    """Return a dataset of `elements` that takes the undecoded ones for what they are in `header`."""
    dataset = Dataset(elements)
    implicit, little = header.original_encoding
    dataset.set_original_encoding(implicit, little, header.original_character_set)
    return dataset


def _has_foreign(item: Dataset) -> bool:
    for tag, element in list(item.items()):
        if _is_foreign(tag):
            return True
        if (
            element.VR in _UNKNOWN_VRS
            and item[tag].VR == "SQ"
            and any(_has_foreign(deeper) for deeper in item[tag].value)
        ):
            return True
    return False
