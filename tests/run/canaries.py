"""Datasets that bear canaries, and what finds one in all that a run writes and tells."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
from datasets_for_runs import save_image, save_label
from formats.dicom.canaries import SIGNS, bearer
from formats.dicom.datasets import image, placed, ramp, save

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a key that is long enough"
CANARY = "XYZZYCANARY"
RECIPE = """\
version: 1
copies: 2
seed: 3
steps: [{affine: {translation_mm: [-1, 1], fill: air}}, gamma]
privacy: {deidentify: basic}
"""


def told_by(root: Path, *texts: str) -> bytes:
    """Return every byte below `root`, what is packed unpacked too, every name, and `texts`."""
    parts = []
    for path in root.rglob("*"):
        parts.append(path.relative_to(root).as_posix().encode())
        if path.is_file():
            data = path.read_bytes()
            parts += [data, gzip.decompress(data)] if data[:2] == b"\x1f\x8b" else [data]
    return b"\n".join([*parts, *(text.encode() for text in texts)])


def signs_in(told: bytes) -> list[bytes]:
    """Return the canaries in `told`, whatever the case, in UTF-16 and base64, too."""
    low = told.lower()
    return [sign for sign in SIGNS if any(form.lower() in low for form in _forms_of(sign))]


def _forms_of(sign: bytes) -> list[bytes]:
    # Six bits a letter: what stands before shifts the letters, and those at the ends are also its neighbours'.
    packed = [base64.b64encode(bytes(shift) + sign)[4 * bool(shift) : -4] for shift in range(3)]
    return [sign, sign.decode().encode("utf-16-le"), sign.hex().encode(), *(form for form in packed if len(form) > 8)]


def save_dicom(dataset: Path, patient: str = CANARY) -> Path:
    """Write a CT series of three slices that bears canaries everywhere, names of folders and files too."""
    folder = dataset / f"{CANARY}^JOHN" / f"study {CANARY}"
    header = bearer(PatientID=patient)
    for k in range(3):
        plane = image(ramp(k), number=k + 1, **placed(k))
        for keyword in ("SOPInstanceUID", "ImagePositionPatient", "InstanceNumber", "PixelData"):
            header[keyword] = plane[keyword]
        save(header, folder / f"{CANARY}.{k}.dcm")
        raw = bytearray((folder / f"{CANARY}.{k}.dcm").read_bytes())
        raw[: len(CANARY)] = CANARY.encode()
        (folder / f"{CANARY}.{k}.dcm").write_bytes(raw)
    return dataset


def save_nifti(dataset: Path) -> Path:
    """Write a case with canaries in its names, its free text and its extensions."""
    folder = dataset / f"{CANARY}_JOHN"
    texts = {"descrip": CANARY, "aux_file": CANARY, "intent_name": CANARY, "db_name": CANARY, "data_type": "XYZZYCANA"}
    save_image(folder / f"{CANARY}.nii.gz", **texts)
    found = nib.load(folder / f"{CANARY}.nii.gz")
    for code in (0, 4, 6, 44):
        found.header.extensions.append(nib.nifti1.Nifti1Extension(code, CANARY.encode()))
    extended = nib.nifti1.Nifti1Image(np.asarray(found.dataobj), found.affine, found.header)
    nib.save(extended, folder / f"{CANARY}.nii.gz")
    save_label(folder / f"{CANARY}_seg.nii.gz")
    (folder / f"{CANARY}.json").write_text(json.dumps({"PatientName": CANARY}), encoding="utf-8")
    return dataset
