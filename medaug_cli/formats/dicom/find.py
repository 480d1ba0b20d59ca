"""Find: the volumes in a set of DICOM files, from their headers alone."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.formats import Found, FoundVolume
from medaug_cli.formats.dicom.classes import LABELS, MODALITIES, left_alone
from medaug_cli.formats.dicom.grid import slice_geometry, slice_order, stack_geometry
from medaug_cli.formats.dicom.header import file_meta, quiet, read_dataset, text, values
from medaug_cli.formats.dicom.instance import TAGS, parse_instance
from medaug_cli.formats.dicom.labels import LABEL_TAGS, parse_label
from medaug_cli.formats.dicom.pixels import same_pixels
from medaug_cli.formats.dicom.repair import REPAIR_TAGS, fill_uids
from medaug_cli.formats.dicom.series import group_instances, group_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydicom.dataset import Dataset

    from medaug_cli.formats.dicom.instance import Instance

    _Keyed = tuple[str, FoundVolume]

_TAGS = (*TAGS, *LABEL_TAGS)


@dataclass
class _Headers:
    """What the headers of the files said, gathered file by file."""

    instances: list[Instance] = field(default_factory=list)
    labels: list[FoundVolume] = field(default_factory=list)
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)
    problems: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)
    left_alone: list[tuple[str, str, str]] = field(default_factory=list)
    warnings: dict[str, list[str]] = field(default_factory=dict)

    def add_problem(self, file: str, error: SampleError, series: str = "") -> None:
        """Keep `error` of `file`, together with those that the other files of its series (else folder) have alike."""
        about = series or str(PurePosixPath(file).parent)
        self.problems.setdefault((error.reason, about), []).append((file, error.message))

    def drop(self, file: str, kept: str) -> str:
        """Leave alone `file`, which is a copy of `kept`; return the warning of it."""
        self.left_alone.append((file, "duplicate", f"a copy of {kept}"))
        return f"{file}: dropped, a copy of {kept}"


def find_volumes(root: Path, files: Sequence[str], *, repair: bool = False) -> Found:
    """Group `files` into volumes; a file that cannot be used becomes a volume with a problem.

    `repair` makes UIDs that are blank.
    """
    headers = _Headers()
    with quiet():
        for file in files:
            _read_header(root, file, headers, repair=repair)
        kept = _drop_duplicates(root, headers)
        volumes = [_make_volume(group, headers) for group in group_instances(kept)]
    labels = _drop_same_labels(root, headers)
    volumes.extend(_make_problem(kind, files_of, headers) for kind, files_of in headers.problems.items())
    named = [*_tell_apart(volumes), *labels]
    return Found(tuple(sorted(named, key=lambda volume: (volume.name, volume.files))), tuple(headers.left_alone))


def _read_header(root: Path, file: str, headers: _Headers, *, repair: bool) -> None:
    series = ""
    headers.stamps[file] = (0, 0)
    try:
        with (root / file).open("rb") as stream:
            status = os.fstat(stream.fileno())
            headers.stamps[file] = (status.st_size, status.st_mtime_ns)
            header = read_dataset(stream, file, [*_TAGS, *REPAIR_TAGS] if repair else _TAGS)
        made = fill_uids(header, file, (root / file).read_bytes) if repair else ()
        image_type = tuple(str(value) for value in values(header, "ImageType", file))
        sop_class = _sop_class(header, file)
        leave = left_alone(sop_class, has_rows="Rows" in header, image_type=image_type)
        if leave is not None:
            headers.left_alone.append((file, *leave))
            return
        series = text(header, "SeriesInstanceUID", file)
        if sop_class in LABELS:
            headers.labels.append(parse_label(header, file, _common_name((file,)), headers.stamps[file]))
            return
        instance = replace(parse_instance(header, file), made_uids=made)
        slice_geometry(instance)
        headers.instances.append(instance)
    except SampleError as error:
        headers.add_problem(file, error, series)
    except OSError as error:
        headers.add_problem(file, SampleError("unreadable", f"{file}: {error.strerror or type(error).__name__}"))


def _sop_class(header: Dataset, file: str) -> str:
    """Return the class of an instance; a DICOMDIR has it in its file meta alone."""
    own = text(header, "SOPClassUID", file)
    sop_class = own or text(file_meta(header), "MediaStorageSOPClassUID", file)
    if not own and sop_class in MODALITIES and "Rows" not in header:
        raise SampleError("truncated", f"{file}: the file ends before its image is described; copy it again")
    if not sop_class and "Rows" not in header:
        raise SampleError("bad_header", f"{file}: no SOPClassUID; the file is damaged or no DICOM")
    return sop_class


def _drop_duplicates(root: Path, headers: _Headers) -> list[Instance]:
    """Return the instances without copies of one another; a series that gives one UID to two pictures is a problem."""
    kept: dict[tuple[str, str], Instance] = {}
    broken: set[str] = set()
    for instance in headers.instances:
        earlier = kept.setdefault((instance.series, instance.sop_instance), instance)
        if earlier is instance:
            continue
        if same_pixels(root, earlier, instance):
            warning = headers.drop(instance.file, earlier.file)
            headers.warnings.setdefault(earlier.file, []).append(warning)
        else:
            broken.add(instance.series)
            message = (
                f"{instance.file}: has the SOPInstanceUID of {earlier.file} but other pixels; export the series again"
            )
            headers.add_problem(instance.file, SampleError("duplicate_uid", message), instance.series)
    for instance in kept.values():
        if instance.series in broken:
            headers.problems["duplicate_uid", instance.series].append((instance.file, ""))
    return [instance for instance in kept.values() if instance.series not in broken]


def _drop_same_labels(root: Path, headers: _Headers) -> list[FoundVolume]:
    """Return the label objects without copies of one another; one UID of two different objects is their problem."""
    kept: dict[tuple[str, ...], FoundVolume] = {}
    for label in headers.labels:
        earlier = kept.setdefault(label.instances, label)
        if earlier is label:
            continue
        if (root / earlier.files[0]).read_bytes() == (root / label.files[0]).read_bytes():
            warning = headers.drop(label.files[0], earlier.files[0])
            kept[label.instances] = replace(earlier, warnings=(*earlier.warnings, warning))
        else:
            message = (
                f"{label.files[0]}: has the SOPInstanceUID of {earlier.files[0]} but other labels; export them again"
            )
            files, stamps = (*earlier.files, *label.files), (*earlier.stamps, *label.stamps)
            broken = replace(earlier, files=files, stamps=stamps, problem=("duplicate_uid", message))
            kept[label.instances] = broken
    return list(kept.values())


def _make_volume(group: list[Instance], headers: _Headers) -> _Keyed:
    ordered = slice_order(group)
    first = ordered[0]
    geometry, irregular = stack_geometry(ordered)
    if first.stack is not None:
        geometry, irregular = first.stack.geometry, first.stack.irregular
    warnings = [warning for instance in ordered for warning in headers.warnings.get(instance.file, ())]
    warnings.extend(_warn_of_made_uids(ordered))
    if first.spacing_mm is None and first.stack is None:
        warnings.append(f"{first.file}: no pixel spacing in the header; lengths in mm will count pixels")
    files = tuple(instance.file for instance in ordered)
    volume = FoundVolume(
        format="dicom",
        name=_common_name(files),
        files=files,
        stamps=tuple(headers.stamps[file] for file in files),
        geometry=geometry,
        dtype=first.dtype,
        components=first.components,
        modality=first.modality,
        patient=first.patient,
        identifiers=tuple(sorted({one for instance in ordered for one in instance.identifiers})),
        study=first.study,
        series=first.series,
        frame_of_reference=first.frame_of_reference,
        irregular=irregular,
        warnings=tuple(warnings),
        instances=tuple(instance.sop_instance for instance in ordered),
    )
    return group_key(group), volume


def _warn_of_made_uids(instances: Sequence[Instance]) -> list[str]:
    made = [instance for instance in instances if instance.made_uids]
    if not made:
        return []
    keywords = ", ".join(made[0].made_uids)
    return [
        f"{made[0].file}: {keywords} blank, made from file meta and content ({len(made)} of {len(instances)} files)"
    ]


def _make_problem(kind: tuple[str, str], found: list[tuple[str, str]], headers: _Headers) -> _Keyed:
    """Return one volume for all files of a series (or folder) that cannot be used for the same reason."""
    reason, about = kind
    files = tuple(sorted({file for file, _ in found}))
    message = next(message for _, message in found if message)
    if len(files) > 1:
        message += f" ({len(files)} files alike)"
    stamps = tuple(headers.stamps[file] for file in files)
    name = _common_name(files)
    return about, FoundVolume(format="dicom", name=name, files=files, stamps=stamps, problem=(reason, message))


def _common_name(files: tuple[str, ...]) -> str:
    """Return the common folder of `files` ("" for the dataset itself), or the path of a single one without `.dcm`."""
    if len(files) == 1:
        path = PurePosixPath(files[0])
        return str(path.with_suffix("")) if path.suffix.lower() == ".dcm" else str(path)
    return posixpath.commonpath([posixpath.dirname(file) for file in files])


def _tell_apart(keyed: Sequence[_Keyed]) -> list[FoundVolume]:
    """Append a hash of its key to the name of each volume that shares it with another."""
    shared = Counter(volume.name for _, volume in keyed)
    return [
        replace(volume, name=f"{volume.name}#{hashlib.sha256(key.encode()).hexdigest()[:8]}")
        if shared[volume.name] > 1
        else volume
        for key, volume in keyed
    ]
