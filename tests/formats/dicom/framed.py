"""Small enhanced CT and MR images built in sight, read and copied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medaug_cli.core.sample import Volume
from tests.formats.dicom.datasets import (
    AXIAL,
    SERIES,
    UNCHANGED,
    encode,
    load,
    publish,
    ramp,
    save,
)
from tests.formats.dicom.test_dicom_pictures import picture

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from medaug_cli.core.sample import Loaded

ENHANCED_CT, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"
GAMMA = (("gamma", ("GAMMA", "99MEDAUG", "Gamma")),)
CHANGED = replace(UNCHANGED, moved=True, intensity_changed=True, steps=GAMMA)
CLASSIC = replace(CHANGED, dicom="classic")
MIRRORED = replace(CHANGED, mirrored=True, swap_laterality=True, turn=((0, -1), (1, 1), (2, 1)))


def group(**attributes: Any) -> Sequence:
    """Return a functional group: a sequence of one item."""
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return Sequence([item])


def frame(z_mm: float, **content: Any) -> Dataset:
    """Return the functional groups of an axial frame at (-10, 20, z)."""
    item = Dataset()
    item.FrameContentSequence = group(FrameAcquisitionNumber=1, StackID="1", **content)
    item.PlanePositionSequence = group(ImagePositionPatient=[-10, 20, z_mm])
    return item


def with_frames(header: Dataset, frames: list[Dataset], **shared: Any) -> Dataset:
    """Give `header` the functional groups of `frames` and the shared ones, rows 0.7 mm and columns 0.5 mm apart."""
    groups = Dataset()
    groups.PixelMeasuresSequence = group(PixelSpacing=[0.7, 0.5], SliceThickness=5)
    groups.PlaneOrientationSequence = group(ImageOrientationPatient=AXIAL)
    groups.FrameAnatomySequence = group(FrameLaterality="R")
    for keyword, value in shared.items():
        setattr(groups, keyword, value)
    header.SharedFunctionalGroupsSequence = Sequence([groups])
    header.PerFrameFunctionalGroupsSequence = Sequence(frames)
    organization = Dataset()
    organization.DimensionOrganizationUID = f"{SERIES}.8"
    header.DimensionOrganizationSequence = Sequence([organization])
    pointers = []
    for pointer in (0x00209056, 0x00209057):  # StackID, InStackPositionNumber
        index = Dataset()
        index.DimensionOrganizationUID, index.DimensionIndexPointer = f"{SERIES}.8", pointer
        index.FunctionalGroupPointer = 0x00209111
        pointers.append(index)
    header.DimensionIndexSequence = Sequence(pointers)
    return header


def enhanced(frames: list[Dataset], pixels: NDArray[Any] | None = None, **shared: Any) -> Dataset:
    """Return an enhanced CT image of `frames`, whose pixels are `ramp` of their number where none are given."""
    stored = np.stack([ramp(k) for k in range(len(frames))]) if pixels is None else pixels
    header = picture(stored, ENHANCED_CT, Modality="CT", ImageType=["ORIGINAL", "PRIMARY", "AXIAL", "NONE"])
    header.DeviceSerialNumber, header.FrameOfReferenceUID = "77", f"{SERIES}.9"
    del header.ConversionType
    shared = {
        "CTImageFrameTypeSequence": group(FrameType=["ORIGINAL", "PRIMARY", "AXIAL", "NONE"]),
        "PixelValueTransformationSequence": group(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU"),
        **shared,
    }
    return with_frames(header, frames, **{key: value for key, value in shared.items() if value is not None})


def loaded_from(header: Dataset, root: Path) -> Loaded:
    save(header, root / "in" / "a.dcm")
    return load(root / "in")


def copy_of(loaded: Loaded, root: Path, derivation: Any = UNCHANGED, content: Volume | None = None) -> Dataset:
    return publish(encode(loaded, derivation, content), root / "out")[0]


def volume_of(loaded: Loaded) -> Volume:
    assert isinstance(loaded.content, Volume)
    return loaded.content
