"""Tables of points and boxes: what they say in LPS mm or voxels, and that only what moved changes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.marks import Boxes, Points
from medaug_cli.core.sample import Source
from medaug_cli.formats import Limits
from medaug_cli.formats.points import FORMAT
from medaug_cli.formats.points.kinds import CopiedImage
from medaug_cli.formats.points.table import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.formats.points.table import Table

IMAGE = CopiedImage("case01_aug0001.nii.gz", Geometry((4, 5, 6)), moved=True)
FCSV = """\
# Markups fiducial file version = 4.13
# CoordinateSystem = {system}
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
0,-19.906699999999987,13.9347,29.442970822281154,0,0,0,1,1,1,0,F-1,,
1,-7.3939,-76.94990495817181,17.552540297898375,0,0,0,1,1,1,0,"F,2",,
"""
FIRST, SECOND = (-19.9067, 13.9347, 29.44297), (-7.3939, -76.949905, 17.55254)


def points_of(table: Table) -> Points:
    assert isinstance(table.content, Points)
    return table.content


def boxes_of(table: Table) -> Boxes:
    assert isinstance(table.content, Boxes)
    return table.content


@pytest.mark.parametrize(("system", "sign"), [("LPS", 1), ("1", 1), ("RAS", -1), ("0", -1)])
def test_an_fcsv_is_in_the_space_that_its_header_says(system: str, sign: int) -> None:
    """Slicer's developer guide: RAS has x and y with the other sign; older files count the systems, 0 being RAS."""
    points = points_of(read_table("a.fcsv", FCSV.format(system=system), "auto"))
    assert points.positions == pytest.approx(np.array([FIRST, SECOND]) * [sign, sign, 1], abs=1e-5)
    assert (points.names, points.space) == (("F-1", "F,2"), "lps_mm")


def test_an_fcsv_that_says_no_space_is_ras_as_slicer_wrote_before_it_said() -> None:
    text = "# Markups fiducial file version = 4.4\nvtk_1,1,2,3,0,0,0,1,1,1,0,F-1,,\n"
    assert points_of(read_table("a.fcsv", text, "lps")).positions.tolist() == [[-1, -2, 3]]


@pytest.mark.parametrize(
    ("header", "declared", "position", "space"),
    [
        ("x,y,z", "auto", (1, 2, 3), "lps_mm"),
        ("x,y,z", "ras", (-1, -2, 3), "lps_mm"),
        ("x,y,z", "index", (1, 2, 3), "index"),
        ("x_ras,y_ras,z_ras", "lps", (-1, -2, 3), "lps_mm"),
        ("X_LPS,Y_LPS,Z_LPS", "ras", (1, 2, 3), "lps_mm"),
        ("r,a,s", "auto", (-1, -2, 3), "lps_mm"),
        ("l,p,s", "auto", (1, 2, 3), "lps_mm"),
        ("i,j,k", "ras", (1, 2, 3), "index"),
        ("# space: RAS\nx,y,z", "lps", (-1, -2, 3), "lps_mm"),
    ],
)
def test_the_space_is_the_columns_or_the_comments_or_the_recipes_or_lps(
    header: str, declared: str, position: tuple[float, ...], space: str
) -> None:
    points = points_of(read_table("a.csv", f"{header}\n1,2,3\n", declared))
    assert (points.positions.tolist(), points.space) == ([list(position)], space)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_the_numbers_that_moved_change(delimiter: str, end: str) -> None:
    lines = [
        '# made by hand, "with" care',
        "name,  x ,y,z,note",
        'left,1.5 ,"2",3.250,"a ""b""',
        ",,,,nothing here",
        "",
    ]
    lines[2] += '"'
    text = "\ufeff" + end.join(line if line.startswith("#") else line.replace(",", delimiter) for line in lines)
    table = read_table("a.csv", text, "auto")
    points = points_of(table)
    assert table.write(points, IMAGE) == text
    moved = replace(points, positions=points.positions + np.array([0, 0.125, 1e-9]), names=("right",))
    expected = text.replace("left", "right").replace('"2"', '"2.1250"')
    assert table.write(moved, IMAGE) == expected


def test_dropped_points_take_their_rows_with_them_and_nothing_else() -> None:
    text = "x,y,z,name\n1,2,3,a\n4,5,6,b\n,,,c\n7,8,9,d"
    table = read_table("a.csv", text, "auto")
    points = points_of(table)
    kept = replace(points, positions=points.positions[[0, 2]], names=("a", "d"), rows=(0, 2))
    assert table.write(kept, IMAGE) == "x,y,z,name\n1,2,3,a\n,,,c\n7,8,9,d"
    none = replace(points, positions=points.positions[:0], names=(), rows=())
    assert table.write(none, IMAGE) == "x,y,z,name\n,,,c\n"
    assert points_of(read_table("a.csv", "x,y,z,name\n,,,c\n", "auto")).names == ()


@pytest.mark.parametrize("space", ["auto", "ras"])
def test_a_round_trip_loses_less_than_a_hundredth_of_a_mm(space: str) -> None:
    table = read_table("a.csv", "x,y,z\n1,2,3\n100,-200,300\n", space)
    points = points_of(table)
    moved = replace(points, positions=points.positions * 1.23456789 + 0.0123456)
    again = points_of(read_table("a.csv", table.write(moved, IMAGE), space))
    assert np.abs(again.positions - moved.positions).max() < 1e-4


def test_pixels_of_boxes_count_from_the_outer_corner_of_the_first_pixel() -> None:
    """COCO: a box of the whole first pixel is 0, 0, 1, 1; the pixel's centre is index 0."""
    for header, row in (("x,y,width,height", "0,0,1,1"), ("x_min,y_min,x_max,y_max", "0,0,1,1")):
        table = read_table("a.csv", f"{header}\n{row}\n", "auto")
        boxes = boxes_of(table)
        assert (boxes.low.tolist(), boxes.high.tolist()) == ([[-0.5, -0.5, 0]], [[0.5, 0.5, 0]])
        assert (boxes.planar, boxes.space) == (True, "index")
        assert table.write(boxes, IMAGE) == f"{header}\n{row}\n"


def test_a_box_in_ras_has_its_corners_the_other_way_round_in_lps() -> None:
    header = "x_min,y_min,z_min,x_max,y_max,z_max"
    table = read_table("a.csv", f"{header}\n-10,-20,-30,1,2,3\n", "ras")
    boxes = boxes_of(table)
    assert (boxes.low.tolist(), boxes.high.tolist()) == ([[-1, -2, -30]], [[10, 20, 3]])
    assert table.write(boxes, IMAGE) == f"{header}\n-10,-20,-30,1,2,3\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x,y,z\n1,2,3\n4,Jane Roe,6\n", "a.csv:3: column y: a finite number is allowed, found str that is none"),
        ("x,y,z\n1,nan,3\n", "a.csv:2: column y: a finite number is allowed, found nan"),
        ("x,y,z\n1,2,-Inf\n", "a.csv:2: column z: a finite number is allowed, found inf"),
        ("x,y,z\n1,,3\n", "a.csv:2: column y: a finite number is allowed, found nothing"),
        ("x,y,z\n1,2\n", "a.csv:2: 2 columns, at least 3 are needed"),
        ('x,y,z,name\n1,2,3,a\n1,2,3,"Jane\n', "a.csv:3: a quote that is not closed"),
        ("patient,age\n1,2\n", "a.csv: no columns of coordinates among its 2; allowed: x,y,z"),
        ("", "a.csv: empty; the first row must name the columns"),
        ("# space: MNI\nx,y,z\n", "a.csv: a comment names an unknown space; allowed: LPS, RAS, IJK"),
        ("x,y,width,height\n1,2,3,-4\n", "a.csv:2: a box whose least corner is beyond its greatest"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_without_quoting_it(text: str, told: str) -> None:
    with pytest.raises(SampleError) as caught:
        read_table("a.csv", text, "auto")
    assert caught.value.reason == "bad_points"
    assert caught.value.message.startswith(told)
    assert "Jane" not in caught.value.message


def test_a_hostile_text_takes_no_time() -> None:
    begun = time.process_time()
    for text in (
        'x,y,z\n"' + "a" * 200_000,
        "x,y,z\n" + '""' * 100_000 + '"',
        "x,y,z\n1" + "," * 200_000,
        '"' * 99_999,
    ):
        with pytest.raises(SampleError):
            read_table("a.csv", text, "auto")
    assert time.process_time() - begun < 5


def test_bytes_that_are_no_utf8_come_out_as_they_went_in(tmp_path: Path) -> None:
    raw = "x,y,z,name\n1,2,3,Müller\n".encode("latin-1")
    (tmp_path / "a.csv").write_bytes(raw)
    loaded = FORMAT.read(tmp_path, Source("points", "a", "points", ("a.csv",)), Limits())
    written = loaded.template.write(loaded.marked, IMAGE)
    assert written.encode("utf-8", "surrogateescape") == raw


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as stream:
        stream.truncate(65 << 20)
    (volume,) = FORMAT.find(tmp_path, ["a.csv"]).volumes
    assert volume.problem is not None
    assert volume.problem[0] == "too_large"
    with pytest.raises(SampleError, match="too_large"):
        FORMAT.read(tmp_path, Source("points", "a", "points", ("a.csv",)), Limits())


def test_a_file_that_changed_since_it_was_found_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y,z\n1,2,3\n")
    with pytest.raises(SampleError, match="source_changed"):
        FORMAT.read(tmp_path, Source("points", "a", "points", ("a.csv",), ((12, 1),)), Limits())
