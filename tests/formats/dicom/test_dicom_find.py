"""Find: volumes by what the headers say, whatever folder the files lie in; everything else is named with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from medaug_cli.formats.dicom import FORMAT
from tests.formats.dicom.datasets import (
    AXIAL,
    CR,
    CT,
    MR,
    SERIES,
    find,
    image,
    mammogram,
    only,
    placed,
    ramp,
    save,
    save_series,
)

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "CANARY^NAME"


def test_a_file_is_claimed_by_its_magic_word_whatever_its_name(tmp_path: Path) -> None:
    save(image(ramp(), **placed()), tmp_path / "slice")
    (tmp_path / "page.dcm").write_text("<html>log in</html>" * 20)
    (tmp_path / "empty.dcm").write_bytes(b"")
    claimed = [name for name in ("slice", "page.dcm", "empty.dcm", "absent") if FORMAT.claims(tmp_path / name)]
    assert claimed == ["slice"]


def test_slices_are_ordered_along_the_normal_and_not_by_name_or_number(tmp_path: Path) -> None:
    for name, k in {"a.dcm": 2, "b.dcm": 0, "c.dcm": 1}.items():
        save(image(ramp(), number=9 - k, **placed(k)), tmp_path / name)
    assert only(tmp_path).files == ("b.dcm", "c.dcm", "a.dcm")


def test_the_grid_is_in_lps_with_the_row_distance_as_y_spacing(tmp_path: Path) -> None:
    """4 rows 0.7 mm apart, 6 columns 0.5 mm apart, 3 slices every 2.5 mm, each 5 mm thick."""
    save_series(tmp_path, [ramp(k) for k in range(3)])
    geometry = only(tmp_path).geometry
    assert geometry is not None
    assert geometry.size == (6, 4, 3)
    assert geometry.spacing_mm == (0.5, 0.7, 2.5)
    assert geometry.origin_mm == (-10.0, 20.0, 30.0)


def test_an_oblique_stack_has_its_cosines_as_columns_of_the_direction(tmp_path: Path) -> None:
    """Rows run along +y, columns along -z, so that the normal is -x: positions fall in x from slice to slice."""
    for k in range(3):
        plane = placed(ImageOrientationPatient=[0, 1, 0, 0, 0, -1], ImagePositionPatient=[-3 * k, 0, 0])
        save(image(ramp(), number=k + 1, **plane), tmp_path / f"{k}.dcm")
    volume = only(tmp_path)
    assert volume.geometry is not None
    assert volume.files == ("0.dcm", "1.dcm", "2.dcm")
    assert np.allclose(volume.geometry.affine @ (1, 2, 2, 1), [-6, 0.5, -1.4, 1])


def test_a_volume_is_named_after_its_folder_and_told_apart_by_a_hash(tmp_path: Path) -> None:
    save_series(tmp_path / "ct" / "one", [ramp(k) for k in range(2)], SeriesInstanceUID=f"{SERIES}.1")
    save_series(tmp_path / "both" / "x", [ramp(k) for k in range(2)], SeriesInstanceUID=f"{SERIES}.2")
    for k in range(2):
        other = placed(k, ImageOrientationPatient=[1, 0, 0, 0, 0, -1], ImagePositionPatient=[0, 3 * k, 0])
        header = image(ramp(), number=20 + k, SeriesInstanceUID=f"{SERIES}.2", **other)
        save(header, tmp_path / "both" / "x" / f"cor{k}.dcm")
    names = [volume.name for volume in find(tmp_path).volumes]
    assert names[2] == "ct/one"
    assert [name.split("#")[0] for name in names[:2]] == ["both/x", "both/x"]
    assert len({len(name) for name in names[:2]} | {len("both/x#") + 8}) == 1


def test_one_series_spread_over_folders_is_one_volume_named_after_their_common_folder(tmp_path: Path) -> None:
    for k in range(4):
        save(image(ramp(), number=k + 1, **placed(k)), tmp_path / "ct" / f"part{k % 2}" / f"{k}.dcm")
    assert only(tmp_path).name == "ct"
    assert len(only(tmp_path).files) == 4


@pytest.mark.parametrize(
    "differs",
    [
        {"SeriesInstanceUID": f"{SERIES}.77"},
        {"EchoNumbers": 2},
        {"TemporalPositionIdentifier": 2},
        {"DiffusionBValue": 1000.0},
        {"ImageType": ["DERIVED", "SECONDARY", "MIP"]},
        {"PixelSpacing": [0.9, 0.9]},
        {"ImageOrientationPatient": [0, 1, 0, 1, 0, 0]},
    ],
)
def test_slices_of_another_kind_are_another_volume(tmp_path: Path, differs: dict[str, Any]) -> None:
    for k in range(2):
        save(image(ramp(), number=k + 1, **placed(k)), tmp_path / f"a{k}.dcm")
        save(image(ramp(), number=k + 11, **{**placed(k), **differs}), tmp_path / f"b{k}.dcm")
    assert sorted(tuple(sorted(volume.files)) for volume in find(tmp_path).volumes) == [
        ("a0.dcm", "a1.dcm"),
        ("b0.dcm", "b1.dcm"),
    ]


def test_acquisition_numbers_split_a_series_only_where_it_passes_a_place_twice(tmp_path: Path) -> None:
    """A scanner may count acquisitions from slice to slice; two passes over the same places are two volumes."""
    for k in range(3):
        save(image(ramp(), number=k + 1, **placed(k, AcquisitionNumber=100 + k)), tmp_path / "one" / f"{k}.dcm")
        for passing in (1, 2):
            plane = placed(k, AcquisitionNumber=passing, SeriesInstanceUID=f"{SERIES}.5")
            save(image(ramp(), number=k + 10 * passing, **plane), tmp_path / "two" / f"{passing}{k}.dcm")
    assert [len(volume.files) for volume in find(tmp_path).volumes] == [3, 3, 3]
    assert not any(volume.irregular for volume in find(tmp_path).volumes)


def test_projection_images_stand_alone_with_the_letters_of_their_edges(tmp_path: Path) -> None:
    for number in (1, 2):
        header = mammogram(ramp().astype(np.uint16), SOPInstanceUID=f"{SERIES}.{number}")
        save(header, tmp_path / f"view{number}.dcm")
    volumes = find(tmp_path).volumes
    assert [volume.name for volume in volumes] == ["view1", "view2"]
    geometry = volumes[0].geometry
    assert geometry is not None
    assert geometry.letters == ("P", "FL")
    assert geometry.size == (6, 4, 1)
    assert geometry.spacing_mm[:2] == (0.1, 0.1)


def test_an_image_without_pixel_spacing_is_used_with_a_warning(tmp_path: Path) -> None:
    save(image(ramp(), CR, Modality="CR", ImageType=["ORIGINAL", "PRIMARY"]), tmp_path / "chest.dcm")
    volume = only(tmp_path)
    assert volume.problem is None
    assert volume.geometry is not None
    assert volume.geometry.letters == ("", "")
    assert "no pixel spacing" in volume.warnings[0]


@pytest.mark.parametrize(
    ("positions_mm", "said"),
    [
        ([0, 5, 10, 20], "missing_slices: gap of 10.0 mm between slices 3 and 4 where 5.0 mm is usual"),
        ([0, 5, 15], "missing_slices: gap of 10.0 mm between slices 2 and 3 where 5.0 mm is usual"),
        ([0, 5, 9, 14, 19], "irregular_spacing: steps between slices vary from 4.00 to 5.00 mm"),
        ([0, 5, 5, 10], "duplicate_position: slices 2 and 3 lie in one plane"),
        ([0, 6.96, 14.03, 21.0], ""),
        ([0, 1.0, 2.0, 3.005, 4.0], ""),
        ([0, 0.2, 0.4, 0.5], "irregular_spacing"),
    ],
)
def test_a_stack_that_is_no_regular_grid_says_why(tmp_path: Path, positions_mm: list[float], said: str) -> None:
    for k, z_mm in enumerate(positions_mm):
        save(image(ramp(), number=k + 1, **placed(ImagePositionPatient=[0, 0, z_mm])), tmp_path / f"{k}.dcm")
    irregular = only(tmp_path).irregular
    assert irregular.startswith(said) if said else irregular == ""


def test_a_tilted_gantry_is_found_from_positions(tmp_path: Path) -> None:
    """2 mm aside for every 10 mm up is atan(0.2) = 11.3 degrees."""
    for k in range(4):
        plane = placed(ImagePositionPatient=[0, 2 * k, 10 * k], ImageOrientationPatient=AXIAL)
        save(image(ramp(), number=k + 1, **plane), tmp_path / f"{k}.dcm")
    assert only(tmp_path).irregular.startswith("gantry_tilt: the slices are stacked 11.3 degrees")


def test_an_exact_copy_of_an_instance_is_dropped_with_a_warning(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(k) for k in range(3)])
    (tmp_path / "copy.dcm").write_bytes((tmp_path / "1.dcm").read_bytes())
    volume = only(tmp_path)
    assert volume.files == ("0.dcm", "1.dcm", "2.dcm")
    assert volume.warnings == ("copy.dcm: dropped, a copy of 1.dcm",)
    assert find(tmp_path).left_alone == (("copy.dcm", "duplicate", "a copy of 1.dcm"),)


def test_one_uid_for_two_pictures_spoils_the_series(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(k) for k in range(3)])
    save(image(ramp(7), number=2, **placed(3)), tmp_path / "other.dcm")
    volume = only(tmp_path)
    assert volume.problem is not None
    assert volume.problem[0] == "duplicate_uid"
    assert len(volume.files) == 4


def test_what_is_no_image_is_left_alone_with_a_reason(tmp_path: Path) -> None:
    report = {"Rows": None, "Columns": None}
    save(image(ramp(), "1.2.840.10008.5.1.4.1.1.88.11", **report), tmp_path / "sr.dcm")
    save(image(ramp(), "1.2.840.10008.5.1.4.1.1.481.2"), tmp_path / "dose.dcm")
    save(image(ramp(), "1.2.840.10008.5.1.4.1.1.66.5"), tmp_path / "surface.dcm")
    save(image(ramp(), CT, **placed(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])), tmp_path / "scout.dcm")
    directory = image(ramp(), **report)
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        delattr(directory, keyword)
    directory.file_meta = FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = SERIES
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    save(directory, tmp_path / "DICOMDIR")
    found = find(tmp_path)
    assert found.volumes == ()
    assert {path: reason for path, reason, _ in found.left_alone} == {
        "DICOMDIR": "not_an_image",
        "sr.dcm": "not_an_image",
        "dose.dcm": "not_an_image",
        "surface.dcm": "segmentation_not_supported",
        "scout.dcm": "localizer",
    }


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.1"}, "bad_header"),
        ({"SOPClassUID": "1.2.3.4"}, "not_supported"),
        (
            {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "SamplesPerPixel": 4, "PhotometricInterpretation": "ARGB"},
            "not_supported",
        ),
        ({"NumberOfFrames": 3}, "not_supported"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "not_supported"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "not_supported"),
        ({"BitsStored": 12, "HighBit": 15}, "not_supported"),
        ({"SeriesInstanceUID": ""}, "blank_uid"),
        ({"StudyInstanceUID": None}, "blank_uid"),
        ({"Rows": None}, "bad_header"),
        ({"Columns": 0}, "bad_header"),
        ({"PixelSpacing": None}, "bad_header"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "bad_orientation"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "bad_orientation"),
    ],
)
def test_an_image_that_would_be_mangled_is_a_problem(tmp_path: Path, attributes: dict[str, Any], reason: str) -> None:
    save(image(ramp(), MR, **{**placed(), **attributes}), tmp_path / "a.dcm")
    problems = [volume.problem[0] for volume in find(tmp_path).volumes if volume.problem]
    assert problems == [reason]


def test_a_value_that_breaks_its_vr_is_named_by_its_tag_and_never_quoted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    save(image(ramp(), PatientComments=CANARY, **placed(PixelSpacing=[0.7, 0.5])), tmp_path / "a.dcm")
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(data.replace(b"0.7\\0.5 ", b"CANARY^N"))
    volume = only(tmp_path)
    assert volume.problem is not None
    assert volume.problem[0] == "bad_header"
    assert "PixelSpacing" in volume.problem[1]
    assert "CANARY" not in volume.problem[1] + "".join(capfd.readouterr())


def test_a_file_that_is_no_dataset_behind_its_magic_word_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "noise.dcm").write_bytes(b"\0" * 128 + b"DICM" + bytes(range(256)) * 4)
    assert only(tmp_path).problem is not None


def test_finding_needs_no_byte_of_the_pixels(tmp_path: Path) -> None:
    save_series(tmp_path, [ramp(k, 128, 128) for k in range(3)])
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        path.write_bytes(data[: data.index(b"\xe0\x7f\x10\x00OW")])
    assert only(tmp_path).voxels == 128 * 128 * 3
