"""Regions of ultrasound, and what a projection says of its source, where real steps move the picture.

The oracle is painted: a region's box must still enclose what was painted inside it, and one marked pixel must keep its
physical coordinates as the standard computes them from region, reference pixel and deltas (PS3.3 C.8.5.5.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from datasets_for_runs import run_here, save_recipe
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from witnesses import dicom_errors, realdata

from medaug_cli.formats.dicom.regions import move_regions
from tests.formats.dicom.datasets import DX, image, save
from tests.formats.dicom.test_dicom_pictures import US, picture

if TYPE_CHECKING:
    from pathlib import Path

PAINTED, MARKED = 100, 250
CM, SECONDS = 3, 4
SIZE = 24  # square, so that quarter turns keep it all


def region(x0: int, y0: int, x1: int, y1: int, **more: Any) -> Dataset:
    """Return a region of 0.1 cm and 0.25 s a pixel, whose reference lies 2 pixels right of and 1 below its corner."""
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = 1, 1, 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = x0, y0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x1, y1
    item.ReferencePixelX0, item.ReferencePixelY0 = 2, 1
    item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = CM, SECONDS
    item.ReferencePixelPhysicalValueX, item.ReferencePixelPhysicalValueY = 5.0, 7.0
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.1, 0.25
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


def scan(*regions: Dataset) -> Dataset:
    """Return an ultrasound picture in which a box of 9 x 5 pixels is painted and one pixel of it marked."""
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[6:11, 4:13], pixels[9, 6] = PAINTED, MARKED
    return picture(
        pixels, US, Modality="US", PatientOrientation=["P", "F"], SequenceOfUltrasoundRegions=Sequence(regions)
    )


def run_on(header: Dataset, steps: str, root: Path) -> Dataset:
    """Return the copy that a run of `steps` makes of `header`."""
    save(header, root / "dataset" / "a.dcm")
    recipe = save_recipe(root / "recipe.yaml", f"version: 1\ncopies: 1\nsteps: [{steps}]\n")
    tally, events = run_here(recipe, root / "dataset", root / "root")
    assert tally.exit_code() == 0, events
    (copy,) = (root / "root").rglob("*.dcm")
    return pydicom.dcmread(copy)


def box_of(painted: np.ndarray[Any, Any]) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 of what is true."""
    rows, columns = np.nonzero(painted)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def region_box(item: Dataset) -> tuple[int, int, int, int]:
    return (
        item.RegionLocationMinX0,
        item.RegionLocationMinY0,
        item.RegionLocationMaxX1,
        item.RegionLocationMaxY1,
    )


def physical(item: Dataset, x: int, y: int) -> dict[int, float]:
    """Return the physical coordinates of pixel (x, y) by unit."""
    along_x = (x - item.RegionLocationMinX0 - item.ReferencePixelX0) * item.PhysicalDeltaX
    along_y = (y - item.RegionLocationMinY0 - item.ReferencePixelY0) * item.PhysicalDeltaY
    return {
        item.PhysicalUnitsXDirection: item.ReferencePixelPhysicalValueX + along_x,
        item.PhysicalUnitsYDirection: item.ReferencePixelPhysicalValueY + along_y,
    }


@pytest.mark.parametrize(
    "steps",
    [
        "flip: {axes: [horizontal]}",
        "flip: {axes: [vertical]}",
        "rotate90: {plane: picture, turns: 1}",
        "rotate90: {plane: picture, turns: 2}",
        "rotate90: {plane: picture, turns: 3}",
        "crop: {start: [2, 3, 0], size: [20, 18]}",
        "crop: {start: [6, 8, 0], size: [12, 12]}",
        "pad: {start: [-3, -2, 0], size: [30, 27], fill: 0}",
        "flip: {axes: [vertical]}}, {crop: {start: [1, 2, 0], size: [20, 20]}}, {rotate90: {turns: 1, plane: picture}",
    ],
)
def test_a_region_lies_where_what_is_in_it_went(steps: str, tmp_path: Path) -> None:
    made = run_on(scan(region(4, 6, 12, 10)), f"{{{steps}}}", tmp_path)
    (item,) = made.SequenceOfUltrasoundRegions
    pixels = made.pixel_array
    assert region_box(item) == box_of(pixels >= PAINTED)
    (y,), (x,) = np.nonzero(pixels == MARKED)
    found = physical(item, int(x), int(y))
    assert found == pytest.approx({CM: 5.0, SECONDS: 7.0 + 2 * 0.25})
    assert dicom_errors(next((tmp_path / "root").rglob("*.dcm"))) <= dicom_errors(tmp_path / "dataset" / "a.dcm")


def test_a_turned_region_has_nothing_of_the_axis_that_was_there(tmp_path: Path) -> None:
    header, region = Dataset(), Dataset()
    region.RegionLocationMinX0, region.RegionLocationMaxX1 = 1, 5
    region.RegionLocationMinY0, region.RegionLocationMaxY1 = 2, 7
    region.ReferencePixelX0, region.PhysicalDeltaX, region.PhysicalDeltaY = 2, 0.1, 0.02
    header.SequenceOfUltrasoundRegions = Sequence([region])
    quarter = ((0.0, 1.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 9.0), (0.0, 0.0, 1.0, 0.0))
    move_regions(header, quarter, (10, 10), str(tmp_path))
    (moved,) = header.SequenceOfUltrasoundRegions
    assert (moved.PhysicalDeltaX, moved.PhysicalDeltaY) == (0.02, -0.1)
    assert "ReferencePixelX0" not in moved
    assert moved.ReferencePixelY0 == 9 - (1 + 2) - moved.RegionLocationMinY0


def test_a_scaled_region_has_smaller_pixels(tmp_path: Path) -> None:
    made = run_on(scan(region(4, 6, 12, 10)), "{resize: {size: [48, 24]}}", tmp_path)
    (item,) = made.SequenceOfUltrasoundRegions
    assert region_box(item) == (8, 6, 25, 10)
    assert (item.PhysicalDeltaX, item.PhysicalDeltaY) == pytest.approx((0.05, 0.25))
    enlarged = run_on(scan(region(4, 6, 12, 10)), "{scale: {scale: [2, 2], isotropic: true}}", tmp_path / "enlarged")
    (item,) = enlarged.SequenceOfUltrasoundRegions
    assert (item.PhysicalDeltaX, item.PhysicalDeltaY) == pytest.approx((0.05, 0.125))
    assert region_box(item) == box_of(enlarged.pixel_array >= PAINTED / 2)


def test_a_region_that_left_the_picture_is_gone_and_the_others_stay(tmp_path: Path) -> None:
    made = run_on(
        scan(region(4, 6, 12, 10), region(0, 0, 2, 2)), "{crop: {start: [3, 3, 0], size: [12, 12]}}", tmp_path
    )
    assert [region_box(item) for item in made.SequenceOfUltrasoundRegions] == [(1, 3, 9, 7)]
    made = run_on(scan(region(0, 0, 2, 2)), "{crop: {start: [3, 3, 0], size: [12, 12]}}", tmp_path / "none")
    assert "SequenceOfUltrasoundRegions" not in made


@pytest.mark.parametrize("steps", ["{rotate: {rotation_deg: {choice: [7]}}}", "{elastic: {control_points: 5}}"])
def test_regions_that_no_box_can_follow_are_dropped_and_that_is_said(steps: str, tmp_path: Path) -> None:
    made = run_on(scan(region(4, 6, 12, 10)), steps, tmp_path)
    assert "SequenceOfUltrasoundRegions" not in made
    assert "regions of ultrasound dropped" in made.DerivationDescription


def test_what_changes_intensities_alone_leaves_regions_as_they_are(tmp_path: Path) -> None:
    item = region(4, 6, 12, 10, DopplerSampleVolumeXPosition=3)
    made = run_on(scan(item), "{gamma: {gamma: [1.5, 1.5]}}", tmp_path)
    assert made.SequenceOfUltrasoundRegions[0] == item
    moved = run_on(scan(item), "{flip: {axes: [vertical]}}", tmp_path / "moved")
    assert "DopplerSampleVolumeXPosition" not in moved.SequenceOfUltrasoundRegions[0]


def test_regions_of_a_real_scan_are_mirrored_with_it(tmp_path: Path) -> None:
    """Two halves of 304 columns side by side change places; the third region is the scale of colours beside them."""
    header = pydicom.dcmread(realdata("single") / "gdcm-US-ALOKA-16.dcm")
    made = run_on(header, "{flip: {axes: [horizontal]}}", tmp_path)
    before, after = header.SequenceOfUltrasoundRegions, made.SequenceOfUltrasoundRegions
    assert [region_box(item)[::2] for item in before] == [(32, 335), (336, 639), (32, 63)]
    assert [region_box(item)[::2] for item in after] == [(304, 607), (0, 303), (576, 607)]
    assert [region_box(item)[1::2] for item in after] == [region_box(item)[1::2] for item in before]
    assert dicom_errors(next((tmp_path / "root").rglob("*.dcm"))) <= dicom_errors(tmp_path / "dataset" / "a.dcm")


@pytest.mark.parametrize(
    ("steps", "preserved"),
    [
        ("{rotate90: {plane: picture, turns: 1}}", "REORIENTED_ONLY"),
        ("{flip: {axes: [horizontal], laterality: keep}}", "REORIENTED_ONLY"),
        ("{flip: {axes: [horizontal]}}", "NO"),  # it now says that it shows the other side
        ("{rotate: {rotation_deg: {choice: [7]}}}", "NO"),
        ("{crop: {start: [1, 1, 0], size: [8, 8]}}", "NO"),
        ("{gamma: {gamma: [1.5, 1.5]}}", "YES"),
    ],
)
def test_a_projection_says_how_it_keeps_the_places_of_its_source(steps: str, preserved: str, tmp_path: Path) -> None:
    header = image(np.arange(144, dtype=np.uint16).reshape(12, 12), DX, Modality="DX", PatientOrientation=["L", "F"])
    (named,) = run_on(header, steps, tmp_path).SourceImageSequence
    assert named.SpatialLocationsPreserved == preserved
    assert named.get("PatientOrientation") == (["L", "F"] if preserved == "REORIENTED_ONLY" else None)


def test_a_cropped_projection_has_no_shutter_of_the_whole_one(tmp_path: Path) -> None:
    pixels = np.arange(144, dtype=np.uint16).reshape(12, 12)
    edges = {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 2}
    made = run_on(image(pixels, DX, Modality="DX", **edges), "{crop: {start: [1, 1, 0], size: [8, 8]}}", tmp_path)
    assert "ShutterShape" not in made
    assert "ShutterLeftVerticalEdge" not in made
