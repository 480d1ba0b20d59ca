"""Runs whose steps change the grid: files, records, replay and running again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
from datasets_for_runs import OBLIQUE, records_of, run_here, save_dataset, save_recipe

from medaug_cli.replay import compare, replay_record
from tests.formats.dicom.datasets import ramp, save_series

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """\
version: 1
seed: 3
copies: 2
steps:
  - affine: {rotation_deg: [-5, 5]}
  - crop: {size: [10, 9, 5], around: %s}
  - pad: {size: [11, 11, null]}
  - elastic: {displacement_mm: [0, 2]}
  - resample: {spacing_mm: {SI: %s}}
"""


def test_image_and_labels_of_a_copy_share_its_new_grid_and_can_be_replayed(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "data", cases=2)
    recipe = save_recipe(tmp_path / "r.yaml", STEPS % ("label", 2.0))
    tally, _ = run_here(recipe, dataset, tmp_path / "out")
    assert (tally.done, tally.failed) == (4, 0)
    for record in records_of(tmp_path / "out"):
        image, label = (nib.load(tmp_path / "out" / file.path) for file in record.output)
        assert image.shape == label.shape == (11, 11, 6)  # type: ignore[attr-defined]
        assert np.array_equal(image.affine, label.affine)  # type: ignore[attr-defined]
        assert record.geometry is not None
        assert record.geometry.size == (11, 11, 6)
        compare(record, replay_record(record, dataset))


def test_a_window_lies_where_its_voxels_lay(tmp_path: Path) -> None:
    """Both sform and qform say so, with the codes of the source, since nothing moved."""
    dataset = save_dataset(tmp_path / "data", cases=1)
    source: Any = nib.load(dataset / "case01.nii.gz")
    text = "version: 1\ncopies: 1\nsteps:\n  - crop: {size: [6, 5, 4], start: [3, 2, 1]}\n"
    run_here(save_recipe(tmp_path / "r.yaml", text), dataset, tmp_path / "out")
    copy: Any = nib.load(tmp_path / "out" / "case01_aug0001.nii.gz")
    assert np.array_equal(np.asarray(copy.dataobj), np.asarray(source.dataobj)[3:9, 2:7, 1:5])
    expected = OBLIQUE @ [3, 2, 1, 1]
    assert np.abs(copy.get_sform()[:, 3] - expected).max() < 1e-4
    assert np.abs(copy.get_qform()[:, 3] - expected).max() < 1e-4 or int(copy.header["qform_code"]) == 0
    assert [int(copy.header[key]) for key in ("sform_code", "qform_code")] == [
        int(source.header[key]) for key in ("sform_code", "qform_code")
    ]


@pytest.mark.parametrize("steps", ["resample: {spacing_mm: {SI: 1.5}}", "crop: {size: [4, 3, 2]}", "pad: {size: 9}"])
def test_a_dicom_series_with_another_number_of_slices_is_kept_on_a_second_run_and_replayed(
    tmp_path: Path, steps: str
) -> None:
    save_series(tmp_path / "data" / "CT", [ramp(k) for k in range(5)], Modality="CT")
    recipe = save_recipe(tmp_path / "r.yaml", f"version: 1\ncopies: 1\nsteps:\n  - {steps}\n")
    first, _ = run_here(recipe, tmp_path / "data", tmp_path / "out")
    again, _ = run_here(recipe, tmp_path / "data", tmp_path / "out")
    assert (first.done, again.done) == (1, 0)
    (record,) = records_of(tmp_path / "out")
    assert record.geometry is not None
    assert len(record.output) == record.geometry.size[2] != 5
    compare(record, replay_record(record, tmp_path / "data"))


def test_alongside_the_originals_more_slices_than_sources_are_no_new_source(tmp_path: Path) -> None:
    save_series(tmp_path / "data" / "CT", [ramp(k) for k in range(5)], Modality="CT")
    recipe = save_recipe(tmp_path / "r.yaml", "version: 1\ncopies: 1\nsteps:\n  - pad: {size: 9}\n")
    assert run_here(recipe, tmp_path / "data", tmp_path / "data")[0].done == 1
    assert run_here(recipe, tmp_path / "data", tmp_path / "data")[0].done == 0
