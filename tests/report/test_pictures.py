"""Pictures: windows, outlines, letters and the PNG they are stored in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  as its own documentation does
from builders import make_sample, make_volume

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.report.lettering import ADVANCE, LINE, letter, wrap
from medaug_cli.report.png import encode_png
from medaug_cli.report.tiles import images_of, labels_of, make_painter
from medaug_cli.report.window import copy_window, measured, source_window

if TYPE_CHECKING:
    from pathlib import Path

FLAT = Geometry((40, 40, 1))


def test_another_reader_finds_the_same_pixels(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (7, 11, 3)).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(encode_png(picture, "medaug 1"))
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "a.png")), picture)


def test_every_printable_letter_has_a_shape_of_its_own() -> None:
    shapes = {letter([chr(code)], ADVANCE, 1).tobytes() for code in range(0x20, 0x7F)}
    assert len(shapes) == 0x7F - 0x20


def test_letters_are_painted_row_by_row() -> None:
    painted = letter(["T", "L"], 2 * ADVANCE, 1)
    rows = ["".join("#" if ink else "." for ink in row[:5]) for row in painted]
    assert rows[:8] == ["#####", *["..#.."] * 6, "....."]
    assert rows[LINE : LINE + 8] == [*["#...."] * 6, "#####", "....."]


def test_a_sign_that_the_raster_lacks_is_a_question_mark() -> None:
    assert np.array_equal(letter(["é"], ADVANCE, 2), letter(["?"], ADVANCE, 2))


def test_lines_are_no_wider_than_the_picture() -> None:
    text = "affine rotation_deg LR 0.229, AP -9.58, SI -1.33; " * 3
    for scale in (1, 2):
        assert max(len(line) * ADVANCE * scale for line in wrap(text, 300, scale)) <= 300


def test_the_window_of_the_file_comes_first() -> None:
    sample = make_sample(make_volume(FLAT), modality="CT", window=(50.0, 300.0))
    window = source_window(sample.images["0"], images_of(sample)["0"])
    assert (window.low, window.high, window.origin) == (-100, 200, "window of the file")


def test_ct_without_a_window_is_shown_as_soft_tissue() -> None:
    sample = make_sample(make_volume(FLAT), modality="CT")
    window = source_window(sample.images["0"], images_of(sample)["0"])
    assert (window.low, window.high) == (-160, 240)


def test_anything_else_is_shown_by_robust_percentiles_of_what_is_measured() -> None:
    """0 to 1000 in steps of 1, an outlier, and a void at -5000 that does not count."""
    array = np.append(np.arange(1001.0), [1e6, -5000.0]).astype(np.float32).reshape(1, 1, 1, 1003)
    volume = replace(make_volume(Geometry((1003, 1, 1)), array), void=(array[0] == -5000))
    window = measured(volume)
    assert (window.low, window.high) == pytest.approx((5, 996), abs=0.1)


def test_a_copy_has_the_window_of_its_source_unless_it_was_normalised() -> None:
    volume = make_volume(FLAT)  # -1000 to 1000
    before = measured(volume)
    brighter = replace(volume, array=volume.array * 1.2 + 100)
    normalised = replace(volume, array=volume.array / 577)
    assert copy_window(before, before, brighter) is before
    assert copy_window(before, before, normalised).high == pytest.approx(before.high / 577, rel=1e-5)


def test_labels_are_outlined_in_the_colour_of_the_legend_and_not_filled() -> None:
    marked = np.zeros((1, 40, 40), np.uint8)
    marked[0, 10:20, 10:20] = 3
    sample = make_sample(make_volume(FLAT, np.zeros((1, 40, 40))), labels={"organ": LabelMap(marked, FLAT)})
    painter = make_painter(sample, side=40)
    ((name, value, colour, text),) = painter.legend.entries
    assert (name, value, text) == ("organ", 3, "organ 3")
    picture, remark = painter.paint(images_of(sample), labels_of(sample))
    expected = marked[0] == 3
    expected[11:19, 11:19] = False
    assert remark == ""
    assert np.array_equal((picture == colour).all(axis=-1), expected)


def test_a_grid_that_grew_still_fits_into_its_tile() -> None:
    sample = make_sample(make_volume(FLAT))
    painter = make_painter(sample, side=40)
    padded = make_volume(Geometry((80, 60, 1), origin_mm=(-20.0, -10.0, 0.0)), np.full((1, 60, 80), 1000.0))
    picture, _ = painter.paint({"0": padded}, {})
    assert picture.shape == (40, 40, 3)
    assert picture[5:35].min() == 255
    assert picture[:4].max() == picture[-4:].max() == 0


def test_channels_stand_below_each_other_and_planes_beside() -> None:
    grid = Geometry((10, 10, 10))
    sample = make_sample(make_volume(grid), make_volume(grid, seed=1))
    picture, _ = make_painter(sample, side=20).paint(images_of(sample), {})
    assert picture.shape == (20 + 3 + 20, 20 + 3 + 20 + 3 + 20, 3)


def test_colours_are_shown_as_they_are() -> None:
    array = np.zeros((3, 1, 40, 40), np.float32)
    array[0], array[1] = 255, 128
    sample = make_sample(replace(make_volume(FLAT, array), rgb=True))
    picture, _ = make_painter(sample, side=40).paint(images_of(sample), {})
    assert (picture == (255, 128, 0)).all()


def test_of_several_time_points_the_first_is_shown() -> None:
    array = np.zeros((3, 1, 40, 40), np.float32)
    array[0, 0, :, 20:] = 1
    sample = make_sample(make_volume(FLAT, array))
    picture, _ = make_painter(sample, side=40).paint(images_of(sample), {})
    assert (picture[:, :20] == 0).all()
    assert (picture[:, 20:] == 255).all()
