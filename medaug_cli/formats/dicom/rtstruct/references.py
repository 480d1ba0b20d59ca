"""References: from a structure set to the copy's own images (DICOM PS3.3 C.8.8.5, C.8.8.6)."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.made import made_series
from medaug_cli.spatial.contours import slice_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.sample import Derivation
    from medaug_cli.formats.dicom.made import MadeSeries, MadeSlice
    from medaug_cli.formats.dicom.rtstruct.read import StructureTemplate

_DETACHED_STUDY = uid.UID("1.2.840.10008.3.1.2.3.1")  # retired, but what stands for a study here (C.8.8.5)
_ON_A_SLICE = 0.1  # of the distance between slices


class References:
    """The images of a copy that a structure set belongs to: those made from what the source names, else all."""

    def __init__(self, template: StructureTemplate, derivation: Derivation) -> None:
        """Choose the images; raises SampleError where the copy has no DICOM images."""
        made = made_series(derivation)
        if not made:
            raise SampleError("not_supported", f"{template.file}: an RTSTRUCT needs DICOM images to refer to")
        self._series = [one for one in made if one.sources & template.refers] or list(made)
        self._places = [np.array([made.place for made in one.slices]) for one in self._series]

    @property
    def frame_of_reference(self) -> str:
        """The frame of reference of the images; empty where they have none."""
        return self._series[0].frame_of_reference

    def sequence(self, frame_of_reference: str) -> Items:
        """Return ReferencedFrameOfReferenceSequence: study, series and all instances."""
        frame = Dataset()
        frame.FrameOfReferenceUID = frame_of_reference
        studies = [_study(name, list(series)) for name, series in groupby(self._series, key=lambda one: one.study)]
        frame.RTReferencedStudySequence = Items(studies)
        return Items([frame])

    def of_plane(self, points_mm: Array64) -> Items | None:
        """Return ContourImageSequence for a contour that lies on a slice; None for one between slices, or across."""
        for series, places in zip(self._series, self._places, strict=True):
            off = np.abs(places[:, None] - slice_numbers(points_mm, series.grid)).max(axis=1)
            if off.min() <= _ON_A_SLICE:
                nearest = np.flatnonzero(off == off.min())
                return Items([_image(series.slices[one]) for one in nearest])
        return None


def _study(name: str, series: Sequence[MadeSeries]) -> Dataset:
    study = Dataset()
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = _DETACHED_STUDY, name
    items = []
    for one in series:
        item = Dataset()
        item.SeriesInstanceUID = one.series
        item.ContourImageSequence = Items([_image(made) for made in one.slices])
        items.append(item)
    study.RTReferencedSeriesSequence = Items(items)
    return study


def _image(made: MadeSlice) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = made.sop_class, made.sop_instance
    if made.frame:
        item.ReferencedFrameNumber = made.frame
    return item
