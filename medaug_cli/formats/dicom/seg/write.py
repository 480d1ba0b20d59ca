"""Write: a new SEG of a copy's labels, made by highdicom against the copy's images, all else carried over."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pydicom.datadict import keyword_for_tag
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds

from medaug_cli import __version__
from medaug_cli.core.encoded import EncodedFile
from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.derive import OWN_OF_A_SERIES, describe_series
from medaug_cli.formats.dicom.encoding import write_segments
from medaug_cli.formats.dicom.header import MALFORMED, number, read_dataset, text, values
from medaug_cli.formats.dicom.mirror import swap_region
from medaug_cli.formats.dicom.seg.maker import load_maker
from medaug_cli.formats.dicom.seg.parts import decode_frames, hash_parts, parse_parts
from medaug_cli.formats.dicom.seg.planes import slice_positions
from medaug_cli.formats.dicom.sides import other_words
from medaug_cli.formats.dicom.template import shallow_copy
from medaug_cli.formats.dicom.uids import derived_uids
from medaug_cli.formats.dicom.write import derive_headers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import AnyArray, Array64
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.sample import Derivation, Loaded, Volume
    from medaug_cli.formats.dicom.seg.parts import Parts
    from medaug_cli.formats.dicom.seg.read import SegTemplate

# Of patient and study: highdicom wants them of the images, the copy takes them from its source, in its character set.
_OF_THE_PATIENT = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate"),
    *("StudyTime", "ReferringPhysicianName"),
)
_CARRIED = (
    *("SpecificCharacterSet", "AccessionNumber", "StudyID", "StudyDate", "StudyTime", "StudyDescription"),
    *("ReferringPhysicianName", "ContentLabel", "ContentDescription", "SeriesDate", "SeriesTime", "ContentDate"),
    *("ContentTime", "BodyPartExamined", "Laterality", "SegmentationFractionalType", "InstanceNumber"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)
_OF_THE_SERIES = (
    *("SeriesNumber", "SeriesDescription", "ContributingEquipmentSequence", "Manufacturer"),
    *("ManufacturerModelName", "SoftwareVersions"),
)
_PATIENT = 0x0010
_OF_THIS_MOMENT = ("InstanceCreationDate", "InstanceCreationTime", "ContentCreatorName", "TimezoneOffsetFromUTC")
_PLAIN_CODE = ("85756007", "SCT", "Tissue")  # stands in until the source's descriptions take its place


def encode_segmentation(content: Labels, like: Loaded, target: str, derivation: Derivation) -> EncodedFile:
    """Return a SEG of the type of `like` that holds `content` and refers to the copy's images.

    Raises SampleError where highdicom is not installed, or refuses what the source says.
    """
    template: SegTemplate = like.template
    file = like.source.files[0]
    referred, made_image, images = _referred_images(content, derivation, file)
    positions = _plane_positions(content, referred, made_image)
    uids = derived_uids(template.parts.instance, derivation)
    try:
        made = _make(content, template.parts, images, positions, uids)
    except (*MALFORMED, AssertionError) as error:
        message = f"{file}: highdicom cannot make a SEG like it ({type(error).__name__}); export it again"
        raise SampleError("bad_header", message) from error
    if not referred.irregular:
        _keep_distance(made, content)
    header = _finish(made, content, template, derivation, uids)
    parts = parse_parts(header, file)
    voxel_sha256 = hash_parts(parts, decode_frames(parts))
    data = write_segments(header, file, derivation, OWN_OF_A_SERIES)
    return EncodedFile(target, (data,), lambda: voxel_sha256, parts.instance.dtype, uids)


def _referred_images(content: Labels, derivation: Derivation, file: str) -> tuple[Loaded, Volume, list[Dataset]]:
    """Return the image whose slices `content` lies on (else the first), as read and as made, and its copy's headers."""
    dicom = [one for one in derivation.images if one[0].source.format == "dicom"]
    if not dicom:
        raise SampleError("not_supported", f"{file}: a SEG needs DICOM images to refer to; convert it to NIfTI")
    fitting = [one for one in dicom if one[1].geometry.same_grid(content.geometry)]
    loaded, made, _ = (fitting or dicom)[0]
    headers = derive_headers(made, loaded, derivation)
    for header in headers:
        header.pop("SpecificCharacterSet", None)
        for keyword in _OF_THE_PATIENT:
            setattr(header, keyword, "")
        if not values(header, "SliceThickness", file):  # may be empty, but highdicom wants it
            header.SliceThickness = format_number_as_ds(made.geometry.spacing_mm[2])
    return loaded, made, headers


def _plane_positions(content: Labels, image: Loaded, made: Volume) -> Array64:
    """Return where the planes of `content` lie: on the copy's slices where it has their grid."""
    if content.geometry.same_grid(made.geometry):
        return slice_positions(image, made.geometry)
    indices = np.array([(0, 0, k, 1) for k in range(content.geometry.size[2])], np.float64)
    return np.asarray((indices @ content.geometry.affine.T)[:, :3])


def _make(
    content: Labels, parts: Parts, images: Sequence[Dataset], positions: Array64, uids: dict[str, str]
) -> Dataset:
    """Return what highdicom makes of the planes of `content` that are not empty, or of one where all are."""
    highdicom = load_maker(parts.instance.file)
    array = _as_written(content, parts)
    there = np.flatnonzero(array.any(axis=tuple(range(1, array.ndim)))) if array.any() else np.array([0])
    x_mm, y_mm, z_mm = content.geometry.spacing_mm
    direction = content.geometry.direction
    describe = _describe_plainly(highdicom)
    numbers = parts.numbers if parts.kind == "LABELMAP" else range(1, len(parts.numbers) + 1)
    made = highdicom.seg.Segmentation(
        source_images=list(images),
        pixel_array=np.ascontiguousarray(array[there]),
        segmentation_type=parts.kind,
        segment_descriptions=[describe(value) for value in numbers],
        series_instance_uid=uids["series_instance"],
        series_number=1,
        sop_instance_uid=uids["sop_instance"],
        instance_number=1,
        manufacturer="medaug",
        manufacturer_model_name="medaug",
        software_versions=__version__,
        device_serial_number="none",
        max_fractional_value=parts.most if parts.kind == "FRACTIONAL" else 255,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        pixel_measures=highdicom.PixelMeasuresSequence(
            pixel_spacing=(y_mm, x_mm), slice_thickness=z_mm, spacing_between_slices=z_mm
        ),
        plane_orientation=highdicom.PlaneOrientationSequence("PATIENT", (*direction[0::3], *direction[1::3])),
        plane_positions=[highdicom.PlanePositionSequence("PATIENT", tuple(positions[index])) for index in there],
        omit_empty_frames=True,
    )
    encoded = io.BytesIO()
    made.save_as(encoded)
    encoded.seek(0)
    return read_dataset(encoded, parts.instance.file)  # without highdicom's own types


def _keep_distance(made: Dataset, content: Labels) -> None:
    """Say in `made` how far apart all planes lie; highdicom measures it between those that are not empty."""
    measures = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.SpacingBetweenSlices = format_number_as_ds(content.geometry.spacing_mm[2])


def _as_written(content: Labels, parts: Parts) -> AnyArray:
    """Return (plane, rows, columns) of label values, or (plane, rows, columns, segment); segments count from 1.

    Raises SampleError for a value that no segment describes, as label_noise or swap_labels may make one.
    """
    if not isinstance(content, LabelMap):
        array = np.moveaxis(content.array, 0, -1)
        return array.clip(0, 1).astype(np.float32) if content.soft else array.astype(np.uint8)
    unknown = sorted(int(value) for value in content.counts if value not in parts.numbers)
    if unknown:
        message = f"{parts.instance.file}: label value {unknown[0]} is none of its segments"
        raise SampleError("unknown_label", message)
    if parts.kind == "LABELMAP":
        return content.array.astype(np.uint16 if max(parts.numbers, default=0) > 255 else np.uint8)  # noqa: PLR2004  of a byte
    places = np.zeros(max(parts.numbers) + 1, dtype=np.min_scalar_type(len(parts.numbers)))
    places[list(parts.numbers)] = np.arange(1, len(parts.numbers) + 1)
    return np.asarray(places[content.array])


def _describe_plainly(highdicom: Any) -> Any:
    code = highdicom.sr.CodedConcept(*_PLAIN_CODE)
    return lambda value: highdicom.seg.SegmentDescription(value, "segment", code, code, "MANUAL")


def _finish(
    made: Dataset, content: Labels, template: SegTemplate, derivation: Derivation, uids: dict[str, str]
) -> Dataset:
    """Return `made` with what its source says of segments and content, and nothing that differs from run to run."""
    source, parts, file = template.header, template.parts, template.parts.instance.file
    for tag in [tag for tag in made.keys() if tag.group == _PATIENT]:  # noqa: SIM118  iterates over elements
        del made[tag]
    for keyword in _OF_THIS_MOMENT:
        made.pop(keyword, None)
    made.ContentCreatorName = ""
    for tag, element in source.items():
        if tag.group == _PATIENT or keyword_for_tag(tag) in _CARRIED:
            made[tag] = element
    for keyword in _OF_THE_PATIENT:
        if keyword not in made:
            setattr(made, keyword, "")
    for date, time in (("SeriesDate", "SeriesTime"), ("ContentDate", "ContentTime")):
        if not values(source, date, file):
            setattr(made, date, text(made, "StudyDate", file) or "19000101")
            setattr(made, time, text(made, "StudyTime", file) or "000000")
    uids["frame_of_reference"] = str(made.FrameOfReferenceUID)  # that of the images
    _name_series(made, source, derivation, file)
    made.SegmentSequence = Items([*_background(made, template), *_carry_segments(content, template, derivation)])
    _renumber(made, parts)
    _name_dimensions(made, uids["sop_instance"])
    return made


def _name_series(made: Dataset, source: Dataset, derivation: Derivation, file: str) -> None:
    """Say in `made` of which series it is, and that medaug made it of what made its source."""
    made.pop("ContributingEquipmentSequence", None)
    series = shallow_copy(source)
    describe_series(series, file, derivation)
    for keyword in _OF_THE_SERIES:
        if keyword in series:
            made[keyword] = series[keyword]


def _background(made: Dataset, template: SegTemplate) -> list[Dataset]:
    """Return what describes 0, the background of a copy's LABELMAP: the source's item, else that of highdicom."""
    if template.parts.kind != "LABELMAP":
        return []
    file = template.parts.instance.file
    items = [*values(template.header, "SegmentSequence", file), *made.SegmentSequence]
    return [item for item in items if number(item, "SegmentNumber", file) == 0][:1]


def _carry_segments(content: Labels, template: SegTemplate, derivation: Derivation) -> list[Dataset]:
    """Return the descriptions of the source's segments; mirrored ones are of the other side, by code and by name.

    Those whose voxels swap_labels has exchanged keep theirs; one without a counterpart has the name that it got.
    """
    file, numbers = template.parts.instance.file, template.parts.numbers
    if isinstance(content, LabelMap):
        called, exchanged = content.names, content.exchanged
    else:
        called = dict(zip(numbers, content.names, strict=True))
        exchanged = frozenset(numbers[component - 1] for component in content.exchanged)
    described = values(template.header, "SegmentSequence", file)
    items = [shallow_copy(item) for item in described if number(item, "SegmentNumber", file) in numbers]
    for item in items:
        name, segment = text(item, "SegmentLabel", file), int(number(item, "SegmentNumber", file))
        renamed = called[segment] != name
        if not renamed and (segment in exchanged or not derivation.swap_laterality):
            continue
        swap_region(item, file)
        item.SegmentLabel = called[segment] if renamed else other_words(name)
    return items


def _renumber(made: Dataset, parts: Parts) -> None:
    """Give the frames the segment numbers of the source, which need not count from 1."""
    if parts.kind == "LABELMAP" or parts.numbers == tuple(range(1, len(parts.numbers) + 1)):
        return
    for item in made.PerFrameFunctionalGroupsSequence:
        named = item.SegmentIdentificationSequence[0]
        named.ReferencedSegmentNumber = parts.numbers[named.ReferencedSegmentNumber - 1]


def _name_dimensions(made: Dataset, sop_instance: str) -> None:
    """Give the organisation of dimensions a UID made of the object's, where highdicom draws one."""
    own = str(generate_uid(entropy_srcs=[sop_instance, "dimensions"]))
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = own
