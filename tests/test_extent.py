"""What a plan says of copies on other grids is what the run then makes of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
from datasets_for_runs import OBLIQUE, SIZE, records_of, run_here, save_dataset, save_recipe
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from medaug_cli.recipe import load_recipe
from medaug_cli.run import Options, preview_run
from tests.formats.dicom.datasets import image, placed

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.plan import Plan

STEPS = {
    "crop": "[gamma, {crop: {margin_mm: [1, 4]}}]",
    "maybe pad": "[{pad: {margin_mm: [1, 9], p: 0.5}}, rotate]",
    "one of two, twice": "[{one_of: [{resample: {spacing_mm: [1, 3]}}, flip]}, {crop_or_pad: {size: 9, p: 0.5}}]",
}


def plan_of(folder: Path, steps: str, copies: int = 4) -> Plan:
    recipe = save_recipe(folder / "recipe.yaml", f"version: 1\nseed: 3\ncopies: {copies}\nsteps: {steps}\n")
    return preview_run(load_recipe(recipe), folder / "dataset", folder / "root", Options())[1]


@pytest.mark.parametrize("name", STEPS)
def test_bytes_follow_the_grids_that_the_run_draws(tmp_path: Path, name: str) -> None:
    save_dataset(tmp_path / "dataset", cases=2)
    plain, plan = plan_of(tmp_path, "[gamma]"), plan_of(tmp_path, STEPS[name])
    run_here(tmp_path / "recipe.yaml", tmp_path / "dataset", tmp_path / "root")
    images = [file.path for record in records_of(tmp_path / "root") for file in record.output if file.role == "image"]
    sizes = [nib.load(tmp_path / "root" / path).shape for path in images]  # type: ignore[attr-defined]
    assert len(set(sizes)) > 1
    shares = [math.prod(size) / math.prod(SIZE) for size in sizes]
    assert plan.bytes_needed == pytest.approx(plain.bytes_needed * sum(shares) / len(shares), rel=0.01)
    assert plan.seconds > 0


def test_a_larger_grid_needs_more_memory_and_a_smaller_one_no_less_than_its_source(tmp_path: Path) -> None:
    save_dataset(tmp_path / "dataset", cases=1)
    plain = plan_of(tmp_path, "[gamma]").bytes_of_memory
    assert plan_of(tmp_path, "[{crop: {size: 4}}]").bytes_of_memory == plain
    wide = plan_of(tmp_path, "[{pad: {margin_mm: 100}}]").bytes_of_memory
    size = [count + 2 * round(100 / mm) for count, mm in zip(SIZE, (0.9, 1.1, 2.5), strict=True)]
    assert wide - plain == pytest.approx(11 * (math.prod(size) - math.prod(SIZE)), rel=0.02)


def test_what_no_header_tells_counts_like_the_source(tmp_path: Path) -> None:
    save_dataset(tmp_path / "dataset", cases=1)
    steps = "[{crop: {around: label, label: 1, margin_mm: 2}}]"
    assert plan_of(tmp_path, steps).bytes_needed == plan_of(tmp_path, "[gamma]").bytes_needed


def test_a_size_about_a_label_is_told_without_the_label(tmp_path: Path) -> None:
    save_dataset(tmp_path / "dataset", cases=1)
    about, plain = (plan_of(tmp_path, f"[{{crop_or_pad: {{size: 64{more}}}}}]") for more in (", around: label", ""))
    assert about.bytes_needed == plain.bytes_needed
    assert about.bytes_needed > 10 * plan_of(tmp_path, "[gamma]").bytes_needed


def test_many_copies_are_not_all_drawn(tmp_path: Path) -> None:
    """5000 copies take the mean of 256: margins of 1 to 4 mm, so within a few percent of the mean of all."""
    save_dataset(tmp_path / "dataset", cases=1)
    few = plan_of(tmp_path, STEPS["crop"], 200).bytes_needed / 200
    many = plan_of(tmp_path, STEPS["crop"], 5000).bytes_needed / 5000
    assert many == pytest.approx(few, rel=0.1)


OUTPUTS = ["compression: none", "compression: fast", "compression: small", "dtype: float32", "originals: copy"]


def written_below(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_run_writes_no_more_than_its_plan_says(tmp_path: Path, output: str) -> None:
    """An image that packs well, which noise ends."""
    save_dataset(tmp_path / "dataset", cases=1)
    flat = np.zeros((40, 40, 20), np.int16)
    flat[10:30, 10:30] = 500
    nib.save(nib.nifti1.Nifti1Image(flat, OBLIQUE), tmp_path / "dataset" / "case02.nii.gz")
    steps = f"[rotate, {{gaussian_noise: {{sigma: 50}}}}]\noutput: {{{output}}}"
    needed = plan_of(tmp_path, steps).bytes_needed
    run_here(tmp_path / "recipe.yaml", tmp_path / "dataset", tmp_path / "root")
    assert needed / 3 < written_below(tmp_path / "root") < needed


@pytest.mark.parametrize("syntax", ["explicit", "rle"])
def test_a_packed_series_counts_as_its_copies_are_stored(tmp_path: Path, syntax: str) -> None:
    for number in range(3):
        header = image(np.full((256, 256), 7, np.int16), number=number + 1, **placed(number))
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.compress(RLELossless)
        (tmp_path / "dataset").mkdir(exist_ok=True)
        header.save_as(tmp_path / "dataset" / f"{number}.dcm", enforce_file_format=True)
    needed = plan_of(tmp_path, f"[gamma]\noutput: {{transfer_syntax: {syntax}}}", copies=2).bytes_needed
    run_here(tmp_path / "recipe.yaml", tmp_path / "dataset", tmp_path / "root")
    assert 2 * 3 * 256 * 256 * 2 < needed < 2 * 3 * (256 * 256 * 2 + 8192) + 2 * 16384
    assert written_below(tmp_path / "root") < needed
