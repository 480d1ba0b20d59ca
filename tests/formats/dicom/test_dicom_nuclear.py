"""Nuclear medicine: detectors, whose places and views stand in items of their own, in copies (PS3.3 C.8.4.11)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medaug_cli.core.sample import Volume
from medaug_cli.spatial.grids import window_grid, zoomed_grid
from tests.formats.dicom.datasets import NM, UNCHANGED, encode, load, publish, save
from tests.formats.dicom.test_dicom_pictures import picture

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import Derivation, Loaded

CUT = replace(UNCHANGED, steps=(("crop", ("113085", "DCM", "Spatial resampling")),))
MIRROR = replace(UNCHANGED, moved=True, mirrored=True, swap_laterality=True, turn=((0, -1), (1, 1), (2, 1)))
CORONAL = [1, 0, 0, 0, 0, -1]
VECTORS = {"EnergyWindowVector": [1, 1], "DetectorVector": [1, 2], "FrameIncrementPointer": [0x00540010, 0x00540020]}


def detector(**attributes: Any) -> Dataset:
    """Return a detector whose picture has its first pixel at (-30, 5, 40), rows to L and columns to F."""
    plane = {"ImagePositionPatient": [-30, 5, 40], "ImageOrientationPatient": CORONAL, "CollimatorType": "PARA"}
    made = Dataset()
    for keyword, value in {**plane, "FocalDistance": "0", **attributes}.items():
        if value is not None:
            setattr(made, keyword, value)
    return made


def scan(folder: Path, detectors: list[Dataset], **attributes: Any) -> Loaded:
    """Return two frames, one a detector, of 12 x 8 pixels of 2 x 3 mm."""
    about = {"Modality": "NM", "ImageType": ["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"], "PixelSpacing": [3, 2]}
    header = picture(np.arange(192, dtype=np.uint16).reshape(2, 8, 12), NM, **{**about, **VECTORS, **attributes})
    header.DetectorInformationSequence = Sequence(detectors)
    save(header, folder / "a.dcm")
    return load(folder)


def copy_of(loaded: Loaded, folder: Path, derivation: Derivation = CUT, grid: Geometry | None = None) -> Dataset:
    assert isinstance(loaded.content, Volume)
    grid = grid or loaded.content.geometry
    array = np.zeros((2, *grid.size[::-1]), np.float32)
    return publish(encode(loaded, derivation, Volume(array, grid)), folder)[0]


def cut(loaded: Loaded, folder: Path) -> Dataset:
    """Return the copy without the first two columns and the first row."""
    return copy_of(loaded, folder, grid=window_grid(loaded.volume.geometry, (2, 1, 0), (6, 4, 1)))


def test_a_cut_scan_says_where_the_first_pixel_of_each_detector_is(tmp_path: Path) -> None:
    """Two columns of 2 mm to L and one row of 3 mm to F."""
    back = detector(ImagePositionPatient=[30, -5, 40], ImageOrientationPatient=[-1, 0, 0, 0, 0, -1])
    made = cut(scan(tmp_path / "in", [detector(), back]), tmp_path / "out")
    assert [list(one.ImagePositionPatient) for one in made.DetectorInformationSequence] == [[-26, 5, 37], [26, -5, 37]]
    assert list(made.DetectorInformationSequence[0].ImageOrientationPatient) == CORONAL


def test_the_first_of_larger_pixels_has_its_centre_further_in(tmp_path: Path) -> None:
    """4 x 6 mm in place of 2 x 3 mm over the same field: half an old pixel further along both."""
    loaded = scan(tmp_path / "in", [detector()])
    made = copy_of(loaded, tmp_path / "out", grid=zoomed_grid(loaded.volume.geometry, (6, 4, 1), (4, 6, 1)))
    assert list(made.DetectorInformationSequence[0].ImagePositionPatient) == [-29, 5, 38.5]
    assert list(made.PixelSpacing) == [6, 4]


@pytest.mark.parametrize(
    ("of_detector", "of_picture"), [({"ImageOrientationPatient": None}, {}), ({}, {"PixelSpacing": None})]
)
def test_a_place_that_cannot_be_followed_is_emptied(
    of_detector: dict[str, Any], of_picture: dict[str, Any], tmp_path: Path
) -> None:
    made = cut(scan(tmp_path / "in", [detector(**of_detector)], **of_picture), tmp_path / "out")
    assert made.DetectorInformationSequence[0].ImagePositionPatient is None


def test_a_cut_scan_does_not_say_what_its_detectors_saw(tmp_path: Path) -> None:
    seen = {"FieldOfViewDimensions": [540, 400], "ZoomFactor": [2, 2], "ZoomCenter": [1, 1], "RadialPosition": [250]}
    (made,) = cut(scan(tmp_path / "in", [detector(**seen)]), tmp_path / "out").DetectorInformationSequence
    assert [keyword for keyword in seen if keyword in made] == ["RadialPosition"]


def test_what_tells_frames_apart_stays_with_them(tmp_path: Path) -> None:
    made = cut(scan(tmp_path / "in", [detector(), detector()]), tmp_path / "out")
    assert {keyword: made[keyword].value for keyword in VECTORS} == VECTORS
    assert made.NumberOfFrames == 2


def test_a_scan_that_moves_on_its_grid_keeps_where_its_pixels_are(tmp_path: Path) -> None:
    moved = replace(CUT, moved=True)
    (made,) = copy_of(scan(tmp_path / "in", [detector(ZoomFactor=[2, 2])]), tmp_path / "out", moved).get(
        "DetectorInformationSequence"
    )
    assert (list(made.ImagePositionPatient), list(made.ZoomFactor)) == ([-30, 5, 40], [2, 2])


def test_a_mirrored_scan_was_seen_from_the_other_side(tmp_path: Path) -> None:
    view = Dataset()
    view.CodeValue, view.CodingSchemeDesignator, view.CodeMeaning = "399173006", "SCT", "left lateral"
    loaded = scan(tmp_path / "in", [detector(ViewCodeSequence=Sequence([view]))])
    (made,) = copy_of(loaded, tmp_path / "out", MIRROR).DetectorInformationSequence
    assert [(one.CodeValue, one.CodeMeaning) for one in made.ViewCodeSequence] == [("399198007", "right lateral")]


def test_a_picture_that_names_its_place_beside_its_class_has_it_followed(tmp_path: Path) -> None:
    loaded = scan(tmp_path / "in", [detector()], ImagePositionPatient=[0, 0, 0], ImageOrientationPatient=CORONAL)
    assert list(cut(loaded, tmp_path / "out").ImagePositionPatient) == [4, 0, -3]
