"""Read: real values, what is void, and a refusal of every file that does not hold what it declares."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import Source, Volume
from medaug_cli.formats import Limits
from medaug_cli.formats.dicom import FORMAT
from medaug_cli.formats.dicom.header import read_dataset
from tests.formats.dicom.datasets import (
    CR,
    DX,
    assert_files_or_reason,
    encode,
    image,
    load,
    mammogram,
    only,
    placed,
    ramp,
    save,
    save_series,
    source,
)

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.sample import Loaded


def voxels(loaded: Loaded) -> Any:
    """Return the array of a volume."""
    assert isinstance(loaded.content, Volume)
    return loaded.content.array


def refusal(root: Path) -> str:
    """Return the reason for which the only volume under `root` is not read."""
    with pytest.raises(SampleError) as raised:
        load(root)
    return raised.value.reason


def test_each_slice_is_rescaled_by_its_own_slope(tmp_path: Path) -> None:
    """Stored 101 with slopes 1, 0.5, 0.25 and 2.5 are 101, 50.5, 25.25 and 252.5."""
    for k, slope in enumerate((1, 0.5, 0.25, 2.5)):
        pixels = np.full((4, 6), 101, np.int16)
        save(image(pixels, number=k + 1, **placed(k, RescaleSlope=slope, RescaleIntercept=0)), tmp_path / f"{k}.dcm")
    array = voxels(load(tmp_path))
    assert array.dtype == np.float32
    assert array[0, :, 0, 0].tolist() == [101, 50.5, 25.25, 252.5]


def test_array_axes_are_component_slice_row_column(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(0), ramp(1)], RescaleSlope=1, RescaleIntercept=-1024)
    array = voxels(load(tmp_path))
    assert array.shape == (1, 2, 4, 6)
    assert array[0, 1, 2, 3] == 100 + 2 * 6 + 3 - 1024


def test_twelve_signed_bits_in_sixteen_are_sign_extended(tmp_path: Path) -> None:
    pixels = np.array([[0x0FFF, 0x0800, 0x07FF, 0x0001]], np.int16)  # -1, -2048, 2047, 1 in 12 bits
    save(image(pixels, BitsStored=12, **placed()), tmp_path / "a.dcm")
    assert voxels(load(tmp_path))[0, 0, 0].tolist() == [-1, -2048, 2047, 1]


def test_overlay_bits_above_bits_stored_are_no_part_of_the_value(tmp_path: Path) -> None:
    pixels = np.array([[0x1005, 0x8007]], np.uint16)
    save(image(pixels, BitsStored=12, **placed()), tmp_path / "a.dcm")
    assert voxels(load(tmp_path))[0, 0, 0].tolist() == [5, 7]


def test_monochrome1_is_read_so_that_bright_is_high(tmp_path: Path) -> None:
    pixels = np.array([[0, 1023, 23]], np.uint16)
    header = image(pixels, DX, BitsStored=10, PhotometricInterpretation="MONOCHROME1", Modality="DX")
    save(header, tmp_path / "a.dcm")
    assert voxels(load(tmp_path))[0, 0, 0].tolist() == [1023, 0, 1000]


def test_padding_is_void_and_filled_with_the_smallest_measurement(tmp_path: Path) -> None:
    pixels = np.array([[-2000, 40, -900]], np.int16)
    save(image(pixels, **placed(PixelPaddingValue=-2000, RescaleSlope=1, RescaleIntercept=-24)), tmp_path / "a.dcm")
    content = load(tmp_path).content
    assert isinstance(content, Volume)
    assert content.void is not None
    assert content.void[0, 0].tolist() == [True, False, False]
    assert content.array[0, 0, 0].tolist() == [-924, 16, -924]
    assert content.grows


def test_a_padding_value_written_as_unsigned_is_taken_for_the_signed_one_it_is(tmp_path: Path) -> None:
    header = image(np.array([[-2000, 40]], np.int16), **placed())
    header.add_new(0x00280120, "US", 63536)
    save(header, tmp_path / "a.dcm")
    content = load(tmp_path).content
    assert isinstance(content, Volume)
    assert content.void is not None
    assert content.void[0, 0].tolist() == [True, False]


def test_a_padding_range_covers_what_lies_between_its_ends(tmp_path: Path) -> None:
    pixels = np.array([[0, 3, 5, 6]], np.uint16)
    save(image(pixels, CR, Modality="CR", PixelPaddingValue=0, PixelPaddingRangeLimit=5), tmp_path / "a.dcm")
    content = load(tmp_path).content
    assert isinstance(content, Volume)
    assert content.void is not None
    assert content.void[0, 0].tolist() == [True, True, True, False]


def test_a_declared_but_unused_padding_value_still_says_what_comes_from_outside(tmp_path: Path) -> None:
    save(image(ramp(), **placed(PixelPaddingValue=-2000)), tmp_path / "a.dcm")
    content = load(tmp_path).content
    assert isinstance(content, Volume)
    assert content.void is not None
    assert not content.void.any()


def test_the_entry_hashes_the_file_as_it_lies_on_the_disk(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(0), ramp(1)])
    entry = load(tmp_path).entries[1]
    data = (tmp_path / "1.dcm").read_bytes()
    assert (entry.path, entry.bytes, entry.sha256) == ("1.dcm", len(data), hashlib.sha256(data).hexdigest())
    assert set(entry.uids) == {"sop_instance", "series_instance", "frame_of_reference"}


def test_rle_is_read_as_what_was_compressed(tmp_path: Path) -> None:
    header = image(ramp(), **placed())
    header.file_meta = pydicom.dataset.FileMetaDataset()
    header.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    header.compress(RLELossless, generate_instance_uid=False)
    save(header, tmp_path / "a.dcm")
    assert np.array_equal(voxels(load(tmp_path))[0, 0], ramp())


def test_a_file_changed_since_it_was_found_is_refused(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(0), ramp(1)])
    volume = only(tmp_path)
    os.utime(tmp_path / "1.dcm", ns=(1, 1))
    with pytest.raises(SampleError, match="source_changed"):
        load(tmp_path, volume)


def test_pixels_cut_short_are_truncated(tmp_path: Path) -> None:
    save(image(ramp(), **placed()), tmp_path / "a.dcm")
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(data[:-10])
    assert refusal(tmp_path) == "truncated"


def test_compressed_pixels_cut_short_are_refused(tmp_path: Path) -> None:
    header = image(ramp(0, 64, 64), **placed())
    header.file_meta = pydicom.dataset.FileMetaDataset()
    header.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    header.compress(RLELossless, generate_instance_uid=False)
    save(header, tmp_path / "a.dcm")
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(data[:-300])
    assert refusal(tmp_path) in {"truncated", "undecodable"}


def test_a_file_without_pixels_is_truncated(tmp_path: Path) -> None:
    header = image(ramp(), **placed())
    del header[0x7FE00010]
    save(header, tmp_path / "a.dcm")
    assert refusal(tmp_path) == "truncated"


def test_more_pixels_than_declared_are_refused(tmp_path: Path) -> None:
    save(image(ramp(), Columns=5, **placed()), tmp_path / "a.dcm")
    assert refusal(tmp_path) == "bad_length"


def test_one_byte_that_makes_the_length_even_is_no_pixel(tmp_path: Path) -> None:
    header = image(np.array([[1, 2, 3]], np.uint8), CR, Modality="CR")
    header[0x7FE00010].value += b"\0"
    save(header, tmp_path / "a.dcm")
    assert voxels(load(tmp_path))[0, 0, 0].tolist() == [1, 2, 3]


def test_a_header_that_declares_too_much_is_refused_before_decoding(tmp_path: Path) -> None:
    save(image(ramp(), **placed(Rows=60000, Columns=60000)), tmp_path / "a.dcm")
    assert refusal(tmp_path) == "too_large"


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"RescaleSlope": 0}, "bad_header"),
        ({"Rows": [4, 0]}, "bad_header"),
        ({"PixelRepresentation": None}, "bad_header"),
    ],
)
def test_a_header_that_cannot_be_meant_is_refused(tmp_path: Path, attributes: dict[str, Any], reason: str) -> None:
    save(image(ramp(), **placed(**attributes)), tmp_path / "a.dcm")
    with pytest.raises(SampleError) as raised:
        FORMAT.read(tmp_path, Source("image", "image", "dicom", ("a.dcm",)), Limits())
    assert raised.value.reason == reason


def test_a_missing_codec_names_the_syntax_and_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = image(ramp(), **placed())
    save(header, tmp_path / "a.dcm")
    data = (tmp_path / "a.dcm").read_bytes()
    j2k = b"1.2.840.10008.1.2.4.91"
    there = b"1.2.840.10008.1.2.1\0"
    meta = pydicom.dcmread(tmp_path / "a.dcm").file_meta.FileMetaInformationGroupLength
    data = data.replace(b"UI\x14\0" + there, b"UI\x16\0" + j2k, 1)
    data = data.replace(meta.to_bytes(4, "little"), (meta + 2).to_bytes(4, "little"), 1)
    (tmp_path / "a.dcm").write_bytes(data)
    decoder = sys.modules["pydicom.pixels.decoders.base"].JPEG2000Decoder
    monkeypatch.setattr(type(decoder), "is_available", property(lambda _: False))
    with pytest.raises(SampleError, match=r"codec_missing: a.dcm: .*JPEG 2000.*pip install pylibjpeg"):
        load(tmp_path)


def test_a_mislabelled_syntax_is_undecodable(tmp_path: Path) -> None:
    header = image(ramp(), **placed())
    header.file_meta = pydicom.dataset.FileMetaDataset()
    header.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    header.compress(RLELossless, generate_instance_uid=False)
    header.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    save(header, tmp_path / "a.dcm")
    assert refusal(tmp_path) == "undecodable"


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_end_in_a_reason_and_in_no_other_exception(tmp_path: Path, seed: int) -> None:
    """40 files a seed, each with up to 20 bytes of its header overwritten, left out or cut off."""
    save(mammogram(ramp().astype(np.uint16), PixelPaddingValue=3), tmp_path / "whole.dcm")
    whole, rng = (tmp_path / "whole.dcm").read_bytes(), np.random.default_rng(seed)
    for _ in range(40):
        data = bytearray(whole)
        for at in rng.integers(132, len(whole) - 60, rng.integers(1, 20)):
            data[at : at + rng.integers(0, 2)] = rng.bytes(1)
        (tmp_path / "a.dcm").write_bytes(data[: rng.integers(140, len(data))] if rng.random() < 0.2 else data)
        found = FORMAT.find(tmp_path, ["a.dcm"])
        assert len(found.volumes) + len(found.left_alone) == 1
        for volume in found.volumes:
            try:
                made = () if volume.problem else encode(load(tmp_path, volume))
                reason, message = volume.problem or ("", "")
            except SampleError as error:
                made, reason, message = (), error.reason, error.message
            assert_files_or_reason(made, reason, message)


def test_labels_are_not_read_from_dicom(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(0), ramp(1)])
    with pytest.raises(SampleError, match="not_supported"):
        FORMAT.read(tmp_path, Source("label", "a", "dicom", source(only(tmp_path)).files), Limits())


def test_zeros_behind_the_pixels_are_passed_over(tmp_path: Path) -> None:
    """A real series has 2.5 MB of them in each file, which read as 300,000 empty elements."""
    save(image(ramp(), **placed()), tmp_path / "a.dcm")
    with (tmp_path / "a.dcm").open("ab") as file:
        file.write(bytes(1_000_000))
    assert np.array_equal(voxels(load(tmp_path))[0, 0], ramp())


@pytest.mark.parametrize(
    ("said", "window"),
    [
        ({"WindowCenter": 40, "WindowWidth": 400}, (40, 400)),
        ({"WindowCenter": [40, -600], "WindowWidth": [400, 1500]}, (40, 400)),
        ({"WindowCenter": 40}, None),
        ({"WindowCenter": 40, "WindowWidth": 0}, None),
        ({}, None),
    ],
)
def test_the_first_window_of_the_header_is_the_window(
    tmp_path: Path, said: dict[str, Any], window: tuple[float, float] | None
) -> None:
    save(image(ramp(), **placed(**said)), tmp_path / "a.dcm")
    assert load(tmp_path).window == window


def test_the_window_of_a_monochrome1_image_is_turned_round_with_its_values(tmp_path: Path) -> None:
    """10 bits hold 0 to 1023, so a stored value v is read as 1023 - v, and 300 as 723."""
    said = {"WindowCenter": 300, "WindowWidth": 90, "PhotometricInterpretation": "MONOCHROME1", "BitsStored": 10}
    save(mammogram(ramp().astype(np.uint16), **said), tmp_path / "a.dcm")
    assert load(tmp_path).window == (723, 90)


@pytest.mark.parametrize(
    ("syntax", "is_lent"),
    [
        (ImplicitVRLittleEndian, True),
        (ExplicitVRLittleEndian, True),
        (ExplicitVRBigEndian, True),
        (DeflatedExplicitVRLittleEndian, False),
    ],
)
def test_native_pixels_lie_where_the_file_was_read_to_and_all_else_is_the_same(
    syntax: pydicom.uid.UID, tmp_path: Path, *, is_lent: bool
) -> None:
    header = image(ramp(), **placed())
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    order = "<" if syntax.is_little_endian else ">"
    header.PixelData = ramp().astype(ramp().dtype.newbyteorder(order)).tobytes()
    pydicom.dcmwrite(tmp_path / "a.dcm", header, enforce_file_format=True)
    data = (tmp_path / "a.dcm").read_bytes()
    copied, lent = (read_dataset(io.BytesIO(data), "a.dcm", data=given) for given in (None, data))
    pixels = lent.get_item("PixelData").value
    assert isinstance(pixels, memoryview) == is_lent
    assert bytes(pixels) == copied.get_item("PixelData").value == header.PixelData
    assert {tag: element for tag, element in lent.items() if tag < 0x7FE00010} == {
        tag: element for tag, element in copied.items() if tag < 0x7FE00010
    }
    assert voxels(load(tmp_path))[0, 0].tolist() == ramp().tolist()
