"""Malformed and hostile DICOM series, each built from a sound one by one change; no binary is kept."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from formats.dicom.datasets import SERIES, image, placed, save
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, JPEGExtended12Bit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Spoil = Callable[[Path], None]

_SLICES = 4


def texture(k: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(k).integers(0, 2000, (16, 18)).astype(np.int16)


def headers(folder: Path, step_mm: float = 2.5, **attributes: Any) -> list[Dataset]:
    """Return a sound CT series of four slices; its UIDs depend on the folder's name."""
    own = f"{SERIES}.{zlib.crc32(folder.name.encode())}"
    made = []
    for k in range(_SLICES):
        header = image(texture(k), number=k + 1, **{**placed(k, step_mm), **attributes})
        header.SOPInstanceUID, header.SeriesInstanceUID = f"{own}.{k + 1}", f"{own}.0"
        header.StudyInstanceUID, header.FrameOfReferenceUID = f"{own}.0.1", f"{own}.9"
        made.append(header)
    return made


def save_all(folder: Path, series: list[Dataset]) -> None:
    for k, header in enumerate(series):
        save(header, folder / f"{k}.dcm")


def sound(folder: Path) -> None:
    save_all(folder, headers(folder))


def with_attributes(k: int | None = 1, **attributes: Any) -> Spoil:
    """Return a builder of a series with `attributes` set in slice `k`, in all where it is None; None leaves one out."""

    def build(folder: Path) -> None:
        series = headers(folder)
        for header in series if k is None else [series[k]]:
            for keyword, value in attributes.items():
                if value is None:
                    delattr(header, keyword)
                else:
                    setattr(header, keyword, value)
        save_all(folder, series)

    return build


def with_bytes(old: bytes, new: bytes) -> Spoil:
    """Return a builder of a series whose second file has the bytes `old` replaced by `new`."""

    def build(folder: Path) -> None:
        sound(folder)
        raw = (folder / "1.dcm").read_bytes()
        assert raw.count(old) >= 1
        (folder / "1.dcm").write_bytes(raw.replace(old, new, 1))

    return build


def element(tag: int, vr: str, value: bytes) -> bytes:
    """Return an element in Explicit VR Little Endian with a short length."""
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def pixels_cut(folder: Path) -> None:
    sound(folder)
    path = folder / "1.dcm"
    path.write_bytes(path.read_bytes()[:-100])


def pixels_of(length: int) -> Spoil:
    """Return a builder of a series with `length` bytes of pixels more in its second file."""

    def build(folder: Path) -> None:
        series = headers(folder)
        series[1].PixelData = series[1].PixelData + bytes(length)
        save_all(folder, series)

    return build


def header_cut(folder: Path) -> None:
    sound(folder)
    path = folder / "1.dcm"
    path.write_bytes(path.read_bytes()[:300])


def without_preamble(folder: Path) -> None:
    for k, header in enumerate(headers(folder)):
        raw = io.BytesIO()
        pydicom.dcmwrite(raw, header, enforce_file_format=False, implicit_vr=True, little_endian=True)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{k}.dcm").write_bytes(raw.getvalue())


def same_uid(*, same_pixels: bool) -> Spoil:
    """Return a builder of a series with one more file that has the UID of another."""

    def build(folder: Path) -> None:
        series = headers(folder)
        save_all(folder, series)
        again = series[1]
        if not same_pixels:
            again.PixelData = texture(77).tobytes()
        save(again, folder / "again.dcm")

    return build


def twin_without_vr(folder: Path) -> None:
    """Give two files one UID, so that their pixels are compared, and the pixels of one a VR that does not exist."""
    sound(folder)
    raw = (folder / "1.dcm").read_bytes()
    assert raw.count(b"\xe0\x7f\x10\x00OW") == 1
    (folder / "again.dcm").write_bytes(raw.replace(b"\xe0\x7f\x10\x00OW", b"\xe0\x7f\x10\x00VW"))


def uids_blank(folder: Path) -> None:
    series = headers(folder)
    for header in series:
        header.SeriesInstanceUID = header.StudyInstanceUID = ""
    save_all(folder, series)


def one_place(folder: Path) -> None:
    save_all(folder, headers(folder, step_mm=0.0))


def slice_missing(folder: Path) -> None:
    save_all(folder, [header for k, header in enumerate(headers(folder)) if k != 1])


def tilted(folder: Path) -> None:
    series = headers(folder)
    for k, header in enumerate(series):
        header.ImagePositionPatient = [-10, 20 + 1.0 * k, 30 + 2.5 * k]
    save_all(folder, series)


def damaged_codestream(folder: Path) -> None:
    """Say JPEG 2000 over bytes that only begin like it."""
    series = headers(folder)
    for header in series:
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = JPEG2000Lossless
        header.PixelData = encapsulate([b"\xff\x4f\xff\x51" + b"\xff" * 200])
        header["PixelData"].is_undefined_length = True
    save_all(folder, series)


def mislabelled_syntax(folder: Path) -> None:
    """Say 12-bit JPEG over a text."""
    series = headers(folder)
    for header in series:
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = JPEGExtended12Bit
        header.PixelData = encapsulate([b"this is no JPEG " * 4])
        header["PixelData"].is_undefined_length = True
    save_all(folder, series)


def unknown_syntax(folder: Path) -> None:
    sound(folder)
    for path in folder.iterdir():
        raw = path.read_bytes()
        path.write_bytes(raw.replace(ExplicitVRLittleEndian.encode() + b"\0", b"1.2.840.9999.1.2.1.0", 1))


def implicit_labelled_explicit(folder: Path) -> None:
    for k, header in enumerate(headers(folder)):
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        save(header, folder / f"{k}.dcm")
        raw = (folder / f"{k}.dcm").read_bytes()
        (folder / f"{k}.dcm").write_bytes(raw.replace(b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.3\0", 1))


def deep_sequences(folder: Path) -> None:
    """Nest 120 sequences; the image itself is sound."""
    series = headers(folder)
    inner = Dataset()
    inner.CodeValue = "1"
    for _ in range(120):
        outer = Dataset()
        outer.ConceptNameCodeSequence = Sequence([inner])
        inner = outer
    series[1].ReferencedImageSequence = Sequence([inner])
    save_all(folder, series)


def command_group_strays(folder: Path) -> None:
    """Put an element of group 0000 before the dataset, as a real file has it."""
    sound(folder)
    for path in folder.iterdir():
        raw = path.read_bytes()
        start = 144 + struct.unpack("<I", raw[140:144])[0]
        path.write_bytes(raw[:start] + element(0x00000000, "UL", b"\0\0\0\0") + raw[start:])


def deflate_bomb(folder: Path) -> None:
    """Deflate 300 MB of zeros behind a sound dataset."""
    header = headers(folder)[1]
    raw = io.BytesIO()
    pydicom.dcmwrite(raw, header, enforce_file_format=False, implicit_vr=False, little_endian=True)
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = packer.compress(raw.getvalue())
    packed += packer.compress(struct.pack("<HH2sHI", 0x7FE1, 0x1010, b"OB", 0, 300_000_000))
    packed += b"".join(packer.compress(bytes(3_000_000)) for _ in range(100)) + packer.flush()
    meta = element(0x00020010, "UI", b"1.2.840.10008.1.2.1.99")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1.dcm").write_bytes(
        bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + packed
    )


# Number in the list of bad inputs, folder, builder, stable reason; "" where the series must be done.
CASES: list[tuple[int, str, Spoil, str]] = [
    (1, "pixels cut", pixels_cut, "truncated"),
    (1, "header cut", header_cut, "truncated"),
    (1, "no pixels", with_attributes(PixelData=None), "truncated"),
    (2, "100 bytes too many", pixels_of(100), "bad_length"),
    (3, "60000 by 60000", with_attributes(k=None, Rows=60000, Columns=60000), "too_large"),
    (3, "1500 by 1500", with_attributes(k=None, Rows=1500, Columns=1500), "truncated"),
    (3, "0 rows", with_attributes(k=None, Rows=0), "bad_header"),
    (24, "no preamble", without_preamble, "ignored"),
    (
        25,
        "structured report",
        with_attributes(k=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Rows=None),
        "ignored",
    ),
    (25, "localizer", with_attributes(k=None, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "ignored"),
    (27, "a file twice", same_uid(same_pixels=True), ""),
    (27, "one uid for two pictures", same_uid(same_pixels=False), "duplicate_uid"),
    (27, "one uid, one with no such VR", twin_without_vr, "duplicate_uid"),
    (28, "uids blank", uids_blank, "blank_uid"),
    (36, "all in one place", one_place, "duplicate_position"),
    (37, "slice missing", slice_missing, "missing_slices"),
    (37, "gantry tilt", tilted, "gantry_tilt"),
    (38, "damaged JPEG 2000", damaged_codestream, "undecodable"),
    (38, "text as JPEG", mislabelled_syntax, "undecodable"),
    (38, "unknown transfer syntax", unknown_syntax, "bad_header"),
    (38, "implicit labelled explicit", implicit_labelled_explicit, "bad_header"),
    (
        39,
        "rows of two values",
        with_bytes(element(0x00280010, "US", b"\x10\0"), element(0x00280010, "US", b"\0\x80\0\0")),
        "bad_header",
    ),
    (39, "spacing of letters", with_bytes(b"0.7\\0.5 ", b"1A\\0.5  "), "bad_header"),
    (39, "spacing infinite", with_bytes(b"0.7\\0.5 ", b"inf\\0.5 "), "bad_header"),
    (39, "no such VR", with_bytes(b"\x28\x00\x10\x00US", b"\x28\x00\x10\x00ZZ"), "bad_header"),
    (39, "no such charset", with_attributes(k=None, SpecificCharacterSet="ISO_IR 9999"), ""),
    (39, "sequences 120 deep", deep_sequences, ""),
    (39, "group 0000 strays", command_group_strays, ""),
    (39, "orientation zero", with_attributes(k=None, ImageOrientationPatient=[0, 0, 0, 0, 0, 0]), "bad_orientation"),
    (39, "BitsStored 0", with_attributes(k=None, BitsStored=0, HighBit=0), "not_supported"),
    (39, "slope 0", with_attributes(k=None, RescaleSlope=0), "bad_header"),
    (39, "deflate bomb", deflate_bomb, "too_large"),
]
HEALTHY = ("healthy first", "healthy last")
RECIPE = """\
version: 1
copies: 1
steps:
  - affine: {rotation_deg: [-10, 10]}
  - gaussian_noise
limits: {max_voxels: 1.0e+7}
"""
NO_DICOM = {
    "text.dcm": b"just a text\n",
    "page.dcm": b"<!DOCTYPE html><html></html>",
    "picture.dcm": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "empty.dcm": b"",
}


def save_corpus(folder: Path) -> Path:
    """Write every case and two healthy series; return the folder."""
    for _, name, build, _ in CASES:
        build(folder / name)
    for name in HEALTHY:
        sound(folder / name)
    for name, raw in NO_DICOM.items():
        (folder / name).write_bytes(raw)
    return folder
