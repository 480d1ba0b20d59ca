"""Mixed: one folder with everything in it, grids changed for pictures and frames, damaged headers of every kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import augment, make_step
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from witnesses import dicom_errors, to_nifti

from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import LoadedSample, Volume
from medaug_cli.formats.dicom import FORMAT
from tests.formats.dicom.datasets import (
    CT,
    DX,
    MR,
    SERIES,
    UNCHANGED,
    assert_files_or_reason,
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
from tests.formats.dicom.framed import CLASSIC, MIRRORED, enhanced, frame, group
from tests.formats.dicom.test_dicom_pictures import (
    COLOURS,
    US,
    cine,
    picture,
    with_modality_table,
    with_palette,
)

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.sample import Loaded

DICOMDIR, REPORT, PRESENTATION = "1.2.840.10008.1.3.10", "1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.11.1"


def bare(sop_class: str, number: int) -> Dataset:
    """Return an object of a class without pixels."""
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = sop_class, f"{SERIES}.5.{number}"
    header.StudyInstanceUID, header.SeriesInstanceUID = f"{SERIES}.0.1", f"{SERIES}.6.{number}"
    return header


def test_a_folder_of_everything_is_sorted_by_headers_alone(tmp_path: Path) -> None:
    """Two patients, two studies of one of them, a colour image, a clip, an enhanced object, and what is no image."""
    for patient, study, series in (("P1", 1, 1), ("P1", 2, 2), ("P2", 3, 3)):
        uids = {"PatientID": patient, "StudyInstanceUID": f"{SERIES}.8.{study}"}
        for k in range(3):
            header = image(ramp(k), number=10 * series + k, **placed(k, SeriesInstanceUID=f"{SERIES}.7.{series}"))
            for keyword, value in uids.items():
                setattr(header, keyword, value)
            save(header, tmp_path / f"{k}{series}")
    localizer = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "SOPInstanceUID": f"{SERIES}.90"}
    save(image(ramp(), CT, **placed(0, **localizer)), tmp_path / "scout")
    save(picture(COLOURS, US, SOPInstanceUID=f"{SERIES}.91", SeriesInstanceUID=f"{SERIES}.92"), tmp_path / "us")
    clip, many = cine(), enhanced([frame(30), frame(32)])
    clip.SeriesInstanceUID, many.SeriesInstanceUID = f"{SERIES}.93", f"{SERIES}.94"
    save(clip, tmp_path / "clip")
    save(many, tmp_path / "many")
    for number, sop_class in enumerate((DICOMDIR, REPORT, PRESENTATION)):
        save(bare(sop_class, number), tmp_path / f"other{number}")
    found = find(tmp_path)
    assert sorted(
        (volume.modality, volume.patient, len(volume.files), volume.components) for volume in found.volumes
    ) == [
        ("CT", "P1", 1, 1),
        ("CT", "P1", 3, 1),
        ("CT", "P1", 3, 1),
        ("CT", "P2", 3, 1),
        ("US", "P1", 1, 3),
        ("US", "P1", 1, 3),
    ]
    assert not any(volume.problem for volume in found.volumes)
    assert {path: reason for path, reason, _ in found.left_alone} == {
        "scout": "localizer",
        **dict.fromkeys(("other0", "other1", "other2"), "not_an_image"),
    }


def augmented(loaded: Loaded, name: str, **values: Any) -> Volume:
    sample = LoadedSample("case", {"image": loaded}, {}, modality=loaded.modality)
    return augment(sample, make_step(name, **values)).images["image"]


def test_a_mirrored_chest_keeps_how_its_edges_lie_and_loses_the_flip_of_the_detector(tmp_path: Path) -> None:
    """A row that ran to the left, seen in a mirror with left and right renamed, runs to the left again."""
    attributes = {"Modality": "DX", "PatientOrientation": ["L", "F"], "ImageType": ["ORIGINAL", "PRIMARY", ""]}
    header = image(ramp().astype(np.uint16), DX, ImageLaterality="R", FieldOfViewHorizontalFlip="NO", **attributes)
    save(header, tmp_path / "in" / "a.dcm")
    loaded = load(tmp_path / "in")
    content = augmented(loaded, "flip", axes=["LR"], p=1)
    (made,) = publish(encode(loaded, MIRRORED, content), tmp_path / "out")
    assert np.array_equal(made.pixel_array, ramp()[:, ::-1])
    assert list(made.PatientOrientation) == ["L", "F"]
    assert made.ImageLaterality == "L"
    assert "FieldOfViewHorizontalFlip" not in made
    assert list(made.ImageType) == ["DERIVED", "SECONDARY", ""]


@pytest.mark.parametrize("make", [cine, lambda: picture(np.tile(COLOURS, (9, 9, 1)), US)])
def test_a_picture_is_cut_in_all_its_frames_and_colours(tmp_path: Path, make: Any) -> None:
    save(make(), tmp_path / "in" / "a.dcm")
    loaded = load(tmp_path / "in")
    content = augmented(loaded, "crop", size=[8, 6, 1], around="center")
    (made,) = publish(encode(loaded, replace(UNCHANGED, moved=True), content), tmp_path / "out")
    again = load(tmp_path / "out").content
    assert again.geometry.size == content.geometry.size != loaded.content.geometry.size
    assert np.array_equal(again.array, content.array)
    assert (made.Columns, made.Rows) == content.geometry.size[:2]
    assert dicom_errors(tmp_path / "out" / "a.dcm") <= dicom_errors(tmp_path / "in" / "a.dcm")


@pytest.mark.parametrize(("derivation", "order"), [(UNCHANGED, (0, 1, 2, 3)), (CLASSIC, (2, 0, 3, 1))])
def test_dcm2niix_makes_of_an_enhanced_copy_what_it_makes_of_the_classic_series(
    tmp_path: Path, derivation: Any, order: tuple[int, ...]
) -> None:
    """dcm2niix takes the frames of an object as they stand, so that the first is in order; a series it sorts."""
    slices = [ramp(k, 8, 10) for k in range(4)]
    save_series(tmp_path / "ct", slices, RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")
    numbered = [frame(30 + 2.5 * k, InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1]) for k in order]
    header = enhanced(numbered, np.stack([slices[k] for k in order]))
    header.Manufacturer = "Maker"
    save(header, tmp_path / "in" / "a.dcm")
    publish(encode(load(tmp_path / "in"), derivation), tmp_path / "out")
    classic, made = to_nifti(tmp_path / "ct", tmp_path / "n1"), to_nifti(tmp_path / "out", tmp_path / "n2")
    assert np.allclose(classic.affine, made.affine, atol=1e-3)
    assert np.array_equal(np.asarray(classic.dataobj), np.asarray(made.dataobj))


KINDS = {
    "palette": lambda: with_palette(picture(np.array([[0, 1], [3, 2]], np.uint8), US), 16, [(1, 2, 3)] * 4),
    "colours": lambda: picture(COLOURS, US),
    "clip": cine,
    "table": lambda: with_modality_table(picture(np.array([[0, 1], [2, 3]], np.uint16)), [5, 900, 17, 4000], 12),
    "frames": lambda: enhanced([frame(30), frame(32)], FrameVOILUTSequence=group(WindowCenter=40, WindowWidth=400)),
    "mammogram": lambda: mammogram(ramp().astype(np.uint16)),
    "slice": lambda: image(ramp(), MR, AnatomicRegionSequence=Sequence([]), **placed()),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_damaged_headers_of_every_kind_end_in_a_reason(tmp_path: Path, kind: str) -> None:
    """60 files a kind, each with up to 12 bytes of it overwritten or left out, a fifth of them cut."""
    save(KINDS[kind](), tmp_path / "whole")
    whole, rng = (tmp_path / "whole").read_bytes(), np.random.default_rng(1)
    for _ in range(60):
        data = bytearray(whole)
        for at in rng.integers(132, len(whole), rng.integers(1, 12)):
            data[at : at + rng.integers(0, 2)] = rng.bytes(1)
        (tmp_path / "a.dcm").write_bytes(data[: rng.integers(140, len(data))] if rng.random() < 0.2 else data)
        for volume in FORMAT.find(tmp_path, ["a.dcm"]).volumes:
            try:
                made = () if volume.problem else [*encode(load(tmp_path, volume), MIRRORED)]
                made = made and [*made, *encode(load(tmp_path, volume), CLASSIC)]
                reason, message = volume.problem or ("", "")
            except SampleError as error:
                made, reason, message = (), error.reason, error.message
            assert_files_or_reason(made, reason, message)
