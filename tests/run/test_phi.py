"""`medaug scan --phi`: every planted place is listed, and nothing that stands there is told."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from collections import Counter
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from datasets_for_runs import PROJECT, medaug, run_here, save_image, save_recipe
from dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c import ALL_TAGS
from formats.dicom.canaries import STRUCTURE
from formats.dicom.datasets import image, placed, ramp, save, save_series
from hostile import dicom_files, nifti_files
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from run.canaries import CANARY, KEY, RECIPE, save_dicom, save_nifti, signs_in
from segmentations import corner, make_seg
from witnesses import realdata

from medaug_cli.phi import find_identifying

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Of a class or a dictionary, and no patient's; the profile lets some of these go with what they stand in.
OF_STANDARD = {"CodingSchemeUID", "ContextUID", "MappingResourceUID", "SOPClassUID"}


def places(dataset: Path, **options: Any) -> dict[tuple[str, str], tuple[int, int]]:
    """Return (files, times) of each (kind, name) in `dataset`."""
    _, found = find_identifying(dataset, **options)
    return {(one.place.kind, one.place.name): (one.files, one.times) for one in found}


def test_every_attribute_of_the_table_is_listed_at_every_depth(tmp_path: Path) -> None:
    found = places(save_dicom(tmp_path / "dataset"))
    listed = {name for _, name in found}
    wanted = {
        keyword_for_tag(Tag(*tag)) or "({:04x},{:04x})".format(*tag)
        for tag in ALL_TAGS
        if len(tag) == 2 and tag[0] > 2 and tag[0] % 2 == 0
    }
    for above in ("", "AnatomicRegionSequence/"):
        missing = {
            name
            for name in wanted - STRUCTURE - OF_STANDARD
            if above + name not in listed and not any(one.startswith(f"{above}{name}/") for one in listed)
        }
        assert missing == set()
    assert found["attribute", "PatientName"] == (3, 3)
    assert found["private", "group 0019"] == (3, 6)
    assert found["private", "AnatomicRegionSequence/group 0019"] == (3, 6)
    assert found["preamble", "preamble"] == (3, 3)


def test_counts_are_those_of_another_reader(tmp_path: Path) -> None:
    for k, name in enumerate(("Doe^Jane", "", "Doe^Jane")):
        save(image(ramp(k), number=k + 1, PatientName=name, PatientID="4711", **placed(k)), tmp_path / f"{k}.dcm")
    found = places(tmp_path)
    assert found["attribute", "PatientName"] == (2, 2)
    counted = Counter(e.keyword for p in tmp_path.iterdir() for e in pydicom.dcmread(p) if e.VR == "UI" and e.value)
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert found["uid", keyword] == (counted[keyword], counted[keyword])
    assert ("uid", "SOPClassUID") not in found


def test_overlays_file_meta_and_what_follows_the_pixels_are_listed(tmp_path: Path) -> None:
    header = image(ramp(), **placed(), BurnedInAnnotation="YES", BodyPartExamined="HEAD")
    header.add_new(0x60003000, "OW", b"XYZZYCANARY ")
    header.add_new(0x50103000, "OW", b"XYZZYCANARY ")
    header.DataSetTrailingPadding = b"XYZZYCANARY "
    save(header, tmp_path / "1.dcm")
    again = pydicom.dcmread(tmp_path / "1.dcm")
    again.file_meta.SourceApplicationEntityTitle = CANARY
    again.save_as(tmp_path / "1.dcm")
    found = places(tmp_path)
    assert {
        ("overlay", "group 6000"),
        ("overlay", "group 5010"),
        ("attribute", "DataSetTrailingPadding"),
        ("file_meta", "SourceApplicationEntityTitle"),
        ("pixels", "burned_in_text"),
        ("pixels", "face"),
    } <= found.keys()


def test_numbers_and_codes_that_hold_a_text_are_listed(tmp_path: Path) -> None:
    header = image(ramp(), **placed(), BodyPartExamined="CHEST", KVP="120")
    save(header, tmp_path / "1.dcm")
    header.add_new("BodyPartExamined", "CS", "DOE^JOHN")
    header.add_new("KVP", "OB", b"XYZZYCANARY ")
    save(header, tmp_path / "2.dcm")
    found = places(tmp_path)
    assert found["text", "BodyPartExamined"] == found["text", "KVP"] == (1, 1)


@pytest.mark.parametrize(("said", "told"), [("YES", True), ("NO", False), (None, False)])
def test_a_claim_that_names_contradict_is_told(tmp_path: Path, said: str | None, told: bool) -> None:
    more = {} if said is None else {"PatientIdentityRemoved": said}
    save(image(ramp(), **placed(), PatientBirthName="Doe^Jane", PhysiciansOfRecord="Roe^R", **more), tmp_path / "1.dcm")
    claims = {name for kind, name in places(tmp_path) if kind == "claim"}
    wanted = {f"PatientIdentityRemoved YES, {one} has a value" for one in ("PatientBirthName", "PhysiciansOfRecord")}
    assert (wanted <= claims) is told
    assert told or not claims


def test_what_a_told_option_retains_contradicts_nothing(tmp_path: Path) -> None:
    save(image(ramp(), **placed(), PatientIdentityRemoved="YES", PatientSex="F"), tmp_path / "1.dcm")
    claim = ("claim", "PatientIdentityRemoved YES, PatientSex has a value")
    assert claim in places(tmp_path)
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113108", "DCM", "Retain Patient Characteristics"
    again = pydicom.dcmread(tmp_path / "1.dcm")
    again.DeidentificationMethodCodeSequence = [code]
    again.save_as(tmp_path / "1.dcm")
    assert claim not in places(tmp_path)


@pytest.mark.parametrize(
    ("save_all", "kind", "name"),
    [(dicom_files.save_corpus, "pixels", "face"), (nifti_files.save_corpus, "unreadable", "truncated")],
)
def test_no_hostile_file_stops_it(tmp_path: Path, save_all: Callable[[Path], Path], kind: str, name: str) -> None:
    dataset = save_all(tmp_path / "dataset")
    (dataset / "long.csv").write_text("a,b\n" + "x" * 200_000, encoding="utf-8")
    (dataset / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    found = places(dataset)
    assert found["unreadable", "unreadable"][0] >= 2
    assert (kind, name) in found


def test_nifti_text_extensions_sidecars_and_gzip_are_listed(tmp_path: Path) -> None:
    dataset = save_nifti(tmp_path / "dataset")
    (packed,) = dataset.rglob("XYZZYCANARY.nii.gz")
    with packed.with_name("named.nii.gz").open("wb") as raw, gzip.GzipFile(CANARY, "wb", 1, raw, mtime=7) as stream:
        stream.write(gzip.decompress(packed.read_bytes()))
    (dataset / "participants.tsv").write_text(f"participant_id\tage\t{CANARY}\tx\nsub-1\t42\t{CANARY}\t3\n")
    (dataset / "dwi.bvec").write_text("0 1 0\n")
    (dataset / "letter.pdf").write_bytes(CANARY.encode())
    found = places(dataset)
    for field in ("descrip", "aux_file", "intent_name", "db_name", "data_type"):
        assert found["header", field] == (2, 2)
    assert all(found["extension", f"code {code}"] == (2, 2) for code in (0, 4, 6, 44))
    assert found["key", "PatientName"] == (1, 1)
    assert found["gzip", "file name"][0] >= 1
    assert found["column", "participant_id"] == found["column", "age"] == found["column", "another"] == (1, 1)
    assert found["other", "not looked into"] == (1, 1)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
def test_extensions_are_found_in_either_byte_order_and_before_far_voxels(
    tmp_path: Path, version: int, order: str
) -> None:
    kind = nib.Nifti1Image if version == 1 else nib.Nifti2Image
    made = kind(np.zeros((2, 3, 4), "i2"), np.eye(4))
    made = kind(made.dataobj, made.affine, made.header.as_byteswapped(order))
    made.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"x" * 9000))
    made.header.extensions.append(nib.nifti1.Nifti1Extension(44, b"y" * 9000))
    nib.save(made, tmp_path / "a.nii")
    found = places(tmp_path)
    assert found["extension", "code 6"] == found["extension", "code 44"] == (1, 1)


def test_names_are_told_by_depth_and_count(tmp_path: Path) -> None:
    for k in range(2):
        folder = tmp_path / "4711042" / "2019-03-07" / "t1"
        save(image(ramp(k), number=k + 1, PatientID="4711042", **placed(k)), folder / f"{k}.dcm")
    save_image(tmp_path / "plain" / "Doe_John_0000.nii.gz")
    save_image(tmp_path / "plain" / "Left_Kidney_0000.nii.gz")
    names = {name: count for (kind, name), count in places(tmp_path).items() if kind == "name"}
    assert names == {
        "folder at depth 0: identifier of a patient": (1, 1),
        "folder at depth 0: words of another kind": (1, 1),
        "folder at depth 1: like a date": (1, 1),
        "file at depth 1: like a person's name": (1, 1),
    }


@pytest.mark.parametrize("name", ["kowalski-1.nii.gz", "kowalski-1.csv", "kowalski-1.mrk.json", "kowalski-1.dcm"])
def test_the_name_of_a_file_that_knows_no_patient_is_compared_with_everybody(tmp_path: Path, name: str) -> None:
    save(image(ramp(), PatientName="KOWALSKI^ANNA", **placed()), tmp_path / "1.dcm")
    if name.endswith(".nii.gz"):
        save_image(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(bytes(128) + b"DICM" if name.endswith(".dcm") else b"{}")
    assert places(tmp_path)["name", "file at depth 0: identifier of a patient"] == (1, 1)


def test_the_name_of_a_label_is_compared_with_the_patient_of_its_header(tmp_path: Path) -> None:
    save_series(tmp_path / "ct", [ramp(k) for k in range(5)], PatientName="Doe^Jane", PatientID="471104")
    make_seg(tmp_path, corner())
    shutil.rmtree(tmp_path / "ct")
    (tmp_path / "seg" / "kidney.dcm").rename(tmp_path / "seg" / "x471104y.dcm")
    assert places(tmp_path)["name", "file at depth 1: identifier of a patient"] == (1, 1)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (f"{CANARY}_JOHN.nii.gz", True),
        ("471104.nii.gz", True),
        ("\u5c71\u7530.nii.gz", True),
        (f"sub-{CANARY}_T1w.nii.gz", True),
        ("case01.nii.gz", False),
        ("sub-01_ses-2_run-1_T1w.nii.gz", False),
        ("left kidney 0012.nii", False),
        ("0a1b2c3d4e5f6071_aug0001_0000.nii.gz", False),
    ],
)
def test_a_name_with_words_that_are_not_of_the_field_is_told(tmp_path: Path, name: str, told: bool) -> None:
    save_image(tmp_path / "in" / name)
    found = {name for kind, name in places(tmp_path / "in") if kind == "name"}
    assert found == ({"file at depth 0: words of another kind"} if told else set())


def test_json_keys_that_somebody_made_up_are_not_told(tmp_path: Path) -> None:
    document = {CANARY: {"PatientID": CANARY, "note": CANARY}, "PatientWeight": 70.5, "EchoTime": 0.03, "Empty": ""}
    (tmp_path / "a.json").write_text(json.dumps(document), encoding="utf-8")
    assert places(tmp_path) == {
        ("key", "PatientWeight"): (1, 1),
        ("key", "another/PatientID"): (1, 1),
        ("key", "another/another"): (1, 1),
        ("key", "another"): (1, 2),  # CANARY and Empty
    }


@pytest.mark.parametrize(
    ("key", "told"),
    [("DOE JOHN", True), ("Kowalski", True), ("1950-01-02", True), ("EchoTime", False), ("left kidney", False)],
)
@pytest.mark.parametrize("value", [3, [1, 2], None, {"x": 1}, [{"x": 1}]])
def test_a_key_that_is_a_name_is_told_whatever_its_value(tmp_path: Path, key: str, told: bool, value: Any) -> None:
    (tmp_path / "a.json").write_text(json.dumps({key: value}), encoding="utf-8")
    assert places(tmp_path) == ({("key", "another"): (1, 1)} if told else {})


SLICER = "# Markups fiducial file version = 4.11\n# CoordinateSystem = LPS\n# columns = id,x,y,z,label\n"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "# Patient: DOE JOHN 1950-01-02\nx,y,z\n1,2,3\n", "comment"),
        ("a.csv", "# space = DOE\nx,y,z\n1,2,3\n", "comment"),
        ("a.tsv", "# space = LPS of DOE\nx\ty\tz\n1\t2\t3\n", "comment"),
        ("a.csv", "# 19500102\nx,y,z\n1,2,3\n", "comment"),
        ("a.csv", "DOE JOHN,1950\n", "another"),
        ("a.csv", "02.01.1950,1\n", "another"),
        ("a.csv", "# space = LPS\n#\nx_mm,y_mm,z_mm\n1,2,3\n", ""),
        ("a.fcsv", f"{SLICER}1,1,2,3\n", ""),
        ("a.fcsv", f"{SLICER}# DOE JOHN\n1,1,2,3\n", "comment"),
        ("a.fcsv", f"{SLICER.replace('label', 'DOE')}1,1,2,3\n", "comment"),
        ("a.fcsv", f"{SLICER}DOE JOHN,1,2,3\n", "another"),
    ],
)
def test_comments_titles_and_every_row_of_a_table_are_looked_at(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    of_slicer = {("column", "label"): (1, 1)} if name == "a.fcsv" else {}
    assert places(tmp_path) == ({**of_slicer, ("column", told): (1, 1)} if told else of_slicer)


def test_the_unused_text_of_nifti_2_is_told(tmp_path: Path) -> None:
    made = nib.Nifti2Image(np.zeros((2, 3, 4), "i2"), np.eye(4))
    made.header["unused_str"] = b"DOE JOHN"
    nib.save(made, tmp_path / "a.nii")
    assert places(tmp_path) == {("header", "unused_str"): (1, 1)}


def test_damaged_files_are_told_and_the_rest_is_listed(tmp_path: Path) -> None:
    save(image(ramp(), **placed(), PatientName="Doe^Jane"), tmp_path / "1.dcm")
    (tmp_path / "2.dcm").write_bytes(bytes(128) + b"DICM" + b"\xff" * 40)
    (tmp_path / "a.nii").write_bytes(struct.pack("<i", 348) + bytes(20))
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    (tmp_path / "away.dcm").symlink_to("/nowhere")
    (tmp_path / "copies" / ".medaug").mkdir(parents=True)
    found = places(tmp_path)
    assert found["attribute", "PatientName"] == (1, 1)
    assert sum(files for (kind, _), (files, _) in found.items() if kind == "unreadable") == 5
    assert found["unreadable", "symlink_broken"] == found["unreadable", "medaug_root"] == (1, 1)


@pytest.mark.parametrize("kind", ["dicom", "nifti"])
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_no_value_is_printed(tmp_path: Path, kind: str, flags: tuple[str, ...]) -> None:
    dataset = (save_dicom if kind == "dicom" else save_nifti)(tmp_path / "dataset")
    done = medaug("scan", dataset, "--phi", *flags)
    assert done.returncode == 0, done.stderr
    assert signs_in((done.stdout + done.stderr).encode()) == []
    assert ("PatientName" if kind == "dicom" else "descrip") in done.stdout
    if flags:
        document = json.loads(done.stdout)
        assert document["files"] == sum(1 for path in dataset.rglob("*") if path.is_file())
        assert set(document["places"][0]) == {"kind", "name", "files", "times"}


def test_deidentified_copies_tell_less_than_their_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUG_KEY", KEY)
    dataset, root = save_dicom(tmp_path / "dataset"), tmp_path / "root"
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root)
    found = places(root)
    attributes = {name.rpartition("/")[2] for kind, name in found if kind in {"attribute", "text"}}
    assert attributes <= {
        "PatientName",
        "PatientID",
        "SeriesDescription",
        "DerivationDescription",
        "ContributionDateTime",
    }
    assert {kind for kind, _ in found} <= {"attribute", "text", "uid", "pixels", "other"}


def test_what_cannot_go_with_it_is_refused(tmp_path: Path) -> None:
    done = medaug("scan", tmp_path, "--phi", "--deep")
    assert done.returncode == 2
    assert "leave out --deep" in done.stderr


def values_of(path: Path) -> set[str]:
    """Return the long texts of a file's header, by pydicom."""
    header = pydicom.dcmread(path, stop_before_pixels=True)
    texts = (str(element.value) for element in header.iterall() if element.VR in {"PN", "LO", "UI", "DA", "LT", "ST"})
    return {text for text in texts if len(text) > 7 and not text.startswith("1.2.840.10008.")}


@pytest.mark.parametrize("folder", ["ct_seg_dcmqi", "bad_geometry"])
def test_of_real_files_places_and_no_values_are_told(folder: str) -> None:
    dataset = realdata(folder)
    done = medaug("scan", dataset, "--phi")
    assert done.returncode == 0
    assert "StudyDate" in done.stdout
    told = [value for path in dataset.rglob("*.dcm") for value in values_of(path) if value in done.stdout]
    assert told == []


def test_the_sample_data_is_listed() -> None:
    assert places(PROJECT / "sample_data" / "xray")
