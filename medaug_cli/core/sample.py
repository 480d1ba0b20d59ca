"""Samples: the files and the contents of one case that move together, before and after they are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from medaug_cli.core.label_maps import LabelMap, LabelStack
from medaug_cli.core.marks import Boxes, Contours, MarkRules, Points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medaug_cli.core.arrays import AnyArray, BoolArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.privacy import Privacy

Role = Literal["image", "label", "points"]
IndexMap: TypeAlias = tuple[tuple[float, ...], ...]
PointsSpace = Literal["auto", "lps", "ras", "index"]
TransferSyntax = Literal["explicit", "rle", "jpegls", "j2k"]


@dataclass(frozen=True)
class Alias:
    """What stands for the files of a source whose patient is hidden, one each.

    Copies are named after `names`, and the manifest has `records`.
    """

    names: tuple[str, ...]
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one volume or label map: POSIX paths relative to the dataset, in the order of its slices.

    `stamps` are (size in bytes, mtime in ns) of each file when it was found: a job refuses what changed since.
    `declared` is what the recipe says of the content where the file does not: "soft" of labels, the space of points.
    `shared` says that the files are those of other samples, too. `copied_as` is the format of copies, where another.
    `voxels` counts those of all components, `unpacked_bytes` what they take without compression; 0 of points, and where
    no header tells.
    """

    role: Role
    channel: str
    format: str
    files: tuple[str, ...]
    stamps: tuple[tuple[int, int], ...] = ()
    declared: str = ""
    shared: bool = False
    alias: Alias | None = None
    copied_as: str = ""
    voxels: int = 0
    unpacked_bytes: int = 0

    @property
    def stored_bytes(self) -> int:
        """What the files take."""
        return sum(size for size, _ in self.stamps)

    @property
    def copy_format(self) -> str:
        """The format that copies are written in."""
        return self.copied_as or self.format

    @property
    def names(self) -> tuple[str, ...]:
        """The paths that copies are named after."""
        return self.files if self.alias is None else self.alias.names

    @property
    def records(self) -> tuple[str, ...]:
        """The paths that the manifest has."""
        return self.files if self.alias is None else self.alias.records


def declare(role: Role, channel: str, soft_labels: Sequence[str], points_space: str) -> str:
    """Return what the recipe's `soft_labels` and `points_space` say of one source."""
    if role == "points":
        return points_space
    return "soft" if role == "label" and channel in soft_labels else ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One case as discovery found it: headers only, no voxels.

    `patient` is the identifier as read; it stays in memory and is written only as a keyed hash. `identifiers` are that
    and what else of its headers tells who it is, and are never written. `called` is the id of a sample that now has a
    pseudonym.
    `problem` is (reason, message) where the case cannot be used.
    """

    id: str
    layout: str
    sources: tuple[Source, ...]
    patient: str = ""
    identifiers: tuple[str, ...] = ()
    called: str = ""
    split: str = ""
    category: str = ""
    modality: str = ""
    geometry: Geometry | None = None
    problem: tuple[str, str] | None = None

    @property
    def voxels(self) -> int:
        """Number of voxels of all images and components."""
        return sum(source.voxels for source in self.images())

    @property
    def stored_bytes(self) -> int:
        """What all files take."""
        return sum(source.stored_bytes for source in self.sources)

    def images(self) -> tuple[Source, ...]:
        """Return the sources that hold intensities."""
        return tuple(source for source in self.sources if source.role == "image")

    def labels(self) -> tuple[Source, ...]:
        """Return the sources that hold labels."""
        return tuple(source for source in self.sources if source.role == "label")

    def points(self) -> tuple[Source, ...]:
        """Return the sources that hold points or boxes."""
        return tuple(source for source in self.sources if source.role == "points")


@dataclass(frozen=True, eq=False)
class Volume:
    """Intensities in the modality's own unit (HU for CT): `array` (component, z, y, x), float32.

    As read it may also hold the 8- or 16-bit integers of a file that scales nothing, which take less memory; whoever
    changes intensities makes float32 of them first. The components are time points or colours; a plain volume has one.
    `void` (z, y, x) marks voxels that hold no measurement (NaN, pixel padding): they move with the image, no intensity
    step counts them, and the writer puts back what stood there. `grows` says that the void also covers what a mapping
    brings in from outside the grid. `rgb` says that the components are red, green and blue, and `alpha` where there is
    one, of one picture after another.
    """

    array: AnyArray
    geometry: Geometry
    void: BoolArray | None = None
    grows: bool = False
    rgb: bool = False
    alpha: bool = False

    def pictures(self, array: AnyArray) -> Sequence[AnyArray]:
        """Return of an `array` with the volume's components those of each colour picture, without its alpha."""
        colours = len("RGB")
        return [array[n : n + colours] for n in range(0, len(array), colours + self.alpha)]


@dataclass(frozen=True)
class FileEntry:
    """One file of a source or an output as the manifest lists it; a sidecar has no `voxel_sha256`."""

    role: Role
    channel: str
    path: str
    bytes: int
    sha256: str
    voxel_sha256: str
    format: str
    dtype: str
    uids: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A volume, labels or marks as read: its files' entries, and `template`, the header to write it with.

    `irregular` says why the slices do not form a regular grid; steps that need one refuse such a volume. `window` is
    the display window of the header, (centre, width) in the volume's own values; None where it names none.
    """

    source: Source
    content: Volume | Labels | Marks
    entries: tuple[FileEntry, ...]
    template: Any
    modality: str = ""
    irregular: str = ""
    window: tuple[float, float] | None = None

    @property
    def volume(self) -> Volume:
        """What an image holds."""
        if not isinstance(self.content, Volume):
            raise TypeError(type(self.content).__name__)
        return self.content

    @property
    def label(self) -> Labels:
        """What a label map, or a stack of them, holds."""
        if not isinstance(self.content, LabelMap | LabelStack):
            raise TypeError(type(self.content).__name__)
        return self.content

    @property
    def marked(self) -> Marks:
        """What points, boxes or contours hold."""
        if isinstance(self.content, Volume | LabelMap | LabelStack):
            raise TypeError(type(self.content).__name__)
        return self.content


@dataclass(frozen=True, eq=False)
class LoadedSample:
    """All volumes, labels and marks of one sample, by channel; the first image sets the frame of every mapping.

    `modality` is what discovery knows of it: from the recipe, the dataset's names, or the headers.
    """

    id: str
    images: dict[str, Loaded]
    labels: dict[str, Loaded]
    label_names: dict[int, str] = field(default_factory=dict)
    modality: str = ""
    marks: dict[str, Loaded] = field(default_factory=dict)
    rules: MarkRules = field(default_factory=MarkRules)

    def everything(self) -> tuple[Loaded, ...]:
        """Return all there is: images, labels, marks."""
        return (*self.images.values(), *self.labels.values(), *self.marks.values())

    def names(self) -> tuple[str, ...]:
        """Return every name a label has: by the recipe, as a whole map, in a file that names its labels or points."""
        own: list[str] = []
        for loaded in (*self.labels.values(), *self.marks.values()):
            match loaded.content:
                case LabelMap() | Contours():
                    own += loaded.content.names.values()
                case LabelStack() | Points() | Boxes():
                    own += loaded.content.names
        every = (*self.label_names.values(), *map(str, self.label_names), *self.labels, *own)
        return tuple(dict.fromkeys(filter(None, every)))

    def modalities(self) -> tuple[str, ...]:
        """Return the modality of each image; what recipe or dataset say of the sample overrides the headers."""
        own = tuple(loaded.modality for loaded in self.images.values())
        return own if not self.modality or self.modality in own else (self.modality,) * len(own)


@dataclass(frozen=True)
class Derivation:
    """What a writer must say of the copy it writes.

    `steps` are (step name, DICOM code) in the order they were applied, a code being (value, scheme, meaning);
    `uid_key` makes the new UIDs; `turn` is the part of the mapping that exchanges or turns round array axes: for each
    array axis x, y, z of the copy the source axis that now lies along it, with its sign (+1, -1). `images` are the
    copy's images as read, as made, and their paths; a writer of labels and marks is told them, to refer to them.
    `index_map` are the rows x, y, z of the matrix that takes array indices (x, y, z, 1) of the image that is written to
    those of its copy; None where the mapping is not affine, and for labels. `rotation` are the rows of the orthogonal
    matrix that takes directions in the patient (LPS) to those of the copy; None where the mapping does not keep angles.
    `lossy_ratios` say how many times smaller each step that stored the image as JPEG made it, `ratios_of_channels` the
    same of each channel.
    `privacy` hides the patient; None where the recipe asks for no de-identification.
    """

    copy: int
    recipe_sha256: str
    uid_key: str
    steps: tuple[tuple[str, tuple[str, str, str]], ...] = ()
    moved: bool = False
    intensity_changed: bool = False
    mirrored: bool = False
    swap_laterality: bool = False
    turn: tuple[tuple[int, int], ...] = ((0, 1), (1, 1), (2, 1))
    index_map: IndexMap | None = None
    rotation: IndexMap | None = None
    lossy_ratios: tuple[float, ...] = ()
    ratios_of_channels: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    compression: Literal["none", "fast", "small"] = "fast"
    dtype: Literal["preserve", "float32"] = "preserve"
    transfer_syntax: TransferSyntax = "explicit"
    dicom: Literal["same", "classic"] = "same"
    images: tuple[tuple[Loaded, Volume, Sequence[str]], ...] = ()
    privacy: Privacy | None = None
