"""Repair: blank UIDs are made from file meta and content on request, the same each time, and refused otherwise."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.tag import Tag
from witnesses import dicom_errors, realdata

from medaug_cli.core.errors import SampleError
from tests.formats.dicom.datasets import CT, SERIES, UNCHANGED, encode, find, image, load, placed, publish, ramp, save
from tests.formats.dicom.structures import outline, save_case, square

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.formats import FoundVolume

BLANK = dict.fromkeys(("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"), "")


def blanked(path: Path, k: int, *, meta: bool = True, **attributes: Any) -> None:
    """Write slice `k` of a CT whose dataset names no UID; without `meta` its file meta names no instance either."""
    save(image(ramp(k), CT, k + 1, **placed(k, **attributes)), path)
    header = pydicom.dcmread(path)
    for keyword in BLANK:
        header[keyword].value = ""
    if not meta:
        header.file_meta.MediaStorageSOPInstanceUID = ""
    pydicom.dcmwrite(path, header, enforce_file_format=False)


def repaired(root: Path) -> list[FoundVolume]:
    return list(find(root, repair=True).volumes)


def test_without_repair_blank_uids_are_refused_with_the_way_out(tmp_path: Path) -> None:
    for k in range(2):
        blanked(tmp_path / "a" / f"{k}.dcm", k)
    (volume,) = find(tmp_path).volumes
    assert volume.problem is not None
    assert volume.problem[0] == "blank_uid"
    assert "--repair" in volume.problem[1]


@pytest.mark.parametrize("repair", [False, True])
def test_a_label_object_without_a_class_costs_no_other_file(repair: bool, tmp_path: Path) -> None:
    save_case(tmp_path, {"ear": [outline(square(1))]}, slices=2)
    header = pydicom.dcmread(tmp_path / "rs.dcm")
    del header.SOPClassUID
    pydicom.dcmwrite(tmp_path / "rs.dcm", header, enforce_file_format=False)
    volumes = {volume.files: volume for volume in find(tmp_path, repair=repair).volumes}
    assert volumes["ct/0.dcm", "ct/1.dcm"].problem is None
    label = volumes["rs.dcm",]
    if repair:
        assert (label.role, label.problem) == ("label", None)
    else:
        assert label.problem is not None
        assert label.problem[0] == "blank_uid"


@pytest.mark.parametrize("keyword", ["SOPClassUID", "StudyInstanceUID"])
def test_a_uid_that_is_stored_as_an_empty_sequence_is_made_too(keyword: str, tmp_path: Path) -> None:
    blanked(tmp_path / "a" / "0.dcm", 0)
    header = pydicom.dcmread(tmp_path / "a" / "0.dcm")
    header[keyword] = DataElement(Tag(keyword), "SQ", [])
    pydicom.dcmwrite(tmp_path / "a" / "0.dcm", header, enforce_file_format=False)
    (volume,) = repaired(tmp_path)
    assert volume.problem is None
    made = publish(encode(load(tmp_path, volume, repair=True)), tmp_path / "out")
    assert made[0][keyword].VR == "UI"


def test_class_and_instance_come_from_the_file_meta_and_the_rest_is_made(tmp_path: Path) -> None:
    for k in range(3):
        blanked(tmp_path / "a" / f"{k}.dcm", k)
    (volume,) = repaired(tmp_path)
    assert volume.problem is None
    assert volume.warnings[0].endswith(
        "SOPClassUID, SOPInstanceUID, StudyInstanceUID, SeriesInstanceUID blank, "
        "made from file meta and content (3 of 3 files)"
    )
    loaded = load(tmp_path, volume, repair=True)
    assert [entry.uids["sop_instance"] for entry in loaded.entries] == [f"{SERIES}.{k + 1}" for k in range(3)]
    made = publish(encode(loaded), tmp_path / "copy")
    assert {one.StudyInstanceUID for one in made} == {volume.study}
    assert pydicom.uid.UID(volume.study).is_valid
    assert {one.SourceImageSequence[0].ReferencedSOPInstanceUID for one in made} == {
        f"{SERIES}.{k + 1}" for k in range(3)
    }
    assert {one.SOPClassUID for one in made} == {CT}


def test_an_instance_that_nothing_names_is_named_by_its_content(tmp_path: Path) -> None:
    """The same file twice is one picture, and where it lies is no part of its name."""
    for k in range(2):
        blanked(tmp_path / "one" / "a" / f"{k}.dcm", k, meta=False)
    shutil.copy(tmp_path / "one" / "a" / "0.dcm", tmp_path / "one" / "a" / "again.dcm")
    shutil.copytree(tmp_path / "one" / "a", tmp_path / "other" / "a")
    (first,), (second,) = repaired(tmp_path / "one"), repaired(tmp_path / "other")
    assert [path.rpartition("/")[2] for path in first.files] == ["0.dcm", "1.dcm"]
    assert any("dropped, a copy of" in warning for warning in first.warnings)
    assert (first.study, first.series) == (second.study, second.series)
    copies = [encode(load(tmp_path / name, only, repair=True)) for name, only in (("one", first), ("other", second))]
    assert [file.data for file in copies[0]] == [file.data for file in copies[1]]


@pytest.mark.parametrize(
    ("differs", "studies", "series"),
    [
        ({"PatientID": "P2"}, 2, 2),
        ({"StudyDate": "20210101"}, 2, 2),
        ({"SeriesNumber": 9}, 1, 2),
        ({"SeriesDescription": "other"}, 1, 2),
        ({}, 1, 1),
    ],
)
def test_what_the_headers_tell_apart_stays_apart(
    tmp_path: Path, differs: dict[str, Any], studies: int, series: int
) -> None:
    for k in range(4):
        blanked(tmp_path / "a" / f"{k}.dcm", k, **(differs if k > 1 else {}))
    volumes = repaired(tmp_path)
    assert (len({one.study for one in volumes}), len({one.series for one in volumes})) == (studies, series)


@pytest.mark.parametrize(("patient", "studies"), [("P1", 1), ("", 2)])
def test_folders_tell_series_apart_and_studies_of_patients_without_a_name(
    tmp_path: Path, patient: str, studies: int
) -> None:
    for folder in ("a", "b"):
        for k in range(2):
            blanked(tmp_path / folder / f"{k}.dcm", k, PatientID=patient)
    volumes = repaired(tmp_path)
    assert len({one.series for one in volumes}) == 2
    assert len({one.study for one in volumes}) == studies


def test_a_frame_of_reference_is_made_for_slices_that_have_none(tmp_path: Path) -> None:
    for k in range(2):
        blanked(tmp_path / f"{k}.dcm", k, FrameOfReferenceUID="")
    (volume,) = repaired(tmp_path)
    assert pydicom.uid.UID(volume.frame_of_reference).is_valid


def test_uids_that_are_there_stay(tmp_path: Path) -> None:
    save(image(ramp(), **placed()), tmp_path / "a.dcm")
    (plain,), (mended,) = find(tmp_path).volumes, repaired(tmp_path)
    assert plain == mended


def test_a_class_that_nothing_names_is_still_refused(tmp_path: Path) -> None:
    blanked(tmp_path / "a.dcm", 0)
    header = pydicom.dcmread(tmp_path / "a.dcm")
    header.file_meta.MediaStorageSOPClassUID = ""
    pydicom.dcmwrite(tmp_path / "a.dcm", header, enforce_file_format=False)
    (volume,) = repaired(tmp_path)
    assert volume.problem is not None
    assert volume.problem[0] == "blank_uid"


def test_reading_without_repair_refuses_what_was_found_with_it(tmp_path: Path) -> None:
    blanked(tmp_path / "a.dcm", 0)
    (volume,) = repaired(tmp_path)
    with pytest.raises(SampleError, match="blank_uid"):
        load(tmp_path, volume)


def test_a_real_series_with_blanked_uids_is_copied_and_valid(tmp_path: Path) -> None:
    root = realdata("totalseg", "example_ct_dicom")
    (volume,) = repaired(root)
    assert len(volume.files) == 20
    try:
        loaded = load(root, volume, repair=True)
    except SampleError as error:
        if error.reason == "codec_missing":
            pytest.skip(str(error))
        raise
    moved = replace(UNCHANGED, moved=True, steps=(("flip", ("113085", "DCM", "Spatial resampling")),))
    files = encode(loaded, moved)
    publish(files, tmp_path)
    by_hand = pydicom.dcmread(root / volume.files[0])
    by_hand.SOPClassUID, by_hand.SOPInstanceUID = CT, by_hand.file_meta.MediaStorageSOPInstanceUID
    by_hand.StudyInstanceUID, by_hand.SeriesInstanceUID = volume.study, volume.series
    by_hand.save_as(tmp_path / "by_hand")
    assert dicom_errors(tmp_path / files[0].path) <= dicom_errors(tmp_path / "by_hand")
    (tmp_path / "by_hand").unlink()
    (again,) = find(tmp_path).volumes
    assert again.problem is None
    assert again.study == volume.study
