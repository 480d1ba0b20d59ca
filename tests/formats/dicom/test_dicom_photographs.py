"""Photographs: of eyes, skin, wounds and specimens, each a valid object of its class, and valid as a copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from datasets_for_runs import records_of, run_here, save_recipe
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from witnesses import dicom_errors

from tests.formats.dicom.datasets import SERIES, UNCHANGED, encode, find, load, publish, save
from tests.formats.dicom.test_dicom_pictures import MOVED, picture

if TYPE_CHECKING:
    from pathlib import Path

PHOTO = "1.2.840.10008.5.1.4.1.1.77.1"
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 30, 3), np.uint8)
MIRROR = replace(MOVED, mirrored=True, swap_laterality=True, turn=((0, -1), (1, 1), (2, 1)))
RECIPE = """\
version: 1
copies: 2
dataset: {layout: dicom}
steps:
  - flip: {axes: [horizontal], p: 1}
  - affine: {rotation_deg: [-15, 15], scale: [0.9, 1.1]}
  - color_jitter
checks: null
"""


def coded(code: Any) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def photograph(sop_class: str, modality: str, **attributes: Any) -> Dataset:
    """Return a photograph of something on the right, with what all visible-light classes ask for."""
    about: dict[str, Any] = {
        "Modality": modality,
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "ImageLaterality": "R",
        "PatientOrientation": ["L", "F"],
        "AnatomicRegionSequence": Sequence([coded(codes.SCT.Eye)]),
        "AcquisitionContextSequence": Sequence([]),
        "AcquisitionDateTime": "20200102030405",
        "LossyImageCompression": "00",
        "BurnedInAnnotation": "NO",
        "ContentDate": "20200102",
        "ContentTime": "030405",
        "ManufacturerModelName": "Model",
        "DeviceSerialNumber": "1",
        "SoftwareVersions": "1",
        "ConversionType": None,
    }
    return picture(PIXELS, f"{PHOTO}.{sop_class}", **{**about, **attributes})


def fundus() -> Dataset:
    """Return an ophthalmic photograph (PS3.3 A.41) of one frame."""
    empty = ("IlluminationTypeCodeSequence", "LightPathFilterTypeStackCodeSequence", "RefractiveStateSequence")
    more = ("ImagePathFilterTypeStackCodeSequence", "LensesCodeSequence")
    header = photograph(
        "5.1",
        "OP",
        **{keyword: Sequence([]) for keyword in (*empty, *more)},
        AcquisitionDeviceTypeCodeSequence=Sequence([coded(codes.SCT.FundusCamera)]),
        NumberOfFrames=1,
        FrameTime=40,
        FrameIncrementPointer=0x00181063,
        DetectorType="CCD",
        PupilDilated="NO",
        PatientEyeMovementCommanded="NO",
        HorizontalFieldOfView=45,
        SynchronizationTrigger="NO TRIGGER",
        AcquisitionTimeSynchronized="N",
        SynchronizationFrameOfReferenceUID=f"{SERIES}.5",
    )
    header.EmmetropicMagnification = header.IntraOcularPressure = None
    return header


def mole() -> Dataset:
    """Return a dermoscopic photograph (PS3.3 A.32.11)."""
    header = photograph("7", "DMS", FrameOfReferenceUID=f"{SERIES}.9", PositionReferenceIndicator="")
    header.RecognizableVisualFeatures = "NO"
    for keyword in ("ContactMethod", "EmitterColorTemperature", "OpticalMagnificationFactor"):
        setattr(header, keyword, None)
    header.LightSourcePolarization = None
    return header


KINDS = {
    "eye": fundus,
    "mole": mole,
    "wound": lambda: photograph("4", "XC"),
    "endoscope": lambda: photograph("1", "ES"),
    "microscope": lambda: photograph("2", "GM"),
}


@pytest.mark.parametrize("derivation", [UNCHANGED, MIRROR], ids=["unchanged", "mirrored"])
@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_finds_no_error_in_a_copy_of_a_valid_photograph(kind: str, derivation: Any, tmp_path: Path) -> None:
    save(KINDS[kind](), tmp_path / "in" / "a.dcm")
    assert dicom_errors(tmp_path / "in" / "a.dcm") == set()
    (made,) = publish(encode(load(tmp_path / "in"), derivation), tmp_path / "out")
    assert dicom_errors(tmp_path / "out" / "a.dcm") == set()
    assert (made.PhotometricInterpretation, made.PlanarConfiguration) == ("RGB", 0)
    assert made.ImageLaterality == ("L" if derivation.mirrored else "R")
    assert made.SOPClassUID == KINDS[kind]().SOPClassUID


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_turns_and_colours_photographs(kind: str, tmp_path: Path) -> None:
    save(KINDS[kind](), tmp_path / "data" / "a.dcm")
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), tmp_path / "data", tmp_path / "root")
    records = records_of(tmp_path / "root")
    assert [(record.status, record.message) for record in records] == [("ok", "")] * 2
    for record in records:
        path = tmp_path / "root" / record.output[0].path
        made = pydicom.dcmread(path)
        assert dicom_errors(path) == set()
        assert made.pixel_array.shape == PIXELS.shape
        assert made.ImageLaterality == "L"
    assert len({made.voxel_sha256 for record in records for made in record.output}) == 2


@pytest.mark.parametrize("sop_class", ["1.1", "5.4", "5.5", "6"])
def test_films_tomographs_and_slides_are_refused_by_name(sop_class: str, tmp_path: Path) -> None:
    save(photograph(sop_class, "OT"), tmp_path / "a.dcm")
    (volume,) = find(tmp_path).volumes
    assert volume.problem is not None
    assert volume.problem[0] == "not_supported"
    assert "Image Storage" in volume.problem[1]
