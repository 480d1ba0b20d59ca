"""Pictures: colours and frames of X-ray, ultrasound, NM, photographs and secondary capture; tables applied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from builders import augment, make_step
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from witnesses import dicom_errors, realdata

from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import LoadedSample, Volume
from medaug_cli.formats.dicom.picture import ybr_to_rgb
from tests.formats.dicom.datasets import (
    CT,
    MG,
    NM,
    SC,
    SERIES,
    UNCHANGED,
    encode,
    find,
    image,
    load,
    only,
    publish,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from medaug_cli.core.sample import Loaded

US, US_FRAMES, XA = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("6.1", "3.1", "12.1"))
OP, XC = (f"1.2.840.10008.5.1.4.1.1.77.1.{tail}" for tail in ("5.1", "4"))
MOVED = replace(UNCHANGED, moved=True, steps=(("rotate", ("113085", "DCM", "Spatial resampling")),))
COLOURS = np.array([[[255, 0, 10], [0, 200, 20]], [[7, 8, 9], [250, 251, 252]]], np.uint8)  # 2 x 2, RGB


def picture(pixels: NDArray[Any], sop_class: str = SC, **attributes: Any) -> Dataset:
    """Return an image of `pixels` (rows, columns, 3) or (frames, rows, columns[, 3])."""
    coloured = pixels.shape[-1] == 3
    frames = pixels.shape[0] if pixels.ndim == 3 + coloured else None
    plane = np.zeros(pixels.shape[-3:-1] if coloured else pixels.shape[-2:], pixels.dtype)
    about = {
        "Modality": "OT",
        "ConversionType": "DI",
        "PatientOrientation": "",
        "ImageType": ["DERIVED", "SECONDARY"],
        "SamplesPerPixel": 3 if coloured else 1,
        "PhotometricInterpretation": "RGB" if coloured else "MONOCHROME2",
        "PlanarConfiguration": 0 if coloured else None,
        "NumberOfFrames": frames,
    }
    header = image(plane, sop_class, **{**about, **attributes})
    header[0x7FE00010].value = pixels.tobytes() + b"\0" * (pixels.size % 2 * pixels.itemsize % 2)
    return header


def array_of(loaded: Loaded) -> NDArray[Any]:
    assert isinstance(loaded.content, Volume)
    return loaded.content.array


def copy_of(header: Dataset, root: Path, derivation: Any = UNCHANGED) -> Dataset:
    """Return a copy of `header` as pydicom reads it."""
    save(header, root / "in" / "a.dcm")
    return publish(encode(load(root / "in"), derivation), root / "out")[0]


def test_colours_are_components_and_come_back_by_pixel(tmp_path: Path) -> None:
    save(picture(COLOURS), tmp_path / "a.dcm")
    loaded = load(tmp_path)
    assert array_of(loaded).shape == (3, 1, 2, 2)
    assert array_of(loaded)[:, 0, 0, 1].tolist() == [0, 200, 20]
    assert isinstance(loaded.content, Volume)
    assert loaded.content.rgb
    assert only(tmp_path).components == 3
    (made,) = publish(encode(loaded), tmp_path / "out")
    assert (made.PhotometricInterpretation, made.PlanarConfiguration, made.SamplesPerPixel) == ("RGB", 0, 3)
    assert np.array_equal(made.pixel_array, COLOURS)


def test_colour_by_plane_is_read_and_written_by_pixel(tmp_path: Path) -> None:
    header = picture(COLOURS, PlanarConfiguration=1)
    header.PixelData = np.moveaxis(COLOURS, -1, 0).tobytes()
    made = copy_of(header, tmp_path)
    assert made.PlanarConfiguration == 0
    assert np.array_equal(made.pixel_array, COLOURS)


@pytest.mark.parametrize(
    ("ybr", "rgb"),
    [
        ((0, 128, 128), (0, 0, 0)),
        ((255, 128, 128), (255, 255, 255)),
        ((76, 85, 255), (254, 0, 0)),  # pure red: 76 + 1.402 * 127 = 254.05, 76 + 14.80 - 90.69 = 0.1
        ((100, 100, 100), (61, 130, 50)),  # 60.74, 129.63, 50.38
    ],
)
def test_ybr_becomes_rgb_by_the_standards_matrix(ybr: tuple[int, ...], rgb: tuple[int, ...]) -> None:
    assert ybr_to_rgb(np.array([[ybr]], np.uint8))[0, 0].tolist() == list(rgb)


def test_half_as_many_colours_as_pixels_are_written_as_rgb(tmp_path: Path) -> None:
    """YBR_FULL_422 keeps Y1 Y2 Cb Cr for two pixels: 4 bytes a row here; grey where Cb and Cr are 128."""
    header = picture(COLOURS, PhotometricInterpretation="YBR_FULL_422")
    header.PixelData = bytes([10, 20, 128, 128, 30, 40, 128, 128])
    made = copy_of(header, tmp_path)
    assert made.PhotometricInterpretation == "RGB"
    assert made.pixel_array[:, :, 1].tolist() == [[10, 20], [30, 40]]
    assert len(made.PixelData) == 12


def with_palette(header: Dataset, bits: int, entries: list[tuple[int, int, int]]) -> Dataset:
    """Give `header` a palette of `entries`, the first for the stored value 0."""
    header.PhotometricInterpretation = "PALETTE COLOR"
    for colour, values in zip(("Red", "Green", "Blue"), np.array(entries).T, strict=True):
        setattr(header, f"{colour}PaletteColorLookupTableDescriptor", [len(entries), 0, bits])
        table = values.astype("<u2" if bits > 8 else "u1").tobytes()
        header.add_new(f"{colour}PaletteColorLookupTableData", "OW", table + b"\0" * (len(table) % 2))
    header.PaletteColorLookupTableUID = f"{SERIES}.99"
    return header


@pytest.mark.parametrize(("bits", "scale"), [(8, 1), (16, 256)])
def test_a_palette_becomes_the_colours_it_stands_for(tmp_path: Path, bits: int, scale: int) -> None:
    entries = [(0, 0, 0), (255, 128, 0), (10, 20, 30), (1, 2, 3)]
    scaled = [(red * scale, green * scale, blue * scale) for red, green, blue in entries]
    header = with_palette(picture(np.array([[0, 1], [3, 2]], np.uint8), US), bits, scaled)
    header.ICCProfile = b"profile!"
    header.add_new(0x00281221, "OW", b"\0\0\1\0\7\0")  # the red table again, in segments
    made = copy_of(header, tmp_path)
    assert made.PhotometricInterpretation == "RGB"
    assert made.pixel_array.reshape(4, 3).tolist() == [list(entries[index]) for index in (0, 1, 3, 2)]
    assert not [element for element in made if "Palette" in element.name]
    assert made.ICCProfile == b"profile!"


def test_a_palette_of_nuclear_medicine_only_displays_counts_and_stays(tmp_path: Path) -> None:
    header = with_palette(picture(np.array([[0, 1], [3, 2]], np.uint8), NM, Modality="NM"), 16, [(1, 2, 3)] * 4)
    header.ImageType = ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]
    made = copy_of(header, tmp_path)
    assert (made.PhotometricInterpretation, made.SamplesPerPixel) == ("PALETTE COLOR", 1)
    assert made.pixel_array.tolist() == [[0, 1], [3, 2]]
    assert list(made.ImageType) == ["DERIVED", "PRIMARY", "WHOLE BODY", "EMISSION"]


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"PhotometricInterpretation": "ARGB", "SamplesPerPixel": 4}, "ARGB with 4 samples"),
        ({"PhotometricInterpretation": "CANARY", "SamplesPerPixel": 3}, "unknown with 3 samples"),
        ({"SOPClassUID": MG, "Modality": "MG"}, "RGB with 3 samples"),
        ({"SOPClassUID": CT}, "RGB with 3 samples"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "BitsAllocated 32"),
    ],
)
def test_colours_that_would_be_mangled_are_refused_by_name(
    tmp_path: Path, attributes: dict[str, Any], said: str
) -> None:
    save(picture(COLOURS, **attributes), tmp_path / "a.dcm")
    problem = only(tmp_path).problem
    assert problem is not None
    assert problem[0] == "not_supported"
    assert said in problem[1]
    assert "CANARY" not in problem[1]


def test_too_few_bytes_for_the_declared_colours_are_truncated(tmp_path: Path) -> None:
    save(picture(COLOURS, Rows=3), tmp_path / "a.dcm")
    with pytest.raises(SampleError, match=r"truncated: a\.dcm: 12 bytes of pixels where the header declares 18"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("sop_class", "source", "made"),
    [
        (US, ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"], ["DERIVED", "SECONDARY", "ABDOMINAL", "0001"]),
        (XA, ["ORIGINAL", "PRIMARY", "SINGLE PLANE", "VENDOR"], ["DERIVED", "SECONDARY", "SINGLE PLANE"]),
        (SC, ["ORIGINAL", "PRIMARY"], ["DERIVED", "SECONDARY"]),
        (OP, ["ORIGINAL", "PRIMARY", "", "FA", "VENDOR"], ["DERIVED", "PRIMARY", "AUGMENTED", "FA"]),
        (OP, ["DERIVED", "PRIMARY", "MONTAGE"], ["DERIVED", "PRIMARY", "MONTAGE"]),
        (XC, ["ORIGINAL", "PRIMARY", "STEREO L", "VENDOR"], ["DERIVED", "SECONDARY", "STEREO L"]),
        (NM, ["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"], ["DERIVED", "PRIMARY", "STATIC", "EMISSION"]),
    ],
)
def test_image_type_keeps_what_its_class_defines(
    tmp_path: Path, sop_class: str, source: list[str], made: list[str]
) -> None:
    header = picture(np.zeros((2, 4), np.uint16), sop_class, ImageType=source)
    assert list(copy_of(header, tmp_path).ImageType) == made


def test_regions_of_ultrasound_go_where_the_picture_moves(tmp_path: Path) -> None:
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMaxX1 = 0, 1
    header = picture(COLOURS, US, SequenceOfUltrasoundRegions=Sequence([region]))
    assert "SequenceOfUltrasoundRegions" in copy_of(header, tmp_path / "still")
    assert "SequenceOfUltrasoundRegions" not in copy_of(header, tmp_path / "moved", MOVED)


def cine(frames: int = 3, size: int = 17) -> Dataset:
    """Return an ultrasound clip whose frames hold a bright square that dims from frame to frame."""
    pixels = np.zeros((frames, size, size), np.uint8)
    for index in range(frames):
        pixels[index, 3:6, 4:12] = 250 - 10 * index
    header = picture(pixels, US_FRAMES, Modality="US", FrameTime=40, PatientOrientation=["P", "F"])
    header.FrameIncrementPointer = 0x00181063
    return header


def augmented(loaded: Loaded, step: Any) -> Volume:
    return augment(LoadedSample("case", {"image": loaded}, {}), step).images["image"]


def test_frames_are_components_and_keep_their_order_and_times(tmp_path: Path) -> None:
    save(cine(), tmp_path / "in" / "a.dcm")
    loaded = load(tmp_path / "in")
    assert array_of(loaded).shape == (3, 1, 17, 17)
    (made,) = publish(encode(loaded), tmp_path / "out")
    assert np.array_equal(made.pixel_array, pydicom.dcmread(tmp_path / "in" / "a.dcm").pixel_array)
    assert (made.NumberOfFrames, made.FrameTime, made.FrameIncrementPointer) == (3, 40, 0x00181063)


def test_all_frames_move_alike_and_never_into_one_another(tmp_path: Path) -> None:
    """Each frame is 10 grey values darker than the one before, and stays so wherever the rotation put it."""
    save(cine(), tmp_path / "a.dcm")
    loaded = load(tmp_path)
    content = replace(loaded.content, array=array_of(loaded).astype(np.float32))  # bytes would be rounded
    loaded = replace(loaded, content=content)
    moved = augmented(loaded, make_step("rotate", rotation_deg=20)).array
    single = array_of(loaded)[:1]
    alone = replace(loaded, content=Volume(single, loaded.content.geometry))
    assert np.array_equal(augmented(alone, make_step("rotate", rotation_deg=20)).array, moved[:1])
    assert np.allclose(moved[1], moved[0] * 240 / 250, atol=1e-3)
    assert np.allclose(moved[2], moved[0] * 230 / 250, atol=1e-3)
    assert not np.array_equal(moved, array_of(loaded))


def test_colours_of_several_frames_lie_frame_after_frame(tmp_path: Path) -> None:
    pixels = np.stack([COLOURS, 255 - COLOURS])
    save(picture(pixels), tmp_path / "in" / "a.dcm")
    loaded = load(tmp_path / "in")
    assert array_of(loaded)[:, 0, 0, 0].tolist() == [255, 0, 10, 0, 255, 245]
    assert isinstance(loaded.content, Volume)
    assert loaded.content.rgb
    assert np.array_equal(publish(encode(loaded), tmp_path / "out")[0].pixel_array, pixels)


def test_frames_that_a_class_does_not_have_are_refused(tmp_path: Path) -> None:
    save(picture(np.zeros((3, 2, 2), np.uint16), CT), tmp_path / "a.dcm")
    problem = only(tmp_path).problem
    assert problem is not None
    assert problem[0] == "not_supported"


def with_modality_table(header: Dataset, values: list[int], bits: int, first: int = 0) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(values), first, bits])
    item.ModalityLUTType = "OD"
    item.add_new("LUTData", "OW", np.array(values, "<u2").tobytes())
    header.ModalityLUTSequence = Sequence([item])
    return header


def test_a_modality_table_is_applied_and_its_values_are_what_the_copy_stores(tmp_path: Path) -> None:
    header = picture(np.array([[0, 1], [2, 3]], np.uint16), PixelPaddingValue=0)
    made = copy_of(with_modality_table(header, [5, 900, 17, 4000], 12), tmp_path)
    assert made.pixel_array.tolist() == [[5, 900], [17, 4000]]
    assert (made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation) == (16, 12, 11, 0)
    assert (made.RescaleSlope, made.RescaleIntercept, made.RescaleType) == (1, 0, "OD")
    assert "ModalityLUTSequence" not in made
    assert "PixelPaddingValue" not in made


def test_the_ends_of_a_table_serve_what_lies_beyond_them(tmp_path: Path) -> None:
    header = picture(np.array([[-9, -2], [-1, 7]], np.int16))
    made = copy_of(with_modality_table(header, [10, 20], 8, first=-2), tmp_path)
    assert made.pixel_array.tolist() == [[10, 10], [20, 20]]


@pytest.mark.parametrize("descriptor", [[4, 0, 99], [4, 0]])
def test_a_damaged_table_is_a_bad_header(tmp_path: Path, descriptor: list[int]) -> None:
    header = with_modality_table(picture(np.array([[0, 1], [2, 3]], np.uint16)), [5, 900, 17, 4000], 12)
    header.ModalityLUTSequence[0].LUTDescriptor = descriptor
    save(header, tmp_path / "a.dcm")
    problem = only(tmp_path).problem
    assert problem is not None
    assert problem[0] == "bad_header"


def test_a_mirrored_right_eye_is_a_left_one(tmp_path: Path) -> None:
    header = picture(COLOURS, OP, Modality="OP", ImageLaterality="R", ImageType=["ORIGINAL", "PRIMARY"])
    save(header, tmp_path / "in" / "a.dcm")
    loaded = load(tmp_path / "in")
    mirror = replace(MOVED, mirrored=True, swap_laterality=True, turn=((0, -1), (1, 1), (2, 1)))
    flipped = augmented(loaded, make_step("flip", axes=["horizontal"], p=1))
    (made,) = publish(list(encode(loaded, mirror, flipped)), tmp_path / "out")
    assert made.ImageLaterality == "L"
    assert np.array_equal(made.pixel_array, COLOURS[:, ::-1])


PICTURES = ["SC_rgb", "SC_ybr_full_uncompressed", "US1_J2KR", "US1_UNCR", "OBXXXX1A_2frame", "gdcm-US-ALOKA-16"]


@pytest.mark.parametrize("name", [*PICTURES, "mlut_18", "vlut_04", "JPGLosslessP14SV1_1s_1f_8b"])
@pytest.mark.parametrize("derivation", [UNCHANGED, MOVED])
def test_copies_of_real_pictures_have_no_error_that_their_source_had_not(
    tmp_path: Path, name: str, derivation: Any
) -> None:
    path = realdata("single") / f"{name}.dcm"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(path.read_bytes())
    assert len(find(tmp_path / "in").volumes) == 1
    try:
        loaded = load(tmp_path / "in")
    except SampleError as error:
        if error.reason == "codec_missing":
            pytest.skip(str(error))
        raise
    publish(encode(loaded, derivation), tmp_path / "out")
    assert dicom_errors(tmp_path / "out" / "a.dcm") <= dicom_errors(path)
