"""Histogram match: ITK's own filter, the reference file, and replay without it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
import yaml
from builders import change, make_scene, make_volume
from pydantic import ValidationError
from typer.testing import CliRunner

from medaug_cli.cli import app
from medaug_cli.core.errors import RecipeError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import sitk
from medaug_cli.recipe import load_recipe
from medaug_cli.recipe.model import dump_recipe
from medaug_cli.step import inner_steps
from medaug_cli.transforms.histogram_match import HistogramMatch

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(5)
GRID = Geometry((20, 20, 20))
IMAGE = RNG.gamma(3.0, 40.0, (20, 20, 20)).astype(np.float32)
REFERENCE = RNG.normal(300.0, 60.0, (20, 20, 20)).astype(np.float32)


def learned(reference: Any, **values: Any) -> HistogramMatch:
    step = HistogramMatch(reference="reference.nii", **values)
    return HistogramMatch(**values, **step.learn(make_volume(GRID, reference)))


@pytest.mark.parametrize("threshold", ["mean", "minimum"])
@pytest.mark.parametrize(("levels", "points"), [(256, 7), (64, 1), (1024, 20)])
def test_voxels_are_those_of_itk(levels: int, points: int, threshold: str) -> None:
    image, reference = sitk.GetImageFromArray(IMAGE), sitk.GetImageFromArray(REFERENCE)
    matched = sitk.HistogramMatching(image, reference, levels, points, threshold == "mean")
    step = learned(REFERENCE, levels=levels, match_points=points, threshold=threshold)
    apart = np.abs(change(step, IMAGE, GRID) - sitk.GetArrayFromImage(matched))
    assert apart.max() <= 1e-4 * np.ptp(REFERENCE)


def test_an_image_matched_to_itself_stays() -> None:
    assert change(learned(IMAGE), IMAGE, GRID) == pytest.approx(IMAGE, abs=1e-3)


def test_half_the_strength_goes_half_the_way() -> None:
    whole, half = (change(learned(REFERENCE, strength=share), IMAGE, GRID) for share in (1, 0.5))
    assert half == pytest.approx((IMAGE + whole) / 2, abs=1e-3)


def test_padding_has_no_part_in_the_match() -> None:
    valid = np.ones(IMAGE.shape, bool)
    valid[0] = False
    step = learned(REFERENCE)
    one, other = (change(step, np.where(valid, IMAGE, np.float32(odd)), GRID, valid=valid)[1:] for odd in (-5000, 9000))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs reference"),
        ({"landmarks": [0, 1, 2]}, "needs 10 landmarks, found 3"),
        ({"landmarks": [3, 2, 1, 0], "match_points": 1}, "must not descend"),
    ],
)
def test_landmarks_that_make_no_map_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HistogramMatch(**values)


def recipe_in(folder: Path, **values: Any) -> Path:
    """Write a dataset of one image, a reference beside the recipe, and the recipe."""
    (folder / "dataset").mkdir()
    nib.save(nib.Nifti1Image(IMAGE, np.eye(4)), folder / "dataset" / "a.nii.gz")
    nib.save(nib.Nifti1Image(REFERENCE, np.eye(4)), folder / "reference.nii.gz")
    recipe = {"version": 1, "steps": [{"one_of": [{"histogram_match": values}]}], "checks": None}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return folder / "recipe.yaml"


def test_a_copy_is_made_again_when_the_reference_is_gone(tmp_path: Path) -> None:
    path = recipe_in(tmp_path, reference="reference.nii.gz")
    sha256 = hashlib.sha256((tmp_path / "reference.nii.gz").read_bytes()).hexdigest()
    words = ["run", str(path), str(tmp_path / "dataset"), "-o", str(tmp_path / "out"), "--engine", "serial"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    (tmp_path / "reference.nii.gz").unlink()
    record = json.loads((tmp_path / "out" / "medaug-manifest.jsonl").read_text())
    values = record["steps"][-1]["values"]
    assert values["reference_sha256"] == sha256
    assert len(values["landmarks"]) == 10
    assert "reference" not in values
    again = CliRunner().invoke(app, ["replay", str(tmp_path / "out"), "--id", record["output_id"], "--check"])
    assert again.exit_code == 0, again.output


def test_another_reference_of_the_same_name_is_another_recipe(tmp_path: Path) -> None:
    path = recipe_in(tmp_path, reference="reference.nii.gz")
    before = load_recipe(path).voxel_digest()
    nib.save(nib.Nifti1Image(REFERENCE * 2, np.eye(4)), tmp_path / "reference.nii.gz")
    assert load_recipe(path).voxel_digest() != before


def test_a_channel_learns_from_a_reference_and_with_parameters_of_its_own(tmp_path: Path) -> None:
    own = {
        "flair": {"reference": "flair.nii.gz"},
        "t2": {"match_points": 3},
        "pd": {"strength": 0.5},
        "adc": {"landmarks": list(range(10))},
    }
    nib.save(nib.Nifti1Image(REFERENCE * 2, np.eye(4)), tmp_path / "flair.nii.gz")
    path = recipe_in(tmp_path, reference="reference.nii.gz", by_channel=own)
    recipe = load_recipe(path)
    step = inner_steps(recipe.steps[0])[0]
    assert isinstance(step, HistogramMatch)
    drawn = step.draw(make_scene(GRID, channels=("t1", *own)))
    assert isinstance(drawn, HistogramMatch)
    for form in (step, drawn, HistogramMatch.model_validate(json.loads(json.dumps(drawn.values())))):
        landmarks = {name: form.for_channel(name).landmarks for name in ("t1", *own)}
        assert landmarks["flair"] == pytest.approx(learned(REFERENCE * 2).landmarks, rel=1e-5)
        assert landmarks["t2"] == pytest.approx(learned(REFERENCE, match_points=3).landmarks, rel=1e-5)
        assert landmarks["pd"] == landmarks["t1"] == pytest.approx(learned(REFERENCE).landmarks, rel=1e-5)
        assert landmarks["adc"] == tuple(range(10))
    sha256 = hashlib.sha256((tmp_path / "flair.nii.gz").read_bytes()).hexdigest()
    assert drawn.for_channel("flair").reference_sha256 == sha256
    assert "nii.gz" not in json.dumps(drawn.values())
    again = tmp_path / "again.json"
    again.write_text(json.dumps(dump_recipe(recipe)), encoding="utf-8")
    (tmp_path / "flair.nii.gz").unlink()
    assert load_recipe(again).voxel_digest() == recipe.voxel_digest()


def test_a_channel_s_reference_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    path = recipe_in(tmp_path, reference="reference.nii.gz", by_channel={"0": {"reference": "gone.nii.gz"}})
    with pytest.raises(RecipeError, match=r"recipe.yaml:7:22: .*gone.nii.gz: no such file beside the recipe"):
        load_recipe(path)


def test_landmarks_without_a_reference_stay_for_a_channel_that_names_levels() -> None:
    step = HistogramMatch(landmarks=tuple(range(10)), by_channel={"0": {"levels": 64}})
    assert step.for_channel("0").landmarks == tuple(range(10))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.nii.gz", "gone.nii.gz: no such file beside the recipe"),
        ("recipe.yaml", "recipe.yaml: holds 0 images"),
        (".", "reference: .: holds"),
    ],
)
def test_a_reference_that_cannot_be_read_is_a_mistake_of_the_recipe(name: str, message: str, tmp_path: Path) -> None:
    path = recipe_in(tmp_path, reference=name)
    if name == ".":
        nib.save(nib.Nifti1Image(REFERENCE, np.eye(4)), tmp_path / "another.nii.gz")
    with pytest.raises(RecipeError, match="recipe.yaml:5:18: .*" + re.escape(message)):
        load_recipe(path)
