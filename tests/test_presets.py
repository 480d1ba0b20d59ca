"""The ready recipes in configs/: each loads, wastes nothing, and runs on a sample that fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nibabel as nib
import pydicom
import pytest
from datasets_for_runs import PROJECT, copies_below, exit_code_told, medaug, records_of

from medaug_cli.presets import preset_names
from medaug_cli.recipe import load_recipe, wasteful_chains

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE_OF = {
    "abdomen-ct": "ct",
    "brain-mr-lesion": "brain-mr",
    "chest-xray": "xray",
    "mammography": "mammo",
    "nnunet-default": "brain-mr",
    "quickstart": "brain-mr",
}


def preset(name: str) -> Path:
    return PROJECT / "configs" / f"{name}.yaml"


def test_every_preset_has_a_sample_that_it_is_tried_on() -> None:
    assert set(preset_names()) == set(SAMPLE_OF)


@pytest.mark.parametrize("name", SAMPLE_OF)
def test_a_preset_is_called_as_its_file_and_wastes_no_resampling(name: str) -> None:
    recipe = load_recipe(preset(name))
    assert recipe.name == name
    assert wasteful_chains(recipe) == []


@pytest.mark.parametrize("name", SAMPLE_OF)
def test_a_preset_runs_on_a_fitting_sample(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    sample = PROJECT / "sample_data" / SAMPLE_OF[name]
    done = medaug("run", preset(name), sample, "-o", root, "--copies", "2", "--engine", "serial")
    assert (done.returncode, exit_code_told(done.stdout)) == (0, 0), done.stderr
    records = records_of(root)
    assert [(record.copy_, record.status) for record in records] == [(1, "ok"), (2, "ok")]
    for file in (file for record in records for file in record.output):
        path = root / file.path
        opened = nib.load(path).shape if file.format == "nifti" else pydicom.dcmread(path).pixel_array.shape
        assert all(opened)
    # Two copies of a whole set of files that differ from each other.
    hashes = [[file.voxel_sha256 for file in record.output if file.role == "image"] for record in records]
    assert hashes[0] != hashes[1]
    assert len(records[0].output) == len(records[0].source)
    assert bool(copies_below(root)) == (SAMPLE_OF[name] == "brain-mr")
