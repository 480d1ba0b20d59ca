"""Write: new instances that hold the copy's values, say what they are, and keep nothing of the source alone."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.sample import Derivation, Loaded, Volume
from medaug_cli.formats.dicom.storage import Storage
from tests.formats.dicom.datasets import (
    CR,
    CT,
    DX,
    MR,
    PT,
    SERIES,
    UNCHANGED,
    dicom_errors,
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
MOVED = replace(UNCHANGED, moved=True, steps=(("affine", ("113085", "DCM", "Spatial resampling")),))
BRIGHTER = replace(UNCHANGED, intensity_changed=True, steps=(("gamma", ("gamma", "99MEDAUG", "Gamma")),))


def plus(loaded: Loaded, change: float) -> Volume:
    """Return the volume of `loaded` with `change` added."""
    assert isinstance(loaded.content, Volume)
    return replace(loaded.content, array=loaded.content.array + np.float32(change))


def copy_of(header: Dataset, tmp_path: Path, derivation: Derivation = UNCHANGED, change: float = 0) -> Dataset:
    """Return the copy of a single image, `change` added to its values."""
    save(header, tmp_path / "source" / "a.dcm")
    loaded = load(tmp_path / "source")
    return publish(encode(loaded, derivation, plus(loaded, change)), tmp_path / "copy")[0]


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


def test_values_beyond_bits_stored_are_clipped_and_counted(tmp_path: Path) -> None:
    """12 signed bits hold -2048 to 2047; 2040 + 10 and -2040 + 10 give one clipped voxel."""
    pixels = np.array([[2040, -2040, 0]], np.int16)
    save(image(pixels, BitsStored=12, **placed()), tmp_path / "a.dcm")
    loaded = load(tmp_path)
    (file,) = encode(loaded, UNCHANGED, plus(loaded, 10))
    assert file.clipped == 1
    assert publish([file], tmp_path / "copy")[0].pixel_array.tolist() == [[2047, -2030, 10]]


def test_values_are_rounded_to_the_nearest_and_not_cut() -> None:
    stored, _ = Storage("int16", 16).to_stored(np.array([[-1.6, 1.6, 0.4]], np.float32), None)
    assert stored.tolist() == [[-2, 2, 0]]


@settings(deadline=None)  # the first call compiles
@given(
    dtype=st.sampled_from(["int16", "uint16", "uint8"]),
    slope=st.floats(1e-5, 100),
    intercept=st.integers(-2000, 2000),
    inverted=st.booleans(),
)
def test_every_stored_value_comes_back_from_its_real_value(
    dtype: str, slope: float, intercept: int, *, inverted: bool
) -> None:
    """Intercepts are whole slopes: float32 holds a value only to 1 in 16 million of itself."""
    storage = Storage(dtype, 8 * np.dtype(dtype).itemsize, slope, intercept * slope, inverted)
    every = np.arange(storage.low, storage.high + 1).astype(dtype)[None]
    real = np.empty(every.shape, np.float32)
    storage.fill_real(every, real)
    stored, clipped = storage.to_stored(real, None)
    assert np.array_equal(stored, every)
    assert clipped == 0


def test_padding_is_stamped_again_and_no_measurement_may_have_its_value(tmp_path: Path) -> None:
    """The third pixel would become 0, which means padding here: it is moved to the nearest other value."""
    pixels = np.array([[0, 40, 10]], np.uint16)
    made = copy_of(image(pixels, MR, **placed(PixelPaddingValue=0)), tmp_path, BRIGHTER, -10)
    assert made.pixel_array.tolist() == [[0, 30, 1]]
    assert made.PixelPaddingValue == 0


def test_an_unmoved_padding_range_gets_back_what_stood_there(tmp_path: Path) -> None:
    pixels = np.array([[0, 3, 5, 60]], np.uint16)
    header = image(pixels, CR, Modality="CR", PixelPaddingValue=0, PixelPaddingRangeLimit=5)
    assert copy_of(header, tmp_path).pixel_array.tolist() == [[0, 3, 5, 60]]


def test_void_that_a_mapping_brought_in_is_stamped_with_the_padding_value(tmp_path: Path) -> None:
    save(image(np.array([[5, 6, 7]], np.int16), **placed(PixelPaddingValue=-2000)), tmp_path / "a.dcm")
    loaded = load(tmp_path)
    content = replace(plus(loaded, 0), void=np.array([[[True, False, False]]]))
    (made,) = publish(encode(loaded, MOVED, content), tmp_path / "copy")
    assert made.pixel_array.tolist() == [[-2000, 6, 7]]


def test_monochrome1_is_turned_back(tmp_path: Path) -> None:
    """Brighter by 5 is smaller by 5 in a picture where 0 is white."""
    header = image(np.array([[100, 0, 1023]], np.uint16), DX, BitsStored=10, PhotometricInterpretation="MONOCHROME1")
    made = copy_of(header, tmp_path, BRIGHTER, 5)
    assert made.pixel_array.tolist() == [[95, 0, 1018]]
    assert made.PhotometricInterpretation == "MONOCHROME1"


def test_a_pet_slice_takes_a_steeper_slope_rather_than_clip(tmp_path: Path) -> None:
    """32767 * 0.001 is the most its slope holds; doubled values need a slope of 0.002."""
    header = image(np.array([[32767, 1000]], np.int16), PT, **placed(RescaleSlope=0.001, RescaleIntercept=0))
    save(header, tmp_path / "a.dcm")
    loaded = load(tmp_path)
    assert isinstance(loaded.content, Volume)
    (file,) = encode(loaded, BRIGHTER, replace(loaded.content, array=loaded.content.array * 2))
    (made,) = publish([file], tmp_path / "copy")
    assert file.clipped == 0
    assert float(made.RescaleSlope) == pytest.approx(0.002)
    assert made.pixel_array.tolist() == [[32767, 1000]]


@pytest.mark.parametrize(("derivation", "kept"), [(UNCHANGED, True), (MOVED, True), (BRIGHTER, False)])
def test_a_window_is_kept_while_intensities_are(tmp_path: Path, derivation: Derivation, *, kept: bool) -> None:
    """Of 0 to 100 in equal steps, percentiles 1 and 99 are 1 and 99: centre 50, width 98."""
    pixels = np.arange(101, dtype=np.int16)[None]
    made = copy_of(image(pixels, **placed(WindowCenter=40, WindowWidth=400)), tmp_path, derivation)
    assert (made.WindowCenter, made.WindowWidth) == ((40, 400) if kept else (50, 98))


def test_several_window_presets_keep_their_count(tmp_path: Path) -> None:
    header = image(ramp(), **placed(WindowCenter=[40, -600], WindowWidth=[400, 1500]))
    assert list(copy_of(header, tmp_path, BRIGHTER).WindowCenter) == [40, -600]


def test_presets_follow_the_values_where_nothing_moved(tmp_path: Path) -> None:
    """Doubled values of 0 to 100: what lay from 20 to 60 now lies from 40 to 120."""
    pixels = np.arange(101, dtype=np.int16)[None]
    said = {"WindowCenter": [40, 50], "WindowWidth": [40, 80], "WindowCenterWidthExplanation": ["SOFT", "HARD"]}
    save(image(pixels, **placed(**said)), tmp_path / "source" / "a.dcm")
    loaded = load(tmp_path / "source")
    assert isinstance(loaded.content, Volume)
    doubled = replace(loaded.content, array=loaded.content.array.astype(np.float32) * 2)
    (made,) = publish(encode(loaded, BRIGHTER, doubled), tmp_path / "copy")
    assert [float(value) for value in made.WindowCenter] == pytest.approx([80, 100], abs=0.01)
    assert [float(value) for value in made.WindowWidth] == pytest.approx([80, 160], abs=0.01)
    assert made.WindowCenterWidthExplanation == ["SOFT", "HARD"]
    moved = replace(BRIGHTER, moved=True)
    (made,) = publish(encode(loaded, moved, doubled), tmp_path / "moved")
    assert list(made.WindowCenter) == [40, 50]


def test_a_voi_lut_gives_way_to_a_window_that_is_at_least_1_wide(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [2, 0, 16], b"\0\0\1\0"
    header = image(np.full((2, 2), 7, np.uint16), DX, VOILUTSequence=Sequence([table]))
    made = copy_of(header, tmp_path, BRIGHTER)
    assert "VOILUTSequence" not in made
    assert (made.WindowCenter, made.WindowWidth) == (7, 1)


def test_the_function_of_a_window_stays_when_the_window_is_measured_anew(tmp_path: Path) -> None:
    header = mammogram(ramp().astype(np.uint16), VOILUTFunction="SIGMOID", WindowCenter=9, WindowWidth=5)
    made = copy_of(header, tmp_path, BRIGHTER)
    assert made.VOILUTFunction == "SIGMOID"
    assert made.WindowCenter != 9


def test_a_window_of_monochrome1_is_in_values_before_the_turn(tmp_path: Path) -> None:
    pixels = np.arange(101, dtype=np.uint16)[None]
    attributes = {"WindowCenter": 3, "WindowWidth": 9, "PhotometricInterpretation": "MONOCHROME1", "BitsStored": 10}
    made = copy_of(image(pixels, DX, **attributes), tmp_path, BRIGHTER)
    assert (made.WindowCenter, made.WindowWidth) == (50, 98)


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


@pytest.mark.parametrize(
    ("stored", "intercept", "slope", "kind"),
    [
        ([0, 4095], -1024, 1, "int16"),
        ([0, 40000], -1024, 1, "float32"),  # 38976 is beyond int16
        ([0, 40000], 0, 1, "uint16"),
        ([30000, 33000], -1024, 1, "int16"),  # beyond int16 as stored, within it as HU
        ([0, 4095], -1024.5, 1, "float32"),
        ([0, 4095], -1024, 2, "float32"),
    ],
)
def test_whole_real_values_are_held_as_short_integers_and_exactly(
    tmp_path: Path, stored: list[int], intercept: float, slope: float, kind: str
) -> None:
    pixels = np.array([stored], np.uint16)
    save(image(pixels, **placed(RescaleSlope=slope, RescaleIntercept=intercept)), tmp_path / "a.dcm")
    content = load(tmp_path).content
    assert content.array.dtype == kind
    assert content.array.reshape(-1).tolist() == [value * slope + intercept for value in stored]


def test_a_slice_with_fractions_makes_float32_of_all(tmp_path: Path) -> None:
    for k, slope in enumerate((1, 0.5)):
        attributes = placed(k, RescaleSlope=slope, RescaleIntercept=-1000)
        save(image(np.full((2, 2), 101, np.uint16), number=k + 1, **attributes), tmp_path / f"{k}.dcm")
    array = load(tmp_path).content.array
    assert array.dtype == np.float32
    assert array[0, :, 0, 0].tolist() == [-899, -949.5]
