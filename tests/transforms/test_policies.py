"""Policies: which steps are chosen, how often, and in which order."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import augment, change, make_sample, make_scene, make_step
from datasets_for_runs import records_of, run_here, save_dataset, save_recipe
from pydantic import ValidationError

from medaug_cli.core.errors import RecipeError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.sample import Volume
from medaug_cli.program import draw_program
from medaug_cli.recipe import load_recipe
from medaug_cli.recipe.model import dump_recipe
from medaug_cli.replay import compare, replay_record
from medaug_cli.transforms import load_step

if TYPE_CHECKING:
    from pathlib import Path

GRID = Geometry((4, 4, 4))
CHILDREN = (make_step("brightness", add=1), make_step("contrast", factor=2), make_step("gamma", gamma=2))
NAMES = ("brightness", "contrast", "gamma")
COPIES = 3000


def chosen(name: str, copies: int = COPIES, **values: Any) -> list[tuple[str, ...]]:
    """Return the names of the steps that each of many copies applies, in order."""
    step = make_step(name, **{"steps": CHILDREN, **values})
    programs = [draw_program([step], make_scene(GRID, copy)) for copy in range(copies)]
    return [tuple(one.name for one in program[1:] if one.step is not None) for program in programs]


def assert_share(count: int, share: float, total: int = COPIES) -> None:
    assert abs(count - share * total) <= 4 * math.sqrt(total * share * (1 - share))


def test_one_of_applies_exactly_one_step_each_as_often() -> None:
    drawn = chosen("one_of")
    assert {len(names) for names in drawn} == {1}
    for name in NAMES:
        assert_share(drawn.count((name,)), 1 / 3)


def test_one_of_follows_its_weights() -> None:
    drawn = chosen("one_of", weights=(1, 0, 3))
    for name, share in zip(NAMES, (0.25, 0, 0.75), strict=True):
        assert_share(drawn.count((name,)), share)


def test_some_of_applies_count_different_steps_in_the_order_of_the_list() -> None:
    drawn = chosen("some_of", count=2)
    for pair in itertools.combinations(NAMES, 2):
        assert_share(drawn.count(pair), 1 / 3)


def test_some_of_draws_its_count_with_both_ends() -> None:
    drawn = chosen("some_of", count=[0, 3])
    for count in range(4):
        assert_share(sum(len(names) == count for names in drawn), 0.25)


def test_some_of_never_takes_a_step_of_weight_0() -> None:
    """Weights 1, 0, 3 and one step of two: 1/4 and 3/4."""
    drawn = chosen("some_of", count=1, weights=(1, 0, 3))
    for name, share in zip(NAMES, (0.25, 0, 0.75), strict=True):
        assert_share(drawn.count((name,)), share)


def test_random_order_gives_every_permutation_as_often() -> None:
    drawn = chosen("random_order")
    for order in itertools.permutations(NAMES):
        assert_share(drawn.count(order), 1 / 6)


@pytest.mark.parametrize("name", ["sequence", "random_order"])
def test_with_p_a_policy_applies_all_its_steps_or_none(name: str) -> None:
    drawn = chosen(name, p=0.4)
    assert {len(names) for names in drawn} == {0, 3}
    assert_share(sum(len(names) == 3 for names in drawn), 0.4)


def test_a_sequence_keeps_the_order_of_the_list() -> None:
    assert set(chosen("sequence", 20)) == {NAMES}


def test_a_chosen_step_still_has_its_own_probability() -> None:
    children = (make_step("brightness", add=1, p=0.5), make_step("contrast", factor=2, p=0.5))
    assert_share(sum(names == () for names in chosen("one_of", steps=children)), 0.5)


def test_policies_nest_and_every_step_has_a_path_of_its_own() -> None:
    inner = make_step("sequence", steps=CHILDREN[:2])
    outer = make_step("one_of", steps=(inner, CHILDREN[2]), weights=(1, 0))
    program = draw_program([CHILDREN[0], outer], make_scene(GRID))
    assert [(one.path, one.name, one.chosen) for one in program] == [
        ("steps[0]", "brightness", None),
        ("steps[1]", "one_of", (0,)),
        ("steps[1].one_of[0]", "sequence", (0, 1)),
        ("steps[1].one_of[0].sequence[0]", "brightness", None),
        ("steps[1].one_of[0].sequence[1]", "contrast", None),
    ]


def test_a_step_draws_the_same_numbers_whichever_others_are_chosen() -> None:
    """Its generator is keyed by its path, so another order of work changes nothing."""
    children = (make_step("brightness"), make_step("contrast"))
    both = draw_program([make_step("random_order", steps=children)], make_scene(GRID))
    alone = draw_program([make_step("random_order", steps=children[:1])], make_scene(GRID))
    assert next(one.step for one in both if one.name == "brightness") == alone[1].step


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("one_of", {"steps": ()}, "at least 1"),
        ("one_of", {"weights": (1, 2)}, "weights needs 3 numbers"),
        ("one_of", {"weights": (0, 0, 0)}, "not all 0"),
        ("one_of", {"weights": (1, -1, 1)}, "greater than or equal to 0"),
        ("some_of", {"weights": (1, 2)}, "weights needs 3 numbers"),
        ("some_of", {"count": 4}, "count goes up to 4, but only 3 steps can be chosen"),
        ("some_of", {"count": [1, 3], "weights": (1, 0, 1)}, "but only 2 steps can be chosen"),
        ("some_of", {"count": 1.5}, "whole numbers"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(name: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_step(name, **{"steps": CHILDREN, **values})


def programs(name: str, modality: str = "MR", copies: int = 60, **values: Any) -> list[Any]:
    step = load_step(name)(**values)
    return [draw_program([step], make_scene(Geometry((16, 16, 16)), copy, modality=modality)) for copy in range(copies)]


def test_rand_augment_applies_its_count_each_step_as_often_in_the_order_of_the_list() -> None:
    drawn = chosen("rand_augment", count=2)
    for pair in itertools.combinations(NAMES, 2):
        assert_share(drawn.count(pair), 1 / 3)


def test_trivial_augment_applies_one_step_at_a_magnitude_of_its_own_for_each_copy() -> None:
    drawn = chosen("trivial_augment")
    for name in NAMES:
        assert_share(drawn.count((name,)), 1 / 3)
    magnitudes = {program[0].step.magnitude.value for program in programs("trivial_augment")}
    assert len(magnitudes) == 60


@pytest.mark.parametrize(
    ("name", "values", "key", "ends"),
    [
        ("gaussian_noise", {"sigma": [0.0, 0.1]}, "sigma", {0.03}),
        ("gamma", {"log_gamma": [-0.5, 0.2]}, "log_gamma", {-0.15, 0.06}),
        ("contrast", {"factor": [0.5, 1.5]}, "factor", {0.85, 1.15}),
        ("low_resolution", {"factor": [0.5, 1]}, "factor", {0.85}),
        ("contrast", {"factor": {"normal": [1, 0.1]}}, "factor", {0.94, 1.06}),
        ("poisson_noise", {"dose": [10, 110]}, "dose", {80}),
        ("contrast", {"factor": 1.3}, "factor", {1.3}),
        ("posterize", {"bits": [2, 12]}, "bits", {9}),
        ("autocontrast", {"high": [90, 100]}, "high", {97}),
        ("clip_percentiles", {"high": [90, 100]}, "high", {97}),
        ("normalize", {"high": [90, 100]}, "high", {97}),
    ],
)
def test_the_magnitude_leads_from_what_changes_nothing_to_an_end_of_the_range(
    name: str, values: dict[str, Any], key: str, ends: set[float]
) -> None:
    """Three tenths of the way; where both ends are strong, each is taken as often."""
    steps = (load_step(name)(**values),)
    drawn = [
        getattr(program[1].step, key).value for program in programs("rand_augment", steps=steps, count=1, magnitude=0.3)
    ]
    assert {round(number, 6) for number in drawn} == ends
    assert_share(drawn.count(drawn[0]), 1 / len(ends), len(drawn))


def test_every_axis_goes_its_own_way_but_for_isotropic_steps() -> None:
    steps = (load_step("affine")(translation_mm=[-10, 10], rotation_deg=0, scale=1),)
    for program in programs("rand_augment", steps=steps, count=1, magnitude=0.5, copies=20):
        assert {abs(span.value) for span in program[1].step.translation_mm.spans()} == {5}
        assert len(program[1].step.translation_mm.spans()) == 3
    same = (load_step("scale")(scale=[0.8, 1.2], isotropic=True),)
    drawn = {p[1].step.scale.every.value for p in programs("rand_augment", steps=same, count=1, magnitude=0.5)}
    assert {round(number, 6) for number in drawn} == {0.9, 1.1}


def test_what_says_how_and_not_how_much_is_drawn_as_ever() -> None:
    steps = (load_step("ghosting")(num_ghosts=[2, 10], intensity=[0, 1]),)
    drawn = [p[1].step for p in programs("rand_augment", steps=steps, count=1, magnitude=0.5)]
    assert {step.intensity.value for step in drawn} == {0.5}
    assert len({step.num_ghosts.value for step in drawn}) > 4


@pytest.mark.parametrize(
    ("name", "key", "values"),
    [
        ("bias_field", "scale_mm", {"scale_mm": [40, 160], "model": "grid"}),
        ("clahe", "tile_mm", {"tile_mm": [20, 80]}),
        ("elastic_field", "sigma_mm", {"sigma_mm": [8, 16]}),
    ],
)
def test_a_scale_in_mm_is_no_strength(name: str, key: str, values: dict[str, Any]) -> None:
    steps = (load_step(name)(**values),)
    drawn = [p[1].step for p in programs("rand_augment", steps=steps, count=1, magnitude=0.5)]
    assert len({getattr(step, key).value for step in drawn}) > 4


@pytest.mark.parametrize("name", ["rand_augment", "trivial_augment"])
@pytest.mark.parametrize(
    ("modality", "own", "foreign"),
    [
        ("MR", {"bias_field", "motion"}, set()),
        ("CT", {"brightness"}, {"gamma", "motion"}),
        ("DX", {"gamma"}, {"shear"}),
    ],
)
def test_the_steps_fit_the_modality(name: str, modality: str, own: set[str], foreign: set[str]) -> None:
    seen = {one.name for program in programs(name, modality, 300) for one in program[1:]}
    assert own <= seen
    assert not (foreign | {"flip"}) & seen


def test_slices_that_are_no_grid_leave_out_what_needs_one() -> None:
    step = load_step("rand_augment")(count=3)
    for copy in range(30):
        scene = make_scene(Geometry((8, 8, 8)), copy, modality="MR", irregular="missing_slices: 3 are missing")
        assert not any(one.step.needs_regular_grid for one in draw_program([step], scene)[1:])


def test_augmix_mixes_the_image_with_the_mean_of_its_chains() -> None:
    """Twice and three times the image with weights 1/4 and 3/4, half of it: 0.5 + 0.5 (0.5 + 2.25) = 1.875."""
    double, triple = ({"brightness": {"multiply": factor, "add": 0}} for factor in (2, 3))
    step = load_step("augmix")(chains=[[double], [triple]], weights=[0.25, 0.75], share=0.5)
    assert change(step, np.full((2, 2, 2), 8.0)) == pytest.approx(15.0)


def test_a_chain_of_augmix_is_its_steps_in_a_row() -> None:
    forms = [{"brightness": {"add": 1, "relative_to": "none"}}, {"brightness": {"multiply": 2, "add": 0}}]
    step = load_step("augmix")(chains=[forms], weights=[1], share=1)
    assert change(step, np.full((2, 2, 2), 8.0)) == pytest.approx(18.0)


def test_augmix_records_every_chain_and_its_weight() -> None:
    for program in programs("augmix", width=4, count=[1, 2]):
        values = program[0].step.values()
        assert len(values["chains"]) == len(values["weights"]) == 4
        assert sum(values["weights"]) == pytest.approx(1, abs=1e-9)
        assert all(1 <= len(chain) <= 2 for chain in values["chains"])
        assert "steps" not in values or not values["steps"]


@pytest.mark.parametrize("name", ["rand_augment", "trivial_augment", "augmix"])
@pytest.mark.parametrize(
    "known",
    [
        {"modalities": ("MR", "PT")},
        {"modalities": ("PT", "MR")},
        {"modalities": ("CT", "MR")},
        {"modalities": ("MR",), "rgb": True},
        {"modalities": ("MR", "PT"), "irregular": "missing_slices: 3 are missing"},
        {"modalities": ("MR",), "rgb": True, "irregular": "missing_slices: 3 are missing"},
    ],
)
def test_no_usual_step_is_refused_for_any_image_of_the_sample(name: str, known: dict[str, Any]) -> None:
    for copy in range(60):
        scene = make_scene(Geometry((8, 8, 8)), copy, modality=known["modalities"][0], **known)
        drawn = draw_program([load_step(name)()], scene)
        assert drawn[0].name == name
        assert any(one.step is not None for one in drawn)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("color_jitter", {"brightness": 1, "contrast": 0.4, "saturation": 0.2, "hue": 0.1}),
        ("grayscale", {}),
        ("channel_shift", {"shifts": (0.2, -0.1, 0)}),
        ("jpeg", {"quality": 20}),
        ("contrast", {"factor": 0.4}),
    ],
)
def test_augmix_changes_a_film_of_colour_frames_as_its_steps_alone_do(name: str, values: dict[str, Any]) -> None:
    """Colour steps take frame by frame, others all frames at once."""
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 1, 16, 16), np.uint8)
    films = [Volume(array, Geometry((16, 16, 1)), rgb=True) for array in (*frames, frames.reshape(6, 1, 16, 16))]
    mixed = load_step("augmix")(chains=[[{name: values}]], weights=[1], share=1)
    alone = load_step(name)(**values)
    first, second, film = (augment(make_sample(one), alone).images["0"].array for one in films)
    if alone.by_picture:
        assert np.array_equal(film, np.concatenate([first, second]))
    assert augment(make_sample(films[2]), mixed).images["0"].array == pytest.approx(film, abs=1)


@pytest.mark.parametrize("inner", ["rotate", "elastic", "flip", "one_of"])
def test_augmix_refuses_by_name_what_moves_content(inner: str) -> None:
    with pytest.raises(ValidationError, match=f"labels cannot be mixed; put {inner} before or after it"):
        load_step("augmix")(steps=(make_step(inner),))


@pytest.mark.parametrize("name", ["rand_augment", "trivial_augment", "augmix"])
def test_an_automatic_policy_needs_no_steps_in_a_recipe(name: str, tmp_path: Path) -> None:
    for text in (name, f"{name}: null", f"{name}: {{magnitude: 0.2}}", f"{name}: [gamma, contrast]"):
        recipe = load_recipe(save_recipe(tmp_path / "recipe.yaml", f"version: 1\nsteps: [{text}]\n"))
        assert recipe.steps[0].step_name() == name
        again = save_recipe(tmp_path / "again.yaml", json.dumps({**dump_recipe(recipe), "checks": None}))
        assert load_recipe(again).voxel_digest() == recipe.voxel_digest()


def test_a_spatial_step_in_augmix_is_told_with_its_place(tmp_path: Path) -> None:
    text = "version: 1\nsteps:\n  - augmix: {steps: [gamma, rotate]}\n"
    with pytest.raises(RecipeError, match=r"recipe\.yaml:3:\d+: .*put rotate before or after it"):
        load_recipe(save_recipe(tmp_path / "recipe.yaml", text))


@pytest.mark.parametrize("name", ["rand_augment", "trivial_augment", "augmix"])
def test_a_run_records_what_was_drawn_and_replays_bit_for_bit(name: str, tmp_path: Path) -> None:
    save_dataset(tmp_path / "dataset", cases=2)
    section = "dataset: {modality: MR}\n"
    recipe = save_recipe(
        tmp_path / "recipe.yaml", f"version: 1\ncopies: 3\n{section}steps: [{name}: {{magnitude: 0.3}}]\n"
    )
    run_here(recipe, tmp_path / "dataset", tmp_path / "out")
    for record in records_of(tmp_path / "out"):
        assert record.status == "ok", record.message
        assert record.steps[0].values["magnitude"] == 0.3
        compare(record, replay_record(record, tmp_path / "dataset"))
