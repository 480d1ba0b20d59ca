"""Enhanced multi-frame CT, MR and PET: read as one volume, written as one object (PS3.3 A.36, A.38)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from medaug_cli.core.encoded import EncodedFile
from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.sample import Loaded, Volume
from medaug_cli.formats.dicom.derive import OWN, describe_copy
from medaug_cli.formats.dicom.encoding import write_file
from medaug_cli.formats.dicom.groups import GroupChanges, change_groups
from medaug_cli.formats.dicom.header import quiet, writing
from medaug_cli.formats.dicom.instance import parse_instance
from medaug_cli.formats.dicom.mirror import turn_header
from medaug_cli.formats.dicom.pixels import hash_planes
from medaug_cli.formats.dicom.regrid import place_slices
from medaug_cli.formats.dicom.sources import SourceImages
from medaug_cli.formats.dicom.suspicions import find_suspicions
from medaug_cli.formats.dicom.template import FramesTemplate, shallow_copy
from medaug_cli.formats.dicom.uids import derived_uids
from medaug_cli.formats.dicom.window import measure_window, read_window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import AnyArray, BoolArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import Derivation, FileEntry, Source
    from medaug_cli.formats.dicom.frames import FrameStack

# Of an acquisition: required of an ORIGINAL image and forbidden of a derived one (PS3.3 C.8.13.4, C.8.15.2).
_OF_AN_ORIGINAL = (
    *("BulkMotionCompensationTechnique", "PulseSequenceName", "MRAcquisitionType", "EchoPulseSequence"),
    *("MultiPlanarExcitation", "PhaseContrast", "TimeOfFlightContrast", "SteadyStatePulseSequence"),
    *("EchoPlanarPulseSequence", "SaturationRecovery", "SpectrallySelectedSuppression", "OversamplingPhase"),
    *("GeometryOfKSpaceTraversal", "RectilinearPhaseEncodeReordering", "SegmentedKSpaceTraversal"),
    *("CoverageOfKSpace", "NumberOfKSpaceTrajectories"),
)


@dataclass(frozen=True)
class MadeFrame:
    """One frame of a copy: its place in the volume, and the frame of the source whose description it takes."""

    component: int
    slice: int
    source: int


def join_frames(source: Source, template: FramesTemplate, stored: AnyArray, entry: FileEntry) -> Loaded:
    """Return the frames `stored`, (frame, rows, columns) in the file's order, as a volume in real values."""
    stack = _stack_of(template)
    array = np.empty((len(stack.order), len(stack.order[0]), *stored.shape[1:]), dtype=np.float32)
    void: BoolArray | None = None
    for component, frames in enumerate(stack.order):
        for index, frame in enumerate(frames):
            template.storages[frame].fill_real(stored[frame], array[component, index])
            padding = template.storages[frame].is_padding(stored[frame])
            if padding is None:
                continue
            void = np.ones(array.shape[1:], dtype=np.bool_) if void is None else void
            void[index] &= padding  # no measurement at any time
    if void is not None and void.any() and not void.all():
        for volume in array:
            volume[void] = volume.min(where=~void, initial=np.inf)
    return Loaded(
        source=source,
        content=Volume(array, stack.geometry, void, grows=void is not None),
        entries=(entry,),
        template=template,
        modality=template.instance.modality,
        irregular=stack.irregular,
        window=read_window(template),
    )


def encode_frames(
    content: Volume, like: Loaded, targets: Sequence[str], derivation: Derivation
) -> Iterator[EncodedFile]:
    """Yield the one object of a copy. Raises SampleError."""
    template: FramesTemplate = like.template
    with quiet():
        yield _encode(content, like, template, targets[0], derivation)


def _encode(
    content: Volume, like: Loaded, template: FramesTemplate, target: str, derivation: Derivation
) -> EncodedFile:
    file = template.instance.file
    with writing(file):
        header, frames = derive_header(content, like, template, derivation)
    stored, clipped = _store(content, template, frames)
    same_grid = content.geometry.same_grid(like.volume.geometry)
    instance = template.instance if same_grid else parse_instance(header, file)
    uids = derived_uids(template.instance, derivation)
    parts = write_file(header, stored, template.instance, derivation, OWN)
    suspicions = find_suspicions(header) if derivation.privacy else ()
    hash_voxels = partial(hash_planes, stored, instance)
    return EncodedFile(target, parts, hash_voxels, str(stored.dtype), uids, clipped, suspicions)


def derive_header(
    content: Volume, like: Loaded, template: FramesTemplate, derivation: Derivation
) -> tuple[Dataset, list[MadeFrame]]:
    """Return the header of a copy without its pixels, and its frames. Raises SampleError."""
    file, stack = template.instance.file, _stack_of(template)
    if len(content.array) != len(stack.order):
        found = f"{len(content.array)} components for a source of {len(stack.order)}"
        raise SampleError("not_supported", f"{file}: {found}; a copy keeps them all")
    same_grid = content.geometry.same_grid(like.volume.geometry)
    if not same_grid and stack.irregular:
        raise SampleError("not_supported", f"{file}: a new grid for frames that form none ({stack.irregular})")
    frames = made_frames(template, like.volume.geometry, content.geometry)
    header = _make_header(template, derivation, derived_uids(template.instance, derivation), same_grid=same_grid)
    changes = GroupChanges(
        image_type=[str(value) for value in header.ImageType],
        window=measure_window(content, like.volume if same_grid and not derivation.moved else None)
        if derivation.intensity_changed
        else None,
        derivation=derivation,
        geometry=None if same_grid else content.geometry,
        sources=SourceImages(
            [template.instance], derivation=derivation, size=content.geometry.size, same_grid=same_grid
        ),
    )
    change_groups(header, template, frames, changes)
    header.NumberOfFrames = len(frames)
    header.Rows, header.Columns = content.array.shape[2:]
    return header, frames


def _stack_of(template: FramesTemplate) -> FrameStack:
    if template.instance.stack is None:
        raise TypeError(template.instance.file)
    return template.instance.stack


def made_frames(template: FramesTemplate, old: Geometry, new: Geometry) -> list[MadeFrame]:
    """Return the frames of a copy on grid `new`: in the source's order, or plane after plane of another grid."""
    made = [
        MadeFrame(component, index, frames[one.nearest])
        for component, frames in enumerate(_stack_of(template).order)
        for index, one in enumerate(place_slices(old, new))
    ]
    return sorted(made, key=lambda frame: frame.source) if new.same_grid(old) else made


def _store(content: Volume, template: FramesTemplate, frames: Sequence[MadeFrame]) -> tuple[AnyArray, int]:
    stored = np.empty((len(frames), *content.array.shape[2:]), dtype=template.storage.dtype)
    clipped = 0
    for index, frame in enumerate(frames):
        void = None if content.void is None else content.void[frame.slice]
        storage = template.storages[frame.source]
        stored[index], beyond = storage.to_stored(content.array[frame.component, frame.slice], void)
        clipped += beyond
    return stored, clipped


def _make_header(template: FramesTemplate, derivation: Derivation, uids: dict[str, str], *, same_grid: bool) -> Dataset:
    header = shallow_copy(template.header)
    header.SOPInstanceUID, header.SeriesInstanceUID = uids["sop_instance"], uids["series_instance"]
    if derivation.moved and "frame_of_reference" in uids:
        header.FrameOfReferenceUID = uids["frame_of_reference"]
    turn_header(header, template.instance, derivation)
    describe_copy(header, template, derivation, same_grid=same_grid)
    for keyword in _OF_AN_ORIGINAL:
        if keyword in header:
            del header[keyword]
    return header
