"""Structure sets: read against what was written here, their copies against pydicom's and dciodvfy's reading."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from builders import make_step
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from witnesses import dicom_errors, entity_errors

from medaug_cli.copies import derive, encode_copy
from medaug_cli.core.privacy import Privacy
from medaug_cli.manifest import Settings
from medaug_cli.program import apply_program, draw_program, scene_of
from tests.formats.dicom.datasets import SERIES, save
from tests.formats.dicom.structures import load_case, outline, save_case, square, structure_set

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.step import Step

SETTINGS = Settings(recipe_sha256="ab" * 32, dtype="preserve", compression="fast")

FLIP = {"axes": ("LR",), "p": 1.0}


def copied(root: Path, *steps: Step, privacy: Privacy | None = None, slices: int = 6) -> tuple[Dataset, list[Dataset]]:
    """Return the structure set and the slices of a copy, written under root/copy, as pydicom reads them."""
    sample = load_case(root, slices)
    scene = scene_of(sample, 1, 1)
    program = draw_program(steps, scene)
    copy = apply_program(program, sample, scene)
    targets = {one.source: [f"copy/{file}" for file in one.source.files] for one in sample.everything()}
    derivation = replace(derive(program, copy, 1, sample, SETTINGS), privacy=privacy)
    paths = []
    for written in encode_copy(copy, sample, targets, derivation):
        paths.append(root / written.file.path)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_bytes(written.file.data)
    found = [pydicom.dcmread(path) for path in paths]
    return found[-1], found[:-1]


def points_of(header: Dataset, region: int = 0) -> list[np.ndarray]:
    """Return the points of each contour of a region."""
    items = header.ROIContourSequence[region].get("ContourSequence", [])
    return [np.array(item.ContourData, float).reshape(-1, 3) for item in items]


def test_contours_names_and_kinds_are_read_as_they_stand(tmp_path: Path) -> None:
    line = [[0, 30, 30], [4, 31, 32.5]]
    regions = {
        "liver": [outline(square(1)), outline(square(1, side=2), "CLOSEDPLANAR_XOR")],
        "marker": [outline([[1.25, 30, 35]], "POINT"), outline(line, "OPEN_NONPLANAR")],
        "empty": [],
    }
    save_case(tmp_path, regions)
    contours = load_case(tmp_path).marks["rs"].content
    assert contours.names == {1: "liver", 2: "marker", 3: "empty"}
    assert [(one.region, one.closed, len(one.points_mm)) for one in contours.contours] == [
        (1, True, 4),
        (1, True, 4),
        (2, False, 1),
        (2, False, 2),
    ]
    assert contours.counts == {1: 2, 2: 2, 3: 0}
    assert contours.contours[2].points_mm.tolist() == [[1.25, 30, 35]]


def test_an_unchanged_copy_has_the_points_and_none_of_the_uids(tmp_path: Path) -> None:
    save_case(tmp_path, {"liver": [outline(square(k)) for k in range(3)]})
    made, slices = copied(tmp_path)
    source = pydicom.dcmread(tmp_path / "rs.dcm")
    assert np.allclose(points_of(made), points_of(source), atol=1e-3)
    assert made.SOPInstanceUID == made.file_meta.MediaStorageSOPInstanceUID != source.SOPInstanceUID
    assert made.SeriesInstanceUID != source.SeriesInstanceUID
    assert made.FrameOfReferenceUID == slices[0].FrameOfReferenceUID == source.FrameOfReferenceUID
    assert made.PredecessorStructureSetSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert (made.StudyInstanceUID, made.PatientID) == (source.StudyInstanceUID, "P1")


def test_a_moved_copy_refers_to_the_copy_alone(tmp_path: Path) -> None:
    save_case(tmp_path, {"liver": [outline(square(k)) for k in (1, 4)]})
    made, slices = copied(tmp_path, make_step("flip", **FLIP))
    frame = slices[0].FrameOfReferenceUID
    (referenced,) = made.ReferencedFrameOfReferenceSequence
    (series,) = referenced.RTReferencedStudySequence[0].RTReferencedSeriesSequence
    assert frame != f"{SERIES}.9"
    assert {made.FrameOfReferenceUID, referenced.FrameOfReferenceUID} == {frame}
    assert made.StructureSetROISequence[0].ReferencedFrameOfReferenceUID == frame
    assert series.SeriesInstanceUID == slices[0].SeriesInstanceUID
    named = [item.ReferencedSOPInstanceUID for item in series.ContourImageSequence]
    assert named == [one.SOPInstanceUID for one in slices]
    by_uid = {one.SOPInstanceUID: float(one.ImagePositionPatient[2]) for one in slices}
    for item, points in zip(made.ROIContourSequence[0].ContourSequence, points_of(made), strict=True):
        (image,) = item.ContourImageSequence
        assert by_uid[image.ReferencedSOPInstanceUID] == pytest.approx(points[0, 2])


def test_a_flip_mirrors_points_about_the_middle_of_the_rows(tmp_path: Path) -> None:
    """Columns are 0.5 mm apart from x = -10 on: the middle of 50 lies at -10 + 24.5 / 2 = 2.25."""
    save_case(tmp_path, {"liver": [outline(square(2))]})
    made, _ = copied(tmp_path, make_step("flip", **FLIP))
    wanted = square(2) * [-1, 1, 1] + [2 * 2.25, 0, 0]
    assert np.allclose(points_of(made)[0], wanted, atol=1e-4)


def test_a_contour_between_slices_names_no_image(tmp_path: Path) -> None:
    save_case(tmp_path, {"liver": [outline(square(k)) for k in range(3)]})
    made, _ = copied(tmp_path, make_step("translate", translation_mm={"SI": 1.0}))
    assert len(points_of(made)) == 3
    assert not any("ContourImageSequence" in item for item in made.ROIContourSequence[0].ContourSequence)


def test_slices_of_a_stack_with_a_gap_are_named_by_where_they_lie(tmp_path: Path) -> None:
    """Slices 0, 1, 2, 4, 5: no contour of the later ones lies at a whole number of mean distances."""
    save_case(tmp_path, {"liver": [outline(square(k)) for k in (1, 4, 5)], "gap": [outline(square(3))]})
    (tmp_path / "ct" / "3.dcm").unlink()
    (tmp_path / "ct" / "4.dcm").rename(tmp_path / "ct" / "3.dcm")
    (tmp_path / "ct" / "5.dcm").rename(tmp_path / "ct" / "4.dcm")
    made, slices = copied(tmp_path, make_step("flip", **FLIP), slices=5)
    by_uid = {one.SOPInstanceUID: float(one.ImagePositionPatient[2]) for one in slices}
    named = [
        by_uid[item.ContourImageSequence[0].ReferencedSOPInstanceUID]
        for item in made.ROIContourSequence[0].ContourSequence
    ]
    assert named == [32.5, 40.0, 42.5]
    assert "ContourImageSequence" not in made.ROIContourSequence[1].ContourSequence[0]


def test_contours_know_the_image_that_they_are_drawn_on(tmp_path: Path) -> None:
    save_case(tmp_path, {"liver": [outline(square(1))]})
    assert load_case(tmp_path).marks["rs"].content.image == "image"


def test_paired_names_change_contours_and_an_unpaired_region_changes_its_side(tmp_path: Path) -> None:
    regions = {"kidney_l": [outline(square(1))], "kidney_r": [outline(square(2)), outline(square(3))], "arm": []}
    side, region = Dataset(), Dataset()
    side.CodeValue, side.CodingSchemeDesignator, side.CodeMeaning = "24028007", "SCT", "Right"
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "40983000", "SCT", "Arm"
    region.AnatomicRegionModifierSequence = Sequence([side])
    header = structure_set(regions)
    for item in header.StructureSetROISequence:
        item.AnatomicRegionSequence = Sequence([region])
    save_case(tmp_path, regions, StructureSetROISequence=header.StructureSetROISequence)
    made, _ = copied(tmp_path, make_step("flip", **FLIP, swap_labels=(("kidney_l", "kidney_r"),)))
    assert [item.ROIName for item in made.StructureSetROISequence] == ["kidney_l", "kidney_r", "arm"]
    assert [len(points_of(made, region)) for region in range(3)] == [2, 1, 0]
    sides = [
        item.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeMeaning
        for item in made.StructureSetROISequence
    ]
    assert sides == ["Right", "Right", "Left"]


def test_what_was_approved_is_not_approved_as_a_copy(tmp_path: Path) -> None:
    save_case(tmp_path, {"liver": [outline(square(1))]})
    made, _ = copied(tmp_path, make_step("flip", **FLIP))
    assert made.ApprovalStatus == "UNAPPROVED"
    assert not {"ReviewDate", "ReviewTime", "ReviewerName"} & set(made.dir())
    assert made.StructureSetLabel == "a label of aug 1"
    assert made.SeriesDescription == "contours [aug 1]"
    assert made.StructureSetDescription.endswith(": flip")
    assert made.ContributingEquipmentSequence[0].Manufacturer == "Planner"


def test_a_region_that_leaves_stays_without_contours(tmp_path: Path) -> None:
    save_case(tmp_path, {"gone": [outline(square(0))], "stays": [outline(square(2))]})
    made, _ = copied(tmp_path, make_step("crop", size=(50, 40, 2)))
    assert [item.ROIName for item in made.StructureSetROISequence] == ["gone", "stays"]
    assert [len(points_of(made, region)) for region in (0, 1)] == [0, 1]
    assert "ContourSequence" not in made.ROIContourSequence[0]


def test_remade_contours_say_so(tmp_path: Path) -> None:
    save_case(tmp_path, {"liver": [outline(square(k), ContourNumber=k + 1) for k in range(1, 5)]})
    made, _ = copied(tmp_path, make_step("affine", rotation_deg=(6.0, 6.0), scale=1.0, translation_mm=0.0))
    assert made.StructureSetDescription.startswith("contours rasterised, resampled and outlined again; medaug")
    assert "outlined again" in made.StructureSetROISequence[0].ROIGenerationDescription
    assert made.StructureSetROISequence[0].ROIGenerationAlgorithm == "MANUAL"
    for item in made.ROIContourSequence[0].ContourSequence:
        assert item.NumberOfContourPoints == len(item.ContourData) // 3
        assert max(len(str(value)) for value in item.ContourData) <= 16


@pytest.mark.parametrize("step", ["flip", "affine"])
def test_dciodvfy_finds_no_error(tmp_path: Path, step: str) -> None:
    save_case(tmp_path, {"liver": [outline(square(k)) for k in range(1, 5)], "none": []})
    copied(tmp_path, make_step(step, **(FLIP if step == "flip" else {"rotation_deg": (6.0, 6.0)})))
    assert dicom_errors(tmp_path / "copy" / "rs.dcm") <= dicom_errors(tmp_path / "rs.dcm")


def test_two_writings_are_the_same_bytes(tmp_path: Path) -> None:
    save_case(tmp_path, {"liver": [outline(square(k)) for k in range(1, 5)]})
    both = []
    for _ in range(2):
        copied(tmp_path, make_step("affine", rotation_deg=(6.0, 6.0)))
        both.append((tmp_path / "copy" / "rs.dcm").read_bytes())
    assert both[0] == both[1]


def test_a_contour_longer_than_an_explicit_vr_holds_is_read_by_others(tmp_path: Path) -> None:
    angles = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    ring = np.column_stack([2 + 5.1234 * np.cos(angles), 32 + 5.1234 * np.sin(angles), np.full(4000, 32.5)])
    save_case(tmp_path, {"liver": []})
    header = structure_set({"liver": [outline(ring)]})
    header.file_meta = pydicom.dataset.FileMetaDataset()
    header.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    save(header, tmp_path / "rs.dcm")
    made, _ = copied(tmp_path)
    assert np.allclose(points_of(made)[0], points_of(header)[0], atol=1e-3)


def test_private_elements_and_pixel_plane_descriptions_are_not_copied(tmp_path: Path) -> None:
    header = structure_set({"liver": [outline(square(1))]})
    for item in (header, header.StructureSetROISequence[0], header.ROIContourSequence[0]):
        item.private_block(0x3007, "Planner", create=True).add_new(1, "LO", "CANARY")
    save_case(tmp_path, {})
    save(header, tmp_path / "rs.dcm")
    copied(tmp_path)
    assert b"CANARY" not in (tmp_path / "copy" / "rs.dcm").read_bytes()


def test_a_de_identified_copy_keeps_contours_and_colours_and_no_words(tmp_path: Path) -> None:
    """Its references still close: what it names are the de-identified images beside it."""
    header = structure_set({"CANARY": [outline(square(k)) for k in (1, 2)]}, StructureSetLabel="CANARY")
    header.StructureSetName = header.SeriesDescription = header.OperatorsName = "CANARY"
    header.StructureSetROISequence[0].ROIDescription = "CANARY"
    header.RTROIObservationsSequence[0].ROIObservationLabel = "CANARY"
    header.RTROIObservationsSequence[0].ROIInterpreter = "CANARY"
    header.DerivationDescription = "CANARY"  # which a copy of an image would make anew
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = header.SOPClassUID, f"{SERIES}.77.9"
    header.SourceImageSequence = Sequence([source])
    save_case(tmp_path, {})
    save(header, tmp_path / "rs.dcm")
    made, slices = copied(tmp_path, make_step("flip", **FLIP), privacy=Privacy("0123456789abcdef-key"))
    data = (tmp_path / "copy" / "rs.dcm").read_bytes()
    assert b"CANARY" not in data
    assert SERIES.encode() + b".77" not in data
    assert len(points_of(made)) == 2
    assert made.ROIContourSequence[0].ROIDisplayColor == [255, 1, 0]
    (referenced,) = made.ReferencedFrameOfReferenceSequence
    (series,) = referenced.RTReferencedStudySequence[0].RTReferencedSeriesSequence
    assert referenced.FrameOfReferenceUID == slices[0].FrameOfReferenceUID
    assert referenced.RTReferencedStudySequence[0].ReferencedSOPInstanceUID == slices[0].StudyInstanceUID
    assert [item.ReferencedSOPInstanceUID for item in series.ContourImageSequence] == [
        one.SOPInstanceUID for one in slices
    ]
    assert made.PatientID == slices[0].PatientID != "P1"


def test_a_structure_set_without_regions_is_copied(tmp_path: Path) -> None:
    save_case(tmp_path, {})
    made, _ = copied(tmp_path, make_step("affine", rotation_deg=(6.0, 6.0)))
    assert len(made.StructureSetROISequence) == len(made.ROIContourSequence) == 0
    assert not made.StructureSetDescription.startswith("contours")


def test_dcentvfy_finds_sources_and_copies_consistent(tmp_path: Path) -> None:
    save_case(tmp_path, {"liver": [outline(square(k)) for k in range(1, 5)]})
    copied(tmp_path, make_step("flip", **FLIP))
    sources = [tmp_path / "rs.dcm", *sorted((tmp_path / "ct").iterdir())]
    copies = [tmp_path / "copy" / "rs.dcm", *sorted((tmp_path / "copy" / "ct").iterdir())]
    before, after = entity_errors(sources), entity_errors([*sources, *copies])
    assert after <= before
