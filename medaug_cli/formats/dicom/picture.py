"""Picture: grey values or red, green and blue in place of the palettes, colour models and tables of a source.

A copy stores what stands at the end of them (DICOM PS3.3 C.7.6.3.1, C.7.9, C.11.1): between two indices of a palette
lies no colour, and a table of a modality has no inverse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.pixels.processing import apply_color_lut

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.classes import COLOURED
from medaug_cli.formats.dicom.header import MALFORMED, file_meta, numbers, text, values

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import AnyArray

GREYS = frozenset({"MONOCHROME1", "MONOCHROME2"})
COLOURS = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"})
PALETTE = "PALETTE COLOR"
PALETTE_TAGS = (*range(0x00281101, 0x00281104), *range(0x00281111, 0x00281114), *range(0x00281199, 0x00281224))
_BYTE = 8
# libjpeg's multipliers of Cb and Cr (JFIF, ITU-T T.871), times 2^16: whole numbers are the same on every processor.
_FIX = 16
_RED_CR, _GREEN_CB, _GREEN_CR, _BLUE_CB = 91881, 22554, 46802, 116130


def is_coloured(header: Dataset, modality: str, file: str) -> bool:
    """Say whether copies are red, green and blue; a palette of nuclear medicine only displays counts."""
    photometric = text(header, "PhotometricInterpretation", file)
    return photometric in COLOURS or (photometric == PALETTE and modality in COLOURED)


def table_bits(header: Dataset, file: str) -> int | None:
    """Return the bits of the values that the modality look-up table of `header` gives; None where it has none."""
    items = values(header, "ModalityLUTSequence", file)
    if not items:
        return None
    descriptor = numbers(items[0], "LUTDescriptor", file, 3)
    if descriptor is None or not _BYTE <= descriptor[2] <= 2 * _BYTE:
        raise SampleError("bad_header", f"{file}: LUTDescriptor must hold 3 numbers, the last of them 8 to 16")
    return int(descriptor[2])


def convert(decoded: AnyArray, header: Dataset, photometric: str, samples: int, file: str) -> AnyArray:
    """Return `decoded` (frames, rows, columns[, samples]) with the `samples` that copies store.

    `photometric` is what it decoded to.

    Raises SampleError where a look-up table is damaged.
    """
    try:
        if photometric == PALETTE and samples > 1:
            return _as_bytes(apply_color_lut(decoded, header)[..., :3])
        if "ModalityLUTSequence" in header:
            return _apply_table(decoded, values(header, "ModalityLUTSequence", file)[0], header)
    except (IndexError, *MALFORMED) as error:
        raise SampleError("bad_header", f"{file}: a look-up table is damaged; export the image again") from error
    return ybr_to_rgb(decoded) if photometric in {"YBR_FULL", "YBR_FULL_422"} else decoded


def _apply_table(decoded: AnyArray, item: Dataset, header: Dataset) -> AnyArray:
    """Return `decoded` through the table in `item`, whose ends serve what lies beyond them (PS3.3 C.11.1.1).

    pydicom's own function takes entries of 8 and 16 bits alone.
    """
    count, first, bits = (int(value) for value in item.LUTDescriptor)
    count = count or 1 << 2 * _BYTE
    entries = item.LUTData
    if isinstance(entries, bytes):
        wide = len(entries) >= 2 * count
        order = "<" if file_meta(header).TransferSyntaxUID.is_little_endian else ">"
        entries = np.frombuffer(entries, f"{order}u2" if wide else "u1")
    table = np.asarray(entries)[:count].astype(np.uint8 if bits <= _BYTE else np.uint16)
    return table[np.clip(decoded.astype(np.int32) - first, 0, count - 1)]


def _as_bytes(colours: AnyArray) -> AnyArray:
    """Return colours of 16 bits as their upper 8; some palettes of 16 bits hold 8."""
    if colours.dtype.itemsize > 1 and colours.max(initial=0) >> _BYTE:
        colours = colours >> _BYTE
    return colours.astype(np.uint8)


def ybr_to_rgb(ybr: AnyArray) -> AnyArray:
    """Return YBR_FULL (..., 3) as RGB in the same unsigned type, rounded to the nearest (PS3.3 C.7.6.3.1.2)."""
    info = np.iinfo(ybr.dtype)
    half, middle = 1 << (_FIX - 1), (info.max + 1) // 2
    luma, blue, red = (ybr[..., channel].astype(np.int64) for channel in range(3))
    blue -= middle
    red -= middle
    rgb = np.empty(ybr.shape, dtype=ybr.dtype)
    sums = (
        (_RED_CR * red + half) >> _FIX,
        (half - _GREEN_CB * blue - _GREEN_CR * red) >> _FIX,
        (_BLUE_CB * blue + half) >> _FIX,
    )
    for channel, added in enumerate(sums):
        rgb[..., channel] = np.clip(luma + added, 0, info.max)
    return rgb


def describe_picture(header: Dataset, modality: str, file: str) -> Dataset:
    """Make `header` describe what copies store, and return it."""
    table = table_bits(header, file)
    if is_coloured(header, modality, file):
        if text(header, "PhotometricInterpretation", file) == PALETTE:
            _set_bits(header, _BYTE)
        header.SamplesPerPixel, header.PhotometricInterpretation, header.PlanarConfiguration = 3, "RGB", 0
        for tag in PALETTE_TAGS:
            if tag in header:
                del header[tag]
    elif table is not None:
        kind = text(values(header, "ModalityLUTSequence", file)[0], "ModalityLUTType", file)
        del header.ModalityLUTSequence
        header.RescaleIntercept, header.RescaleSlope, header.RescaleType = "0", "1", kind or "US"
        _set_bits(header, table)
    return header


def _set_bits(header: Dataset, stored: int) -> None:
    """Describe unsigned values of `stored` bits; a padding value was one of the values before."""
    header.BitsAllocated = _BYTE if stored <= _BYTE else 2 * _BYTE
    header.BitsStored, header.HighBit, header.PixelRepresentation = stored, stored - 1, 0
    for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        if keyword in header:
            del header[keyword]


def stored_type(header: Dataset, modality: str, bits_allocated: int, *, signed: bool, file: str) -> str:
    """Return the name of the integer type that copies store."""
    if is_coloured(header, modality, file) and text(header, "PhotometricInterpretation", file) == PALETTE:
        return "uint8"
    table = table_bits(header, file)
    if table is not None:
        return "uint8" if table <= _BYTE else "uint16"
    return f"{'int' if signed else 'uint'}{bits_allocated}"
