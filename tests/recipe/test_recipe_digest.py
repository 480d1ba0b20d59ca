"""Recipes resolved: what they resolve to, what decides their copies, and what they waste."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from medaug_cli.presets import preset_names, read_config
from medaug_cli.recipe import wasteful_chains
from medaug_cli.recipe.model import dump_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from medaug_cli.recipe.model import Recipe

    Load = Callable[[str], Recipe]

BASE = "version: 1\nseed: 5\nsteps:\n  - gamma: {log_gamma: [-0.3, 0.3]}\n"


@pytest.mark.parametrize("name", preset_names())
def test_a_resolved_preset_loads_back_to_the_same_digest(load: Load, name: str) -> None:
    recipe = load(read_config(f"{name}.yaml"))
    again = load(yaml.safe_dump(dump_recipe(recipe)))
    assert again.voxel_digest() == recipe.voxel_digest()
    assert dump_recipe(again) == dump_recipe(recipe)


@pytest.mark.parametrize(
    "value",
    [
        "0.2",
        "[-0.2, 0.3]",
        "{uniform: [-0.2, 0.3]}",
        "{log_uniform: [0.1, 0.3]}",
        "{normal: [0, 0.1]}",
        "{normal: [0, 0.1], clip: [-0.2, 0.2]}",
        "{choice: [0.1, 0.2]}",
        "{choice: [0.1, 0.2], weights: [1, 3]}",
    ],
)
def test_every_form_of_a_value_survives_resolving(load: Load, value: str) -> None:
    recipe = load(f"version: 1\nsteps: [{{gamma: {{log_gamma: {value}}}}}]\n")
    again = load(yaml.safe_dump(dump_recipe(recipe)))
    assert again.steps == recipe.steps


def test_values_by_axis_survive_resolving(load: Load) -> None:
    recipe = load("version: 1\nsteps: [{affine: {rotation_deg: {LR: [-3, 3], SI: 10}, translation_mm: 2}}]\n")
    assert load(yaml.safe_dump(dump_recipe(recipe))).steps == recipe.steps


def test_nested_policies_survive_resolving(load: Load) -> None:
    recipe = load(
        "version: 1\n"
        "steps:\n"
        "  - one_of:\n"
        "      weights: [1, 2]\n"
        "      steps:\n"
        "        - sequence: [gamma, blur]\n"
        "        - some_of: {count: [1, 2], steps: [brightness, contrast, {random_order: [flip, rotate]}]}\n"
    )
    assert load(yaml.safe_dump(dump_recipe(recipe))).steps == recipe.steps


@pytest.mark.parametrize(
    "changed",
    [
        BASE.replace("seed: 5", "seed: 6"),
        BASE.replace("0.3]", "0.4]"),
        BASE.replace("gamma: {log_gamma: [-0.3, 0.3]}", "blur"),
        BASE.replace("0.3]}", "0.3], p: 0.5}"),
        BASE + "  - blur\n",
        BASE + "output: {dtype: float32}\n",
        BASE + "dataset: {label_names: {1: left, 2: right}}\n",
    ],
)
def test_what_changes_voxels_changes_the_digest(load: Load, changed: str) -> None:
    assert load(changed).voxel_digest() != load(BASE).voxel_digest()


@pytest.mark.parametrize(
    "changed",
    [
        BASE + "name: another\n",
        BASE + "copies: 9\n",
        BASE + "output: {compression: small}\n",
        BASE + "output: {originals: copy}\n",
        BASE + "limits: {max_voxels: 1.0e+6}\n",
        BASE + "dataset: {layout: nifti, on_bad_sample: fail}\n",
        BASE + "checks: null\n",
        BASE.replace("[-0.3, 0.3]", "{uniform: [-0.3, 0.3]}"),
        BASE.replace("0.3]}", "0.3], p: 1.0}"),
        "# a comment\n" + BASE,
    ],
)
def test_what_changes_no_voxel_keeps_the_digest(load: Load, changed: str) -> None:
    assert load(changed).voxel_digest() == load(BASE).voxel_digest()


def test_a_bare_name_is_the_step_with_its_defaults(load: Load) -> None:
    bare, full = (load(f"version: 1\nsteps: [{step}]\n") for step in ("gamma", "gamma: {log_gamma: [-0.3, 0.3]}"))
    assert bare.steps[0].step_name() == full.steps[0].step_name()
    assert load("version: 1\nsteps: [gamma: null]\n").voxel_digest() == bare.voxel_digest()


@pytest.mark.parametrize(
    ("steps", "warnings"),
    [
        ("affine, elastic, gamma", []),
        ("flip, affine, gamma, blur", []),
        ("gamma, affine", []),
        ("affine, gamma, flip", []),
        ("affine, motion, ghosting, flip, rotate", ["steps[4] rotate follows an intensity step"]),
        ("affine, augmix, elastic", ["steps[2] elastic follows an intensity step"]),
        ("affine, one_of: [gibbs, spike], elastic", ["steps[2] elastic follows an intensity step"]),
        ("one_of: [scale, rotate], gibbs, elastic", ["steps[2] elastic follows an intensity step"]),
        ("motion, rand_augment, gibbs", []),
        ("affine, gamma, elastic", ["steps[2] elastic follows an intensity step"]),
        ("affine: {interpolation: bspline}}, {elastic: null", ["steps[0] affine and steps[1] elastic differ in"]),
    ],
)
def test_a_chain_that_resamples_twice_is_told(load: Load, steps: str, warnings: list[str]) -> None:
    text = f"{{{steps}}}" if "}" in steps else steps
    found = wasteful_chains(load(f"version: 1\nsteps: [{text}]\n"))
    assert [told.startswith(wanted) for told, wanted in zip(found, warnings, strict=True)] == [True] * len(warnings)
