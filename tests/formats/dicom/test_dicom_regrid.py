"""Copies on another grid: positions, numbers, sources and what of a slice's header no longer holds."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from witnesses import dicom_errors, realdata, validator

from medaug_cli.core.sample import Volume
from medaug_cli.formats.dicom import FORMAT
from medaug_cli.formats.dicom.regrid import place_slices
from medaug_cli.spatial.grids import window_grid, zoomed_grid
from tests.formats.dicom.datasets import (
    DX,
    PT,
    SC,
    UNCHANGED,
    encode,
    image,
    load,
    placed,
    publish,
    ramp,
    save,
    save_series,
)

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import Loaded

CUT = replace(UNCHANGED, steps=(("crop", ("113085", "DCM", "Spatial resampling")),))


def on_grid(loaded: Loaded, grid: Geometry, folder: Path) -> list[Dataset]:
    """Write a copy of `loaded` on `grid`, its voxels counted up, and read it with pydicom."""
    array = np.arange(np.prod(grid.size), dtype=np.float32).reshape(1, *grid.size[::-1])
    return publish(encode(loaded, CUT, Volume(array, grid)), folder)


def series(folder: Path, slices: int = 4, **attributes: Any) -> Loaded:
    """Return `slices` axial slices of 6 x 4 pixels of 0.5 x 0.7 mm, 2.5 mm apart and 5 mm thick, from z = 30 on."""
    save_series(folder, [ramp(k) for k in range(slices)], **attributes)
    return load(folder)


def sources_of(made: Dataset) -> list[str]:
    return [str(item.ReferencedSOPInstanceUID).rpartition(".")[2] for item in made.SourceImageSequence]


def test_a_window_of_a_series_has_its_positions_numbers_and_the_names_of_its_sources(tmp_path: Path) -> None:
    loaded = series(tmp_path / "source")
    made = on_grid(loaded, window_grid(loaded.content.geometry, (2, 1, 1), (3, 2, 2)), tmp_path / "copy")
    assert [path.name for path in sorted((tmp_path / "copy").iterdir())] == ["1.dcm", "2.dcm"]
    assert [list(one.ImagePositionPatient) for one in made] == [[-9, 20.7, 32.5], [-9, 20.7, 35]]
    assert [one.InstanceNumber for one in made] == [1, 2]
    assert [(one.Rows, one.Columns, list(one.PixelSpacing), one.SliceThickness) for one in made] == [
        (2, 3, [0.7, 0.5], 5)
    ] * 2
    assert [sources_of(one) for one in made] == [["2"], ["3"]]
    assert {item.SpatialLocationsPreserved for one in made for item in one.SourceImageSequence} == {"NO"}


def test_a_window_keeps_the_frame_of_reference_since_nothing_moved(tmp_path: Path) -> None:
    loaded = series(tmp_path / "source")
    (made,) = on_grid(loaded, window_grid(loaded.content.geometry, (0, 0, 3), (6, 4, 1)), tmp_path / "copy")
    assert made.FrameOfReferenceUID == loaded.template[0].instance.frame_of_reference


def test_slices_between_slices_name_both_and_forget_the_moment_of_one(tmp_path: Path) -> None:
    loaded = series(tmp_path / "source", AcquisitionTime="101010", Exposure=7, SpacingBetweenSlices=2.5)
    grid = zoomed_grid(loaded.content.geometry, (6, 4, 8), (0.5, 0.7, 1.25))
    made = on_grid(loaded, grid, tmp_path / "copy")
    assert [float(one.ImagePositionPatient[2]) for one in made] == pytest.approx(29.375 + 1.25 * np.arange(8))
    assert [(one.SliceThickness, one.SpacingBetweenSlices) for one in made] == [(1.25, 1.25)] * 8
    # Slice 0 lies a quarter of a step before the first source slice, slice 3 three quarters behind the second.
    assert [sources_of(made[k]) for k in (0, 3)] == [["1", "2"], ["2", "3"]]
    assert all(not one.AcquisitionTime and one.Exposure is None for one in made)
    assert [one.InstanceNumber for one in made] == list(range(1, 9))
    assert len({one.SOPInstanceUID for one in made}) == 8
    assert len({one.SeriesInstanceUID for one in made}) == 1


def test_more_slices_than_sources_get_names_of_their_own_and_are_found_as_one_volume(tmp_path: Path) -> None:
    loaded = series(tmp_path / "source")
    grid = window_grid(loaded.content.geometry, (0, 0, -2), (6, 4, 8))
    on_grid(loaded, grid, tmp_path / "copy")
    names = sorted(path.name for path in (tmp_path / "copy").iterdir())
    assert len(names) == 8
    assert {"0.dcm", "1.dcm", "2.dcm", "3.dcm"} < set(names)
    assert load(tmp_path / "copy").content.geometry.same_grid(grid)


def test_the_recorded_names_make_the_same_files_again(tmp_path: Path) -> None:
    loaded = series(tmp_path / "source")
    grid = window_grid(loaded.content.geometry, (0, 0, -1), (6, 4, 6))
    content = Volume(np.zeros((1, 6, 4, 6), np.float32), grid)
    first = encode(loaded, CUT, content)
    again = list(load_again(loaded, content, [file.path for file in first]))
    assert [(file.path, bytes(file.data)) for file in again] == [(file.path, bytes(file.data)) for file in first]


def load_again(loaded: Loaded, content: Volume, targets: list[str]) -> Any:
    return FORMAT.encode(content, loaded, targets, CUT)


def test_slice_location_is_told_anew(tmp_path: Path) -> None:
    loaded = series(tmp_path / "source", SliceLocation=99)
    made = on_grid(loaded, window_grid(loaded.content.geometry, (0, 0, 1), (6, 4, 2)), tmp_path / "copy")
    assert [one.SliceLocation for one in made] == [32.5, 35]


def test_a_pet_series_counts_its_slices_anew(tmp_path: Path) -> None:
    for k in range(3):
        attributes = placed(k, NumberOfSlices=3, ImageIndex=k + 1, RescaleSlope=1, RescaleIntercept=0, Modality="PT")
        save(image(ramp(k), PT, number=k + 1, **attributes), tmp_path / "source" / f"{k}.dcm")
    loaded = load(tmp_path / "source")
    made = on_grid(loaded, window_grid(loaded.content.geometry, (0, 0, 1), (6, 4, 2)), tmp_path / "copy")
    assert [(one.NumberOfSlices, one.ImageIndex) for one in made] == [(2, 1), (2, 2)]


def test_a_projection_keeps_the_ratio_of_its_two_spacings(tmp_path: Path) -> None:
    """At the detector 0.2 mm, in the patient 0.15 mm; half as many pixels are twice as large at both."""
    header = image(
        np.arange(96, dtype=np.uint16).reshape(8, 12), DX, PixelSpacing=[0.15, 0.15], ImagerPixelSpacing=[0.2, 0.2]
    )
    save(header, tmp_path / "source" / "a.dcm")
    loaded = load(tmp_path / "source")
    grid = zoomed_grid(loaded.content.geometry, (6, 4, 1), (0.3, 0.3, 1))
    (made,) = on_grid(loaded, grid, tmp_path / "copy")
    assert (list(made.PixelSpacing), list(made.ImagerPixelSpacing)) == ([0.3, 0.3], [0.4, 0.4])


def picture_of(folder: Path, sop_class: str = SC, **attributes: Any) -> Loaded:
    """Return a picture of 12 x 8 pixels that says nothing of its place in the patient."""
    header = image(np.arange(96, dtype=np.uint16).reshape(8, 12), sop_class, Modality="OT", **attributes)
    save(header, folder / "a.dcm")
    return load(folder)


@pytest.mark.parametrize(
    ("said", "size", "zoom", "made"),
    [
        ([2, 1], (12, 8), (1, 1), [2, 1]),
        ([2, 1], (6, 8), (2, 1), None),  # pixels twice as wide and as high as they were are square
        ([2, 1], (6, 4), (2, 2), [2, 1]),
        ([4, 3], (12, 4), (1, 2), [8, 3]),
        (None, (12, 4), (1, 2), [2, 1]),
        (None, (4, 8), (3, 1), [1, 3]),
        (None, (6, 4), (2, 2), None),
    ],
)
def test_pixels_of_unknown_size_keep_their_true_shape(
    said: list[int] | None, size: tuple[int, int], zoom: tuple[int, int], made: list[int] | None, tmp_path: Path
) -> None:
    loaded = picture_of(tmp_path / "source", PixelAspectRatio=said)
    grid = loaded.content.geometry
    assert grid.spacing_mm[1] / grid.spacing_mm[0] == pytest.approx(1 if said is None else said[0] / said[1])
    x_mm, y_mm, z_mm = grid.spacing_mm
    cut = zoomed_grid(grid, (*size, 1), (x_mm * zoom[0], y_mm * zoom[1], z_mm))
    (copy,) = on_grid(loaded, cut, tmp_path / "copy")
    assert copy.get("PixelAspectRatio") == made


@pytest.mark.parametrize("keyword", ["ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelSpacing"])
def test_a_spacing_that_is_known_leaves_no_room_for_an_aspect_ratio(keyword: str, tmp_path: Path) -> None:
    """PS3.3 C.7.6.3.1.7 has a ratio only where none of the spacings is there."""
    loaded = picture_of(tmp_path / "source", PixelAspectRatio=[1, 1], **{keyword: [0.2, 0.1]})
    grid = loaded.content.geometry
    assert grid.spacing_mm[:2] == (0.1, 0.2)
    (copy,) = on_grid(loaded, zoomed_grid(grid, (6, 8, 1), (0.2, 0.2, 1)), tmp_path / "copy")
    assert list(copy[keyword].value) == [0.2, 0.2]
    assert "PixelAspectRatio" not in copy


def test_a_cut_photograph_does_not_say_how_wide_its_field_is(tmp_path: Path) -> None:
    center = Dataset()
    center.XOffsetInSlideCoordinateSystem, center.YOffsetInSlideCoordinateSystem = 1.5, 2.5
    fields = {"HorizontalFieldOfView": 45.0, "ImageCenterPointCoordinatesSequence": Sequence([center])}
    loaded = picture_of(tmp_path / "source", **fields, PixelSpacingSequence=Sequence([Dataset()]))
    (copy,) = on_grid(loaded, window_grid(loaded.content.geometry, (2, 1, 0), (6, 4, 1)), tmp_path / "copy")
    assert copy.HorizontalFieldOfView is None
    assert len(copy.ImageCenterPointCoordinatesSequence) == 0
    assert "PixelSpacingSequence" not in copy


def test_dciodvfy_finds_no_error_on_another_grid(tmp_path: Path) -> None:
    valid: dict[str, Any] = {"RescaleSlope": 1, "RescaleIntercept": -1024, "KVP": 120, "AcquisitionNumber": 1}
    more = {"PatientPosition": "HFS", "Laterality": "", "Exposure": 7, "AcquisitionTime": "101010"}
    loaded = series(tmp_path / "source", **valid, **more)
    on_grid(loaded, zoomed_grid(loaded.content.geometry, (3, 3, 3), (1.0, 0.9, 3.3)), tmp_path / "copy")
    assert dicom_errors(tmp_path / "source" / "1.dcm") == set()
    assert [dicom_errors(path) for path in (tmp_path / "copy").iterdir()] == [set()] * 3


@pytest.mark.parametrize("parts", [("sts025_dicom", "CT", "image"), ("sts025_dicom", "PET", "image")], ids="/".join)
def test_dcm2niix_finds_the_new_grid_and_dciodvfy_no_new_error(parts: tuple[str, ...], tmp_path: Path) -> None:
    folder = realdata(*parts)
    loaded = load(folder)
    old = loaded.content.geometry
    cut = window_grid(old, (5, 6, 4), (24, 20, 12))
    grid = zoomed_grid(
        cut, (20, 18, 15), [mm * n / m for mm, n, m in zip(cut.spacing_mm, cut.size, (20, 18, 15), strict=True)]
    )
    (tmp_path / "copy").mkdir()
    on_grid(loaded, grid, tmp_path / "copy")
    files = sorted(path for path in (tmp_path / "copy").rglob("*") if path.is_file())
    assert len(files) == 15
    known = {error for path in sorted(folder.iterdir())[:3] for error in dicom_errors(path)}
    assert dicom_errors(files[0]) - known == set()
    command = [validator("dcm2niix"), "-z", "n", "-b", "n", "-f", "out", "-o", tmp_path, tmp_path / "copy"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Warning" not in done.stdout
    made: Any = nib.load(tmp_path / "out.nii")
    assert sorted(made.shape) == sorted(grid.size)
    ours = np.diag([-1.0, -1, 1, 1]) @ grid.affine
    corner = made.affine @ (0, made.shape[1] - 1, 0, 1)  # dcm2niix turns the rows round
    assert np.abs(corner[:3] - ours[:3, 3]).max() < 1e-2
    assert np.sqrt((made.affine[:3, :3] ** 2).sum(axis=0)) == pytest.approx(grid.spacing_mm, abs=1e-3)


def test_slices_of_the_same_grid_are_their_sources(tmp_path: Path) -> None:
    grid = series(tmp_path).content.geometry
    assert [(one.nearest, one.neighbours, one.number) for one in place_slices(grid, grid)] == [
        (k, (k,), 0) for k in range(4)
    ]
