"""Headers: datasets and their attributes, checked as they are read; no message quotes a value."""

from __future__ import annotations

import errno
import struct
import warnings
import zlib
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pydicom
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from medaug_cli.core.errors import SampleError
from medaug_cli.formats.dicom.bare import lacks_preamble, name_syntax
from medaug_cli.formats.dicom.deflated import bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from pydicom.tag import BaseTag

# pydicom's complaints about values would print the values.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

MALFORMED = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    struct.error,
    BytesLengthException,
    EOFError,  # the last two: a sequence whose items do not end
    OSError,
    zlib.error,
)
_PIXEL_DATA, _UNDEFINED = 0x7FE00010, 0xFFFFFFFF
_PLAIN_VRS = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "SH", "TM", "UI", "US"})
_SHORT_VALUE = 256


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's warnings from standard error: some quote values, which may identify a patient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def writing(file: str) -> Iterator[None]:
    """Raise SampleError for what goes wrong where a copy's header is made of that of `file`: a wrong VR, mostly."""
    try:
        yield
    except MALFORMED as error:
        message = f"{file}: an attribute that a copy changes has a value that breaks its VR ({type(error).__name__})"
        raise SampleError("bad_header", message) from error


def read_dataset(
    stream: BinaryIO, file: str, keywords: Sequence[str] = (), *, whole: bool = False, data: bytes | None = None
) -> Dataset:
    """Return the dataset in `stream`, or of its header only what `keywords` name. Raises SampleError.

    What stands behind the pixels is read where the `whole` is asked for. Of `data`, all that the stream holds, native
    pixels are lent and not copied.
    """
    plain, stream = stream, bounded(stream, file)
    try:
        bare = lacks_preamble(stream)
        if keywords:
            return pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=list(keywords), force=bare)
        stop = _AtPixels(lends=data is not None and stream is plain)
        dataset = read_partial(stream, stop_when=None if whole else stop, force=bare)
        if stop.lent is not None and data is not None:
            _lend_pixels(dataset, data, stream.tell(), *stop.lent)
        if bare:
            name_syntax(dataset)
    except EOFError as error:
        raise SampleError("truncated", f"{file}: the file ends inside an element; copy it again") from error
    except (InvalidDicomError, *MALFORMED) as error:
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise  # the disk's, and not the parser's
        raise SampleError("bad_header", f"{file}: the header is not sound DICOM ({type(error).__name__})") from error
    if not dataset:  # pydicom gives up a dataset whose compressed pixels have no end
        raise SampleError("truncated", f"{file}: the file ends inside its pixel data; copy it again")
    return dataset


class _AtPixels:
    """A test that ends the reading behind PixelData: a real series has megabytes of zeros there.

    Where it `lends`, before those of a known length, which are then `lent`: (VR, length).
    """

    def __init__(self, *, lends: bool) -> None:
        self.lends, self.passed = lends, False
        self.lent: tuple[str | None, int] | None = None

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        if self.passed:
            return True
        self.passed = tag == _PIXEL_DATA
        if self.passed and self.lends and length not in {0, _UNDEFINED}:
            self.lent = vr, length
        return self.lent is not None


def _lend_pixels(dataset: Dataset, data: bytes, start: int, vr: str | None, length: int) -> None:
    """Set PixelData, which begins at `start` of `data`, to what lies there; reading ended before it."""
    implicit, little = dataset.original_encoding
    position = start + (12 if not implicit and vr in EXPLICIT_VR_LENGTH_32 else 8)
    value: Any = memoryview(data)[position : position + length]  # numpy and len take it for bytes
    dataset[_PIXEL_DATA] = RawDataElement(Tag(_PIXEL_DATA), vr, length, value, position, bool(implicit), bool(little))


def file_meta(header: Dataset) -> Dataset:
    """Return the file meta information of `header`, empty where there is none."""
    meta: Dataset = getattr(header, "file_meta", Dataset())
    return meta


def values(header: Dataset, keyword: str, file: str) -> list[Any]:
    """Return the values of attribute `keyword`, none where it is absent or empty. Raises SampleError."""
    try:
        value = _value(header, _tag(keyword))
    except MALFORMED as error:
        raise SampleError("bad_header", f"{file}: {keyword} cannot be decoded; its bytes break its VR") from error
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, MultiValue | Items | list) else [value]


@lru_cache(maxsize=1024)
def _tag(keyword: str) -> BaseTag:
    return Tag(keyword)


def _value(header: Dataset, tag: BaseTag) -> Any:
    """Return the value of an element, None where there is none.

    Plain ones stay undecoded in `header`, and are decoded once for all slices that say the same.
    """
    if tag not in header.keys():  # noqa: SIM118  a dataset's own test makes a tag of it first
        return None
    element = header.get_item(tag)
    if isinstance(element, RawDataElement) and _is_plain(element.VR, element.value):
        return _decode(tag, str(element.VR), element.value or b"", element.is_little_endian)
    return header[tag].value


def _is_plain(vr: str | None, value: bytes | None) -> bool:
    """Say whether `value` is short and reads alike in every character set."""
    if vr not in _PLAIN_VRS or value is None or len(value) > _SHORT_VALUE:
        return False
    return vr == "US" or (value.isascii() and b"\x1b" not in value)


@lru_cache(maxsize=4096)
def _decode(tag: BaseTag, vr: str, value: bytes, is_little_endian: bool) -> Any:
    raw = RawDataElement(tag, vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=is_little_endian)
    return convert_raw_data_element(raw).value


def text(header: Dataset, keyword: str, file: str) -> str:
    """Return the values of `keyword` as one line, joined as in the file; "" where it is absent."""
    return "\\".join(str(value) for value in values(header, keyword, file)).strip(" \0")


def numbers(header: Dataset, keyword: str, file: str, count: int) -> tuple[float, ...] | None:
    """Return the `count` numbers of `keyword`, None where it is absent. Raises SampleError."""
    found = values(header, keyword, file)
    if not found:
        return None
    try:
        parsed = tuple(float(value) for value in found)
    except (TypeError, ValueError) as error:
        raise SampleError("bad_header", f"{file}: {keyword} holds something other than numbers") from error
    if len(parsed) != count or not all(abs(value) < float("inf") for value in parsed):
        raise SampleError(
            "bad_header", f"{file}: {keyword} must hold {count} finite numbers; it has {len(parsed)} values"
        )
    return parsed


def number(header: Dataset, keyword: str, file: str, default: float | None = None) -> float:
    """Return the number in `keyword`, or `default`; raises SampleError where it is neither there nor optional."""
    found = numbers(header, keyword, file, 1)
    if found is not None:
        return found[0]
    if default is None:
        raise SampleError("bad_header", f"{file}: {keyword} is missing; an image needs it")
    return default
