"""Classes: a copy of an image of every class that is read has no error by dciodvfy that its source did not have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom import uid
from witnesses import dicom_errors

from medaug_cli.formats.dicom.classes import ENHANCED, MODALITIES
from tests.formats.dicom.datasets import encode, load, publish, save
from tests.formats.dicom.test_dicom_photographs import MIRROR
from tests.formats.dicom.test_dicom_pictures import picture

if TYPE_CHECKING:
    from pathlib import Path

CLASSIC = [sop_class for sop_class in MODALITIES if sop_class not in ENHANCED]
THIRD_VALUES = {"XA": ["SINGLE PLANE"], "RF": ["SINGLE PLANE"], "NM": ["STATIC", "EMISSION"], "CT": ["AXIAL"]}
CHANGED = replace(MIRROR, intensity_changed=True)


def image_of(sop_class: str) -> pydicom.Dataset:
    """Return an image of `sop_class`, of three frames where it may have several, with what many classes ask for."""
    modality, name = MODALITIES[sop_class], uid.UID(sop_class).name
    framed = "Multi-frame" in name or modality in {"XA", "RF", "NM"}
    short = modality in {"US", "SC"} and "Word" not in name
    shape = (*((3,) if framed else ()), 20, 24, *((3,) if "True Color" in name else ()))
    pixels = np.random.default_rng(0).integers(0, 200, shape).astype(np.uint8 if short else np.uint16)
    scaled = "Grayscale" in name or modality in {"CT", "PT"}
    about: dict[str, Any] = {
        "Modality": "OT" if modality == "SC" else modality,
        "ImageType": ["ORIGINAL", "PRIMARY", *THIRD_VALUES.get(modality, [])],
        "PatientOrientation": ["L", "F"],
        "Laterality": "R",
        "BurnedInAnnotation": "NO",
        "LossyImageCompression": "00",
        "WindowCenter": 50,
        "WindowWidth": 100,
        "KVP": 80,
    }
    if framed:
        about |= {"FrameTime": 40, "FrameIncrementPointer": 0x00181063}
    if scaled:
        about |= {"RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "US"}
    if modality in {"XA", "RF"}:
        about |= {"PixelIntensityRelationship": "LOG", "RadiationSetting": "SC"}
    return picture(pixels, sop_class, **about)


@pytest.mark.parametrize("sop_class", CLASSIC, ids=lambda one: one.rpartition("1.1.")[2])
def test_a_copy_has_no_error_that_its_source_had_not(sop_class: str, tmp_path: Path) -> None:
    source = image_of(sop_class)
    save(source, tmp_path / "in" / "a.dcm")
    (made,) = publish(encode(load(tmp_path / "in"), CHANGED), tmp_path / "out")
    assert dicom_errors(tmp_path / "out" / "a.dcm") <= dicom_errors(tmp_path / "in" / "a.dcm")
    assert (made.SOPClassUID, made.Laterality) == (sop_class, "L")
    assert made.get("NumberOfFrames") == source.get("NumberOfFrames")
