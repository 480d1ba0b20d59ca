"""De-identification of a dataset: every attribute of PS3.15 Table E.1-1, at every depth, and what each option keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pydicom
import pytest
from dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c import ALL_TAGS
from formats.dicom.canaries import KEY, PRIVACY, SIGNS, TEXT, bearer
from formats.dicom.datasets import UNCHANGED, encode, image, load, placed, publish, ramp, save
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from witnesses import dicom_errors, realdata

from medaug_cli.core.errors import SampleError
from medaug_cli.core.privacy import OPTIONS, Privacy, plain_words
from medaug_cli.formats.dicom.actions import _OF_OPTION, _PLAIN_TEXTS, _TEXTS, actions_for, profile_actions, vr_of
from medaug_cli.formats.dicom.deidentify import deidentify
from medaug_cli.formats.dicom.suspicions import find_suspicions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("part", "shown"),
    [("HEART", False), ("FOREARM", False), ("EAR", True), ("INNEREAR", True), ("RIGHT EAR", True), ("HEADNECK", True)],
)
def test_an_ear_is_no_part_of_a_heart(part: str, shown: bool) -> None:
    assert ("face" in find_suspicions(image(ramp(), BodyPartExamined=part))) is shown


def encoded(tmp_path: Path, header: Dataset, privacy: Privacy = PRIVACY) -> tuple[bytes, Dataset]:
    """Write `header`, read it and encode a copy; return its bytes and what pydicom reads in them."""
    save(header, tmp_path / "source" / "1.dcm")
    raw = bytearray((tmp_path / "source" / "1.dcm").read_bytes())
    raw[:11] = b"XYZZYCANARY"  # the preamble
    (tmp_path / "source" / "1.dcm").write_bytes(raw)
    (file,) = encode(load(tmp_path / "source"), replace(UNCHANGED, privacy=privacy))
    (made,) = publish([file], tmp_path / "made")
    return bytes(file.data), made


def test_the_table_is_that_of_the_edition_that_is_recorded() -> None:
    assert len(ALL_TAGS) == 655
    assert set(profile_actions().values()) == {"X", "Z", "D", "U", "walk"}


def test_no_canary_is_left_at_any_depth(tmp_path: Path) -> None:
    header = bearer(PatientID=TEXT)
    assert sum(1 for _ in header.iterall()) > 2500
    data, made = encoded(tmp_path, header)
    assert [sign for sign in SIGNS if sign in data] == []
    assert made.PatientID == made.PatientName == PRIVACY.pseudonym(TEXT)
    assert made.PatientIdentityRemoved == "YES"
    assert made.LongitudinalTemporalInformationModified == "REMOVED"
    assert [item.CodeValue for item in made.DeidentificationMethodCodeSequence] == ["113100"]


def test_without_a_request_nothing_is_removed_but_private_tags_and_overlays(tmp_path: Path) -> None:
    header = bearer(PatientID=TEXT)
    header.add_new(0x60003000, "OW", b"XYOVERLAYZ")
    header.add_new(0x50003000, "OW", b"XYCURVEZZZ")
    save(header, tmp_path / "source" / "1.dcm")
    (file,) = encode(load(tmp_path / "source"))
    (made,) = publish([file], tmp_path / "made")
    assert b"XYOVERLAYZ" not in file.data
    assert b"XYCURVEZZZ" not in file.data
    assert not any(element.tag.is_private for element in made.iterall())
    assert made.PatientID == TEXT
    assert "PatientIdentityRemoved" not in made


@pytest.mark.parametrize("privacy", [None, PRIVACY])
def test_pixels_overlays_and_curves_within_items_are_dropped_too(tmp_path: Path, privacy: Privacy | None) -> None:
    inner = Dataset()
    inner.CodeMeaning = "Chest"
    for tag, vr in ((0x60003000, "OW"), (0x601E4000, "LT"), (0x50003000, "OW"), (0x7FE00010, "OW"), (0xFFFCFFFC, "OB")):
        inner.add_new(tag, vr, TEXT if vr == "LT" else b"XYZZYCANARY ")
    header = image(ramp(), **placed())
    header.AnatomicRegionSequence = Sequence([inner])
    save(header, tmp_path / "source" / "1.dcm")
    (file,) = encode(load(tmp_path / "source"), replace(UNCHANGED, privacy=privacy))
    assert b"XYZZYCANARY" not in file.data
    (made,) = publish([file], tmp_path / "made")
    assert list(made.AnatomicRegionSequence[0].keys()) == [Tag("CodeMeaning")]
    assert len(made.PixelData) == len(header.PixelData)


def test_earlier_methods_stay_and_the_profile_is_named_once() -> None:
    header = image(ramp(), **placed(), DeidentificationMethod="Earlier tool")
    once = deidentify(header, PRIVACY)
    twice = deidentify(once, PRIVACY)
    assert list(twice.DeidentificationMethod) == list(once.DeidentificationMethod)
    assert once.DeidentificationMethod[0] == "Earlier tool"
    assert len(twice.DeidentificationMethodCodeSequence) == 1
    assert "DeidentificationMethodCodeSequence" not in header


@pytest.mark.parametrize(("said", "removed"), [("YES", None), ("NO", "YES"), (None, "YES")])
def test_identity_is_not_called_removed_where_text_may_be_burned_in(said: str | None, removed: str | None) -> None:
    made = deidentify(image(ramp(), **placed(), BurnedInAnnotation=said), PRIVACY)
    assert made.get("PatientIdentityRemoved") == removed


def test_an_ultrasound_that_says_nothing_of_burned_in_text_is_suspected(tmp_path: Path) -> None:
    del tmp_path
    us = image(ramp(), "1.2.840.10008.5.1.4.1.1.6.1")
    assert "PatientIdentityRemoved" not in deidentify(us, PRIVACY)
    us.BurnedInAnnotation = "NO"
    assert deidentify(us, PRIVACY).PatientIdentityRemoved == "YES"


def test_dates_move_by_the_same_days_for_all_of_a_patient() -> None:
    shifting = Privacy(KEY, frozenset({"retain_modified_dates"}))
    first = deidentify(image(ramp(), StudyDate="20200301", AcquisitionDateTime="20200302101112.5"), shifting)
    second = deidentify(image(ramp(), StudyDate="20210301", PatientBirthDate="19500101"), shifting)
    other = deidentify(image(ramp(), StudyDate="20200301", PatientID="P2"), shifting)
    days = (pydicom.valuerep.DA("20200301") - pydicom.valuerep.DA(first.StudyDate)).days
    assert 1 <= days <= 3650
    assert days == -shifting.days("P1")
    assert (pydicom.valuerep.DA("20210301") - pydicom.valuerep.DA(second.StudyDate)).days == days
    assert first.AcquisitionDateTime[8:] == "101112.5"
    assert first.StudyTime == "030405"
    assert not second.PatientBirthDate
    assert other.StudyDate != first.StudyDate
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"


@pytest.mark.parametrize(
    ("age", "kept"), [("089Y", "089Y"), ("090Y", "090Y"), ("097Y", "090Y"), ("011M", "011M"), ("95Y", "090Y")]
)
def test_an_age_above_89_is_90(age: str, kept: str) -> None:
    keeping = Privacy(KEY, frozenset({"retain_patient_characteristics"}))
    assert deidentify(image(ramp(), PatientAge=age), keeping).PatientAge == kept
    assert "PatientAge" not in deidentify(image(ramp(), PatientAge=age), PRIVACY)


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_keeps_its_own_and_nothing_else(option: str) -> None:
    privacy = Privacy(KEY, frozenset({option}))
    made = deidentify(bearer(PatientID=TEXT), privacy)
    basic = deidentify(bearer(PatientID=TEXT), PRIVACY)
    stamped = {
        "DeidentificationMethodCodeSequence",
        "LongitudinalTemporalInformationModified",
        "DeidentificationMethod",
    }
    changed = {element.keyword for element in made if element != basic.get(element.tag)} - stamped
    assert len(made.DeidentificationMethodCodeSequence) == 2
    deep = {"AnatomicRegionSequence", "ContributingEquipmentSequence", "ReferencedImageSequence", "SourceImageSequence"}
    if option in {"retain_full_dates", "retain_modified_dates"}:
        assert {dictionary_VR(one) for one in changed - deep} <= {"DA", "DT", "TM"}
        assert "StudyDate" in changed
        assert "PatientBirthDate" not in changed
    elif option == "retain_uids":
        assert {dictionary_VR(one) for one in changed - deep} == {"UI"}
    else:
        assert changed - deep <= set(_OF_OPTION.get(option, ()))
        assert changed or option == "clean_graphics"


def test_all_options_together_keep_no_more_than_each_keeps() -> None:
    """Those for which there is another way to say it are left out: full dates, and UIDs, which are no text."""
    together = frozenset(OPTIONS) - {"retain_full_dates", "retain_uids"}
    made = deidentify(bearer(PatientID=TEXT), Privacy(KEY, together))
    telling = {element.keyword for element in made.iterall() if element.VR != "SQ" and TEXT in str(element.value)}
    kept = {one for option, names in _OF_OPTION.items() if option != "clean_descriptors" for one in names}
    assert telling - kept == set()


def test_every_attribute_that_an_option_names_stands_in_the_table_or_is_a_text() -> None:
    actions = profile_actions()
    missing = [one for names in _OF_OPTION.values() for one in names if Tag(one) not in actions]
    assert set(missing) <= {"ROIDescription", "SegmentDescription"}


def test_what_is_called_a_plain_text_is_a_text_that_the_table_does_not_name() -> None:
    """But for two codes that no reader can do without, whatever a file calls them."""
    assert {one for one in _PLAIN_TEXTS if actions_for(frozenset()).get(Tag(one))} == set()
    assert {one for one in _PLAIN_TEXTS if vr_of(Tag(one)) not in _TEXTS} == {
        "PhotometricInterpretation",
        "SpecificCharacterSet",
    }


@pytest.mark.parametrize("number", [b"1234\xb2", b"9" * 5000], ids=["superscript", "long"])
def test_a_uid_of_no_number_that_can_be_is_keyed_like_any_other(tmp_path: Path, number: bytes) -> None:
    path = tmp_path / "1.dcm"
    save(image(ramp(), StudyInstanceUID=f"2.25.{'0' * len(number)}", **placed()), path)
    path.write_bytes(path.read_bytes().replace(b"2.25." + b"0" * len(number), b"2.25." + number))
    made = deidentify(pydicom.dcmread(path), PRIVACY)
    assert made.StudyInstanceUID.is_valid
    assert number not in made.StudyInstanceUID.encode("latin-1")


@pytest.mark.parametrize(
    ("keyword", "value", "kept"),
    [
        ("KVP", TEXT, False),
        ("KVP", "1.2e+02", True),
        ("SeriesNumber", TEXT, False),
        ("SeriesNumber", "-3 ", True),
        ("BodyPartExamined", "DOE^JOHN", False),
        ("BodyPartExamined", "HEADNECK", True),
        ("ImageType", ["ORIGINAL", "PRIMARY", "M/SE"], True),
        ("ImageType", ["ORIGINAL", "D\u00f6, J"], False),
        ("FrameReferenceTime", "12.5", True),
    ],
)
def test_a_number_or_code_with_signs_of_a_text_goes(tmp_path: Path, keyword: str, value: Any, kept: bool) -> None:
    header = image(ramp(), **placed())
    header.add_new(keyword, "LO", value)
    save(header, tmp_path / "1.dcm")
    again = pydicom.dcmread(tmp_path / "1.dcm")
    again._dict[Tag(keyword)] = again.get_item(keyword)._replace(VR=dictionary_VR(keyword))  # as it stands in a file
    assert (keyword in deidentify(again, PRIVACY)) is kept


def test_bytes_where_a_number_belongs_go() -> None:
    header = image(ramp(), **placed(), ICCProfile=b"profile ")
    header.add_new("KVP", "OB", b"XYZZYCANARY ")
    made = deidentify(header, PRIVACY)
    assert "KVP" not in made
    assert made.ICCProfile == b"profile "


def test_an_age_that_is_none_is_emptied() -> None:
    keeping = Privacy(KEY, frozenset({"retain_patient_characteristics"}))
    with pydicom.config.disable_value_validation():
        assert not deidentify(image(ramp(), PatientAge="XYZZ"), keeping).PatientAge


def test_uids_are_keyed_closed_and_those_of_the_standard_stay() -> None:
    header = image(ramp(), **placed())
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    header.ReferencedImageSequence = Sequence([reference])
    made = deidentify(header, PRIVACY)
    assert made.SOPClassUID == header.SOPClassUID
    assert made.SOPInstanceUID.startswith("2.25.")
    assert made.SOPInstanceUID.is_valid
    assert made.ReferencedImageSequence[0].ReferencedSOPInstanceUID == made.SOPInstanceUID
    assert made.ReferencedImageSequence[0].ReferencedSOPClassUID == header.SOPClassUID
    assert deidentify(made, PRIVACY).SOPInstanceUID == made.SOPInstanceUID  # mapped once, however often it is asked
    assert deidentify(header, Privacy("another key of a user")).SOPInstanceUID != made.SOPInstanceUID
    assert header.SOPInstanceUID == image(ramp()).SOPInstanceUID


@pytest.mark.parametrize(
    ("text", "plain"),
    [("T2w axial Smith", "T2w axial"), ("Kidney_left", "Kidney left"), ("12.3.2020 Doe^John", ""), ("GTV-1", "GTV 1")],
)
def test_words_of_the_field_stay_and_names_do_not(text: str, plain: str) -> None:
    assert plain_words(text) == plain


UNREAD = {"single": [("emri_small_RLE.dcm", "bad_header")]}


@pytest.mark.parametrize("folder", ["single", "mr_oblique_20", "compressed", "sts025_dicom"])
def test_real_files_have_no_error_that_their_source_had_not(tmp_path: Path, folder: str) -> None:
    root = realdata(folder)
    unread = []
    for number, path in enumerate(sorted(path for path in root.rglob("*") if path.is_file())[:40:3]):
        try:
            loaded = load_one(tmp_path / str(number), path)
        except SampleError as error:  # what cannot be read is the matter of other tests
            unread.append((path.name, error.reason))
            continue
        (file, *_) = encode(loaded, replace(UNCHANGED, privacy=PRIVACY))
        publish([file], tmp_path / f"made{number}")
        assert dicom_errors(tmp_path / f"made{number}" / file.path) <= dicom_errors(path), path.name
    assert unread == UNREAD.get(folder, [])


def load_one(alone: Path, path: Path) -> Any:
    """Return one file loaded alone, by a link in a folder of its own."""
    alone.mkdir()
    (alone / "1.dcm").symlink_to(path)
    return load(alone)


@pytest.mark.parametrize(
    ("text", "kept"), [("Doe^Jane", False), ("DOE^JANE ", False), ("P-4711", False), ("tse2d1", True)]
)
def test_a_text_of_the_scanner_that_is_the_name_of_its_patient_goes(text: str, kept: bool) -> None:
    header = image(ramp(), PatientName="Doe^Jane", PatientID="P-4711", SequenceName=text)
    assert ("SequenceName" in deidentify(header, PRIVACY)) is kept
