"""Write: new instances that hold the copy's values, say what they are, and keep nothing of the source alone."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from witnesses import dicom_errors

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.sample import Derivation, Volume
from medaug_cli.formats.dicom.elements import encoded_element
from tests.formats.dicom.copying import MOVED, copy_of
from tests.formats.dicom.datasets import (
    CR,
    CT,
    DX,
    MR,
    PT,
    SERIES,
    UNCHANGED,
    encode,
    find,
    image,
    load,
    mammogram,
    placed,
    publish,
    ramp,
    save,
    save_series,
)

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "CANARY"


def test_an_unchanged_copy_has_the_stored_values_and_geometry_of_its_source(tmp_path: Path) -> None:
    for k, slope in enumerate((1, 0.3, 0.00004864194138)):
        pixels = (ramp(k) - 50) * np.int16(31)
        plane = placed(k, RescaleSlope=slope, RescaleIntercept=-7 * slope)
        save(image(pixels, number=k + 1, **plane), tmp_path / "source" / f"{k}.dcm")
    loaded = load(tmp_path / "source")
    files = encode(loaded)
    publish(files, tmp_path / "copy")
    again = load(tmp_path / "copy")
    assert [entry.voxel_sha256 for entry in again.entries] == [entry.voxel_sha256 for entry in loaded.entries]
    assert [file.voxel_sha256 for file in files] == [entry.voxel_sha256 for entry in again.entries]
    assert again.content.geometry == loaded.content.geometry
    assert [file.uids for file in files] == [entry.uids for entry in again.entries]


@pytest.mark.parametrize("meant", ["implicit", "big"])
def test_the_copy_is_explicit_little_endian_whatever_the_source(tmp_path: Path, meant: str) -> None:
    syntax = pydicom.uid.ImplicitVRLittleEndian if meant == "implicit" else pydicom.uid.ExplicitVRBigEndian
    header = image(ramp(), **placed(WindowCenter=40, WindowWidth=400, SpecificCharacterSet="ISO_IR 192"))
    header.SeriesDescription = "Schädel"
    header.file_meta = pydicom.dataset.FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    if meant == "big":
        header[0x7FE00010].value = ramp().byteswap().tobytes()
    (made := copy_of(header, tmp_path)).decode()
    assert made.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert np.array_equal(made.pixel_array, ramp())
    assert made.SeriesDescription == "Schädel [aug 1]"


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("ContributingEquipmentSequence", "LO", b"x "),
        ("AnatomicRegionSequence", "LO", b"x "),
        ("SeriesDescription", "SQ", b""),
    ],
)
def test_an_attribute_of_a_wrong_vr_is_a_reason(keyword: str, vr: str, value: bytes, tmp_path: Path) -> None:
    header = image(ramp(), **placed())
    header[Tag(keyword)] = encoded_element(keyword, vr, (value,))
    save(header, tmp_path / "a.dcm")
    with pytest.raises(SampleError, match="breaks its VR") as error:
        encode(load(tmp_path), replace(MOVED, swap_laterality=True))
    assert error.value.reason == "bad_header"


@pytest.mark.parametrize("maker", ["", None])
def test_a_scanner_without_a_maker_contributes_all_the_same(maker: str | None, tmp_path: Path) -> None:
    made = copy_of(image(ramp(), **placed(Manufacturer=maker, StationName="CT1")), tmp_path)
    (scanner,) = made.ContributingEquipmentSequence
    assert (scanner.Manufacturer, scanner.StationName) == ("UNKNOWN", "CT1")


@pytest.mark.parametrize(("columns", "said"), [(6, "REORIENTED_ONLY"), (4, "NO"), (9, "NO")])
def test_a_projection_cut_at_its_far_edge_is_not_only_reoriented(columns: int, said: str, tmp_path: Path) -> None:
    here = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
    header = image(ramp().astype(np.uint16), "1.2.840.10008.5.1.4.1.1.1", Modality="CR", PatientOrientation=["L", "F"])
    save(header, tmp_path / "a.dcm")
    loaded = load(tmp_path)
    grid = loaded.volume.geometry
    content = Volume(np.zeros((1, 1, 4, columns), np.float32), replace(grid, size=(columns, 4, 1)))
    (made,) = publish(encode(loaded, replace(MOVED, index_map=here), content), tmp_path / "copy")
    assert made.SourceImageSequence[0].SpatialLocationsPreserved == said


def test_the_same_copy_has_the_same_bytes(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(k) for k in range(3)])
    once, twice = (encode(load(tmp_path), MOVED) for _ in range(2))
    assert [file.data for file in once] == [file.data for file in twice]


def test_a_template_serves_many_copies(tmp_path: Path) -> None:
    """Encoding one copy leaves nothing behind in the header that the next is made from."""
    save(mammogram(ramp().astype(np.uint16)), tmp_path / "a.dcm")
    loaded = load(tmp_path)
    first = encode(loaded)
    encode(loaded, replace(MOVED, swap_laterality=True, turn=((0, -1), (1, 1), (2, 1)), intensity_changed=True))
    assert encode(loaded)[0].data == first[0].data


def test_uids_are_new_alike_within_a_copy_and_unlike_between_copies(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(k) for k in range(3)])
    loaded = load(tmp_path)
    one, other = encode(loaded, MOVED), encode(loaded, replace(MOVED, uid_key="other"))
    assert len({file.uids["series_instance"] for file in one}) == 1
    every = {file.uids["sop_instance"] for file in (*one, *other)} | {
        entry.uids["sop_instance"] for entry in loaded.entries
    }
    assert len(every) == 9
    assert one[0].uids["series_instance"] != other[0].uids["series_instance"]


def test_co_registered_series_that_move_alike_share_a_new_frame_of_reference(tmp_path: Path) -> None:
    for name in ("t1", "t2"):
        for k in range(2):
            plane = placed(k, SeriesInstanceUID=f"{SERIES}.{name[1]}.7")
            save(image(ramp(), MR, number=k + 10 * int(name[1]), **plane), tmp_path / name / f"{k}.dcm")
    series = [load(tmp_path, volume) for volume in find(tmp_path).volumes]
    moved = {file.uids["frame_of_reference"] for loaded in series for file in encode(loaded, MOVED)}
    still = {file.uids["frame_of_reference"] for loaded in series for file in encode(loaded)}
    assert still == {f"{SERIES}.9"}
    assert len(moved) == 1
    assert moved != still


def test_the_header_says_what_was_done_and_to_what(tmp_path: Path) -> None:
    steps = (("flip", ("113085", "DCM", "Spatial resampling")), ("gamma", ("gamma", "99MEDAUG", "Gamma")))
    derivation = replace(MOVED, copy=7, steps=steps, mirrored=True)
    made = copy_of(image(ramp(), **placed(SeriesDescription="Lung " * 12)), tmp_path, derivation)
    assert made.ImageType == ["DERIVED", "SECONDARY", "AXIAL"]
    assert made.SeriesNumber == 3007
    assert made.SeriesDescription.endswith(" [aug 7]")
    assert len(made.SeriesDescription) <= 64
    assert "copy 7; mirrored" in made.DerivationDescription
    assert made.DerivationDescription.endswith("flip, gamma")
    assert [item.CodeValue for item in made.DerivationCodeSequence] == ["113085", "gamma"]
    (named,) = made.SourceImageSequence
    assert (named.ReferencedSOPInstanceUID, named.SpatialLocationsPreserved) == (f"{SERIES}.1", "NO")
    assert made.Manufacturer == "medaug"
    assert made.ContributingEquipmentSequence[0].Manufacturer == "Maker"
    assert (made.StudyInstanceUID, made.PatientID, made.StudyDate) == (f"{SERIES}.0.1", "P1", "20200102")
    assert made.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID
    assert made.preamble == b"\0" * 128


@pytest.mark.parametrize(
    ("sop_class", "source", "made"),
    [
        (CT, ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"], ["DERIVED", "SECONDARY", "AXIAL"]),
        (MR, ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"], ["DERIVED", "SECONDARY", "M"]),
        (MR, ["ORIGINAL", "PRIMARY"], ["DERIVED", "SECONDARY", "OTHER"]),
        (PT, ["ORIGINAL", "PRIMARY"], ["DERIVED", "PRIMARY"]),
        (CR, ["ORIGINAL", "PRIMARY"], ["DERIVED", "SECONDARY"]),
        (DX, ["ORIGINAL", "PRIMARY", "", "RT"], ["DERIVED", "SECONDARY", ""]),
    ],
)
def test_image_type_is_what_the_class_allows(
    tmp_path: Path, sop_class: str, source: list[str], made: list[str]
) -> None:
    assert list(copy_of(image(ramp(), sop_class, **placed(ImageType=source)), tmp_path).ImageType) == made


def test_a_slice_names_itself_unmoved_and_its_whole_stack_moved(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(k) for k in range(3)])
    loaded = load(tmp_path)
    counts = [
        [len(header.SourceImageSequence) for header in publish(encode(loaded, derivation), tmp_path / "copy")]
        for derivation in (UNCHANGED, MOVED)
    ]
    assert counts == [[1, 1, 1], [3, 3, 3]]


def test_a_long_stack_names_the_64_nearest_slices(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(0, 2, 2) for _ in range(100)])
    made = publish(encode(load(tmp_path), MOVED), tmp_path / "copy")
    named = [int(item.ReferencedSOPInstanceUID.rsplit(".", 1)[1]) - 1 for item in made[50].SourceImageSequence]
    assert named == list(range(18, 82))
    assert len(made[99].SourceImageSequence) == 64


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        (((-1, 0, 0, 5), (0, 1, 0, 0), (0, 0, 1, 0)), {3: [3]}),  # mirrored within its plane
        (((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, -1, 8)), {3: [5], 8: [0]}),  # mirrored along the slices
        (((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0.5)), {0: [0], 3: [2, 3]}),  # half a slice up
        (((1, 0, 0, 0), (0, 1, 0, 0), (0, 0.5, 1, 0)), {0: [0], 3: [1, 2, 3]}),  # 3 rows are 1.5 slices
        (((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 90)), {3: [0]}),  # taken from nowhere: the nearest there is
    ],
)
def test_a_slice_names_the_slices_that_an_affine_map_takes_it_from(
    rows: tuple[tuple[float, ...], ...], named: dict[int, list[int]], tmp_path: Path
) -> None:
    save_series(tmp_path, [ramp(k) for k in range(9)])
    made = publish(encode(load(tmp_path), replace(MOVED, index_map=rows)), tmp_path / "copy")
    for index, wanted in named.items():
        found = [int(item.ReferencedSOPInstanceUID.rsplit(".", 1)[1]) - 1 for item in made[index].SourceImageSequence]
        assert found == wanted


def test_what_is_true_of_the_source_alone_is_gone_at_every_depth(tmp_path: Path) -> None:
    header = image(ramp(), **placed(SmallestImagePixelValue=0, LargestImagePixelValue=9))
    item = Dataset()
    item.add_new(0x00091001, "LO", CANARY)
    item.CodeMeaning = "kept"
    header.ProcedureCodeSequence = Sequence([item])
    header.add_new(0x00090010, "LO", "MAKER")
    header.add_new(0x00091002, "LO", CANARY)
    header.add_new(0x60003000, "OW", b"\1\2\3\4")
    header.add_new(0x50003000, "OW", b"\1\2")
    header.add_new(0xFFFAFFFA, "SQ", Sequence([Dataset()]))
    header.IconImageSequence = Sequence([Dataset()])
    header.ReferencedPerformedProcedureStepSequence = Sequence([Dataset()])
    made = copy_of(header, tmp_path)
    assert CANARY.encode() not in (tmp_path / "copy" / "a.dcm").read_bytes()
    assert made.ProcedureCodeSequence[0].CodeMeaning == "kept"
    gone = [0x60003000, 0x50003000, 0xFFFAFFFA, "IconImageSequence", "ReferencedPerformedProcedureStepSequence"]
    assert not [tag for tag in (*gone, "SmallestImagePixelValue", "LargestImagePixelValue") if tag in made]


def test_elements_of_the_command_group_do_not_hinder_writing(tmp_path: Path) -> None:
    """A real series carries (0000,0000), which pydicom refuses to write."""
    save(image(ramp(), **placed()), tmp_path / "a.dcm")
    data = (tmp_path / "a.dcm").read_bytes()
    at = data.index(b"\x08\x00\x08\x00CS")
    (tmp_path / "a.dcm").write_bytes(data[:at] + b"\0\0\0\0UL\4\0\0\0\0\0" + data[at:])
    assert len(encode(load(tmp_path))) == 1


def test_a_lossy_flag_is_never_taken_back(tmp_path: Path) -> None:
    header = image(ramp(), **placed(LossyImageCompression="01", LossyImageCompressionRatio=9))
    made = copy_of(header, tmp_path)
    assert (made.LossyImageCompression, made.LossyImageCompressionRatio) == ("01", 9)


def test_references_to_the_same_place_go_where_the_picture_moves(tmp_path: Path) -> None:
    header = mammogram(ramp().astype(np.uint16), ReferencedImageSequence=Sequence([Dataset()]), ShutterShape="CIRCULAR")
    made = copy_of(header, tmp_path, MOVED)
    assert "ReferencedImageSequence" not in made
    assert "ShutterShape" not in made


def test_another_grid_is_written_as_position_orientation_and_spacing(tmp_path: Path) -> None:
    save_series(tmp_path / "source", [ramp(0), ramp(1)])
    loaded = load(tmp_path / "source")
    grid = Geometry((3, 2, 2), (1.5, 1.25, 4.0), (1.0, 2.0, 3.0), (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    content = Volume(np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3), grid)
    files = encode(loaded, MOVED, content)
    publish(files, tmp_path / "copy")
    again = load(tmp_path / "copy")
    assert again.content.geometry.same_grid(grid)
    assert [entry.voxel_sha256 for entry in again.entries] == [file.voxel_sha256 for file in files]


@pytest.mark.parametrize("derivation", [UNCHANGED, replace(MOVED, intensity_changed=True)])
def test_dciodvfy_finds_no_error_in_a_copy_of_a_valid_mammogram(tmp_path: Path, derivation: Derivation) -> None:
    header = mammogram(np.arange(600, dtype=np.uint16).reshape(20, 30))
    copy_of(header, tmp_path, derivation)
    assert dicom_errors(tmp_path / "source" / "a.dcm") == set()
    assert dicom_errors(tmp_path / "copy" / "a.dcm") == set()


def test_dciodvfy_finds_no_error_in_a_copy_of_a_valid_ct_series(tmp_path: Path) -> None:
    valid: dict[str, Any] = {"RescaleSlope": 1, "RescaleIntercept": -1024, "KVP": 120, "AcquisitionNumber": 1}
    save_series(tmp_path / "source", [ramp(0), ramp(1)], **valid, PatientPosition="HFS", Laterality="")
    publish(encode(load(tmp_path / "source"), MOVED), tmp_path / "copy")
    assert dicom_errors(tmp_path / "source" / "1.dcm") == set()
    assert dicom_errors(tmp_path / "copy" / "1.dcm") == set()


def test_the_file_is_byte_for_byte_what_pydicom_writes_of_it(tmp_path: Path) -> None:
    header = mammogram(np.arange(15, dtype=np.uint8).reshape(3, 5), BitsStored=8)
    header.PatientName, header.SpecificCharacterSet = "Müller^Änne", "ISO_IR 100"
    save(header, tmp_path / "a.dcm")
    (file,) = encode(load(tmp_path), MOVED)
    again = io.BytesIO()
    pydicom.dcmwrite(again, pydicom.dcmread(io.BytesIO(file.data)), enforce_file_format=True)
    assert again.getvalue() == file.data
    assert pydicom.dcmread(io.BytesIO(file.data)).PatientName == "Müller^Änne"
