"""Parts of a SEG: headers that contradict themselves are refused when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from segmentations import corner, make_seg

from medaug_cli.core.errors import SampleError
from medaug_cli.formats.dicom.seg.parts import parse_parts
from tests.formats.dicom.datasets import ramp, save_series

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset


def seg(kind: str, tmp_path: Path) -> Dataset:
    save_series(tmp_path / "ct", [ramp(k) for k in range(5)])
    make_seg(tmp_path, corner().astype(np.float32)[..., None] if kind == "FRACTIONAL" else corner(), kind)
    return pydicom.dcmread(tmp_path / "seg" / "kidney.dcm")


@pytest.mark.parametrize("segment", [2, 300])
def test_a_frame_of_a_segment_that_nothing_describes_is_refused(segment: int, tmp_path: Path) -> None:
    header = seg("BINARY", tmp_path)
    groups = (*header.SharedFunctionalGroupsSequence, *header.PerFrameFunctionalGroupsSequence)
    (*_, said) = (group for group in groups if "SegmentIdentificationSequence" in group)  # highdicom 0.26: each frame's
    said.SegmentIdentificationSequence[0].ReferencedSegmentNumber = segment
    with pytest.raises(SampleError, match=f"segment {segment}, which none describes") as error:
        parse_parts(header, "a.dcm")
    assert error.value.reason == "bad_header"


def test_a_largest_fraction_of_0_is_refused(tmp_path: Path) -> None:
    header = seg("FRACTIONAL", tmp_path)
    header.MaximumFractionalValue = 0
    with pytest.raises(SampleError, match="MaximumFractionalValue is 0"):
        parse_parts(header, "a.dcm")
