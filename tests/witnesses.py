"""Witnesses: real images, and readers of files that know nothing of medaug."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

REALDATA = Path(os.environ.get("MEDAUG_REALDATA") or Path(__file__).resolve().parents[2] / "shared" / "realdata")


def realdata(*parts: str) -> Path:
    """Return a folder or file of the real images, or skip the test."""
    path = REALDATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"no real images: {'/'.join(parts) or 'their folder'} is not under MEDAUG_REALDATA or ../shared/realdata"
        )
    return path


def validator(name: str) -> str:
    """Return the path of the program `name`, or skip the test."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def dicom_errors(path: Path) -> set[str]:
    """Return the errors that dciodvfy, a reader of its own, finds in a file."""
    done = subprocess.run(
        [validator("dciodvfy"), "-new", path], capture_output=True, text=True, check=False, errors="replace"
    )
    return {line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")}


def entity_errors(paths: Iterable[Path]) -> set[str]:
    """Return the errors that dcentvfy, a reader of its own, finds among files."""
    done = subprocess.run(
        [validator("dcentvfy"), *paths], capture_output=True, text=True, check=False, errors="replace"
    )
    lines = (done.stdout + done.stderr).splitlines()
    return {line.partition(" for file <")[0] for line in lines if line.startswith("Error")}


def to_nifti(folder: Path, output: Path) -> nib.nifti1.Nifti1Image:
    """Return the one image that dcm2niix, a reader of its own, makes of a DICOM folder."""
    output.mkdir(parents=True)
    command = [validator("dcm2niix"), "-z", "n", "-b", "n", "-f", "out", "-o", output, folder]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = output.glob("*.nii")
    return nib.nifti1.load(made)
