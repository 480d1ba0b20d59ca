"""Encoding: copies compressed without loss are, bit for bit, what an independent decoder reads."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.pixels.encoders.base import get_encoder
from witnesses import dicom_errors

from medaug_cli.core.errors import RecipeError, SampleError
from medaug_cli.core.lazy import sitk
from medaug_cli.recipe import load_recipe
from medaug_cli.transforms import load_step
from tests.datasets_for_runs import save_recipe
from tests.formats.dicom.datasets import SC, UNCHANGED, encode, image, load, placed, publish, ramp, save
from tests.formats.dicom.test_dicom_pictures import US, XC, picture

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

SYNTAXES = {"rle": uid.RLELossless, "jpegls": uid.JPEGLSLossless, "j2k": uid.JPEG2000Lossless}
MODULES = {"rle": "pydicom", "jpegls": "jpeg_ls", "j2k": "openjpeg"}


def noise(low: int, high: int, kind: Any, size: tuple[int, ...] = (40, 60)) -> Any:
    return np.random.default_rng(1).integers(low, high, size).astype(kind)


SOURCES = {
    "signed": lambda: image(noise(-32768, 32767, np.int16), **placed()),
    "signed 12 bits": lambda: image(noise(-2048, 2047, np.int16), BitsStored=12, **placed()),
    "unsigned 12 bits": lambda: image(noise(0, 4095, np.uint16), BitsStored=12, **placed()),
    "bytes, odd": lambda: image(noise(0, 99, np.uint8, (33, 35)), **placed()),
    "colours": lambda: picture(noise(0, 255, np.uint8, (40, 50, 3))),
    "frames of colours": lambda: picture(noise(0, 255, np.uint8, (4, 40, 50, 3))),
}


def copy_of(header: Dataset, root: Path, syntax: Any) -> Dataset:
    save(header, root / "in" / "a.dcm")
    return publish(encode(load(root / "in"), replace(UNCHANGED, transfer_syntax=syntax)), root / "out")[0]


def copy_file(header: Dataset, root: Path, syntax: Any) -> Path:
    copy_of(header, root, syntax)
    return root / "out" / "a.dcm"


@pytest.mark.parametrize("syntax", list(SYNTAXES))
@pytest.mark.parametrize("source", list(SOURCES))
def test_a_compressed_copy_decodes_to_the_stored_values_of_its_source(tmp_path: Path, syntax: str, source: str) -> None:
    pytest.importorskip(MODULES[syntax])
    header = SOURCES[source]()
    made = copy_of(header, tmp_path, syntax)
    wanted = pydicom.dcmread(tmp_path / "in" / "a.dcm").pixel_array
    assert made.file_meta.TransferSyntaxUID == SYNTAXES[syntax]
    assert np.array_equal(made.pixel_array, wanted)
    assert np.array_equal(np.asarray(load(tmp_path / "out").content.array), load(tmp_path / "in").content.array)
    assert "LossyImageCompression" not in made


@pytest.mark.parametrize("sop_class", [SC, US, XC])
@pytest.mark.parametrize("syntax", list(SYNTAXES))
def test_dciodvfy_finds_no_error_in_a_compressed_copy(tmp_path: Path, syntax: str, sop_class: str) -> None:
    """Colours in JPEG 2000 are YBR_RCT, as ultrasound allows nothing else there."""
    pytest.importorskip(MODULES[syntax])
    made = copy_of(picture(noise(0, 255, np.uint8, (40, 50, 3)), sop_class), tmp_path, syntax)
    assert made.PhotometricInterpretation == ("YBR_RCT" if syntax == "j2k" else "RGB")
    assert dicom_errors(tmp_path / "out" / "a.dcm") <= dicom_errors(tmp_path / "in" / "a.dcm")


@pytest.mark.parametrize("syntax", list(SYNTAXES))
@pytest.mark.parametrize("source", list(SOURCES))
def test_simpleitk_reads_a_compressed_copy_as_it_reads_a_plain_one(tmp_path: Path, syntax: str, source: str) -> None:
    """Its decoders are GDCM's own."""
    pytest.importorskip(MODULES[syntax])
    header = SOURCES[source]()
    plain, packed = (copy_file(header, tmp_path / one, one) for one in ("explicit", syntax))
    assert np.array_equal(*(sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in (plain, packed)))


@pytest.mark.parametrize("syntax", list(SYNTAXES))
def test_compression_changes_the_file_and_not_the_hash_of_its_voxels(tmp_path: Path, syntax: Any) -> None:
    pytest.importorskip(MODULES[syntax])
    save(image(ramp(0, 40, 40), **placed()), tmp_path / "a.dcm")
    loaded = load(tmp_path)
    (plain,), (packed,) = encode(loaded), encode(loaded, replace(UNCHANGED, transfer_syntax=syntax))
    assert plain.voxel_sha256 == packed.voxel_sha256
    assert plain.data != packed.data
    assert packed.data == encode(loaded, replace(UNCHANGED, transfer_syntax=syntax))[0].data


def test_a_lossy_source_stays_marked_as_lossy_when_packed_without_loss(tmp_path: Path) -> None:
    header = image(ramp(), LossyImageCompression="01", LossyImageCompressionRatio=9, **placed())
    made = copy_of(header, tmp_path, "rle")
    assert (made.LossyImageCompression, made.LossyImageCompressionRatio) == ("01", 9)


def test_a_recipe_for_an_encoder_that_is_not_installed_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "jpeg_ls" else found(name))
    recipe = "version: 1\nsteps: [gamma]\noutput: {transfer_syntax: %s}\n"
    assert load_recipe(save_recipe(tmp_path / "a.yaml", recipe % "rle")).output.transfer_syntax == "rle"
    with pytest.raises(RecipeError, match=r"jpegls needs an encoder.*pip install \"medaug\[codecs\]\""):
        load_recipe(save_recipe(tmp_path / "b.yaml", recipe % "jpegls"))


def test_pixels_that_an_encoder_cannot_hold_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("openjpeg")
    save(image(ramp(0, 4, 6), **placed()), tmp_path / "a.dcm")
    with pytest.raises(SampleError, match=r"not_supported: .*JPEG 2000.*transfer_syntax: explicit"):
        encode(load(tmp_path), replace(UNCHANGED, transfer_syntax="j2k"))


def test_a_worker_without_the_encoder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(image(ramp(), **placed()), tmp_path / "a.dcm")
    encoder = get_encoder(uid.JPEGLSLossless)
    monkeypatch.setattr(type(encoder), "available_plugins", property(lambda _: ()))
    with pytest.raises(SampleError, match=r"codec_missing: a\.dcm: to write JPEG-LS Lossless.*pip install pyjpegls"):
        encode(load(tmp_path), replace(UNCHANGED, transfer_syntax="jpegls"))


@pytest.mark.parametrize(
    ("source", "ratios", "methods"),
    [
        ({}, [7.5], ["ISO_10918_1"]),
        (
            {"LossyImageCompressionRatio": 9, "LossyImageCompressionMethod": "ISO_15444_1"},
            [9, 7.5],
            ["ISO_15444_1", "ISO_10918_1"],
        ),
        ({"LossyImageCompressionRatio": 9}, [9, 7.5], None),
    ],
)
def test_a_copy_that_went_through_a_lossy_step_says_so(
    tmp_path: Path, source: dict[str, Any], ratios: list[float], methods: list[str] | None
) -> None:
    """PS3.3 C.7.6.1.1.5: once an image has been compressed with loss it stays marked, with a ratio for each time."""
    steps = (("jpeg", load_step("jpeg").code),)
    lossy = replace(UNCHANGED, intensity_changed=True, steps=steps, lossy_ratios=(7.5,))
    save(image(ramp(), **placed(**source)), tmp_path / "in" / "a.dcm")
    made = publish(encode(load(tmp_path / "in"), lossy), tmp_path / "out")[0]
    assert made.LossyImageCompression == "01"
    assert [float(ratio) for ratio in np.atleast_1d(made.LossyImageCompressionRatio)] == ratios
    said = made.get("LossyImageCompressionMethod")
    assert (None if said is None else np.atleast_1d(said).tolist()) == methods
    assert made.DerivationCodeSequence[0].CodeMeaning == "Lossy Compression"
