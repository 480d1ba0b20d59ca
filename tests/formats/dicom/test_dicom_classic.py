"""Enhanced images copied as classic series."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from witnesses import dicom_errors, realdata

from medaug_cli.formats.dicom import FORMAT
from tests.formats.dicom.datasets import SERIES, encode, load, publish
from tests.formats.dicom.framed import (
    CLASSIC,
    ENHANCED_CT,
    MIRRORED,
    enhanced,
    frame,
    group,
    loaded_from,
    volume_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

    from medaug_cli.core.sample import Loaded, Volume


def classic_of(loaded: Loaded, root: Path, content: Volume | None = None) -> list[Dataset]:
    return publish(encode(loaded, CLASSIC, content), root / "out")


def test_a_classic_copy_is_a_series_with_the_grid_and_values_of_the_object(tmp_path: Path) -> None:
    frames = [frame(35), frame(30), frame(32.5)]
    frames[1].FrameVOILUTSequence = group(WindowCenter=[1, 2], WindowWidth=[3, 4])
    loaded = loaded_from(enhanced(frames), tmp_path)
    made = classic_of(loaded, tmp_path)
    again = load(tmp_path / "out")
    assert [header.SOPClassUID for header in made] == ["1.2.840.10008.5.1.4.1.1.2"] * 3
    assert volume_of(again).geometry.same_grid(volume_of(loaded).geometry)
    assert np.array_equal(volume_of(again).array, volume_of(loaded).array)
    assert (tmp_path / "out" / "a_0001.dcm").exists()
    assert list(made[0].WindowCenter) == [1, 2]
    assert [header.InstanceNumber for header in made] == [1, 2, 3]
    assert len({header.SOPInstanceUID for header in made}) == 3
    assert not [keyword for keyword in ("NumberOfFrames", "SharedFunctionalGroupsSequence") if keyword in made[0]]


def test_a_classic_slice_names_the_frames_that_it_was_made_of(tmp_path: Path) -> None:
    loaded = loaded_from(enhanced([frame(35), frame(30), frame(32.5)]), tmp_path)
    sources = classic_of(loaded, tmp_path)[0].SourceImageSequence
    assert [item.ReferencedFrameNumber for item in sources] == [2, 3, 1]
    assert {(item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID) for item in sources} == {
        (ENHANCED_CT, f"{SERIES}.1")
    }


@pytest.mark.parametrize(("side", "said"), [("R", "L"), ("L", "R"), ("", ""), ("U", None)])
def test_the_side_of_a_frame_is_that_of_its_classic_slice_mirrored(tmp_path: Path, side: str, said: str | None) -> None:
    header = enhanced([frame(30), frame(32)], FrameAnatomySequence=group(FrameLaterality=side))
    made = publish(encode(loaded_from(header, tmp_path), replace(MIRRORED, dicom="classic")), tmp_path / "out")
    assert [slice_.get("Laterality") for slice_ in made] == [said, said]


def test_time_points_become_volumes_of_a_classic_series_of_their_own(tmp_path: Path) -> None:
    frames = [frame(z, TemporalPositionIndex=time) for z in (30, 32.5) for time in (2, 1)]
    made = classic_of(loaded_from(enhanced(frames), tmp_path), tmp_path)
    assert [header.TemporalPositionIdentifier for header in made] == [1, 1, 2, 2]
    assert [int(header.pixel_array[0, 0]) for header in made] == [100, 300, 0, 200]


def test_time_points_on_a_new_grid_go_on_counting(tmp_path: Path) -> None:
    frames = [frame(z, TemporalPositionIndex=time) for time in (1, 2) for z in (30, 32.5)]
    loaded = loaded_from(enhanced(frames), tmp_path)
    volume = volume_of(loaded)
    cropped = replace(
        volume,
        array=np.ascontiguousarray(volume.array[..., :4]),
        geometry=replace(volume.geometry, size=(4, *volume.geometry.size[1:])),
    )
    assert [header.InstanceNumber for header in classic_of(loaded, tmp_path, cropped)] == [1, 2, 3, 4]


def test_numbers_of_a_frame_are_no_longer_than_a_decimal_string(tmp_path: Path) -> None:
    said = {"CTXRayDetailsSequence": group(KVP=119.99999999999997), "MREchoSequence": group(EffectiveEchoTime=1 / 3)}
    loaded = loaded_from(enhanced([frame(30), frame(32.5)], **said), tmp_path)
    made = classic_of(loaded, tmp_path)[0]
    assert [str(made.KVP.original_string), str(made.EchoTime.original_string)] == [
        "120.000000000000",
        "0.33333333333333",
    ]


def test_recorded_paths_of_a_classic_copy_are_used_again(tmp_path: Path) -> None:
    loaded = loaded_from(enhanced([frame(30), frame(32.5)]), tmp_path)
    made = FORMAT.encode(volume_of(loaded), loaded, ["x/1.dcm", "x/2.dcm"], CLASSIC)
    assert [file.path for file in made] == ["x/1.dcm", "x/2.dcm"]


def test_dciodvfy_finds_no_error_in_a_classic_copy_of_a_real_enhanced_ct(tmp_path: Path) -> None:
    path = realdata("single") / "eCT_Supplemental.dcm"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(path.read_bytes())
    classic_of(load(tmp_path / "in"), tmp_path)
    assert not dicom_errors(tmp_path / "out" / "a_0001.dcm")
