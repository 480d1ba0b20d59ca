"""LossyImageCompressionRatio through whole runs: each file names what its own channel went through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pydicom
from datasets_for_runs import records_of, run_here, save_recipe

from tests.formats.dicom.datasets import MR, SERIES, image, placed, save

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("fine", "coarse")  # the channels MR2 and MR1
JPEG = "jpeg: {range: [0, 1000], quality: 95, by_channel: {MR1: {quality: 5}}}"
MIXED = "augmix: {chains: [[{jpeg: {range: [0, 1000], quality: 5}}]], weights: [1], share: 0.5}"


def ratios_of_a_run(root: Path, step: str) -> list[float]:
    """Return the ratio that a copy's first slice names, of each of two series that move together."""
    rng = np.random.default_rng(5)
    for number, kind in enumerate(KINDS):
        for k in range(2):
            pixels = rng.integers(0, 1000, (20, 24)).astype(np.int16)
            about = placed(k, 2.0, SeriesInstanceUID=f"{SERIES}.{number}", Modality="MR")
            save(image(pixels, MR, 100 * number + k, **about), root / "data" / kind / f"{k}.dcm")
    recipe = f"version: 1\ndataset: {{layout: dicom, group: frame_of_reference}}\nsteps:\n  - {step}\nchecks: null\n"
    run_here(save_recipe(root / "recipe.yaml", recipe), root / "data", root / "out")
    (record,) = records_of(root / "out")
    assert (record.status, record.message) == ("ok", "")
    made = [pydicom.dcmread(root / "out" / entry.path) for entry in record.output]
    assert {one.LossyImageCompression for one in made} == {"01"}
    return [next(float(one.LossyImageCompressionRatio) for one in made if kind in str(one.filename)) for kind in KINDS]


def test_each_channel_names_the_ratio_of_its_own_quality(tmp_path: Path) -> None:
    fine, coarse = ratios_of_a_run(tmp_path, JPEG)
    assert coarse > 1.5 * fine > 0


def test_a_copy_that_is_partly_a_jpeg_is_marked(tmp_path: Path) -> None:
    assert min(ratios_of_a_run(tmp_path, MIXED)) > 1
