"""SourceImageSequence through whole runs: no slice takes from one that it does not name, on any channel's grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from datasets_for_runs import records_of, run_here, save_recipe

from tests.formats.dicom.datasets import MR, SERIES, image, placed, save

if TYPE_CHECKING:
    from pathlib import Path

SLICES = 10
STEPS = {
    "mirrored": "flip: {axes: [LR, SI], p: 1}",
    "tilted": "affine: {rotation_deg: {LR: 6, AP: 4, SI: 0}, scale: 1.05, p: 1}",
    "moved": "translate: {translation_mm: {LR: 1, AP: 0, SI: 4}, p: 1}",
}
KINDS = {"fine": 2.0, "coarse": 3.5}  # mm between slices


def save_channels(folder: Path, changed: int | None) -> None:
    """Write two series of one frame of reference, slice `changed` of each with pixels of its own."""
    rng = np.random.default_rng(5)
    for number, (kind, step_mm) in enumerate(KINDS.items()):
        for k in range(SLICES):
            pixels = rng.integers(0, 1000, (20, 24)).astype(np.int16)
            pixels += 5000 if k == changed else 0
            about = placed(k, step_mm, SeriesInstanceUID=f"{SERIES}.{number}", Modality="MR")
            save(image(pixels, MR, 100 * number + k, **about), folder / kind / f"{k}.dcm")


def copies(root: Path, step: str, changed: int | None) -> dict[str, list[pydicom.Dataset]]:
    save_channels(root / "data", changed)
    recipe = f"version: 1\ndataset: {{layout: dicom, group: frame_of_reference}}\nsteps:\n  - {step}\nchecks: null\n"
    run_here(save_recipe(root / "recipe.yaml", recipe), root / "data", root / "out")
    (record,) = records_of(root / "out")
    assert (record.status, record.message) == ("ok", "")
    made = [pydicom.dcmread(root / "out" / entry.path) for entry in record.output]
    return {kind: [one for one in made if kind in str(one.filename)] for kind in KINDS}


@pytest.mark.parametrize("changed", [0, 6])
@pytest.mark.parametrize("name", STEPS)
def test_a_slice_that_changes_with_a_source_slice_names_it(name: str, changed: int, tmp_path: Path) -> None:
    before, after = (copies(tmp_path / str(one), STEPS[name], one) for one in (None, changed))
    took = 0
    for number, kind in enumerate(KINDS):
        uid = f"{SERIES}.{100 * number + changed}"
        for plain, other in zip(before[kind], after[kind], strict=True):
            named = [item.ReferencedSOPInstanceUID for item in other.SourceImageSequence]
            differs = not np.array_equal(plain.pixel_array, other.pixel_array)
            assert uid in named or not differs
            assert len(named) < SLICES
            took += differs
    assert took
