"""Window: what a copy is shown with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from medaug_cli.core.sample import Derivation, Volume
from medaug_cli.formats.dicom.elements import encoded_element
from tests.formats.dicom.copying import BRIGHTER, MOVED, copy_of
from tests.formats.dicom.datasets import (
    DX,
    UNCHANGED,
    encode,
    image,
    load,
    mammogram,
    placed,
    publish,
    ramp,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("derivation", "kept"), [(UNCHANGED, True), (MOVED, True), (BRIGHTER, False)])
def test_a_window_is_kept_while_intensities_are(tmp_path: Path, derivation: Derivation, *, kept: bool) -> None:
    """Of 0 to 100 in equal steps, percentiles 1 and 99 are 1 and 99: centre 50, width 98."""
    pixels = np.arange(101, dtype=np.int16)[None]
    made = copy_of(image(pixels, **placed(WindowCenter=40, WindowWidth=400)), tmp_path, derivation)
    assert (made.WindowCenter, made.WindowWidth) == ((40, 400) if kept else (50, 98))


def test_several_window_presets_keep_their_count(tmp_path: Path) -> None:
    header = image(ramp(), **placed(WindowCenter=[40, -600], WindowWidth=[400, 1500]))
    assert list(copy_of(header, tmp_path, BRIGHTER).WindowCenter) == [40, -600]


def test_presets_follow_the_values_where_nothing_moved(tmp_path: Path) -> None:
    """Doubled values of 0 to 100: what lay from 20 to 60 now lies from 40 to 120."""
    pixels = np.arange(101, dtype=np.int16)[None]
    said = {"WindowCenter": [40, 50], "WindowWidth": [40, 80], "WindowCenterWidthExplanation": ["SOFT", "HARD"]}
    save(image(pixels, **placed(**said)), tmp_path / "source" / "a.dcm")
    loaded = load(tmp_path / "source")
    assert isinstance(loaded.content, Volume)
    doubled = replace(loaded.content, array=loaded.content.array.astype(np.float32) * 2)
    (made,) = publish(encode(loaded, BRIGHTER, doubled), tmp_path / "copy")
    assert [float(value) for value in made.WindowCenter] == pytest.approx([80, 100], abs=0.01)
    assert [float(value) for value in made.WindowWidth] == pytest.approx([80, 160], abs=0.01)
    assert made.WindowCenterWidthExplanation == ["SOFT", "HARD"]
    moved = replace(BRIGHTER, moved=True)
    (made,) = publish(encode(loaded, moved, doubled), tmp_path / "moved")
    assert list(made.WindowCenter) == [40, 50]


@pytest.mark.parametrize(
    ("centers", "widths", "made", "names"),
    [
        (b"40\\ ", b"40\\80 ", [80], ["SOFT"]),
        (b"40\\50 ", b"\\80 ", [100], ["HARD"]),
        (b"40\\50\\- ", b"40\\80\\1 ", [80, 100], None),
        (b"40\\50 ", b"40", [80], ["SOFT"]),
        (b"x\\ ", b"\\80 ", [100], None),
    ],
)
def test_presets_that_are_no_numbers_go_and_the_others_follow(
    centers: bytes, widths: bytes, made: list[float], names: list[str] | None, tmp_path: Path
) -> None:
    header = image(np.arange(101, dtype=np.int16)[None], **placed(WindowCenterWidthExplanation=["SOFT", "HARD"]))
    for keyword, value in (("WindowCenter", centers), ("WindowWidth", widths)):
        header[Tag(keyword)] = encoded_element(keyword, "DS", (value,))
    save(header, tmp_path / "source" / "a.dcm")
    loaded = load(tmp_path / "source")
    assert isinstance(loaded.content, Volume)
    doubled = replace(loaded.content, array=loaded.content.array.astype(np.float32) * 2)
    (copy,) = publish(encode(loaded, BRIGHTER, doubled), tmp_path / "copy")
    found = copy.WindowCenter if len(made) > 1 else [copy.WindowCenter]
    assert [float(value) for value in found] == pytest.approx(made, abs=0.01)
    told = copy.get("WindowCenterWidthExplanation")
    assert ([told] if isinstance(told, str) else told and list(told)) == names


@pytest.mark.parametrize(
    ("centers", "made"), [(b"40\\50 ", [40, 50]), (b"x\\50 ", [50]), (b"x\\y ", [100])], ids=["both", "one", "none"]
)
def test_presets_that_are_no_numbers_go_from_what_moved_too(centers: bytes, made: list[float], tmp_path: Path) -> None:
    """Of a moved source no preset can follow the values."""
    header = image(np.arange(101, dtype=np.int16)[None], **placed(WindowWidth=[40, 80]))
    header[Tag("WindowCenter")] = encoded_element("WindowCenter", "DS", (centers,))
    save(header, tmp_path / "source" / "a.dcm")
    loaded = load(tmp_path / "source")
    assert isinstance(loaded.content, Volume)
    doubled = replace(loaded.content, array=loaded.content.array.astype(np.float32) * 2)
    (copy,) = publish(encode(loaded, replace(MOVED, intensity_changed=True), doubled), tmp_path / "copy")
    found = copy.WindowCenter if len(made) > 1 else [copy.WindowCenter]
    assert [float(value) for value in found] == made


def test_a_voi_lut_gives_way_to_a_window_that_is_at_least_1_wide(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [2, 0, 16], b"\0\0\1\0"
    header = image(np.full((2, 2), 7, np.uint16), DX, VOILUTSequence=Sequence([table]))
    made = copy_of(header, tmp_path, BRIGHTER)
    assert "VOILUTSequence" not in made
    assert (made.WindowCenter, made.WindowWidth) == (7, 1)


def test_the_function_of_a_window_stays_when_the_window_is_measured_anew(tmp_path: Path) -> None:
    header = mammogram(ramp().astype(np.uint16), VOILUTFunction="SIGMOID", WindowCenter=9, WindowWidth=5)
    made = copy_of(header, tmp_path, BRIGHTER)
    assert made.VOILUTFunction == "SIGMOID"
    assert made.WindowCenter != 9


def test_a_window_of_monochrome1_is_in_values_before_the_turn(tmp_path: Path) -> None:
    pixels = np.arange(101, dtype=np.uint16)[None]
    attributes = {"WindowCenter": 3, "WindowWidth": 9, "PhotometricInterpretation": "MONOCHROME1", "BitsStored": 10}
    made = copy_of(image(pixels, DX, **attributes), tmp_path, BRIGHTER)
    assert (made.WindowCenter, made.WindowWidth) == (50, 98)
