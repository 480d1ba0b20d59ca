"""Parts: the segments of a SEG and where each of its frames lies, from its header (PS3.3 C.8.20.2, C.8.20.3)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.frames import PER_FRAME, SHARED, find_group, parse_frames
from medaug_cli.formats.dicom.header import number, text, values
from medaug_cli.formats.dicom.instance import Instance
from medaug_cli.formats.dicom.pixels import decode_stored, transfer_syntax
from medaug_cli.formats.dicom.template import shallow_copy

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import AnyArray

KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")
_BACKGROUND = ("125040", "DCM")  # CID 7159
_DTYPES = {1: "uint8", 8: "uint8", 16: "uint16"}
_OF_A_SLIDE = ("TotalPixelMatrixColumns", "ImageOrientationSlide")


@dataclass(frozen=True)
class SegFrame:
    """One frame: the number of its segment (0 in a LABELMAP, whose frames hold all), and its plane."""

    segment: int
    plane: Instance


@dataclass(frozen=True, eq=False)
class Parts:
    """What the header of a SEG says of it: `numbers` and `names` of its segments, and its frames in the file's order.

    `most` is MaximumFractionalValue, `step_mm` the distance between planes, 0 where the header does not tell. `padding`
    is PixelPaddingValue of a LABELMAP, the value of pixels in no segment; its background is none of the segments here.
    """

    header: Dataset
    instance: Instance
    kind: str
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    frames: tuple[SegFrame, ...]
    most: int = 1
    step_mm: float = 0.0
    padding: int | None = None


def parse_parts(header: Dataset, file: str) -> Parts:
    """Return what `header` says of a SEG. Raises SampleError for one that lies on a slide or in no patient."""
    kind = text(header, "SegmentationType", file)
    if kind not in KINDS:
        raise SampleError("bad_header", f"{file}: SegmentationType is none of {', '.join(KINDS)}")
    if any(keyword in header for keyword in _OF_A_SLIDE) or not text(header, "FrameOfReferenceUID", file):
        found = "a segmentation of a slide or of a 2-D image is"
        raise SampleError("not_supported", f"{file}: {found} not supported; segmentations placed in the patient are")
    instance = _parse_instance(header, file)
    stack = parse_frames(header, instance, instance.frames)
    items = values(header, PER_FRAME, file)
    shared = values(header, SHARED, file)[:1]
    frames = []
    for frame, item in zip(stack.frames, items, strict=True):
        named = find_group([item, *shared], "SegmentIdentificationSequence", file)
        if named is None and kind != "LABELMAP":
            raise SampleError("bad_header", f"{file}: frame {frame.index + 1} does not say which segment it shows")
        numbered = named is not None and kind != "LABELMAP"
        segment = int(number(named, "ReferencedSegmentNumber", file)) if numbered and named is not None else 0
        frames.append(SegFrame(segment, frame.plane))
    measures = find_group([*items[:1], *shared], "PixelMeasuresSequence", file)
    declared = kind == "LABELMAP" and bool(values(header, "PixelPaddingValue", file))
    padding = int(number(header, "PixelPaddingValue", file)) if declared else None
    segments = _segments(header, padding, file) if kind == "LABELMAP" else values(header, "SegmentSequence", file)
    numbers = tuple(int(number(segment, "SegmentNumber", file)) for segment in segments)
    _check_frames(kind, frames, numbers, file)
    return Parts(
        header=header,
        instance=instance,
        kind=kind,
        numbers=numbers,
        names=tuple(text(segment, "SegmentLabel", file) for segment in segments),
        frames=tuple(frames),
        most=_most(header, file) if kind == "FRACTIONAL" else 1,
        step_mm=0.0 if measures is None else number(measures, "SpacingBetweenSlices", file, 0.0),
        padding=padding,
    )


def _check_frames(kind: str, frames: list[SegFrame], numbers: tuple[int, ...], file: str) -> None:
    """Raise SampleError for a frame whose segment nothing describes; those of a LABELMAP show all of them."""
    if len(set(numbers)) < len(numbers):
        raise SampleError("bad_header", f"{file}: two segments have one number; export the segmentation again")
    strange = {frame.segment for frame in frames} - set(numbers) if kind != "LABELMAP" else set()
    if strange:
        raise SampleError("bad_header", f"{file}: a frame shows segment {min(strange)}, which none describes")


def _most(header: Dataset, file: str) -> int:
    most = int(number(header, "MaximumFractionalValue", file))
    if most < 1:
        raise SampleError("bad_header", f"{file}: MaximumFractionalValue is {most}; it must be 1 or more")
    return most


def _segments(header: Dataset, padding: int | None, file: str) -> list[Dataset]:
    """Return the items of a LABELMAP's segments but that of its background (PS3.3 C.8.20.2).

    Raises SampleError where 0 is a segment: it stands for nothing in all label maps here.
    """
    kept = [item for item in values(header, "SegmentSequence", file) if not _is_background(item, padding, file)]
    if any(number(item, "SegmentNumber", file) == 0 for item in kept):
        message = f"{file}: 0 is the number of a segment that is not the background; number segments from 1"
        raise SampleError("not_supported", message)
    return kept


def _is_background(item: Dataset, padding: int | None, file: str) -> bool:
    segment = number(item, "SegmentNumber", file)
    kinds = values(item, "SegmentedPropertyTypeCodeSequence", file)
    codes = [(text(code, "CodeValue", file), text(code, "CodingSchemeDesignator", file)) for code in kinds]
    return segment == padding or (segment == 0 and _BACKGROUND in codes)


def _parse_instance(header: Dataset, file: str) -> Instance:
    bits = int(number(header, "BitsAllocated", file))
    if bits not in _DTYPES:
        raise SampleError("not_supported", f"{file}: BitsAllocated {bits} is not supported; 1, 8 and 16 are")
    extents = {key: int(number(header, key, file)) for key in ("Rows", "Columns", "NumberOfFrames")}
    if min(extents.values()) < 1:
        raise SampleError("bad_header", f"{file}: Rows, Columns or NumberOfFrames is 0; it must be 1 or more")
    return Instance(
        file=file,
        modality="SEG",
        sop_class=text(header, "SOPClassUID", file),
        sop_instance=text(header, "SOPInstanceUID", file),
        series=text(header, "SeriesInstanceUID", file),
        study=text(header, "StudyInstanceUID", file),
        patient=text(header, "PatientID", file),
        frame_of_reference=text(header, "FrameOfReferenceUID", file),
        rows=extents["Rows"],
        columns=extents["Columns"],
        dtype=_DTYPES[bits],
        spacing_mm=None,
        thickness_mm=1.0,
        position_mm=None,
        orientation=None,
        letters=("", ""),
        series_key=(),
        split_values=(),
        frames=extents["NumberOfFrames"],
    )


def decode_frames(parts: Parts) -> AnyArray:
    """Return what the file stores, (frame, rows, columns). Raises SampleError where bytes are missing or left over."""
    header, instance = parts.header, parts.instance
    if number(header, "BitsAllocated", instance.file) == 1:
        return _unpack(header, instance)
    plain = shallow_copy(header)
    plain.file_meta = header.file_meta
    plain.PhotometricInterpretation = "MONOCHROME2"  # a palette only displays labels
    return decode_stored(plain, instance)


def _unpack(header: Dataset, instance: Instance) -> AnyArray:
    """Return pixels of one bit, of which no frame begins a byte of its own (PS3.5 8.1.1)."""
    file = instance.file
    if transfer_syntax(header, file).is_compressed:
        raise SampleError("not_supported", f"{file}: compressed pixels of one bit are not supported; decompress them")
    count = instance.frames * instance.rows * instance.columns
    data = bytes(header.PixelData) if "PixelData" in header else b""
    wanted = -(-count // 8)
    if len(data) < wanted:
        raise SampleError("truncated", f"{file}: {len(data)} bytes of pixels where the header declares {wanted}")
    if len(data) > wanted + wanted % 2:
        raise SampleError("bad_length", f"{file}: {len(data)} bytes of pixels where the header declares {wanted}")
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=count, bitorder="little")
    return bits.reshape(instance.frames, instance.rows, instance.columns)


def hash_parts(parts: Parts, stored: AnyArray) -> str:
    """Return the voxel hash of a SEG: of its frames that are not empty, in whatever order, and of their planes."""
    told = []
    for frame, pixels in zip(parts.frames, stored, strict=True):
        if pixels.any():
            plane = frame.plane
            lengths = (*(plane.position_mm or ()), *(plane.orientation or ()), *(plane.spacing_mm or ()))
            place = " ".join(f"{round(length, 3) + 0.0:.3f}" for length in lengths)
            told.append(f"{frame.segment} {place} {hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()}")
    head = f"{parts.kind} {parts.most} {stored.shape[1:]} {stored.dtype}"
    return hashlib.sha256("\n".join([head, *sorted(told)]).encode()).hexdigest()
