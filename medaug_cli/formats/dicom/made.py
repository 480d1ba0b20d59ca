"""Made: the instances that a copy's images are written as, for labels to refer to; no pixels are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.classic import split_frames
from medaug_cli.formats.dicom.enhanced import made_frames
from medaug_cli.formats.dicom.regrid import place_slices
from medaug_cli.formats.dicom.template import FramesTemplate, SliceTemplate
from medaug_cli.formats.dicom.uids import derived_uids
from medaug_cli.spatial.contours import slice_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import Derivation, Loaded, Volume


@dataclass(frozen=True)
class MadeSlice:
    """One slice of a copy: its instance, in it the `frame` (from 1, 0 for the only one), and its number in the grid.

    `place` is where it lies, counted in slices: its number, but where slices are missing or uneven.
    """

    sop_class: str
    sop_instance: str
    frame: int
    index: int
    place: float


@dataclass(frozen=True)
class MadeSeries:
    """One series of a copy on its grid; `sources` are the UIDs of the series and instances it was made from."""

    series: str
    study: str
    frame_of_reference: str
    grid: Geometry
    slices: tuple[MadeSlice, ...]
    sources: frozenset[str]


def made_series(derivation: Derivation) -> tuple[MadeSeries, ...]:
    """Return the DICOM series of the copy whose labels are written, as its images' own writer names them."""
    made: list[MadeSeries] = []
    for loaded, volume, targets in derivation.images:
        if isinstance(loaded.template, FramesTemplate) and derivation.dicom == "same":
            made.append(_made_of_frames(loaded, volume, loaded.template, derivation))
        elif isinstance(loaded.template, FramesTemplate):
            parts = [_made_of_slices(one, like, derivation) for one, like, _ in split_frames(volume, loaded, targets)]
            slices = tuple(one for part in parts for one in part.slices)
            made.append(MadeSeries(**{**vars(parts[0]), "slices": slices}))
        elif isinstance(loaded.template, tuple) and isinstance(loaded.template[0], SliceTemplate):
            made.append(_made_of_slices(volume, loaded, derivation))
    return tuple(made)


def _made_of_slices(volume: Volume, like: Loaded, derivation: Derivation) -> MadeSeries:
    templates: tuple[SliceTemplate, ...] = like.template

    def slices() -> Iterator[MadeSlice]:
        for index, one in enumerate(place_slices(like.volume.geometry, volume.geometry)):
            template = templates[one.nearest]
            uids = derived_uids(template.instance, derivation, one.number)
            own = template.instance.position_mm if one.number == 0 else None
            place = float(index) if own is None else float(slice_numbers(np.array([own]), volume.geometry)[0])
            yield MadeSlice(str(template.header.SOPClassUID), uids["sop_instance"], 0, index, place)

    instances = {template.instance.sop_instance for template in templates}
    return _series(templates[0], volume, derivation, tuple(slices()), instances)


def _made_of_frames(loaded: Loaded, volume: Volume, template: FramesTemplate, derivation: Derivation) -> MadeSeries:
    uids = derived_uids(template.instance, derivation)
    frames = made_frames(template, loaded.volume.geometry, volume.geometry)
    slices = tuple(
        MadeSlice(template.instance.sop_class, uids["sop_instance"], number, frame.slice, float(frame.slice))
        for number, frame in enumerate(frames, start=1)
    )
    return _series(template, volume, derivation, slices, {template.instance.sop_instance})


def _series(
    template: SliceTemplate, volume: Volume, derivation: Derivation, slices: tuple[MadeSlice, ...], instances: set[str]
) -> MadeSeries:
    instance = template.instance
    uids = derived_uids(instance, derivation)
    frame = uids.get("frame_of_reference", "")
    sources = frozenset({instance.series, *instances})
    return MadeSeries(uids["series_instance"], instance.study, frame, volume.geometry, slices, sources)
