"""Images, a SEG and an RTSTRUCT under `deidentify: basic`: no name is left, and every UID leads to what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import highdicom as hd
import numpy as np
import pydicom
import pytest
from datasets_for_runs import medaug, records_of, run_here, save_recipe
from formats.dicom.datasets import SERIES, ramp, save, save_series
from formats.dicom.structures import outline, square, structure_set
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from run.canaries import CANARY, KEY, RECIPE, signs_in, told_by
from witnesses import dicom_errors

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.manifest import Record

pytestmark = pytest.mark.usefixtures("own_key")
CLASSES = "1.2.840.10008."
OURS = {"DimensionOrganizationUID", "ImplementationClassUID"}  # that name no instance, series, frame or study


@pytest.fixture(name="dataset")
def make_dataset(tmp_path: Path) -> Path:
    """Write a CT of six slices with a SEG and an RTSTRUCT of it, all with canaries."""
    folder = tmp_path / "dataset" / CANARY
    more = {"PatientID": CANARY, "PatientName": CANARY, "StudyDescription": CANARY}
    save_series(folder / "ct", [ramp(k, 40, 50) for k in range(6)], **more)
    save_seg(folder)
    save_structures(folder)
    return tmp_path / "dataset"


def save_seg(folder: Path) -> None:
    images = [pydicom.dcmread(path) for path in sorted((folder / "ct").iterdir())]
    tracked = {"tracking_uid": "1.2.826.4242424242.5", "tracking_id": CANARY}
    described = [
        hd.seg.SegmentDescription(number, CANARY, codes.SCT.Organ, codes.SCT.Kidney, "MANUAL", **one)
        for number, one in enumerate((tracked, {}), start=1)
    ]
    array = np.zeros((6, 40, 50), np.uint8)
    array[1:4, 5:20, 5:20], array[2, 25:30, 25:30] = 1, 2
    seg = hd.seg.Segmentation(images, array, "BINARY", described, f"{SERIES}.88", 9, f"{SERIES}.88.1", 1, *"MMVS")
    seg.ContentLabel, seg.ContentDescription, seg.ContentCreatorName = CANARY, CANARY, CANARY
    seg.SeriesDescription, seg.OperatorsName, seg.DeviceSerialNumber = CANARY, CANARY, CANARY
    seg.ContentCreatorIdentificationCodeSequence = Sequence([person()])
    for item in seg.SegmentSequence:
        item.SegmentDescription = CANARY
        item.SegmentedPropertyTypeCodeSequence[0].private_block(0x0019, CANARY, create=True).add_new(1, "LO", CANARY)
    save(seg, folder / f"{CANARY}_seg.dcm")


def save_structures(folder: Path) -> None:
    regions = {CANARY: [outline(square(k)) for k in (1, 2)], f"{CANARY} left": [outline(square(3))]}
    words = dict.fromkeys(("StructureSetLabel", "StructureSetName", "StructureSetDescription"), CANARY)
    header = structure_set(regions, PatientID=CANARY, PatientName=CANARY, SeriesDescription=CANARY, **words)
    header.OperatorsName = header.ReviewerName = header.StationName = CANARY
    header.OperatorIdentificationSequence = Sequence([person()])
    for item, seen in zip(header.StructureSetROISequence, header.RTROIObservationsSequence, strict=True):
        item.ROIDescription = item.ROIGenerationDescription = CANARY
        seen.ROIObservationLabel = seen.ROIInterpreter = seen.ROIObservationDescription = CANARY
    header.StructureSetROISequence[0].TrackingUID, header.StructureSetROISequence[0].TrackingID = (
        "1.2.826.4242424242.6",
        CANARY,
    )
    save(header, folder / f"{CANARY}_rs.dcm")


def person() -> Dataset:
    made, code = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = CANARY, "99X", CANARY
    made.PersonIdentificationCodeSequence, made.InstitutionName = Sequence([code]), CANARY
    return made


def uids_in(header: Dataset) -> set[tuple[str, str]]:
    """Return (keyword, UID) of everything in `header` that is no name of a class or a syntax."""
    found = {
        (element.keyword, str(one))
        for element in header.iterall()
        if element.VR == "UI"
        for one in (element.value if isinstance(element.value, list) else [element.value])
    }
    return {(keyword, uid) for keyword, uid in found if uid and not uid.startswith(CLASSES) and keyword not in OURS}


def run(dataset: Path, root: Path, workers: int) -> list[Record]:
    """Run in this process, or in workers; return the records, all good."""
    recipe = save_recipe(dataset.parent / "recipe.yaml", RECIPE)
    if workers == 1:
        run_here(recipe, dataset, root)
    else:
        done = medaug("run", recipe, dataset, "-o", root, "--workers", workers, "-q", MEDAUG_KEY=KEY)
        assert done.returncode == 0, done.stderr
    records = records_of(root)
    assert [(record.status, record.message) for record in records] == [("ok", "")] * 2
    return records


@pytest.mark.parametrize("workers", [1, 2])
def test_no_name_is_left_and_every_uid_leads_to_an_output_or_a_mapped_source(
    dataset: Path, tmp_path: Path, workers: int
) -> None:
    root = tmp_path / "root"
    records = run(dataset, root, workers)
    told = told_by(root)
    assert signs_in(told) == []
    originals = {uid for path in dataset.rglob("*.dcm") for _, uid in uids_in(pydicom.dcmread(path))}
    assert len(originals) > 12
    assert [uid for uid in originals if f'"{uid}"'.encode() in told] == []
    written = {uid for path in root.rglob("*.dcm") for _, uid in uids_in(pydicom.dcmread(path))}
    assert not originals & written
    for record in records:
        made = [pydicom.dcmread(root / file.path) for file in record.output]
        assert [one.Modality for one in made].count("CT") == 6
        assert {one.Modality for one in made} == {"CT", "SEG", "RTSTRUCT"}
        check_graph(made, {file.uids["sop_instance"] for file in record.source})


def check_graph(made: list[Dataset], sources: set[str]) -> None:
    """Check that what the objects of one copy name are themselves, one another, or their sources under other UIDs."""
    here = {one.SOPInstanceUID for one in made}
    series = {one.SeriesInstanceUID for one in made}
    (study,) = {one.StudyInstanceUID for one in made}
    (frame,) = {one.FrameOfReferenceUID for one in made}
    images = {one.SOPInstanceUID for one in made if one.Modality == "CT"}
    assert not here & sources
    for one in made:
        named = uids_in(one)
        told = {uid for keyword, uid in named if keyword == "ReferencedSOPInstanceUID"}
        assert told <= here | sources | {study}
        assert {uid for keyword, uid in named if "FrameOfReferenceUID" in keyword} == {frame}
        assert {uid for keyword, uid in named if keyword == "SeriesInstanceUID"} <= series
        known = {"ReferencedSOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "SOPInstanceUID", "TrackingUID"}
        assert {keyword for keyword, _ in named} <= known | {"FrameOfReferenceUID", "ReferencedFrameOfReferenceUID"}
        if one.Modality != "CT":
            assert told & here <= images
            assert told & images
        assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID
        assert len({str(header.PatientID) for header in made}) == 1


def test_segments_and_regions_keep_colours_codes_and_numbers_and_are_valid(dataset: Path, tmp_path: Path) -> None:
    records = run(dataset, tmp_path / "root", 1)
    before = {error for path in dataset.rglob(f"{CANARY}*.dcm") for error in dicom_errors(path)}
    for file in records[0].output:
        made = pydicom.dcmread(tmp_path / "root" / file.path)
        if made.Modality == "SEG":
            assert [one.SegmentNumber for one in made.SegmentSequence] == [1, 2]
            assert {one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning for one in made.SegmentSequence} == {"Kidney"}
            assert {one.SegmentLabel for one in made.SegmentSequence} == {"REMOVED"}
            assert made.PatientIdentityRemoved == "YES"
        if made.Modality == "RTSTRUCT":
            assert [one.ROIName for one in made.StructureSetROISequence] == ["REMOVED", "left"]
        if made.Modality != "CT":
            assert dicom_errors(tmp_path / "root" / file.path) <= before
