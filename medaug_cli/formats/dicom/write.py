"""Write: copies of DICOM slices, in the transfer syntax that the recipe asks for, the same bytes from run to run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pydicom.valuerep import format_number_as_ds

from medaug_cli.core.encoded import EncodedFile
from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.classic import split_frames
from medaug_cli.formats.dicom.derive import OWN, describe_copy
from medaug_cli.formats.dicom.encoding import write_file
from medaug_cli.formats.dicom.enhanced import derive_header, encode_frames
from medaug_cli.formats.dicom.header import quiet, writing
from medaug_cli.formats.dicom.instance import parse_instance
from medaug_cli.formats.dicom.mirror import turn_header
from medaug_cli.formats.dicom.pixels import hash_planes
from medaug_cli.formats.dicom.place import place_slice
from medaug_cli.formats.dicom.regions import move_regions
from medaug_cli.formats.dicom.regrid import Slice, name_slices, place_slices, renew_header
from medaug_cli.formats.dicom.sources import SourceImages
from medaug_cli.formats.dicom.suspicions import find_suspicions
from medaug_cli.formats.dicom.template import FramesTemplate, shallow_copy
from medaug_cli.formats.dicom.uids import derived_uids
from medaug_cli.formats.dicom.window import Window, measure_window, set_window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import BoolArray, FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import Derivation, Loaded, Volume
    from medaug_cli.formats.dicom.storage import Storage
    from medaug_cli.formats.dicom.template import SliceTemplate


@dataclass(frozen=True)
class _Copy:
    """What all slices of one copy share."""

    content: Volume
    old_grid: Geometry
    slices: tuple[Slice, ...]
    derivation: Derivation
    sources: SourceImages
    window: Window | None
    same_grid: bool
    component: int


def encode_volume(
    content: Volume, like: Loaded, targets: Sequence[str], derivation: Derivation
) -> Iterator[EncodedFile]:
    """Yield one derived instance for each slice of `content`. Raises SampleError.

    `targets` are as many as the slices of `like`, or as those of `content`.
    """
    if isinstance(like.template, FramesTemplate):
        if derivation.dicom == "same":
            yield from encode_frames(content, like, targets, derivation)
        else:
            for component, (volume, alone, names) in enumerate(split_frames(content, like, targets)):
                yield from _encode_stack(volume, alone, names, derivation, component)
    else:
        yield from _encode_stack(content, like, targets, derivation)


def derive_headers(content: Volume, like: Loaded, derivation: Derivation) -> list[Dataset]:
    """Return the headers of the instances that a copy of `like` consists of, to be referred to.

    They name what lies where and whose it is; what only pixels tell, such as a window, is the source's.
    Raises SampleError.
    """
    if not isinstance(like.template, FramesTemplate):
        return _stack_headers(content, like, derivation)
    if derivation.dicom == "same":
        with writing(like.source.files[0]):
            return [derive_header(content, like, like.template, derivation)[0]]
    target = like.source.files[0]
    return [
        header
        for component, (volume, alone, _) in enumerate(split_frames(content, like, [target]))
        for header in _stack_headers(volume, alone, derivation, component)
    ]


def _stack_headers(content: Volume, like: Loaded, derivation: Derivation, component: int = 0) -> list[Dataset]:
    templates: Sequence[SliceTemplate] = like.template
    copy = _make_copy(content, like, derivation, component)
    headers = []
    for index, made in enumerate(copy.slices):
        template = templates[made.nearest]
        uids = derived_uids(template.instance, derivation, made.number)
        with writing(template.instance.file):
            headers.append(_make_header(copy, template, template.storage, index, uids))
    return headers


def _encode_stack(
    content: Volume, like: Loaded, targets: Sequence[str], derivation: Derivation, component: int = 0
) -> Iterator[EncodedFile]:
    name = like.source.files[0]
    templates: Sequence[SliceTemplate] = like.template
    components = templates[0].instance.components
    if content.array.shape != (components, *content.geometry.size[::-1]):
        found = f"components and size {content.array.shape}"
        raise SampleError("not_supported", f"{name}: {found} for a source of {components} components")
    copy = _make_copy(content, like, derivation, component)
    if derivation.intensity_changed and templates[0].instance.samples == 1:
        before = like.volume if copy.same_grid and not derivation.moved else None
        copy = replace(copy, window=measure_window(content, before))
    slices = copy.slices
    if len(targets) not in (len(templates), len(slices)):
        raise SampleError("not_supported", f"{name}: {len(targets)} paths for {len(slices)} slices; name one each")
    for index, (made, target) in enumerate(zip(slices, name_slices(targets, slices), strict=True)):
        with quiet():
            encoded = _encode_slice(copy, templates[made.nearest], index, target)
        yield encoded


def _make_copy(content: Volume, like: Loaded, derivation: Derivation, component: int) -> _Copy:
    same_grid = content.geometry.same_grid(like.volume.geometry)
    instances = [template.instance for template in like.template]
    return _Copy(
        content=content,
        old_grid=like.volume.geometry,
        slices=place_slices(like.volume.geometry, content.geometry),
        derivation=derivation,
        sources=SourceImages(instances, derivation=derivation, size=content.geometry.size, same_grid=same_grid),
        window=None,
        same_grid=same_grid,
        component=component,
    )


def _encode_slice(copy: _Copy, template: SliceTemplate, index: int, target: str) -> EncodedFile:
    void = None if copy.content.void is None else copy.content.void[index]
    real = copy.content.array[:, index]
    storage = _fit_slope(template, real[0], void)
    planes = [storage.to_stored(plane, void) for plane in real]
    stored = np.stack([plane for plane, _ in planes]) if len(planes) > 1 else planes[0][0][None]
    if template.padded is not None and void is not None and copy.same_grid and not copy.derivation.moved:
        stored[:, void] = template.padded[:, void]
    uids = derived_uids(template.instance, copy.derivation, copy.slices[index].number)
    with writing(template.instance.file):
        header = _make_header(copy, template, storage, index, uids)
    instance = template.instance if copy.same_grid else parse_instance(header, template.instance.file)
    parts = write_file(header, stored, template.instance, copy.derivation, OWN)
    return EncodedFile(
        path=target,
        parts=parts,
        hash_voxels=partial(hash_planes, stored, instance),
        dtype=str(stored.dtype),
        uids=uids,
        clipped=sum(clipped for _, clipped in planes),
        suspicions=find_suspicions(header) if copy.derivation.privacy else (),
    )


def _fit_slope(template: SliceTemplate, real: FloatArray, void: BoolArray | None) -> Storage:
    """Return the storage of a slice; a PET slice whose values outgrow its slope gets a steeper one.

    PET scanners choose a slope for each slice after its own maximum (PS3.3 C.8.9.4): what a shift brings in from a
    hotter slice would be clipped. Other modalities keep theirs and clip.
    """
    storage = template.storage
    measured = real if void is None else real[~void]
    if template.instance.modality != "PT" or storage.intercept or not measured.size:
        return storage
    least, most = float(measured.min()), float(measured.max())
    if np.rint(most / storage.slope) <= storage.high and np.rint(least / storage.slope) >= storage.low:
        return storage
    slope = max(most / storage.high, least / storage.low if storage.low else 0.0)
    return replace(storage, slope=float(format_number_as_ds(slope))) if slope > 0 else storage


def _make_header(copy: _Copy, template: SliceTemplate, storage: Storage, index: int, uids: dict[str, str]) -> Dataset:
    header = shallow_copy(template.header)
    header.SOPInstanceUID, header.SeriesInstanceUID = uids["sop_instance"], uids["series_instance"]
    if copy.derivation.moved and "frame_of_reference" in uids:
        header.FrameOfReferenceUID = uids["frame_of_reference"]
    turn_header(header, template.instance, copy.derivation)
    describe_copy(header, template, copy.derivation, same_grid=copy.same_grid)
    if copy.derivation.moved or not copy.same_grid:
        move_regions(header, copy.derivation.index_map, copy.content.geometry.size, template.instance.file)
    copy.sources.name_in(header, copy.slices[index], index)
    if storage.slope != template.storage.slope:
        header.RescaleSlope = format_number_as_ds(storage.slope)
        if "RealWorldValueMappingSequence" in header:
            del header.RealWorldValueMappingSequence
    if copy.window is not None:
        set_window(header, template, copy.window)
    if not copy.same_grid:
        place_slice(header, template.instance, copy.old_grid, copy.content.geometry, index)
        single = copy.old_grid.size[2] == 1 == len(copy.slices)
        before = copy.component * len(copy.slices)
        renew_header(header, copy.slices, index, template.instance.file, single=single, before=before)
    return header
