"""The JSON Schemas in configs/: made from the classes, and true of real recipes, records and events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from datasets_for_runs import RECIPE, damage, events_of, medaug, records_of, save_dataset, save_recipe
from jsonschema import Draft202012Validator

from medaug_cli.catalogue import schema_text
from medaug_cli.presets import preset_names, read_config
from medaug_cli.recipe import load_recipe
from medaug_cli.recipe.model import dump_recipe

if TYPE_CHECKING:
    from pathlib import Path

START = "version: 1\nsteps: [gamma]\n"


def validator(what: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(read_config(f"{what}.schema.json")))


@pytest.mark.parametrize("what", ["recipe", "manifest", "events"])
def test_the_shipped_schema_is_the_one_that_the_classes_make(what: str) -> None:
    assert read_config(f"{what}.schema.json") == schema_text(what)


@pytest.mark.parametrize("what", ["recipe", "manifest", "events"])
def test_the_schema_is_a_schema_of_draft_2020_12(what: str) -> None:
    schema = json.loads(read_config(f"{what}.schema.json"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid_by_the_schema(name: str) -> None:
    assert list(validator("recipe").iter_errors(yaml.safe_load(read_config(f"{name}.yaml")))) == []


@pytest.mark.parametrize(
    "text",
    [
        "steps: [gamma]\n",
        "version: 1\n",
        "version: 1\nsteps: []\n",
        "version: 1\nsteps: [gama]\n",
        "version: 1\nsteps: [one_of]\n",
        "version: 1\nsteps: [{gamma: {log_gamma: 9}}]\n",
        "version: 1\nsteps: [{gamma: {log_gama: 0.1}}]\n",
        "version: 1\nsteps: [{gamma: {p: 2}}]\n",
        "version: 1\nsteps: [{gamma: {}, blur: {}}]\n",
        "version: 1\nsteps: [{one_of: [gama]}]\n",
        START + "copies: 0\n",
        START + "copies: many\n",
        START + "copes: 4\n",
        START + "dataset: {layout: bid}\n",
        START + "output: {compression: fastest}\n",
    ],
)
def test_a_wrong_recipe_is_wrong_by_the_schema_too(text: str) -> None:
    assert not validator("recipe").is_valid(yaml.safe_load(text))


@pytest.mark.parametrize(
    "steps", ["[{one_of: [gamma, {blur: {sigma_mm: 1}}]}]", "[{some_of: {count: 1, steps: [flip]}}]"]
)
def test_policies_are_valid_in_both_forms(steps: str) -> None:
    assert validator("recipe").is_valid(yaml.safe_load(f"version: 1\nsteps: {steps}\n"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """Return the ROOT of a run with one sound and one damaged case, and its events."""
    folder = tmp_path_factory.mktemp("schemas")
    dataset = save_dataset(folder / "dataset", cases=2)
    damage(dataset / "case02.nii.gz")
    recipe = save_recipe(folder / "recipe.yaml", RECIPE)
    done = medaug("run", recipe, dataset, "-o", folder / "root", "--engine", "serial", "--json")
    assert done.returncode == 3, done.stderr
    return folder / "root", events_of(done.stdout)


def test_the_records_of_a_run_are_valid_whether_they_failed_or_not(finished: tuple[Path, Any]) -> None:
    lines = (finished[0] / "medaug-manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert [record.status for record in records_of(finished[0])] == ["ok", "ok", "failed", "failed"]
    assert [list(validator("manifest").iter_errors(json.loads(line))) for line in lines] == [[]] * 4


def test_the_events_of_a_run_are_valid(finished: tuple[Path, Any]) -> None:
    events = finished[1]
    assert [event["event"] for event in events] == ["started", *["copy"] * 4, "finished"]
    assert [list(validator("events").iter_errors(event)) for event in events] == [[]] * 6


def test_the_resolved_recipe_of_a_run_is_valid(finished: tuple[Path, Any]) -> None:
    resolved = json.loads((finished[0] / ".medaug" / "recipe.json").read_text(encoding="utf-8"))
    assert list(validator("recipe").iter_errors(resolved)) == []


def test_dump_recipe_is_what_a_run_keeps(finished: tuple[Path, Any], tmp_path: Path) -> None:
    kept = json.loads((finished[0] / ".medaug" / "recipe.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(dump_recipe(load_recipe(save_recipe(tmp_path / "recipe.yaml")))))
