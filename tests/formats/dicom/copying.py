"""Copies of small DICOM files, read back: what tests of the writer share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medaug_cli.core.sample import Derivation, Loaded, Volume
from tests.formats.dicom.datasets import UNCHANGED, encode, load, publish, save

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

MOVED = replace(UNCHANGED, moved=True, steps=(("affine", ("113085", "DCM", "Spatial resampling")),))
BRIGHTER = replace(UNCHANGED, intensity_changed=True, steps=(("gamma", ("gamma", "99MEDAUG", "Gamma")),))


def plus(loaded: Loaded, change: float) -> Volume:
    """Return the volume of `loaded` with `change` added."""
    assert isinstance(loaded.content, Volume)
    return replace(loaded.content, array=loaded.content.array + np.float32(change))


def copy_of(header: Dataset, tmp_path: Path, derivation: Derivation = UNCHANGED, change: float = 0) -> Dataset:
    """Return the copy of a single image, `change` added to its values."""
    save(header, tmp_path / "source" / "a.dcm")
    loaded = load(tmp_path / "source")
    return publish(encode(loaded, derivation, plus(loaded, change)), tmp_path / "copy")[0]
