"""Malformed and hostile NIfTI files, each built from a sound one by one change; no binary is kept."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from datasets_for_runs import OBLIQUE, SIZE, save_image, save_label

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Spoil = Callable[[Path, str], None]

# Byte offsets of the fields of a NIfTI-1 header (nifti1.h).
DIM, DATATYPE, BITPIX, PIXDIM, VOX_OFFSET, SLOPE = 40, 70, 72, 76, 108, 112
QFORM_CODE, SFORM_CODE, QOFFSET_X, SROW_X, SROW_Y = 252, 254, 268, 280, 296
VOXELS_AT = 352


def sound_bytes(array: np.ndarray[Any, Any] | None = None) -> bytearray:
    """Return a sound NIfTI-1 file of `array` (int16 of SIZE without one), unpacked."""
    if array is None:
        array = np.random.default_rng(1).integers(-100, 900, SIZE).astype(np.int16)
    return bytearray(nib.nifti1.Nifti1Image(array, OBLIQUE).to_bytes())


def plain(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)


def packed(path: Path, raw: bytes) -> None:
    path.write_bytes(gzip.compress(bytes(raw), 1, mtime=0))


def with_fields(*changes: tuple[str, int, Any], suffix: str = ".nii.gz") -> Spoil:
    """Return a builder of a file whose header has `changes`: (format, offset, value)."""

    def build(folder: Path, case: str) -> None:
        raw = sound_bytes()
        for form, offset, value in changes:
            struct.pack_into(f"<{form}", raw, offset, value)
        (packed if suffix == ".nii.gz" else plain)(folder / f"{case}{suffix}", raw)

    return build


def with_array(array: np.ndarray[Any, Any]) -> Spoil:
    """Return a builder of an image of `array`, with its label map."""

    def build(folder: Path, case: str) -> None:
        nib.save(nib.nifti1.Nifti1Image(array, OBLIQUE), folder / f"{case}.nii.gz")

    return build


def cut_in_the_middle(folder: Path, case: str) -> None:
    save_image(folder / f"{case}.nii.gz")
    path = folder / f"{case}.nii.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_plain(folder: Path, case: str) -> None:
    plain(folder / f"{case}.nii", bytes(sound_bytes()[:-120]))


def one_byte_flipped(folder: Path, case: str) -> None:
    """Flip a stored byte, which no decoder of deflate can notice but by the checksum."""
    member = bytearray(gzip.compress(bytes(sound_bytes()), 0, mtime=0))
    member[1200] ^= 0x10
    (folder / f"{case}.nii.gz").write_bytes(member)


def bomb(folder: Path, case: str) -> None:
    """Pack 200 MB of zeros behind a header that asks for 2 kB."""
    (folder / f"{case}.nii.gz").write_bytes(
        gzip.compress(bytes(sound_bytes()), 1, mtime=0) + gzip.compress(bytes(20_000_000), 9, mtime=0) * 10
    )


def honest_bomb(folder: Path, case: str) -> None:
    """Pack 216 MB of zeros (1000 : 1) behind a header that declares them."""
    raw = sound_bytes()[:VOXELS_AT]
    struct.pack_into("<8h", raw, DIM, 3, 600, 600, 600, 1, 1, 1, 1)
    struct.pack_into("<2h", raw, DATATYPE, 2, 8)
    zeros = gzip.compress(bytes(21_600_000), 9, mtime=0)
    for name in (f"{case}.nii.gz", f"{case}_seg.nii.gz"):
        (folder / name).write_bytes(gzip.compress(bytes(raw), 1, mtime=0) + zeros * 10)


def claims_1e12_voxels(folder: Path, case: str) -> None:
    raw = sound_bytes()[:1000]
    struct.pack_into("<8h", raw, DIM, 4, 10_000, 10_000, 10_000, 1, 1, 1, 1)
    plain(folder / f"{case}.nii", raw)


def claims_more_than_a_64_bit_count(folder: Path, case: str) -> None:
    raw = sound_bytes()[:1000]
    struct.pack_into("<8h", raw, DIM, 7, *[32767] * 7)
    plain(folder / f"{case}.nii", raw)


def extension_of(length: int) -> Spoil:
    """Return a builder of a file with one extension whose head says `length` bytes."""

    def build(folder: Path, case: str) -> None:
        raw = sound_bytes()
        struct.pack_into("<f", raw, VOX_OFFSET, 384.0)
        extension = struct.pack("<ii", length, 6) + b"\0" * 24
        packed(folder / f"{case}.nii.gz", bytes(raw[:348]) + b"\1\0\0\0" + extension + bytes(raw[VOXELS_AT:]))

    return build


def empty_file(folder: Path, case: str) -> None:
    plain(folder / f"{case}.nii.gz", b"")


def web_page(folder: Path, case: str) -> None:
    plain(folder / f"{case}.nii.gz", b"<!DOCTYPE html><html><title>Log in</title></html>\n" * 20)


def mask_of_other_shape(folder: Path, case: str) -> None:
    save_image(folder / f"{case}.nii.gz")
    save_label(folder / f"{case}_seg.nii.gz", size=(13, 12, 6))


def mask_elsewhere(folder: Path, case: str) -> None:
    moved = OBLIQUE.copy()
    moved[1, 3] += 0.5
    save_image(folder / f"{case}.nii.gz")
    save_label(folder / f"{case}_seg.nii.gz", affine=moved)


def mask_of_probabilities(folder: Path, case: str) -> None:
    save_image(folder / f"{case}.nii.gz")
    nib.save(nib.nifti1.Nifti1Image(np.full(SIZE, 0.3, np.float32), OBLIQUE), folder / f"{case}_seg.nii.gz")


def mask_missing(folder: Path, case: str) -> None:
    save_image(folder / f"{case}.nii.gz")


def two_masks(folder: Path, case: str) -> None:
    save_image(folder / f"{case}.nii.gz")
    save_label(folder / f"{case}_seg.nii.gz")
    save_label(folder / f"{case}_seg.nii")


def analyze(folder: Path, case: str) -> None:
    raw = sound_bytes()
    raw[344:348] = b"\0\0\0\0"
    plain(folder / f"{case}.nii", raw)


def bytes_behind_the_voxels(folder: Path, case: str) -> None:
    plain(folder / f"{case}.nii", bytes(sound_bytes()) + b"#!/bin/sh\n" * 100)


def qform_and_sform_apart(folder: Path, case: str) -> None:
    image = nib.nifti1.Nifti1Image(np.random.default_rng(2).integers(0, 900, SIZE).astype(np.int16), OBLIQUE)
    image.set_sform(OBLIQUE, 1)
    image.set_qform(np.diag([2, 2, 2, 1]), 1)
    nib.save(image, folder / f"{case}.nii.gz")


def no_orientation(folder: Path, case: str) -> None:
    for name, dtype in ((f"{case}.nii.gz", np.int16), (f"{case}_seg.nii.gz", np.uint8)):
        array = np.zeros(SIZE, dtype)
        array[3:9, 3:9, 2:5] = 1
        image = nib.nifti1.Nifti1Image(array, None)
        image.header.set_zooms((1.0, 1.0, 2.0))
        nib.save(image, folder / name)


def sheared(folder: Path, case: str) -> None:
    slanted = OBLIQUE.copy()
    slanted[0, 2] += 0.4
    for name, array in (
        (f"{case}.nii.gz", np.random.default_rng(3).integers(0, 900, SIZE).astype(np.int16)),
        (f"{case}_seg.nii.gz", np.ones(SIZE, np.uint8)),
    ):
        image = nib.nifti1.Nifti1Image(array, slanted)
        image.set_qform(None, 0)
        nib.save(image, folder / name)


def voxels_not_finite() -> np.ndarray[Any, Any]:
    array = np.random.default_rng(4).normal(100, 20, SIZE).astype(np.float32)
    array[0], array[1, 1, 1], array[2, 2, 2] = np.nan, np.inf, -np.inf
    return array


def colours() -> np.ndarray[Any, Any]:
    array = np.zeros(SIZE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    array["R"], array["B"] = 200, 30
    return array


# Number in the list of bad inputs, name, builder, stable reason; "" where the case must be done.
CASES: list[tuple[int, str, Spoil, str]] = [
    (4, "claims 1e12 voxels", claims_1e12_voxels, "too_large"),
    (4, "claims 1e31 voxels", claims_more_than_a_64_bit_count, "bad_header"),
    (5, "gzip bomb", bomb, "too_large"),
    (5, "gzip bomb that declares itself", honest_bomb, "too_large"),
    (6, "gz cut in the middle", cut_in_the_middle, "truncated"),
    (7, "gz with a flipped byte", one_byte_flipped, "crc_mismatch"),
    (8, "nii cut", cut_plain, "truncated"),
    (9, "negative extent", with_fields(("h", DIM + 2, -14)), "bad_header"),
    (9, "extent 0", with_fields(("h", DIM + 4, 0)), "bad_header"),
    (9, "8 dimensions", with_fields(("h", DIM, 8)), "bad_header"),
    (10, "vox_offset 100", with_fields(("f", VOX_OFFSET, 100.0)), "bad_header"),
    (10, "vox_offset 353", with_fields(("f", VOX_OFFSET, 353.0)), "bad_header"),
    (10, "vox_offset NaN", with_fields(("f", VOX_OFFSET, float("nan"))), "bad_header"),
    (10, "vox_offset 1e30", with_fields(("f", VOX_OFFSET, 1e30)), "bad_header"),
    (10, "extension of 0 bytes", extension_of(0), "bad_header"),
    (10, "extension of 2 GB", extension_of(0x7FFFFFF0), "bad_header"),
    (10, "extension of -16 bytes", extension_of(-16), "bad_header"),
    (11, "affine NaN", with_fields(("f", SROW_X, float("nan"))), "bad_affine"),
    (11, "affine infinite", with_fields(("f", SROW_X + 12, float("inf"))), "bad_affine"),
    (11, "affine zero", with_fields(*[("f", SROW_X + 4 * n, 0.0) for n in range(12)]), "bad_affine"),
    (11, "affine singular", with_fields(*[("f", SROW_Y + 4 * n, 0.0) for n in range(3)]), "bad_affine"),
    (12, "pixdim 0", with_fields(("h", SFORM_CODE, 0), ("h", QFORM_CODE, 0), ("f", PIXDIM + 4, 0.0)), "bad_affine"),
    (12, "pixdim < 0", with_fields(("h", SFORM_CODE, 0), ("h", QFORM_CODE, 0), ("f", PIXDIM + 4, -1.0)), "bad_affine"),
    (13, "qform and sform apart", qform_and_sform_apart, ""),
    (13, "no orientation", no_orientation, ""),
    (13, "codes 77 and 99", with_fields(("h", SFORM_CODE, 77), ("h", QFORM_CODE, 99), ("f", QOFFSET_X, 500.0)), ""),
    (14, "sheared", sheared, ""),
    (15, "slope 0", with_fields(("f", SLOPE, 0.0), ("f", SLOPE + 4, 5.0)), ""),
    (15, "slope NaN", with_fields(("f", SLOPE, float("nan"))), ""),
    (15, "slope infinite", with_fields(("f", SLOPE, float("inf"))), ""),
    (15, "intercept NaN", with_fields(("f", SLOPE, 1.0), ("f", SLOPE + 4, float("nan"))), "bad_header"),
    (16, "voxels NaN and Inf", with_array(voxels_not_finite()), ""),
    (17, "complex", with_array(np.ones(SIZE, np.complex64)), "unsupported_dtype"),
    (17, "float128", with_fields(("h", DATATYPE, 1536), ("h", BITPIX, 128)), "unsupported_dtype"),
    (17, "no such datatype", with_fields(("h", DATATYPE, 77)), "unsupported_dtype"),
    (17, "RGB", with_array(colours()), ""),
    (18, "mask of another shape", mask_of_other_shape, "geometry_mismatch"),
    (19, "mask elsewhere", mask_elsewhere, "geometry_mismatch"),
    (20, "mask of probabilities", mask_of_probabilities, "label_not_integer"),
    (21, "mask missing", mask_missing, "missing_label"),
    (21, "two masks", two_masks, "ambiguous_label"),
    (23, "empty file", empty_file, "truncated"),
    (23, "web page", web_page, "bad_header"),
    (23, "ANALYZE", analyze, "analyze_not_supported"),
    (23, "script behind the voxels", bytes_behind_the_voxels, "trailing_bytes"),
]
HEALTHY = ("healthy first", "healthy last")
RECIPE = """\
version: 1
copies: 1
dataset: {images: {image: "{case}.nii*"}, labels: {seg: "{case}_seg.nii*"}}
steps:
  - affine: {rotation_deg: [-10, 10]}
  - gaussian_noise
limits: {max_voxels: 1.0e+7}
"""


def save_corpus(folder: Path) -> Path:
    """Write every case and two healthy ones; return the folder."""
    folder.mkdir(parents=True)
    for _, name, build, _ in CASES:
        build(folder, name)
        if build is not mask_missing and not list(folder.glob(f"{name}_seg.nii*")):
            save_label(folder / f"{name}_seg.nii.gz")
    for seed, name in enumerate(HEALTHY):
        save_image(folder / f"{name}.nii.gz", seed)
        save_label(folder / f"{name}_seg.nii.gz")
    return folder
