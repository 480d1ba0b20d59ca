"""Floor: what no tool can do without: decode, touch every voxel once, encode as medaug does; no step is applied.

`nifti IMAGE LABEL FOLDER COPIES [once]`: every copy decodes its source; with `once` only the first does.
`dicom SOURCE FOLDER REPEATS`: pydicom reads and writes every file of SOURCE; nothing is changed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from isal import isal_zlib

from medaug_cli.formats.nifti import gzip_member

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

_GZIP = 31  # zlib's window bits for a gzip member
_HEAD_BYTES = 352


def main() -> None:
    """Do what the first argument names."""
    kind, *arguments = sys.argv[1:]
    if kind == "nifti":
        image, label, folder, copies = arguments[:4]
        copy_nifti(Path(image), Path(label), Path(folder), int(copies), once="once" in arguments)
    else:
        source, folder, repeats = arguments
        copy_dicom(Path(source), Path(folder), int(repeats))


def copy_nifti(image: Path, label: Path, folder: Path, copies: int, *, once: bool) -> None:
    """Write COPIES of an int16 image and its uint8 label map, the label map last."""
    for number in range(copies):
        if number == 0 or not once:
            decoded = isal_zlib.decompress(image.read_bytes(), _GZIP), isal_zlib.decompress(label.read_bytes(), _GZIP)
        write_changed(decoded[0], np.int16, folder / f"copy{number:04d}.nii.gz")
        write_changed(decoded[1], np.uint8, folder / f"copy{number:04d}_seg.nii.gz")


def write_changed(content: bytes, dtype: DTypeLike, path: Path) -> None:
    """Write a NIfTI file's `content` with every voxel changed."""
    voxels = np.frombuffer(content, dtype, offset=_HEAD_BYTES) ^ np.array(1, dtype)
    path.write_bytes(gzip_member.encode(content[:_HEAD_BYTES], voxels.view(np.uint8).data, sparse=voxels.itemsize == 1))


def copy_dicom(source: Path, folder: Path, repeats: int) -> None:
    """Write REPEATS copies of every DICOM file of SOURCE, the pixels decoded and put back."""
    files = sorted(source.glob("*.dcm"))
    for number in range(repeats):
        target = folder / f"copy{number:04d}"
        target.mkdir()
        for path in files:
            dataset = pydicom.dcmread(path)
            dataset.PixelData = dataset.pixel_array.tobytes()
            dataset.save_as(target / path.name)


if __name__ == "__main__":
    main()
