"""Slicer's .mrk.json and COCO-like JSON: positions as their documentation says, everything else as it stood."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.marks import Boxes, Points
from medaug_cli.core.sample import Source
from medaug_cli.formats.points.files import parse
from medaug_cli.formats.points.hide import hide
from medaug_cli.formats.points.kinds import CopiedImage

IMAGE = CopiedImage("x/case01_aug0001.nii.gz", Geometry((40, 50, 1)), moved=True)
SOURCE = Source("points", "marks", "points", ("a.json",))
DEFAULT_AXES = [-1.0, -0.0, -0.0, -0.0, -1.0, -0.0, 0.0, 0.0, 1.0]
# The example of Slicer's developer guide, with what Slicer 5 adds.
MARKUPS = """\
{
    "@schema": "https://raw.githubusercontent.com/Slicer/Slicer/main/Modules/Loadable/Markups/Resources/Schema/markups-schema-v1.0.0.json#",
    "markups": [
        {
            "type": "TYPE",
            "coordinateSystem": "SYSTEM",
            "controlPoints": [
                { "label": "F-1", "position": [-53.388409961685827, -73.33572796934868, 0.0] },
                { "label": "F-2", "position": [49.8682950191571, -88.58955938697324, 0.0] },
                { "label": "F-3", "position": [0.0, 0.0, 0.0], "positionStatus": "undefined" }
            ],
            "measurements": [{ "name": "length", "value": 104.3 }],
            "display": { "color": [0.4, 1.0, 1.0] }
        }
    ]
}
"""


def read(text: str | dict[str, Any], **source: Any) -> Any:
    raw = (text if isinstance(text, str) else json.dumps(text)).encode()
    return parse("a.json", raw, replace(SOURCE, **source), "x/case01.nii.gz")


def markups(kind: str = "Fiducial", system: str = "LPS") -> str:
    return MARKUPS.replace("TYPE", kind).replace("SYSTEM", system)


def region(**more: Any) -> dict[str, Any]:
    roi = {"type": "ROI", "name": "R", "roiType": "Box", "center": [1.0, 2.0, 3.0], "size": [2.0, 4.0, 6.0]}
    points = [{"label": "R-1", "position": [1.0, 2.0, 3.0]}]
    return {"markups": [{**roi, "orientation": DEFAULT_AXES, "controlPoints": points, **more}]}


def pictures() -> dict[str, Any]:
    images = [{"id": 7, "file_name": "case01.nii.gz", "width": 9, "height": 9}, {"id": 8, "file_name": "case02.nii.gz"}]
    boxes = [
        {"id": 1, "image_id": 8, "bbox": [1, 1, 1, 1], "category_id": 1},
        {
            "id": 2,
            "image_id": 7,
            "bbox": [0, 0, 1, 1],
            "category_id": 1,
            "area": 1,
            "iscrowd": 0,
            "segmentation": [[0]],
        },
        {"id": 3, "image_id": 7, "bbox": [10, 20, 5.5, 4], "category_id": 2, "area": 22.0},
    ]
    categories = [{"id": 1, "name": "left"}, {"id": 2, "name": "right"}]
    return {"info": {"year": 2026}, "images": images, "annotations": boxes, "categories": categories}


@pytest.mark.parametrize(("system", "sign"), [("LPS", 1), ("RAS", -1)])
def test_control_points_are_in_the_space_that_the_file_says(system: str, sign: int) -> None:
    points = read(markups(system=system)).content
    assert points.positions[0] == pytest.approx([-53.38841 * sign, -73.335728 * sign, 0], abs=1e-6)
    assert points.names == ("F-1", "F-2")
    assert isinstance(points, Points)


@pytest.mark.parametrize("system", ["LPS", "RAS"])
def test_what_did_not_move_is_written_as_it_stood(system: str) -> None:
    document = read(markups(system=system))
    written = document.write(document.content, replace(IMAGE, moved=False))
    assert json.loads(written) == json.loads(markups(system=system))
    assert f'"position": [{-53.388409961685827}, -73.33572796934868, 0.0]' in written
    assert written.endswith("}\n")


def test_moved_points_change_and_measurements_go() -> None:
    document = read(markups(system="RAS"))
    points = document.content
    moved = replace(points, positions=points.positions + np.array([1, 2, 3]), names=("F-1", "other"))
    made = json.loads(document.write(moved, IMAGE))["markups"][0]
    assert made["controlPoints"][1]["position"] == pytest.approx([49.868295 - 1, -88.589559 - 2, 3], abs=1e-6)
    assert made["controlPoints"][1]["label"] == "other"
    assert made["controlPoints"][2] == {"label": "F-3", "position": [0.0, 0.0, 0.0], "positionStatus": "undefined"}
    assert (made["measurements"], made["display"]) == ([], {"color": [0.4, 1.0, 1.0]})


def test_axes_of_a_point_are_left_out_once_they_would_have_to_turn() -> None:
    turned = [0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, 1]
    points = [{"position": [1, 2, 3], "orientation": axes} for axes in (DEFAULT_AXES, turned)]
    document = read({"markups": [{"type": "Fiducial", "controlPoints": points}]})
    made = json.loads(document.write(document.content, IMAGE))["markups"][0]["controlPoints"]
    assert [("orientation" in point) for point in made] == [True, False]


@pytest.mark.parametrize("kind", ["Line", "Angle", "Curve", "ClosedCurve"])
def test_a_shape_is_whole_and_keeps_its_type(kind: str) -> None:
    document = read(markups(kind))
    assert document.content.whole
    assert json.loads(document.write(document.content, IMAGE))["markups"][0]["type"] == kind


def test_a_region_is_a_box_about_its_centre() -> None:
    document = read(region())
    boxes = document.content
    assert isinstance(boxes, Boxes)
    assert (boxes.low.tolist(), boxes.high.tolist(), boxes.names) == ([[0, 0, 0]], [[2, 4, 6]], ("R",))
    made = json.loads(document.write(replace(boxes, high=boxes.high + 2), IMAGE))["markups"][0]
    assert (made["center"], made["size"]) == ([2, 3, 4], [4, 6, 8])
    assert made["controlPoints"][0]["position"] == [2, 3, 4]
    gone = replace(boxes, low=boxes.low[:0], high=boxes.high[:0], names=(), rows=())
    assert json.loads(document.write(gone, IMAGE)) == {"markups": []}


def test_boxes_of_a_picture_are_those_of_its_entry() -> None:
    """COCO: 0 is the outer corner of the first pixel, so that its centre, index 0, is at 0.5."""
    boxes = read(pictures()).content
    assert boxes.low.tolist() == [[-0.5, -0.5, 0], [9.5, 19.5, 0]]
    assert boxes.high.tolist() == [[0.5, 0.5, 0], [15, 23.5, 0]]
    assert (boxes.names, boxes.planar, boxes.space) == (("left", "right"), True, "index")


def test_a_copy_has_a_file_of_its_own_with_its_own_image() -> None:
    document = read(pictures())
    boxes = document.content
    moved = replace(
        boxes, low=boxes.low + np.array([1, 0, 0]), high=boxes.high + np.array([1, 0, 0]), names=("right", "right")
    )
    made = json.loads(document.write(moved, IMAGE))
    assert made["images"] == [{"id": 7, "file_name": "case01_aug0001.nii.gz", "width": 40, "height": 50}]
    assert made["annotations"] == [
        {"id": 2, "image_id": 7, "bbox": [1, 0, 1, 1], "category_id": 2, "area": 1, "iscrowd": 0},
        {"id": 3, "image_id": 7, "bbox": [11, 20, 5.5, 4], "category_id": 2, "area": 22.0},
    ]
    assert (made["info"], made["categories"]) == ({"year": 2026}, pictures()["categories"])


def test_the_folders_that_a_file_name_has_are_those_of_the_copy() -> None:
    document = pictures()
    document["images"][0]["file_name"] = "x/case01.nii.gz"
    read_again = read(document)
    made = json.loads(read_again.write(read_again.content, IMAGE))
    assert made["images"][0]["file_name"] == "x/case01_aug0001.nii.gz"


def test_a_file_of_one_image_may_call_it_otherwise_unless_it_is_for_all_cases() -> None:
    document = pictures()
    document["images"] = [{"id": 7, "file_name": "case01.png"}]
    assert len(read(document).content.names) == 2
    with pytest.raises(SampleError, match="missing_points"):
        read(document, shared=True)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ('{"markups": [\n{"controlPoints": [,]}]}', "a.json:2: not JSON"),
        ('{"markups": NaN}', "a.json: not JSON that can be read"),
        ("[" * 100_000, "a.json: not JSON that can be read"),
        ("[]", "a.json: JSON with neither markups (Slicer) nor images and annotations (COCO)"),
        ({"markups": [3]}, "a.json: markups must be a list of objects"),
        ({"markups": [{"type": "Plane"}]}, "a.json: markups[0].type: allowed: Fiducial"),
        ({"markups": [{"type": ["Line"]}]}, "a.json: markups[0].type: allowed: Fiducial"),
        (region(controlPoints=None), "a.json: markups[0].controlPoints must be a list of objects"),
        (
            {"markups": [{"controlPoints": [{"position": [1, 2, 3], "orientation": ["Roe"]}]}]},
            "a.json: markups[0].controlPoints[0].orientation: nine numbers are allowed",
        ),
        (region(orientation=["Roe"] * 9), "a.json: markups[0].orientation[0]: a finite number is allowed"),
        ({"markups": [{"coordinateSystem": "IJK"}]}, "a.json: markups[0]: coordinateSystem LPS or RAS in mm"),
        ({"markups": [{"coordinateUnits": "um"}]}, "a.json: markups[0]: coordinateSystem LPS or RAS in mm"),
        (
            {"markups": [{"controlPoints": [{"position": [1, "Roe", 3]}]}]},
            "a.json: markups[0].controlPoints[0].position[1]: a finite number is allowed",
        ),
        (
            {"markups": [{"controlPoints": [{"position": [1, 2]}]}]},
            "a.json: markups[0].controlPoints[0].position: three",
        ),
        (region(orientation=[0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, 1]), "a.json: markups[0]: an ROI must be a Box along"),
        (region(roiType="BoundingBox"), "a.json: markups[0]: an ROI must be a Box along"),
        ({"images": 3, "annotations": []}, "a.json: images must be a list of objects"),
        (
            {**pictures(), "annotations": [{"image_id": 7, "category_id": [], "bbox": [1, 2, 3, 4]}]},
            "a.json: annotations:",
        ),
        ({"images": [{"id": [], "file_name": "a"}], "annotations": []}, "a.json: images: an id must be"),
        (
            {
                "images": [{"id": 1, "file_name": "case01.nii.gz"}],
                "annotations": [{"image_id": 1, "bbox": [1, 2, 3, -4]}],
            },
            "a.json: annotations[0].bbox: width and height must not be negative",
        ),
        (
            {
                "images": [{"id": 1, "file_name": "case01.nii.gz"}],
                "annotations": [{"image_id": 1, "bbox": [1, 2, 1e999]}],
            },
            "a.json: not JSON that can be read",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_without_quoting_it(document: Any, told: str) -> None:
    with pytest.raises(SampleError) as caught:
        read(document)
    assert caught.value.reason == "bad_points"
    assert caught.value.message.startswith(told)
    assert "Roe" not in caught.value.message


def as_text(document: Any) -> Any:
    """Return `document` with every number in its lists of numbers as text."""
    if isinstance(document, dict):
        return {key: as_text(value) for key, value in document.items()}
    if isinstance(document, list):
        return [str(one) if isinstance(one, int | float) else as_text(one) for one in document]
    return document


def roundtrip(document: Any, *, hidden: bool, step: float) -> Any:
    """Return what is written of `document` once its content has moved by `step` along the first axis."""
    found = read(document)
    content = found.content
    if hidden:
        found, content = hide(found, content, "a.json")
    by = np.array([step, 0, 0])
    if isinstance(content, Points):
        moved: Any = replace(content, positions=content.positions + by)
    else:
        moved = replace(content, low=content.low + by, high=content.high + by)
    return json.loads(found.write(moved, replace(IMAGE, moved=step != 0)).encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("document", [json.loads(markups("Line", "RAS")), region(), pictures()])
@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("step", [0, 2])
def test_numbers_that_are_written_as_text_are_numbers(document: Any, hidden: bool, step: float) -> None:
    for_marks = {key: as_text(value) if key in ("markups", "annotations") else value for key, value in document.items()}
    made = roundtrip(for_marks, hidden=hidden, step=step)
    wanted = roundtrip(document, hidden=hidden, step=step)
    assert numbers_of(made) == numbers_of(wanted) != []


def numbers_of(document: Any) -> list[Any]:
    """Return positions and boxes in the order of a document."""
    if isinstance(document, list):
        return [number for one in document for number in numbers_of(one)]
    if not isinstance(document, dict):
        return []
    marked = ("position", "center", "size", "bbox") if "positionStatus" not in document else ()
    own = [document[key] for key in marked if key in document]
    return [*own, *(number for one in document.values() for number in numbers_of(one))]


def test_a_value_of_another_type_is_no_word_and_is_dropped_where_patients_are_hidden() -> None:
    points = [{"label": "F-1", "position": [1, 2, 3], "visibility": {"Roe": 1}, "selected": [{"Roe": 1}]}]
    document = {"markups": [{"type": "Fiducial", "locked": {"Roe": [1]}, "controlPoints": points}]}
    made = roundtrip(document, hidden=True, step=1)
    assert made["markups"][0]["controlPoints"][0]["position"] == [2, 2, 3]
    assert "Roe" not in json.dumps(made)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("half", [0xD83D, 0xDC80])
def test_half_of_a_pair_of_surrogates_stays_an_escape(half: int, indent: int | None) -> None:
    points = [{"label": f"{chr(half)} \U0001f600", "position": [1, 2, 3]}]
    raw = json.dumps({"markups": [{"type": "Fiducial", "controlPoints": points}]}, indent=indent).encode()
    found = read(raw.decode())
    data = found.write(found.content, IMAGE).encode("utf-8", "surrogateescape")
    assert json.loads(data)["markups"][0]["controlPoints"] == points
    assert f"\\u{half:04x} ".encode() + b"\xf0\x9f\x98\x80" in data


@pytest.mark.parametrize("text", ["see [ 1 ]", "a [ 1,\n 2 ]", '"[ 1 ]"', "\\[ 1 ]", "[ ", '\\" [ 1 ]'])
def test_lists_go_on_one_line_and_what_looks_like_one_in_a_text_stays(text: str) -> None:
    entry = {"type": "Fiducial", "name": text, "controlPoints": [{"position": [1, 2, 3], "description": text}]}
    raw = re.sub(r"\[\s+1,\s+2,\s+3\s+\]", "[1, 2, 3]", json.dumps({"markups": [entry]}, indent=1))
    found = read(raw)
    assert found.write(found.content, replace(IMAGE, moved=False)) == raw


def test_a_number_too_large_for_a_float_is_not_finite() -> None:
    huge = "1" + "0" * 400
    with pytest.raises(SampleError, match="finite number"):
        read('{"markups": [{"controlPoints": [{"position": [1, 2, ' + huge + "]}]}]}")
    assert np.isfinite(float("1" + "0" * 300))
