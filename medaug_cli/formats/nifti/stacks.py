"""Stacks: labels of one component each, one-hot or soft, as 4-D files and declared 3-D files hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import LabelStack
from medaug_cli.core.lazy import np
from medaug_cli.formats.nifti.voxels import Template, to_label_map, to_volume

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray, FloatArray
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.formats.nifti.header import NiftiHeader

_TOLERANCE = 1e-3  # what scaled integers and sums of shares may be off


def to_labels(name: str, stored: AnyArray, header: NiftiHeader, *, soft: bool) -> tuple[Labels, Template]:
    """Return a label map of a 3-D file, a stack of a 4-D one; `soft` is what the recipe says.

    Components of 0 and 1 are labels, shares in between are soft without being declared. Raises SampleError:
    `label_components`, `soft_not_representable`, and what `to_label_map` raises.
    """
    if header.colours or (header.components == 1 and not soft):
        return to_label_map(name, stored, header)
    shares = _to_shares(name, stored, header)
    whole = not soft and bool(((shares == 0) | (shares == 1)).all())
    if not whole and header.dtype.kind in "iu" and not header.is_scaled:
        raise SampleError(
            "soft_not_representable",
            f"{name}: {header.dtype_name} holds no shares between 0 and 1; leave it out of dataset.soft_labels",
        )
    total = shares.sum(axis=0)
    partition = header.components > 1 and bool(np.abs(total - 1).max() <= (0 if whole else _TOLERANCE))
    array = shares.astype(np.uint8) if whole else shares
    return LabelStack(array, header.geometry, soft=not whole, partition=partition), Template(header)


def _to_shares(name: str, stored: AnyArray, header: NiftiHeader) -> FloatArray:
    """Return the components (component, z, y, x) as float32 from 0 to 1."""
    volume, _ = to_volume(stored, header)
    shares = np.asarray(volume.array, dtype=np.float32)
    if volume.void is not None or shares.min() < -_TOLERANCE or shares.max() > 1 + _TOLERANCE:
        raise SampleError(
            "label_components",
            f"{name}: {header.components} components a voxel, or soft by dataset.soft_labels, whose values are not all "
            "from 0 to 1; allowed are components of 0 and 1, or shares of 1",
        )
    return np.clip(shares, 0, 1)
