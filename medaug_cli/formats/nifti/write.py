"""Encode NIfTI copies: voxels and grid from the content, everything else from the source's header."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from medaug_cli import __version__
from medaug_cli.core.encoded import EncodedFile
from medaug_cli.core.errors import SampleError
from medaug_cli.core.hashing import hash_voxels
from medaug_cli.core.label_maps import LabelMap, LabelStack
from medaug_cli.core.lazy import np
from medaug_cli.core.sample import Volume
from medaug_cli.formats.nifti import gzip_member, names, sidecar
from medaug_cli.formats.nifti.adopted import make_template
from medaug_cli.formats.nifti.fields import EXTENDER_BYTES, HEADER_BYTES, head_of
from medaug_cli.formats.nifti.orientation import read_geometry, write_geometry
from medaug_cli.formats.nifti.stored import store_labels, store_volume
from medaug_cli.formats.nifti.voxels import scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nibabel.nifti1 import Nifti1Header

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.sample import Derivation, Loaded
    from medaug_cli.formats.nifti.header import NiftiHeader
    from medaug_cli.formats.nifti.voxels import Template

# Free text, where identifying words are left over; the voxels and the grid need none of it.
_FREE_TEXT = ("descrip", "aux_file", "db_name", "data_type", "intent_name", "unused_str")
_SLICE_TIMING = ("slice_code", "slice_start", "slice_end", "slice_duration")
_MOST_EXTENT = {1: 2**15 - 1, 2: 2**63 - 1}
_GRID_TOLERANCE = 1e-3  # of a voxel, at most so many mm
_FLOAT32 = 16  # nifti1.h: NIFTI_TYPE_FLOAT32
_SINGLE_MAGIC = {1: b"n+1", 2: b"n+2"}
_PAIR_MAGIC = {1: b"ni1", 2: b"ni2"}


def encode_copy(
    content: Volume | Labels, like: Loaded, targets: Sequence[str], derivation: Derivation
) -> Iterator[EncodedFile]:
    """Yield one file for a `.nii` or `.nii.gz` target, two for an `.hdr` and an `.img`, and a sidecar for a `.json`.

    Version, byte order, type, scaling, units, time axis and codes are the source's, or those that `make_template` finds
    for what was read in another format; extensions and free text are dropped. Clipped voxels are counted on the file
    that holds them. Raises SampleError.
    """
    own = like.source.format == names.FORMAT_NAME
    template: Template = like.template if own else make_template(content, derivation)
    if derivation.dtype == "float32" and isinstance(content, Volume) and not template.header.colours:
        template = _as_float32(template)
    files = sidecar.files_of_volume(targets)
    yield from _encode_volume(content, template, files, derivation)
    for path in targets[len(files) :]:
        yield EncodedFile(path, (sidecar.encode(template.sidecar),), str, sidecar.DTYPE)  # no voxels to hash


def _encode_volume(
    content: Volume | Labels, template: Template, files: Sequence[str], derivation: Derivation
) -> Iterator[EncodedFile]:
    is_image, header = isinstance(content, Volume), template.header
    if isinstance(content, LabelMap):
        stored, clipped = store_labels(files[-1], content, header), 0
    else:
        volume = (
            Volume(content.array.astype(np.float32), content.geometry) if isinstance(content, LabelStack) else content
        )
        stored, clipped = store_volume(files[-1], volume, template, moved=derivation.moved)
    pair = names.container_of(files[0]) == "pair"
    fields = _make_fields(files[0], header, content.geometry, derivation, pair=pair)
    # As a reader will find it: the fields hold float32, and the qform a quaternion.
    geometry, _ = read_geometry(files[0], head_of(fields), content.geometry.size)
    hash_stored = cache(partial(hash_voxels, stored, geometry))  # of a pair once
    head = bytes(fields.binaryblock) + bytes(EXTENDER_BYTES)
    voxels = stored.reshape(-1).view(np.uint8).data
    parts: tuple[tuple[bytes | memoryview, ...], ...] = ((head,), (voxels,)) if pair else ((head, voxels),)
    for path, part in zip(files, parts, strict=True):
        written: tuple[bytes | bytearray | memoryview, ...] = part
        if names.container_of(path) == "gzip":
            written = (gzip_member.encode(*part, effort=derivation.compression, sparse=not is_image),)
        holds_voxels = part[-1] is voxels
        yield EncodedFile(path, written, hash_stored, header.dtype_name, clipped=clipped if holds_voxels else 0)


def _as_float32(template: Template) -> Template:
    """Return `template` of the same grid for voxels that are float32 and not scaled, those under `void` as well."""
    header = template.header
    fields = header.fields
    fields["datatype"] = _FLOAT32
    fields["scl_slope"], fields["scl_inter"] = 1, 0
    dtype = np.dtype(f"{header.head.endianness}f4")  # 8-bit voxels, which have no byte order, do not tell it
    unscaled = replace(header, head=head_of(fields), dtype=dtype, slope=1.0, intercept=0.0)
    void_stored = None if template.void_stored is None else scale(template.void_stored, header)
    return replace(template, header=unscaled, void_stored=void_stored)


def _make_fields(
    name: str, header: NiftiHeader, geometry: Geometry, derivation: Derivation, *, pair: bool
) -> Nifti1Header:
    """Return a copy of the source's fields that fits the copy."""
    fields = header.fields
    tolerance_mm = _GRID_TOLERANCE * min(1.0, *header.geometry.spacing_mm)
    same_grid = header.geometry.same_grid(geometry, tolerance_mm)
    _set_size(name, fields, header, geometry)
    write_geometry(fields, geometry, same_grid=same_grid, moved=derivation.moved)
    fields["bitpix"] = 8 * header.dtype.itemsize * (header.colours or 1)
    fields["magic"] = (_PAIR_MAGIC if pair else _SINGLE_MAGIC)[header.version]
    fields["vox_offset"] = 0 if pair else HEADER_BYTES[header.version] + EXTENDER_BYTES
    for field in _FREE_TEXT:
        if field in fields.keys():  # noqa: SIM118  a header is no mapping
            fields[field] = b""
    fields["descrip"] = f"medaug {__version__}".encode()
    if derivation.intensity_changed:
        fields["cal_min"] = fields["cal_max"] = 0
    if derivation.moved or not same_grid:
        for field in _SLICE_TIMING:
            fields[field] = 0
        fields["dim_info"] = _turn_dim_info(int(fields["dim_info"]), derivation)
    return fields


def _set_size(name: str, fields: Nifti1Header, header: NiftiHeader, geometry: Geometry) -> None:
    if geometry.size == header.size:
        return
    if max(geometry.size) > _MOST_EXTENT[header.version]:
        raise SampleError("too_large", f"{name}: NIfTI-1 holds at most {_MOST_EXTENT[1]} voxels along an axis")
    fields["dim"][1:4] = geometry.size
    if geometry.size[2] > 1:
        fields["dim"][0] = max(int(fields["dim"][0]), 3)


def _turn_dim_info(dim_info: int, derivation: Derivation) -> int:
    """Return frequency, phase and slice axis (2 bits each, 1 to 3, 0 unknown) by the axes of the copy (nifti1.h)."""
    now_along = {source + 1: axis + 1 for axis, (source, _) in enumerate(derivation.turn)}
    turned = [now_along.get((dim_info >> shift) & 3, 0) << shift for shift in (0, 2, 4)]
    return turned[0] | turned[1] | turned[2]
