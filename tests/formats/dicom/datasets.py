"""Small DICOM files built in sight: every value that a test asserts against is set here or by the test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from medaug_cli.core.encoded import EncodedFile
from medaug_cli.core.sample import Derivation, Loaded, Source, Volume
from medaug_cli.formats import Found, FoundVolume, Limits
from medaug_cli.formats.dicom import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

CT, MR, PT = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("2", "4", "128"))
CR, DX, MG = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("1", "1.1", "1.2"))
SC, NM = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("7", "20"))
SERIES = "1.2.826.0.1.3680043.8.498.1"
AXIAL = [1, 0, 0, 0, 1, 0]
UNCHANGED = Derivation(copy=1, recipe_sha256="ab" * 32, uid_key="key")


def image(pixels: NDArray[Any], sop_class: str = CT, number: int = 1, **attributes: Any) -> Dataset:
    """Return a one-frame grey image of `pixels`, its attributes replaced by `attributes`; None leaves one out."""
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = sop_class, f"{SERIES}.{number}"
    header.StudyInstanceUID, header.SeriesInstanceUID = f"{SERIES}.0.1", f"{SERIES}.0"
    header.PatientName, header.PatientID, header.PatientBirthDate, header.PatientSex = "Phantom", "P1", "", ""
    header.StudyDate, header.StudyTime, header.StudyID, header.AccessionNumber = "20200102", "030405", "1", ""
    header.ReferringPhysicianName, header.Manufacturer = "", "Maker"
    header.Modality, header.SeriesNumber, header.InstanceNumber = "CT", 3, number
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.PhotometricInterpretation, header.SamplesPerPixel = "MONOCHROME2", 1
    header.Rows, header.Columns = pixels.shape
    header.BitsAllocated = header.BitsStored = 8 * pixels.dtype.itemsize
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    for keyword, value in attributes.items():
        if value is not None:
            setattr(header, keyword, value)
        elif keyword in header:
            delattr(header, keyword)
    header.HighBit = attributes.get("HighBit", header.BitsStored - 1)
    header.add_new(0x7FE00010, "OW" if pixels.dtype.itemsize > 1 else "OB", pixels.tobytes())
    return header


def placed(k: int = 0, step_mm: float = 2.5, **attributes: Any) -> dict[str, Any]:
    """Return the attributes of axial slice `k`: rows 0.7 mm and columns 0.5 mm apart, the first at (-10, 20, 30)."""
    plane = {
        "ImagePositionPatient": [-10, 20, 30 + step_mm * k],
        "ImageOrientationPatient": AXIAL,
        "PixelSpacing": [0.7, 0.5],
        "SliceThickness": 5,
        "FrameOfReferenceUID": f"{SERIES}.9",
        "PositionReferenceIndicator": "",
    }
    return {**plane, **attributes}


def mammogram(pixels: NDArray[Any], **attributes: Any) -> Dataset:
    """Return a right medio-lateral oblique mammogram, its row pointing to posterior, its column to feet and left."""
    breast = Dataset()
    breast.CodeValue, breast.CodingSchemeDesignator, breast.CodeMeaning = "76752008", "SCT", "Breast"
    side = Dataset()
    side.CodeValue, side.CodingSchemeDesignator, side.CodeMeaning = "24028007", "SCT", "Right"
    breast.AnatomicRegionModifierSequence = Sequence([side])
    view = Dataset()
    view.CodeValue, view.CodingSchemeDesignator, view.CodeMeaning = "399368009", "SCT", "medio-lateral oblique"
    view.ViewModifierCodeSequence = Sequence([])
    defaults = {
        "Modality": "MG",
        "ImageType": ["ORIGINAL", "PRIMARY", ""],
        "PresentationIntentType": "FOR PRESENTATION",
        "ImageLaterality": "R",
        "PatientOrientation": ["P", "FL"],
        "OrganExposed": "BREAST",
        "AnatomicRegionSequence": Sequence([breast]),
        "ViewCodeSequence": Sequence([view]),
        "AcquisitionContextSequence": Sequence([]),
        "ImagerPixelSpacing": [0.1, 0.1],
        "PositionerType": "MAMMOGRAPHIC",
        "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": -1,
        "RescaleIntercept": 0,
        "RescaleSlope": 1,
        "RescaleType": "US",
        "PresentationLUTShape": "IDENTITY",
        "LossyImageCompression": "00",
        "BurnedInAnnotation": "NO",
        "WindowCenter": 500,
        "WindowWidth": 900,
        "DetectorType": "DIRECT",
        "FieldOfViewHorizontalFlip": "NO",
        "FieldOfViewRotation": "0",
        "FieldOfViewOrigin": [0, 0],
    }
    return image(pixels, MG, **{**defaults, **attributes})


def save(header: Dataset, path: Path) -> None:
    """Write `header` to `path` as Explicit VR Little Endian, or as its own file meta says."""
    if not hasattr(header, "file_meta"):
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, header, enforce_file_format=True)


def save_series(folder: Path, slices: list[NDArray[Any]], step_mm: float = 2.5, **attributes: Any) -> None:
    """Write `slices` as the axial CT series of `placed`, one file each, from 0.dcm on."""
    for k, pixels in enumerate(slices):
        save(image(pixels, number=k + 1, **placed(k, step_mm, **attributes)), folder / f"{k}.dcm")


def ramp(k: int = 0, rows: int = 4, columns: int = 6) -> NDArray[np.int16]:
    """Return pixels (rows, columns) that differ from place to place and from slice to slice `k`."""
    return np.arange(rows * columns, dtype=np.int16).reshape(rows, columns) + np.int16(100 * k)


def find(root: Path, *, repair: bool = False) -> Found:
    """Find the volumes among all DICOM files under `root`; `repair` makes blank UIDs."""
    files = sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and FORMAT.claims(path)
    )
    return FORMAT.find(root, files, repair=repair)


def only(root: Path) -> FoundVolume:
    """Return the only volume under `root`."""
    (volume,) = find(root).volumes
    return volume


def source(volume: FoundVolume) -> Source:
    """Return the source that discovery makes of `volume`."""
    return Source("image", "image", "dicom", volume.files, volume.stamps)


def load(root: Path, volume: FoundVolume | None = None, *, repair: bool = False) -> Loaded:
    """Read `volume`, or the only one under `root`; `repair` makes blank UIDs."""
    return FORMAT.read(root, source(volume or only(root)), Limits(repair=repair))


def encode(loaded: Loaded, derivation: Derivation = UNCHANGED, content: Volume | None = None) -> list[EncodedFile]:
    """Encode a copy of `loaded`, each file under its source's path."""
    assert isinstance(loaded.content, Volume)
    return list(FORMAT.encode(content or loaded.content, loaded, loaded.source.files, derivation))


def assert_files_or_reason(made: Iterable[object], reason: str, message: str) -> None:
    """Fail unless something was made, all of it files, or a stable reason says in words why not."""
    files = list(made)
    assert bool(files) != bool(reason)
    assert all(isinstance(one, EncodedFile) for one in files)
    assert re.fullmatch(r"[a-z0-9_]*", reason)
    assert bool(message) == bool(reason)


def publish(files: list[EncodedFile], root: Path) -> list[Dataset]:
    """Write encoded `files` under `root` and return them as pydicom reads them."""
    for file in files:
        path = root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    return [pydicom.dcmread(root / file.path) for file in files]
