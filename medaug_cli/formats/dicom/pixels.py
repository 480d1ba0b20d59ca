"""Pixels: one instance's stored values, decoded only after the header's claim was held against the bytes there are."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from pydicom import uid
from pydicom.dataelem import RawDataElement
from pydicom.pixels.decoders.base import get_decoder

from medaug_cli.core.errors import SampleError
from medaug_cli.core.hashing import hash_voxels
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.grid import slice_geometry
from medaug_cli.formats.dicom.header import MALFORMED, file_meta, number, read_dataset, text
from medaug_cli.formats.dicom.picture import convert

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset
    from pydicom.pixels.decoders.base import Decoder

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.formats.dicom.instance import Instance

_PLUGINS = ("pydicom", "pylibjpeg", "pyjpegls", "gdcm")
_PACKAGES = {
    **dict.fromkeys(uid.JPEG2000TransferSyntaxes, "pylibjpeg pylibjpeg-openjpeg"),
    **dict.fromkeys(uid.JPEGLSTransferSyntaxes, "pyjpegls"),
}


def decode_stored(header: Dataset, instance: Instance) -> AnyArray:
    """Return what copies store of an instance, (components, rows, columns): grey values, or colours frame by frame.

    Values beyond BitsStored are cleaned. Raises SampleError where bytes are missing or left over, or no codec is
    installed.
    """
    file = instance.file
    syntax = transfer_syntax(header, file)
    if "PixelData" not in header:
        raise SampleError("truncated", f"{file}: no pixel data; copy the file again")
    if not syntax.is_compressed:
        _check_length(header, instance)
    native = None if syntax.is_compressed else _view(header, instance, syntax)
    decoded, photometric = _decode(header, syntax, file) if native is None else native
    frames = decoded if instance.frames > 1 else decoded[None]
    if frames.shape[:3] != (instance.frames, instance.rows, instance.columns):
        wanted = f"{instance.frames} frames of {instance.rows} rows and {instance.columns} columns"
        raise SampleError("undecodable", f"{file}: decodes to {frames.shape} where the header has {wanted}")
    stored = frames.astype(_own_type(header, file), copy=False)
    stored = _clean_high_bits(stored, int(number(header, "BitsStored", file)))
    stored = convert(stored, header, photometric, instance.samples, file)
    planes = stored if stored.ndim == 3 else np.moveaxis(stored, -1, 1)  # noqa: PLR2004  one sample: no axis of its own
    return planes.reshape(-1, instance.rows, instance.columns).astype(instance.dtype, copy=False)


def _own_type(header: Dataset, file: str) -> str:
    signed = number(header, "PixelRepresentation", file) == 1
    return f"{'int' if signed else 'uint'}{int(number(header, 'BitsAllocated', file))}"


def hash_planes(stored: AnyArray, instance: Instance) -> str:
    """Return the voxel hash of what an instance stores, (components, rows, columns), and of its grid."""
    geometry = slice_geometry(instance) if instance.stack is None else instance.stack.geometry
    return hash_voxels(stored if len(stored) > 1 else stored[0], geometry)


def transfer_syntax(header: Dataset, file: str) -> uid.UID:
    """Return how the pixels of `header` are encoded; raises SampleError where its file does not tell."""
    syntax = uid.UID(text(file_meta(header), "TransferSyntaxUID", file))
    if syntax not in uid.AllTransferSyntaxes:
        raise SampleError(
            "bad_header", f"{file}: TransferSyntaxUID is missing or unknown; its pixels cannot be decoded"
        )
    return syntax


def same_pixels(root: Path, one: Instance, other: Instance) -> bool:
    """Say whether two files hold the same picture; one that cannot be read is not the same as anything."""
    try:
        pictures = [_read_stored(root, instance) for instance in (one, other)]
    except (SampleError, OSError):
        return False
    return pictures[0].dtype == pictures[1].dtype and bool(np.array_equal(pictures[0], pictures[1]))


def _read_stored(root: Path, instance: Instance) -> AnyArray:
    data = (root / instance.file).read_bytes()
    return decode_stored(read_dataset(io.BytesIO(data), instance.file), instance)


def _check_length(header: Dataset, instance: Instance) -> None:
    """Raise SampleError unless PixelData has the declared length, or one byte more to make it even."""
    file = instance.file
    pixels = instance.rows * instance.columns * instance.frames * int(number(header, "SamplesPerPixel", file, 1))
    if text(header, "PhotometricInterpretation", file) == "YBR_FULL_422":
        pixels = pixels // 3 * 2  # two pixels share their colour
    declared = pixels * np.dtype(_own_type(header, file)).itemsize
    try:
        there = len(header.get_item("PixelData").value or b"")
    except MALFORMED as error:
        raise SampleError("bad_header", f"{instance.file}: PixelData has an unknown VR; copy the file again") from error
    if there < declared:
        raise SampleError("truncated", f"{file}: {there} bytes of pixels where the header declares {declared}")
    if there > declared + declared % 2:
        raise SampleError("bad_length", f"{file}: {there} bytes of pixels where the header declares {declared}")


def _view(header: Dataset, instance: Instance, syntax: uid.UID) -> tuple[AnyArray, str] | None:
    """Return native pixels where they lie in the file; None for those that are not simply rows of numbers."""
    file = instance.file
    photometric = text(header, "PhotometricInterpretation", file)
    if not syntax.is_little_endian or photometric == "YBR_FULL_422":
        return None
    samples = int(number(header, "SamplesPerPixel", file, 1))
    plane, kind = (instance.rows, instance.columns), np.dtype(_own_type(header, file)).newbyteorder("<")
    by_plane = samples > 1 and number(header, "PlanarConfiguration", file, 0) == 1
    shape = (instance.frames, samples, *plane) if by_plane else (instance.frames, *plane, samples)
    array = np.frombuffer(header.get_item("PixelData").value, kind, int(np.prod(shape))).reshape(shape)
    array = np.moveaxis(array, 1, -1) if by_plane else array
    array = array if samples > 1 else array[..., 0]
    return array if instance.frames > 1 else array[0], photometric


def _decode(header: Dataset, syntax: uid.UID, file: str) -> tuple[AnyArray, str]:
    """Return the pixels as they decode, and the PhotometricInterpretation they have then."""
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise SampleError("codec_missing", f"{file}: no decoder exists for transfer syntax {syntax.name}") from error
    if not decoder.is_available:
        package = _PACKAGES.get(syntax, "python-gdcm")
        message = f"{file}: transfer syntax {syntax.name} needs a codec; pip install {package}"
        raise SampleError("codec_missing", message)
    element = header.get_item("PixelData")
    if isinstance(element, RawDataElement) and isinstance(element.value, memoryview):  # no bytes to pydicom
        header[element.tag] = element._replace(value=bytes(element.value))
    try:
        array, pixels = decoder.as_array(header, raw=True, decoding_plugin=_choose_plugin(decoder))
    except (RuntimeError, IndexError, MemoryError, *MALFORMED) as error:
        message = f"{file}: its {syntax.name} pixels cannot be decoded; the file is damaged or mislabelled"
        raise SampleError("undecodable", message) from error
    return array, str(pixels["photometric_interpretation"])


def _choose_plugin(decoder: Decoder) -> str:
    """Return the one plug-in to decode with, "" for native pixels.

    gdcm comes last: damaged JPEG 2000 makes it end the process instead of raising.
    """
    available = decoder.available_plugins
    return next((plugin for plugin in _PLUGINS if plugin in available), available[0] if available else "")


def _clean_high_bits(array: AnyArray, bits_stored: int) -> AnyArray:
    """Return `array` with the bits above `bits_stored` made what the value's sign says.

    Old files keep overlays in them (PS3.5 8.1.1), and some writers leave negative values unextended.
    """
    spare = array.dtype.itemsize * 8 - bits_stored
    signed = array.dtype.kind == "i"
    low = -(1 << (bits_stored - 1)) if signed else 0
    if spare == 0 or (array.max() < low + (1 << bits_stored) and not (signed and array.min() < low)):
        return array
    return np.right_shift(np.left_shift(array, spare), spare)
