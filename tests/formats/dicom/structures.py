"""Small structure sets built in sight, beside the axial series of `datasets.placed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medaug_cli.copies import load_sample
from medaug_cli.core.sample import Source
from medaug_cli.formats import Limits
from tests.formats.dicom.datasets import CT, SERIES, ramp, save, save_series

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from medaug_cli.core.sample import LoadedSample

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
FRAME = f"{SERIES}.9"


def square(k: float, at: tuple[float, float] = (-5.0, 25.0), side: float = 6.0, step_mm: float = 2.5) -> NDArray[Any]:
    """Return the corners of a square on slice `k` of `placed`, its first corner `at` (x, y) mm."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * side + np.array(at)
    return np.column_stack([corners, np.full(4, 30 + step_mm * k)])


def outline(points: Any, kind: str = "CLOSED_PLANAR", **attributes: Any) -> Dataset:
    """Return an item of ContourSequence."""
    item = Dataset()
    flat = [f"{value:g}" for value in np.ravel(points)]
    item.ContourGeometricType, item.NumberOfContourPoints = kind, len(flat) // 3
    item.ContourData = flat
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def structure_set(regions: dict[str, list[Dataset]], **attributes: Any) -> Dataset:
    """Return a structure set of `regions`, numbered from 1, that names the series of `save_series` as its images."""
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = RTSTRUCT, f"{SERIES}.77.1"
    header.StudyInstanceUID, header.SeriesInstanceUID = f"{SERIES}.0.1", f"{SERIES}.77"
    header.PatientName, header.PatientID, header.PatientBirthDate, header.PatientSex = "Phantom", "P1", "", ""
    header.StudyDate, header.StudyTime, header.StudyID, header.AccessionNumber = "20200102", "030405", "1", ""
    header.ReferringPhysicianName, header.Manufacturer, header.OperatorsName = "", "Planner", ""
    header.Modality, header.SeriesNumber, header.SeriesDescription = "RTSTRUCT", 4, "contours"
    header.FrameOfReferenceUID, header.PositionReferenceIndicator = FRAME, ""
    header.StructureSetLabel, header.StructureSetDate, header.StructureSetTime = "a label of 16 ch", "", ""
    header.ApprovalStatus, header.ReviewDate, header.ReviewTime = "APPROVED", "20200102", "030405"
    header.ReviewerName = "Reviewer"
    header.ReferencedFrameOfReferenceSequence = Sequence([_frame()])
    rois, contours, observations = [], [], []
    for number, (name, outlines) in enumerate(regions.items(), start=1):
        roi, listed, seen = Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ReferencedFrameOfReferenceUID, roi.ROIName = number, FRAME, name
        roi.ROIGenerationAlgorithm = "MANUAL"
        listed.ReferencedROINumber, listed.ROIDisplayColor = number, [255, number, 0]
        listed.ContourSequence = Sequence(outlines)
        seen.ObservationNumber, seen.ReferencedROINumber = number, number
        seen.RTROIInterpretedType, seen.ROIInterpreter = "ORGAN", ""
        rois.append(roi)
        contours.append(listed)
        observations.append(seen)
    header.StructureSetROISequence, header.ROIContourSequence = Sequence(rois), Sequence(contours)
    header.RTROIObservationsSequence = Sequence(observations)
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    return header


def _frame() -> Dataset:
    frame, study, series, instance = Dataset(), Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = CT, f"{SERIES}.1"
    series.SeriesInstanceUID, series.ContourImageSequence = f"{SERIES}.0", Sequence([instance])
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", f"{SERIES}.0.1"
    study.RTReferencedSeriesSequence = Sequence([series])
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = FRAME, Sequence([study])
    return frame


def save_case(folder: Path, regions: dict[str, list[Dataset]], slices: int = 6, **attributes: Any) -> None:
    """Write a CT series of 40 x 50 pixels, and a structure set of `regions` beside it."""
    save_series(folder / "ct", [ramp(k, 40, 50) for k in range(slices)])
    save(structure_set(regions, **attributes), folder / "rs.dcm")


def load_case(folder: Path, slices: int = 6) -> LoadedSample:
    """Read the series and the structure set of `save_case`."""
    images = Source("image", "image", "dicom", tuple(f"ct/{k}.dcm" for k in range(slices)))
    return load_sample(folder, "case", [images, Source("label", "rs", "dicom", ("rs.dcm",))], {}, Limits())
