"""`medaug transforms`: the catalogue says of every step what a recipe may say to it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from datasets_for_runs import here

from medaug_cli.catalogue import describe_step
from medaug_cli.recipe import load_recipe
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from pathlib import Path

UNITS = {"%", "mm", "deg", "voxel", "HU", "dB/cm", "s", "keV", "mAs", "pixel", "1/mm"}


def said(*arguments: str) -> str:
    code, text, _ = here("transforms", *arguments)
    assert code == 0
    return text


def parameter(step: str, name: str) -> dict[str, Any]:
    return next(one for one in describe_step(step)["parameters"] if one["name"] == name)


def test_the_list_has_every_step_once_with_its_line_units_and_peers() -> None:
    lines = said().splitlines()
    for name in step_names():
        step = describe_step(name)
        (at,) = [number for number, line in enumerate(lines) if line.split(" ")[0] == name]
        assert step["summary"] in lines[at]
        assert all(unit in lines[at].rpartition("[")[2] for unit in step["units"])
        assert lines[at + 1].strip() == f"like {step['peer']}"
    assert lines[-1].startswith(f"{len(step_names())} steps; ")


@pytest.mark.parametrize("name", step_names())
def test_the_example_of_a_step_is_a_recipe_and_names_the_step(name: str, tmp_path: Path) -> None:
    text = said(name)
    example = text[text.index("\nsteps:\n") + 1 :]
    path = tmp_path / "recipe.yaml"
    path.write_text("version: 1\n" + example, encoding="utf-8")
    assert [step.step_name() for step in load_recipe(path).steps] == [name]


@pytest.mark.parametrize("name", step_names())
def test_every_parameter_is_told_with_its_default(name: str) -> None:
    text = said(name)
    for one in describe_step(name)["parameters"]:
        default = "needed" if one["required"] else f"default {json.dumps(one['default'])}"
        limits = f" [{one['allowed']}]" if one["allowed"] else ""
        assert f"\n  {one['name']}{limits}, {default}\n" in text


@pytest.mark.parametrize("name", step_names())
def test_units_are_of_a_known_few_and_those_of_the_names(name: str) -> None:
    for one in describe_step(name)["parameters"]:
        assert one["unit"] in UNITS | {""}
        ending = re.search(r"_(mm|deg|hu)$", one["name"])
        assert ending is None or one["unit"] == {"hu": "HU"}.get(ending[1], ending[1])


def test_limits_and_choices_are_told_wherever_they_stand() -> None:
    assert parameter("affine", "rotation_deg")["allowed"] == "≥ -180 and ≤ 180 deg"
    assert parameter("blur", "sigma_mm")["allowed"] == "≥ 0 and ≤ 50 mm"
    assert parameter("elastic", "min_jacobian")["allowed"] == "> 0 and < 1"
    assert parameter("affine", "isotropic")["allowed"] == "true | false"
    assert parameter("flip", "laterality")["allowed"] == "swap | keep | refuse"
    assert parameter("affine", "fill")["allowed"].startswith("minimum | mean | edge | ")
    assert parameter("affine", "fill")["allowed"].endswith(" | a number")
    assert parameter("affine", "center")["allowed"] == "image | origin | three numbers"


@pytest.mark.parametrize("name", [name for name in step_names() if "steps" in load_step(name).model_fields])
def test_the_steps_of_a_policy_are_a_parameter_like_others(name: str) -> None:
    steps = parameter(name, "steps")
    assert steps["allowed"] == "a list of steps"
    assert steps["required"] == load_step(name).model_fields["steps"].is_required()
    assert steps["default"] == (None if steps["required"] else [])


def test_json_holds_what_the_text_tells() -> None:
    steps = json.loads(said("--json"))
    assert [step["name"] for step in steps] == list(step_names())
    assert steps == [json.loads(said(name, "--json")) for name in step_names()]
    affine = next(step for step in steps if step["name"] == "affine")
    assert affine["units"] == ["deg", "mm"]
    assert affine["peer"] == load_step("affine").peer
    assert affine["example"] == "- affine: {rotation_deg: [-10, 10], translation_mm: [-5, 5], scale: [0.9, 1.1]}"
