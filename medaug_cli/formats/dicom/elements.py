"""Elements: a dataset in Explicit VR Little Endian (DICOM PS3.5 7.1.2), most of it as bytes that are there already.

pydicom's own writer takes a buffer for each element, ten times as long as this; what is not plain here is left to it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydicom.dataelem import DataElement
    from pydicom.tag import BaseTag

_UNDEFINED = 0xFFFFFFFF
_SHORT, _LONG, _ITEM = struct.Struct("<HH2sH"), struct.Struct("<HH2sHL"), struct.Struct("<HHL")
_ITEM_TAG = (0xFFFE, 0xE000)
_ASCII = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"})  # whatever the character set


def encoded_element(keyword: str, vr: str, parts: Iterable[bytes]) -> RawDataElement:
    """Return element `keyword` with its encoded value, made even: what all slices share is encoded once for all."""
    value = _even(b"".join(parts), vr)
    return RawDataElement(Tag(keyword), vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=True)


def encode_elements(dataset: Dataset, character_set: str | list[str] | None = None) -> Iterator[bytes | memoryview]:
    """Yield the bytes of `dataset`, whose undecoded elements are in Explicit VR Little Endian.

    `character_set` is that of the dataset around an item.
    """
    encodings = dataset.get("SpecificCharacterSet") or character_set or "iso8859"
    for tag, element in sorted(dataset.items(), key=lambda pair: int(pair[0])):
        value = _plain_value(element)
        if value is None:
            yield _written(element, encodings)
        else:
            yield _head(tag, str(element.VR), len(value))
            yield value


def encode_raw(elements: Iterable[RawDataElement]) -> bytes:
    """Return the bytes of `elements` made by `encoded_element`, in the order of their tags."""
    ordered = sorted(elements, key=lambda element: int(element.tag))
    return b"".join(part for one in ordered for part in (_head(one.tag, str(one.VR), one.length), one.value or b""))


def _head(tag: BaseTag, vr: str, length: int) -> bytes:
    if vr in EXPLICIT_VR_LENGTH_32:
        return _LONG.pack(tag >> 16, tag & 0xFFFF, vr.encode(), 0, length)
    return _SHORT.pack(tag >> 16, tag & 0xFFFF, vr.encode(), length)


def encode_item(item: Dataset | Iterable[RawDataElement], character_set: str | list[str] | None = None) -> bytes:
    """Return `item` as it stands in a sequence of a dataset in `character_set`."""
    body = b"".join(encode_elements(item, character_set)) if isinstance(item, Dataset) else encode_raw(item)
    return _ITEM.pack(*_ITEM_TAG, len(body)) + body


def _plain_value(element: DataElement | RawDataElement) -> bytes | memoryview | None:
    """Return the encoded value where it needs no writer of its own: undecoded, bytes, or words of ASCII."""
    if isinstance(element, RawDataElement):
        known = element.VR and element.length != _UNDEFINED
        return (element.value or b"") if known else None
    if element.is_undefined_length:
        return None
    value = element.value
    if isinstance(value, bytes | memoryview):
        return value if len(value) % 2 == 0 else None
    if element.VR not in _ASCII:
        return None
    words = value if isinstance(value, MultiValue | list) else [] if value is None else [value]
    if not all(isinstance(word, str | int | float) for word in words):
        return None
    said = "\\".join(getattr(word, "original_string", None) or str(word) for word in words)
    return _even(said.encode(), element.VR) if said.isascii() else None


def _even(value: bytes, vr: str) -> bytes:
    return value + (b"\0" if vr == "UI" else b" ") * (len(value) % 2)


def _written(element: DataElement | RawDataElement, encodings: str | list[str]) -> bytes:
    with DicomBytesIO() as one:
        one.is_implicit_VR, one.is_little_endian = False, True
        write_data_element(one, element, encodings)
        return one.getvalue()
