"""Label objects: what their headers say of the images they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage, SegmentationStorage
from witnesses import realdata

from medaug_cli.core.errors import SampleError
from medaug_cli.formats.dicom.labels import parse_label

if TYPE_CHECKING:
    from medaug_cli.formats import FoundVolume


def parse(header: Dataset) -> FoundVolume:
    return parse_label(header, "x/label.dcm", "x/label", (1, 2))


def item(**attributes: object) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def test_a_structure_set_names_its_images_with_its_contours() -> None:
    images = [item(ReferencedSOPInstanceUID=uid) for uid in ("1.2.1", "1.2.2")]
    study = item(RTReferencedSeriesSequence=[item(SeriesInstanceUID="1.2", ContourImageSequence=images)])
    frame = item(FrameOfReferenceUID="1.9", RTReferencedStudySequence=[study])
    header = item(
        SOPClassUID=RTStructureSetStorage,
        SOPInstanceUID="1.5",
        SeriesInstanceUID="1.6",
        ReferencedFrameOfReferenceSequence=[frame],
    )
    found = parse(header)
    assert (found.role, found.modality, found.frame_of_reference) == ("label", "RTSTRUCT", "1.9")
    assert found.refers == ("1.2", "1.2.1", "1.2.2")


def test_a_segmentation_without_a_list_of_series_names_its_images_frame_by_frame() -> None:
    sources = [item(ReferencedSOPInstanceUID="1.2.1")]
    frames = [item(DerivationImageSequence=[item(SourceImageSequence=sources)])] * 2
    header = item(
        SOPClassUID=SegmentationStorage,
        SOPInstanceUID="1.5",
        SeriesInstanceUID="1.6",
        FrameOfReferenceUID="1.9",
        PerFrameFunctionalGroupsSequence=frames,
    )
    assert parse(header).refers == ("1.2.1",)


@pytest.mark.parametrize("blank", ["SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"])
def test_blank_uids_are_refused(blank: str) -> None:
    uids = {"SOPClassUID": SegmentationStorage, "SOPInstanceUID": "1.5", "SeriesInstanceUID": "1.6"}
    with pytest.raises(SampleError, match=blank) as error:
        parse(item(**{**uids, blank: ""}))
    assert error.value.reason == "blank_uid"


@pytest.mark.parametrize(
    ("path", "series"),
    [("ct_seg_dcmqi/liver.dcm", "ct_seg_dcmqi/ct-3slice"), ("sts025_dicom/PET/mask/RS.dcm", "sts025_dicom/PET/image")],
)
def test_real_labels_name_the_series_beside_them(path: str, series: str) -> None:
    found = parse(pydicom.dcmread(realdata(*path.split("/")), stop_before_pixels=True))
    image = pydicom.dcmread(min(realdata(*series.split("/")).iterdir()), stop_before_pixels=True)
    assert image.SeriesInstanceUID in found.refers
    assert image.FrameOfReferenceUID == found.frame_of_reference
