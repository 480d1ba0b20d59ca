"""Adopted: a NIfTI header for labels that were read in another format, made of the header of the image they go with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.label_maps import LabelMap, LabelStack
from medaug_cli.core.lazy import np
from medaug_cli.formats.nifti.fields import head_of
from medaug_cli.formats.nifti.header import code_of
from medaug_cli.formats.nifti.voxels import Template

if TYPE_CHECKING:
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.sample import Derivation, Volume
    from medaug_cli.formats.nifti.header import NiftiHeader

_OF_THE_IMAGE = ("intent_code", "intent_p1", "intent_p2", "intent_p3", "toffset", "cal_min", "cal_max", "scl_inter")


def make_template(content: Volume | Labels, derivation: Derivation) -> Template:
    """Return what the first image of the copy gives labels: version, byte order, units and codes of its grid.

    The type is that of the labels, uint8 of a stack and float32 of a soft one, without scaling; a stack is 4-D.
    """
    if not isinstance(content, LabelMap | LabelStack):
        raise TypeError(type(content).__name__)
    header: NiftiHeader = derivation.images[0][0].template.header
    parts = len(content.array) if isinstance(content, LabelStack) else 1
    found = content.array.dtype
    dtype = np.dtype(f"{header.head.endianness}{found.kind}{found.itemsize}")
    fields = header.fields
    for field in _OF_THE_IMAGE:
        fields[field] = 0
    fields["scl_slope"] = 1
    fields["datatype"] = code_of(dtype)
    fields["dim"] = [3 + (parts > 1), *header.size, parts, 1, 1, 1]
    fields["pixdim"][4:] = 1
    made = replace(
        header, head=head_of(fields), components=parts, colours=0, dtype=dtype, slope=1.0, intercept=0.0, warnings=()
    )
    return Template(made)
