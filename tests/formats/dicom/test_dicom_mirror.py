"""Mirror: the sides that a header names follow the picture, which no validator checks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from witnesses import dicom_errors

from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import Volume
from medaug_cli.formats.dicom.mirror import turn_letters
from tests.formats.dicom.datasets import CR, MR, UNCHANGED, encode, image, load, mammogram, placed, publish, ramp, save
from tests.formats.dicom.framed import enhanced, frame

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.sample import Derivation

FLAT = (2, 1)
MIRROR = replace(UNCHANGED, moved=True, mirrored=True, swap_laterality=True, turn=((0, -1), (1, 1), FLAT))
QUARTER_TURN = replace(UNCHANGED, moved=True, turn=((1, 1), (0, -1), FLAT))


def mirrored(header: Dataset, tmp_path: Path, derivation: Derivation = MIRROR) -> Dataset:
    """Return the copy of `header` with its rows turned round."""
    save(header, tmp_path / "source" / "a.dcm")
    loaded = load(tmp_path / "source")
    assert isinstance(loaded.content, Volume)
    content = replace(loaded.content, array=np.ascontiguousarray(loaded.content.array[..., ::-1]))
    return publish(encode(loaded, derivation, content), tmp_path / "copy")[0]


def test_a_right_oblique_mammogram_mirrored_is_a_left_one(tmp_path: Path) -> None:
    """R-MLO has its row to posterior and its column to feet and left: mirrored it is L-MLO, `A` and `FR`."""
    made = mirrored(mammogram(ramp().astype(np.uint16)), tmp_path)
    assert made.PatientOrientation == ["A", "FR"]
    assert made.ImageLaterality == "L"
    region = made.AnatomicRegionSequence[0]
    side = region.AnatomicRegionModifierSequence[0]
    assert (side.CodeValue, side.CodeMeaning) == ("7771000", "Left")
    assert region.CodeValue == "76752008"
    assert made.ViewCodeSequence[0].CodeValue == "399368009"
    assert "FieldOfViewHorizontalFlip" not in made
    assert "FieldOfViewRotation" not in made
    assert np.array_equal(made.pixel_array, ramp()[:, ::-1])
    assert "mirrored" in made.DerivationDescription


def test_dciodvfy_finds_no_error_in_a_mirrored_mammogram(tmp_path: Path) -> None:
    mirrored(mammogram(ramp(0, 20, 30).astype(np.uint16)), tmp_path)
    assert dicom_errors(tmp_path / "copy" / "a.dcm") == set()


@pytest.mark.parametrize(
    ("letters", "derivation", "made"),
    [
        (("P", "FL"), UNCHANGED, ("P", "FL")),
        (("P", "FL"), MIRROR, ("A", "FR")),
        (("L", "F"), MIRROR, ("L", "F")),  # reversed to R, then the other side of the body
        (("L", "F"), replace(MIRROR, swap_laterality=False), ("R", "F")),
        (("P", "FL"), QUARTER_TURN, ("FL", "A")),
        (("L", "F"), replace(UNCHANGED, turn=((0, 1), (1, -1), FLAT)), ("L", "H")),
        (("A", ""), MIRROR, ("P", "")),
    ],
)
def test_letters_follow_the_axes_and_then_the_side(
    letters: tuple[str, str], derivation: Derivation, made: tuple[str, str]
) -> None:
    assert turn_letters(letters, derivation) == made


def test_mirroring_twice_gives_the_first_header_back(tmp_path: Path) -> None:
    once = mirrored(mammogram(ramp().astype(np.uint16)), tmp_path / "once")
    del once.file_meta
    twice = mirrored(once, tmp_path / "twice")
    assert twice.PatientOrientation == ["P", "FL"]
    assert twice.ImageLaterality == "R"


@pytest.mark.parametrize(
    ("attributes", "keyword", "made"),
    [
        ({"Laterality": "R"}, "Laterality", "L"),
        ({"Laterality": "L"}, "Laterality", "R"),
        ({"Laterality": ""}, "Laterality", ""),
        ({"ImageLaterality": "B"}, "ImageLaterality", "B"),
        ({"PatientOrientation": ["L", "P"]}, "PatientOrientation", ["L", "P"]),
    ],
)
def test_a_mirrored_slice_keeps_how_its_grid_lies(
    tmp_path: Path, attributes: dict[str, Any], keyword: str, made: str | list[str]
) -> None:
    copy = mirrored(image(ramp(), **placed(**attributes)), tmp_path)
    assert copy[keyword].value == made or (copy[keyword].value is None and made == "")
    assert copy.ImagePositionPatient == [-10, 20, 30]


def coded(value: str, scheme: str, meaning: str, **more: Any) -> Sequence:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    for keyword, items in more.items():
        setattr(code, keyword, items)
    return Sequence([code])


@pytest.mark.parametrize(
    ("meaning", "made_of_it"),
    [("Left breast", "Right breast"), ("LEFT BREAST", "RIGHT BREAST"), ("Linke Brust", "Right breast structure")],
)
def test_a_region_that_holds_the_side_itself_becomes_the_other(meaning: str, made_of_it: str, tmp_path: Path) -> None:
    said = {"AnatomicRegionSequence": coded("80248007", "SCT", meaning), "ImageLaterality": "L"}
    made = mirrored(mammogram(ramp().astype(np.uint16), **said), tmp_path)
    (region,) = made.AnatomicRegionSequence
    assert (made.ImageLaterality, region.CodeValue, region.CodeMeaning) == ("R", "73056007", made_of_it)


def test_a_modifier_of_the_oldest_scheme_is_turned_too(tmp_path: Path) -> None:
    side = coded("G-A101", "SNM3", "Left")
    region = coded("T-04000", "SNM3", "Breast", AnatomicRegionModifierSequence=side)
    made = mirrored(image(ramp(), **placed(AnatomicRegionSequence=region)), tmp_path)
    (modifier,) = made.AnatomicRegionSequence[0].AnatomicRegionModifierSequence
    assert (modifier.CodeValue, modifier.CodingSchemeDesignator, modifier.CodeMeaning) == ("G-A100", "SNM3", "Right")


def test_a_sided_region_without_a_known_counterpart_goes_where_it_may(tmp_path: Path) -> None:
    region = coded("X1", "99LOCAL", "Left thing")
    assert "AnatomicRegionSequence" not in mirrored(image(ramp(), **placed(AnatomicRegionSequence=region)), tmp_path)
    with pytest.raises(SampleError, match="AnatomicRegionSequence names a side") as error:
        mirrored(mammogram(ramp().astype(np.uint16), AnatomicRegionSequence=region), tmp_path / "mg")
    assert error.value.reason == "not_supported"


@pytest.mark.parametrize(("view", "other"), [("LL", "RL"), ("RLD", "LLD"), ("LAO", "RAO"), ("AP", "AP"), ("", "")])
def test_the_view_of_a_mirrored_radiograph_is_from_the_other_side(view: str, other: str, tmp_path: Path) -> None:
    header = image(ramp().astype(np.uint16), CR, Modality="CR", PatientOrientation=["A", "F"], ViewPosition=view)
    assert (mirrored(header, tmp_path).ViewPosition or "") == other


IDENTITY = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
SHIFT = replace(UNCHANGED, moved=True, index_map=((1.0, 0.0, 0.0, 2.0), *IDENTITY[1:]), rotation=UPRIGHT)
FLIP = replace(MIRROR, index_map=((-1.0, 0.0, 0.0, 5.0), *IDENTITY[1:]), rotation=((-1.0, 0.0, 0.0), *UPRIGHT[1:]))
QUARTER = replace(
    QUARTER_TURN,
    index_map=((0.0, 1.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 5.0), IDENTITY[2]),
    rotation=((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), UPRIGHT[2]),
)
OBLIQUE = replace(
    UNCHANGED,
    moved=True,
    index_map=((0.8, 0.6, 0.0, 0.0), (-0.6, 0.8, 0.0, 0.0), IDENTITY[2]),
    rotation=((0.8, 0.6, 0.0), (-0.6, 0.8, 0.0), UPRIGHT[2]),
)
STRETCHED = replace(UNCHANGED, moved=True, index_map=((1.5, 0.0, 0.0, 0.0), *IDENTITY[1:]))
BENT = replace(UNCHANGED, moved=True)


@pytest.mark.parametrize(
    ("derivation", "gradient", "phases"),
    [
        (UNCHANGED, [0.6, 0.8, 0], "ROW"),
        (SHIFT, [0.6, 0.8, 0], "ROW"),
        (FLIP, [-0.6, 0.8, 0], "ROW"),
        (QUARTER, [0.8, -0.6, 0], "COL"),
        (OBLIQUE, pytest.approx([0.96, 0.28, 0]), None),
        (STRETCHED, None, "ROW"),
        (BENT, None, None),
    ],
)
def test_directions_of_an_acquisition_follow_the_picture_or_go(
    derivation: Derivation, gradient: list[float] | None, phases: str | None, tmp_path: Path
) -> None:
    said = {"DiffusionGradientOrientation": [0.6, 0.8, 0.0], "InPlanePhaseEncodingDirection": "ROW"}
    made = mirrored(image(ramp(), MR, Modality="MR", **placed(**said)), tmp_path, derivation)
    assert made.get("DiffusionGradientOrientation") == gradient
    assert made.get("InPlanePhaseEncodingDirection") == phases


def diffusion(**attributes: Any) -> Dataset:
    """Return an enhanced image of three frames whose shared functional groups say `attributes` of diffusion."""
    about, geometry = Dataset(), Dataset()
    about.DiffusionBValue = 1000.0
    for keyword, value in attributes.items():
        setattr(about, keyword, value)
    geometry.InPlanePhaseEncodingDirection = "ROW"
    header = enhanced([frame(30 + 2.5 * k) for k in range(3)])
    (shared,) = header.SharedFunctionalGroupsSequence
    shared.MRDiffusionSequence, shared.MRFOVGeometrySequence = Sequence([about]), Sequence([geometry])
    return header


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def test_directions_of_an_enhanced_image_do_so_in_its_groups(tmp_path: Path) -> None:
    gradient = Sequence([item(DiffusionGradientOrientation=[0.6, 0.8, 0.0])])
    header = diffusion(DiffusionDirectionality="DIRECTIONAL", DiffusionGradientDirectionSequence=gradient)
    made = mirrored(header, tmp_path, QUARTER).SharedFunctionalGroupsSequence[0]
    (about,) = made.MRDiffusionSequence
    assert about.DiffusionGradientDirectionSequence[0].DiffusionGradientOrientation == [0.8, -0.6, 0]
    assert (about.DiffusionDirectionality, about.DiffusionBValue) == ("DIRECTIONAL", 1000)
    assert made.MRFOVGeometrySequence[0].InPlanePhaseEncodingDirection == "COLUMN"


def test_a_gradient_of_an_enhanced_image_that_is_stretched_goes_with_its_directionality(tmp_path: Path) -> None:
    gradient = Sequence([item(DiffusionGradientOrientation=[0.6, 0.8, 0.0])])
    header = diffusion(DiffusionDirectionality="DIRECTIONAL", DiffusionGradientDirectionSequence=gradient)
    (about,) = mirrored(header, tmp_path, STRETCHED).SharedFunctionalGroupsSequence[0].MRDiffusionSequence
    assert "DiffusionGradientDirectionSequence" not in about
    assert "DiffusionDirectionality" not in about
    assert about.DiffusionBValue == 1000


B_MATRIX = {"XX": 360.0, "XY": 480.0, "XZ": 0.0, "YY": 640.0, "YZ": 0.0, "ZZ": 0.0}
"""That of b = 1000 along (0.6, 0.8, 0): b times the product of every two cosines."""


@pytest.mark.parametrize(
    ("derivation", "gradient"),
    [(FLIP, (-0.6, 0.8, 0.0)), (QUARTER, (0.8, -0.6, 0.0)), (OBLIQUE, (0.96, 0.28, 0.0))],
)
def test_a_b_matrix_is_that_of_the_turned_gradient(
    derivation: Derivation, gradient: tuple[float, ...], tmp_path: Path
) -> None:
    matrix = Sequence([item(**{f"DiffusionBValue{axes}": value for axes, value in B_MATRIX.items()})])
    header = diffusion(DiffusionDirectionality="BMATRIX", DiffusionBMatrixSequence=matrix)
    (about,) = mirrored(header, tmp_path, derivation).SharedFunctionalGroupsSequence[0].MRDiffusionSequence
    x, y, z = gradient
    expected = dict(zip(B_MATRIX, (x * x, x * y, x * z, y * y, y * z, z * z), strict=True))
    made = {axes: about.DiffusionBMatrixSequence[0][f"DiffusionBValue{axes}"].value / 1000 for axes in B_MATRIX}
    assert made == pytest.approx(expected)
    assert about.DiffusionDirectionality == "BMATRIX"


def test_a_damaged_gradient_of_a_turned_image_goes(tmp_path: Path) -> None:
    gradient = Sequence([item(DiffusionGradientOrientation=[0.6, 0.8])])
    header = diffusion(DiffusionDirectionality="DIRECTIONAL", DiffusionGradientDirectionSequence=gradient)
    (about,) = mirrored(header, tmp_path, QUARTER).SharedFunctionalGroupsSequence[0].MRDiffusionSequence
    assert "DiffusionGradientDirectionSequence" not in about
    assert "DiffusionDirectionality" not in about


def test_a_copy_that_is_not_mirrored_keeps_its_side(tmp_path: Path) -> None:
    made = mirrored(mammogram(ramp().astype(np.uint16)), tmp_path, replace(UNCHANGED, intensity_changed=True))
    assert made.ImageLaterality == "R"
    assert made.PatientOrientation == ["P", "FL"]
    assert made.FieldOfViewHorizontalFlip == "NO"
