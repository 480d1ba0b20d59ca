"""What the NIfTI tests share: save with nibabel, read and copy with medaug, find the real images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel as nib
import pytest
import witnesses

from medaug_cli.core.sample import Derivation, Loaded, Source, Volume
from medaug_cli.formats import Limits
from medaug_cli.formats.nifti import FORMAT

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.encoded import EncodedFile
    from medaug_cli.core.label_maps import LabelMap
    from medaug_cli.core.sample import Role
    from tests.formats.nifti.fixtures import Encode, Read, Save


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read files of the dataset."""

    def read_files(*files: str, role: Role = "image", limits: Limits | None = None) -> Loaded:
        return FORMAT.read(tmp_path, Source(role, "a", "nifti", files), limits or Limits())

    return read_files


@pytest.fixture
def encode(tmp_path: Path) -> Encode:
    """Encode a copy and write its files beside the source."""

    def encode_files(
        like: Loaded, *targets: str, content: Volume | LabelMap | None = None, **derivation: Any
    ) -> tuple[EncodedFile, ...]:
        said = Derivation(copy=1, recipe_sha256="0" * 64, uid_key="key", **derivation)
        encoded = tuple(FORMAT.encode(content or like.content, like, targets, said))
        for file in encoded:
            (tmp_path / file.path).write_bytes(file.data)
        return encoded

    return encode_files


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save a header, its fields as given and unchecked, and an array (x, y, z, …)."""

    def save_file(name: str, array: AnyArray, header: Any = None, **fields: Any) -> Path:
        header = nib.nifti1.Nifti1Header() if header is None else header
        header.set_data_dtype(array.dtype)
        header.set_data_shape(array.shape)
        header["vox_offset"] = 352 if header.sizeof_hdr == 348 else 544
        header["magic"] = b"n+1" if header.sizeof_hdr == 348 else b"n+2"
        for field, value in fields.items():
            header[field] = value
        voxels = array.astype(array.dtype.newbyteorder(header.endianness)).tobytes(order="F")
        (tmp_path / name).write_bytes(header.binaryblock + bytes(4) + voxels)
        return tmp_path / name

    return save_file


@pytest.fixture
def realdata() -> Path:
    return witnesses.realdata()
