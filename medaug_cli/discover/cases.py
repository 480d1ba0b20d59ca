"""Cases: the volumes that a layout puts together, checked by their headers and turned into samples."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from medaug_cli.core.lazy import np
from medaug_cli.core.sample import Role, Sample, Source, declare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.discover.inventory import DatasetQuery
    from medaug_cli.formats import FoundVolume

Problem: TypeAlias = tuple[str, str]

KEYS: Mapping[Role, str] = {"image": "images", "label": "labels", "points": "points"}
"""The recipe's key below `dataset` for each role."""
_MOST_NAMED = 6
_NIFTI_SUFFIX = re.compile(r"\.(nii\.gz|nii|hdr|img)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Case:
    """One case: by channel the candidates that were found, of which there should be one.

    `also_called` are names that a template's `{case}` may stand for beside the id. `looked_for` says of a channel where
    it was looked for. `one_grid` asks that all images share a grid, as files that name no frame of reference must.
    """

    id: str
    images: Mapping[str, tuple[FoundVolume, ...]]
    labels: Mapping[str, tuple[FoundVolume, ...]] = field(default_factory=dict)
    points: Mapping[str, tuple[FoundVolume, ...]] = field(default_factory=dict)
    also_called: tuple[str, ...] = ()
    looked_for: Mapping[str, str] = field(default_factory=dict)
    patient: str = ""
    modality: str = ""
    problem: Problem | None = None
    one_grid: bool = True

    def candidates(self) -> Iterator[tuple[Role, str, tuple[FoundVolume, ...]]]:
        """Yield (role, channel, volumes): images, labels, points."""
        yield from (("image", channel, volumes) for channel, volumes in self.images.items())
        yield from (("label", channel, volumes) for channel, volumes in self.labels.items())
        yield from (("points", channel, volumes) for channel, volumes in self.points.items())


def stem(path: str) -> str:
    """Return `path` without the suffix of a NIfTI file."""
    return _NIFTI_SUFFIX.sub("", path)


def name_some(paths: Iterable[str]) -> str:
    """Return the first few of `paths`, sorted, as a text."""
    ordered = sorted(paths)
    more = f" and {len(ordered) - _MOST_NAMED} more" if len(ordered) > _MOST_NAMED else ""
    return ", ".join(ordered[:_MOST_NAMED]) + more


def to_sample(case: Case, layout: str, query: DatasetQuery) -> Sample:
    """Return `case` as a sample of `layout`; what is wrong with it becomes the sample's problem.

    The first image gives the grid. A modality of `query` other than `auto` overrides the headers.
    """
    images = [volume for volumes in case.images.values() for volume in volumes]
    everything = [(role, channel, volume) for role, channel, found in case.candidates() for volume in found]
    return Sample(
        id=case.id,
        layout=layout,
        sources=tuple(
            _to_source(role, channel, volume, query, images[0].format) for role, channel, volume in everything
        ),
        patient=case.patient,
        identifiers=tuple(sorted({one for _, _, volume in everything for one in volume.identifiers})),
        modality=query.modality if query.modality != "auto" else case.modality or images[0].modality,
        geometry=images[0].geometry,
        problem=_find_problem(case),
    )


def _to_source(role: Role, channel: str, volume: FoundVolume, query: DatasetQuery, images: str) -> Source:
    """Return `volume` as a source; DICOM labels are copied in the format of `images`, since they refer to those."""
    return Source(
        role=role,
        channel=channel,
        format=volume.format,
        files=volume.files,
        stamps=volume.stamps,
        declared=declare(role, channel, query.soft_labels, query.points_space),
        shared=volume.shared,
        copied_as=images if role == "label" and volume.format == "dicom" != images else "",
        voxels=volume.voxels * volume.components,
        unpacked_bytes=volume.unpacked_bytes,
    )


def _find_problem(case: Case) -> Problem | None:
    """Return what keeps `case` from being used, the plainest cause first."""
    if case.problem is not None:
        return case.problem
    for role, channel, volumes in case.candidates():
        if len(volumes) != 1:
            return _miscount(case, role, channel, volumes)
    chosen = [(role, volumes[0]) for role, _, volumes in case.candidates()]
    for _, volume in chosen:
        if volume.problem is not None:
            return volume.problem
    return _find_grid_problem(chosen, one_grid=case.one_grid)


def _miscount(case: Case, role: Role, channel: str, volumes: tuple[FoundVolume, ...]) -> Problem:
    """Describe a channel that has no candidate, or several."""
    if volumes:
        suffix = ".csv" if role == "points" else ".nii.gz"
        message = (
            f"{case.id}: {len(volumes)} files could be {role} {channel!r}: "
            f"{name_some(volume.files[0] for volume in volumes)}; "
            f'say which with dataset.{KEYS[role]}, for example {channel}: "{{case}}_{channel}{suffix}"'
        )
        return f"ambiguous_{role}", message
    wanted = case.looked_for.get(channel, channel)
    reason = "missing_channel" if role == "image" else f"missing_{role}"
    return reason, f"{case.id}: no file for {role} {channel!r}; looked for {wanted}"


def _find_grid_problem(chosen: list[tuple[Role, FoundVolume]], *, one_grid: bool) -> Problem | None:
    """Return the first volume that does not lie on the grid of the first image."""
    first = chosen[0][1]
    for role, volume in chosen[1:]:
        if role == "label" and volume.dtype.startswith("rgb"):
            return "label_components", f"{volume.files[0]}: labels have no colours; give numbers or one label a volume"
        if volume.format == "dicom" and role == "label":
            continue  # placed in the patient by itself, on a grid of its own
        if (role == "label" or one_grid) and first.geometry is not None and volume.geometry is not None:
            if role == "label" and first.geometry.same_voxels(volume.geometry):
                continue
            apart = _describe_difference(volume.geometry, first.geometry)
            if apart:
                fix = "its image" if role == "label" else "the first channel"
                message = f"{volume.files[0]}: not on the grid of {first.files[0]}: {apart}; resample it to {fix}"
                return "geometry_mismatch", message
    return None


def _describe_difference(found: Geometry, wanted: Geometry) -> str:
    """Return how `found` differs from `wanted`; empty for one grid."""
    if found == wanted or found.same_grid(wanted):
        return ""
    if found.size != wanted.size:
        return f"{_times(found.size)} voxels where it has {_times(wanted.size)}"
    return f"same size, but corners lie up to {_corner_distance_mm(found, wanted):.3g} mm apart"


def _times(size: tuple[int, int, int]) -> str:
    return " x ".join(str(extent) for extent in size)


def _corner_distance_mm(found: Geometry, wanted: Geometry) -> float:
    """Return the largest distance between the same corner voxel of two grids of one size, in mm."""
    corners = np.array([(*corner, 1) for corner in itertools.product(*((0, n - 1) for n in found.size))])
    apart = corners @ (found.affine - wanted.affine)[:3].T
    return float(np.sqrt((apart**2).sum(axis=1)).max())
