"""Encoding: the file of a copy, and its Pixel Data, native or without loss compressed (DICOM PS3.5 8.2, A.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom import uid
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.pixels.encoders.base import get_encoder

from medaug_cli import __version__
from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.deidentify import deidentify
from medaug_cli.formats.dicom.elements import encode_elements, encode_raw, encoded_element
from medaug_cli.formats.dicom.header import MALFORMED
from medaug_cli.formats.dicom.uids import IMPLEMENTATION_CLASS_UID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.sample import Derivation
    from medaug_cli.formats.dicom.instance import Instance

PIXEL_DATA = 0x7FE00010
_UNKNOWN_VRS = frozenset({None, "UN", "SQ"})
_PREAMBLE = 128
SYNTAXES = {
    "explicit": uid.ExplicitVRLittleEndian,
    "rle": uid.RLELossless,
    "jpegls": uid.JPEGLSLossless,
    "j2k": uid.JPEG2000Lossless,
}
# One encoder each: two of them need not give the same bytes.
_ENCODERS = {uid.RLELossless: "pydicom", uid.JPEGLSLossless: "pyjpegls", uid.JPEG2000Lossless: "pylibjpeg"}
_PACKAGES = {uid.JPEGLSLossless: "pyjpegls", uid.JPEG2000Lossless: "pylibjpeg pylibjpeg-openjpeg"}


def pixel_element(frames: AnyArray, header: Dataset, syntax: uid.UID, file: str) -> DataElement:
    """Return Pixel Data of `frames`, (frames, rows, columns[, samples]), as `syntax` has it.

    `header` describes them. Raises SampleError where the encoder is not installed or cannot hold them.
    """
    if syntax == uid.ExplicitVRLittleEndian:
        pixels = np.ascontiguousarray(frames, dtype=frames.dtype.newbyteorder("<"))
        kind = "OB" if frames.dtype.itemsize == 1 else "OW"
        even = pixels.nbytes % 2 == 0
        # Pixels that need no byte more are written without a copy of their own.
        value = pixels.reshape(-1).view(np.uint8).data if even else pixels.tobytes() + b"\0"
        return DataElement(PIXEL_DATA, kind, value, already_converted=True)
    encoder = get_encoder(syntax)
    if _ENCODERS[syntax] not in encoder.available_plugins:
        package = _PACKAGES.get(syntax, "medaug[codecs]")
        raise SampleError("codec_missing", f"{file}: to write {syntax.name}, pip install {package}")
    described = {
        "rows": frames.shape[1],
        "columns": frames.shape[2],
        "number_of_frames": 1,
        "samples_per_pixel": frames.shape[3] if frames.ndim > 3 else 1,  # noqa: PLR2004  samples lie last
        "planar_configuration": 0,
        "bits_allocated": 8 * frames.dtype.itemsize,
        "bits_stored": int(header.BitsStored),
        "pixel_representation": int(header.PixelRepresentation),
        "photometric_interpretation": str(header.PhotometricInterpretation),
    }
    try:
        encoded = [
            encoder.encode(np.ascontiguousarray(frame), encoding_plugin=_ENCODERS[syntax], **described)
            for frame in frames
        ]
    except (RuntimeError, *MALFORMED) as error:
        limits = "its encoder refuses pictures of few pixels or of noise alone"
        message = f"{file}: {syntax.name} cannot hold these pixels ({limits}); use output.transfer_syntax: explicit"
        raise SampleError("not_supported", message) from error
    element = DataElement(PIXEL_DATA, "OB", encapsulate(encoded))
    element.is_undefined_length = True
    return element


def write_file(
    header: Dataset, stored: AnyArray, instance: Instance, derivation: Derivation, own: frozenset[int] = frozenset()
) -> tuple[bytes | memoryview, ...]:
    """Return the file of one instance that stores `stored` (components or frames, rows, columns), pixels by themselves.

    Where `derivation` hides the patient, all but what is the writer's `own` is de-identified here. Raises
    SampleError where an element of `header` cannot be written.
    """
    frames = stored
    if instance.samples > 1:  # PlanarConfiguration 0
        frames = np.moveaxis(stored.reshape(instance.frames, instance.samples, *stored.shape[1:]), 1, -1)
    syntax = SYNTAXES[derivation.transfer_syntax]
    header = deidentify(header, derivation.privacy, own)
    if syntax == uid.JPEG2000Lossless and instance.samples > 1:
        # With its own reversible colours, which pack better and are all that ultrasound allows (PS3.3 C.8.5.6.1.2).
        header.PhotometricInterpretation = "YBR_RCT"
    header[PIXEL_DATA] = pixel_element(frames, header, syntax, instance.file)
    parts = _encode(header, syntax, instance.file, encode_elements)
    pixels = parts.pop() if isinstance(parts[-1], memoryview) else b""
    return b"".join(parts), pixels


def write_object(header: Dataset, file: str, derivation: Derivation, own: frozenset[int] = frozenset()) -> bytes:
    """Return the file of an instance without pixels, de-identified as those with pixels are.

    Implicit VR Little Endian, since ContourData may be longer than an explicit VR DS holds (PS3.3 C.8.8.6.4). Raises
    SampleError where an element of `header` cannot be written.
    """
    return b"".join(_encode(deidentify(header, derivation.privacy, own), uid.ImplicitVRLittleEndian, file, _implicit))


def write_segments(header: Dataset, file: str, derivation: Derivation, own: frozenset[int] = frozenset()) -> bytes:
    """Return the file of a SEG, whose pixels stand in `header`, in Explicit VR Little Endian; else as write_object."""
    hidden = deidentify(header, derivation.privacy, own)
    return b"".join(_encode(hidden, uid.ExplicitVRLittleEndian, file, encode_elements))


def _implicit(header: Dataset) -> Iterator[bytes]:
    _decode_sequences(header)
    with DicomBytesIO() as encoded:
        encoded.is_implicit_VR, encoded.is_little_endian = True, True
        write_dataset(encoded, header)
        yield encoded.getvalue()


def _decode_sequences(header: Dataset) -> None:
    """Decode the sequences of `header` at every depth: undecoded they would be written as they were encoded."""
    for tag in list(header.keys()):
        if header.get_item(tag).VR in _UNKNOWN_VRS and header[tag].VR == "SQ":
            for item in header[tag].value:
                _decode_sequences(item)


def _encode(
    header: Dataset, syntax: uid.UID, file: str, encode: Callable[[Dataset], Iterable[bytes | memoryview]]
) -> list[bytes | memoryview]:
    """Return preamble, file meta and `header` as `encode` has it, one after another."""
    try:
        return [bytes(_PREAMBLE), b"DICM", _file_meta(header, syntax), *encode(header)]
    except MALFORMED as error:
        message = f"{file}: an element cannot be written again; its value breaks its VR"
        raise SampleError("bad_header", message) from error


def _file_meta(header: Dataset, syntax: uid.UID) -> bytes:
    """Return the file meta information (PS3.10 7.1) of `header`, its length first."""
    told = {
        "FileMetaInformationVersion": ("OB", b"\0\1"),
        "MediaStorageSOPClassUID": ("UI", header.SOPClassUID.encode()),
        "MediaStorageSOPInstanceUID": ("UI", header.SOPInstanceUID.encode()),
        "TransferSyntaxUID": ("UI", syntax.encode()),
        "ImplementationClassUID": ("UI", IMPLEMENTATION_CLASS_UID.encode()),
        "ImplementationVersionName": ("SH", f"MEDAUG_{__version__}"[:16].encode()),
    }
    body = encode_raw(encoded_element(keyword, vr, (value,)) for keyword, (vr, value) in told.items())
    length = encoded_element("FileMetaInformationGroupLength", "UL", (len(body).to_bytes(4, "little"),))
    return encode_raw((length,)) + body
