"""Modalities: steps are refused where they would be wrong, by the recipe, by validate and sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import augment, make_sample, make_step, make_volume
from datasets_for_runs import records_of, run_here, save_dataset, save_recipe
from typer.testing import CliRunner

from medaug_cli.cli import app
from medaug_cli.core.errors import RecipeError, SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.sample import LoadedSample
from medaug_cli.recipe import load_recipe
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from pathlib import Path

GRID = Geometry((6, 5, 4))
MR_ONLY = [name for name in step_names() if load_step(name).meant_for == ("MR",)]


def sample_of(*modalities: str, said: str = "") -> LoadedSample:
    """Return a sample with one channel a modality; `said` is what recipe or dataset say of the whole."""
    images = {}
    for number, modality in enumerate(modalities):
        images |= {str(number): make_sample(make_volume(GRID), modality=modality).images["0"]}
    return LoadedSample("case01", images, {}, modality=said)


def test_the_steps_of_mr_are_known() -> None:
    assert "bias_field" in MR_ONLY


@pytest.mark.parametrize("name", MR_ONLY)
def test_a_step_of_mr_refuses_ct_by_name_and_does_mr_and_what_nothing_is_known_of(name: str) -> None:
    with pytest.raises(SampleError, match=f"{name} is meant for MR, not for CT; leave the step out") as caught:
        augment(sample_of("CT"), make_step(name))
    assert caught.value.reason == "wrong_modality"
    for modality in ("MR", ""):
        augment(sample_of(modality), make_step(name))


def test_one_channel_of_another_modality_is_enough_to_refuse() -> None:
    with pytest.raises(SampleError, match="not for PT"):
        augment(sample_of("MR", "PT"), make_step("bias_field"))


def test_what_the_recipe_says_overrides_the_header() -> None:
    augment(sample_of("CT", said="MR"), make_step("bias_field"))
    with pytest.raises(SampleError, match="not for CT"):
        augment(sample_of("", said="CT"), make_step("bias_field"))


def test_a_step_that_chance_leaves_out_refuses_nothing() -> None:
    sample = sample_of("CT")
    copy = augment(sample, make_step("bias_field", p=0))
    before = [loaded.content.array for loaded in sample.images.values()]
    assert all(np.array_equal(one.array, old) for one, old in zip(copy.images.values(), before, strict=True))


@pytest.mark.parametrize("key", ["bias_field: {order: 2}", "bias_field", "one_of: [bias_field: {}, gamma: {}]"])
def test_a_recipe_that_names_its_modality_is_refused_in_the_line_of_the_step(key: str, tmp_path: Path) -> None:
    path = save_recipe(tmp_path / "r.yaml", f"version: 1\ndataset: {{modality: CT}}\nsteps:\n  - {key}\n")
    with pytest.raises(RecipeError, match=r"r\.yaml:4:\d+: bias_field is meant for MR, not for CT, which dataset\.mod"):
        load_recipe(path)


@pytest.mark.parametrize("modality", ["MR", "auto"])
def test_a_recipe_for_mr_or_for_anything_may_hold_the_step(modality: str, tmp_path: Path) -> None:
    text = f"version: 1\ndataset: {{modality: {modality}}}\nsteps: [bias_field]\n"
    assert len(load_recipe(save_recipe(tmp_path / "r.yaml", text)).steps) == 1


def bids(folder: Path) -> Path:
    """Write a BIDS dataset of one CT."""
    save_dataset(folder / "flat", cases=1)
    target = folder / "bids" / "sub-01" / "ct"
    target.mkdir(parents=True)
    (folder / "flat" / "case01.nii.gz").rename(target / "sub-01_ct.nii.gz")
    (folder / "bids" / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.9.0"}')
    return folder / "bids"


def test_a_dataset_that_tells_its_modality_fails_the_sample_and_validate_warns(tmp_path: Path) -> None:
    recipe = save_recipe(tmp_path / "r.yaml", "version: 1\nsteps: [one_of: [bias_field]]\n")
    done = CliRunner().invoke(app, ["validate", str(recipe), str(bids(tmp_path))])
    assert done.exit_code == 0
    assert "warning: bias_field is meant for MR, not for CT, which the dataset holds" in done.stderr
    run_here(recipe, tmp_path / "bids", tmp_path / "out")
    (record,) = records_of(tmp_path / "out")
    assert (record.status, record.reason, record.modality) == ("failed", "wrong_modality", "CT")
