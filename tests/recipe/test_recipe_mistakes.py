"""Mistakes of a recipe: all of them at once, each with file:line:col, its line and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from medaug_cli.core.errors import UsageError
from medaug_cli.recipe import load_recipe, only_for_bids

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from medaug_cli.recipe.model import Recipe

START = "version: 1\nsteps: [gamma]\n"


def mistake(text: str) -> str:
    """Return the first line that starts with a place."""
    return next(line for line in text.splitlines() if line.startswith("recipe.yaml:"))


def places(text: str) -> list[tuple[int, int]]:
    """Return line and column of each mistake."""
    found = re.findall(r"^recipe\.yaml:(\d+):(\d+)", text, re.MULTILINE)
    return [(int(line), int(column)) for line, column in found]


def test_every_mistake_is_told_at_once(refusal: Callable[[str], str]) -> None:
    text = refusal(
        "version: 1\n"
        "copes: 4\n"
        "seed: -1\n"
        "steps:\n"
        "  - gama\n"
        "  - gaussian_noise: {sigma: -3}\n"
        "  - one_of:\n"
        "      - blur: {sigma_mm: wide}\n"
        "output: {compression: fastest}\n"
    )
    assert places(text) == [(2, 1), (3, 7), (5, 5), (6, 29), (8, 26), (9, 23)]
    assert text.startswith("the recipe is invalid, 6 mistakes:")


def test_a_mistake_shows_its_line_with_a_caret_under_it(refusal: Callable[[str], str]) -> None:
    assert refusal(f"{START}output: {{compresion: fast}}\n") == (
        "the recipe is invalid, 1 mistake:\n"
        "recipe.yaml:3:10: unknown key compresion; did you mean compression?\n"
        "    3 | output: {compresion: fast}\n"
        "      |          ^"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("copes: 4\n", "3:1: unknown key copes; did you mean copies?"),
        ("wavelength: 4\n", "3:1: unknown key wavelength; allowed: version, name, seed"),
        ("dataset: {layuot: bids}\n", "3:11: unknown key layuot; did you mean layout?"),
        ("dataset: {layout: bid}\n", "3:19: dataset.layout: allowed: 'auto', 'nifti', 'bids', 'nnunet' or 'dicom'"),
        ("dataset: {layout: bid}\n", "did you mean bids?"),
        ("copies: 0\n", "3:9: copies: input should be greater than or equal to 1, found 0"),
        ("copies: 1.5\n", "3:9: copies: input should be a valid integer"),
        ('copies: "4"\n', "3:9: copies: input should be a valid integer, found '4'"),
        ("copies: true\n", "3:9: copies: input should be a valid integer, found True"),
        ("limits: {max_voxels: many}\n", "3:22: limits.max_voxels: input should be a valid number"),
        ("limits: 4\n", "3:9: limits: "),
        ("dataset: [a]\n", "3:10: dataset: "),
        ("dataset: {label_names: {1: 5}}\n", "3:28: dataset.label_names.1: input should be a valid string, found 5"),
    ],
)
def test_a_wrong_key_or_value_is_told_with_what_is_allowed(refusal: Callable[[str], str], text: str, said: str) -> None:
    assert said in mistake(refusal(START + text))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("gama", "unknown step gama; did you mean gamma?"),
        ("xyzzy", "unknown step xyzzy; allowed: "),
        ("gamma: {log_gama: 0.1}", "unknown key log_gama; did you mean log_gamma?"),
        ("gamma: {log_gamma: 9}", "log_gamma: 9 is out of range; allowed: ≥ -2 and ≤ 2"),
        ("gamma: {log_gamma: [0.3, -0.3]}", "low 0.3 lies above high -0.3; write [-0.3, 0.3]"),
        ("gamma: {log_gamma: [1, 2, 3]}", "[1, 2, 3] does not fit; allowed: [low, high]"),
        ("gamma: {log_gamma: {unifrom: [0, 1]}}", "keys unifrom do not make a distribution"),
        ("gamma: {log_gamma: {log_uniform: [0, 1]}}", "log_uniform needs numbers above 0, found 0"),
        ("gamma: {log_gamma: {choice: [0, 1], weights: [1]}}", "allowed: weights: 2 numbers"),
        ("gamma: {log_gamma: {normal: [0, -1]}}", "sd -1 is negative"),
        ("gamma: {log_gamma: no}", "'no' is not a number"),
        ("gamma: {log_gamma: true}", "True is not a number"),
        ("gamma: {log_gamma: .nan}", "'.nan' is not a number"),
        ("gamma: {log_gamma: 1e999}", "inf is not a number"),
        ("gamma: {log_gamma: 0.1, gamma: 1.2}", "give gamma or log_gamma, not both"),
        ("gamma: {p: 1.5}", "p: input should be less than or equal to 1, found 1.5"),
        ("gamma: 0.3", "gamma needs `parameter: value` pairs, found 0.3"),
        ("[gamma]", "a step is a name, or `name: {parameter: value}`"),
        ("{gamma: {}, blur: {}}", "a step is a name, or `name: {parameter: value}`; found keys gamma, blur"),
        ("one_of: []", "needs a list with at least one step"),
        ("one_of: {steps: [gamma, blur], weights: [1]}", "weights needs 2 numbers"),
        ("some_of: {steps: [gamma], count: 3}", "count goes up to 3, but only 1 steps can be chosen"),
        ("one_of: [some_of: {steps: [{one_of: [gama]}], count: 1}]", "unknown step gama; did you mean gamma?"),
        ("affine: {rotation_deg: {XY: [0, 1]}}", "unknown axis XY"),
        ("elastic: {control_points: 2}", "control_points"),
    ],
)
def test_a_wrong_step_is_told_in_its_line(refusal: Callable[[str], str], step: str, said: str) -> None:
    found = mistake(refusal(f"version: 1\nsteps:\n  - {step}\n"))
    assert found.startswith("recipe.yaml:3:")
    assert said in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [gamma]\n", "key version is missing"),
        ("version: 1\n", "key steps is missing"),
        ("version: 2\nsteps: [gamma]\n", "version: allowed: 1, found 2"),
        ("version: 1\nsteps: []\n", "needs a list with at least one step"),
        ("version: 1\nsteps: gamma\n", "needs a list with at least one step"),
        ("", "a recipe is a mapping with the keys version"),
        ("- version\n", "a recipe is a mapping with the keys version"),
        ("gamma\n", "a recipe is a mapping with the keys version"),
        (START + "limits: {timeout: soon}\n", "limits.timeout: not a duration; write for instance 90s, 10m or 3h50m"),
        (START + "limits: {timeout: 600}\n", "limits.timeout: not a duration; write for instance 90s, 10m or 3h50m"),
        (START + "limits: {timeout: 0s}\n", "limits.timeout: a job needs more than 0 seconds"),
    ],
)
def test_what_every_recipe_needs_is_told(refusal: Callable[[str], str], text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("balance: {by: class, to: equal}\n", "balance"),
        ("checks: {min_ssim: 0.2}\n", "checks"),
    ],
)
def test_a_key_of_the_interface_that_this_version_lacks_says_so(
    refusal: Callable[[str], str], text: str, key: str
) -> None:
    found = mistake(refusal(START + text))
    assert "this version does not support" in found
    assert f"leave {key} out" in found


@pytest.mark.parametrize(
    "text",
    [
        "balance: null\n",
        "privacy: null\n",
        "checks: null\n",
        "dataset: {points: null}\n",
        "limits: {timeout: null}\n",
    ],
)
def test_null_asks_for_nothing_and_is_accepted(load: Callable[[str], object], text: str) -> None:
    load(START + text)


def test_every_other_key_of_the_interface_works(load: Callable[[str], object]) -> None:
    load(
        "version: 1\n"
        "name: brain-lesion-x4\n"
        "seed: 20261122\n"
        "copies: 4\n"
        "dataset:\n"
        "  layout: auto\n"
        "  modality: auto\n"
        '  images: {t1: "{case}_T1w.nii.gz", flair: "{case}_FLAIR.nii.gz"}\n'
        '  labels: {lesion: "{case}_lesion.nii.gz"}\n'
        "  group: series\n"
        "  label_names: {1: left_kidney, 2: right_kidney}\n"
        "  table: participants.tsv\n"
        "  split: {column: split, augment: [train]}\n"
        "  on_bad_sample: skip\n"
        "steps:\n"
        "  - flip: {axes: [LR], p: 0.5, swap_labels: [[left_kidney, right_kidney]]}\n"
        "  - affine: {rotation_deg: [-10, 10], translation_mm: [-5, 5], scale: [0.9, 1.1], p: 0.9}\n"
        "  - elastic: {control_points: 7, displacement_mm: [0, 6], p: 0.5}\n"
        "  - one_of:\n"
        "      - gaussian_noise: {sigma: [0.01, 0.05], relative_to: percentile}\n"
        "      - blur\n"
        "  - gamma: {log_gamma: [-0.3, 0.3]}\n"
        "checks: null\n"
        "output: {originals: none, compression: fast, dtype: preserve}\n"
        "limits: {max_voxels: 4.0e8}\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'dataset: {layout: nifti, images: {t1: "T1w.nii.gz"}}',
            "3:39: dataset.images.t1: 'T1w.nii.gz' holds no {case}",
        ),
        (
            'dataset: {layout: nifti, labels: {a: "a.dcm"}}',
            "3:38: dataset.labels.a: 'a.dcm' holds no {case}; write for",
        ),
        (
            'dataset: {images: {t1: "{foo}.nii"}}',
            "3:24: dataset.images.t1: '{foo}.nii' holds {foo}; the one placeholder",
        ),
        (
            'dataset: {labels: {a: "../{case}.nii"}}',
            "3:23: dataset.labels.a: '../{case}.nii' leaves the dataset; write",
        ),
        ('dataset: {points: {a: "/{case}.csv"}}', "3:23: dataset.points.a: '/{case}.csv' leaves the dataset; write it"),
        ("dataset: {layout: nifti, split: {column: fold}}", "3:33: dataset.split: needs dataset.table, the file that"),
        ("dataset: {layout: dicom, split: {}}", "3:33: dataset.split: needs dataset.table"),
    ],
)
def test_what_only_a_dataset_told_before_is_told_where_it_stands(
    refusal: Callable[[str], str], text: str, said: str
) -> None:
    assert mistake(refusal(f"{START}{text}\n")).startswith(f"recipe.yaml:{said}")


@pytest.mark.parametrize(
    "text",
    [
        'dataset: {layout: bids, images: {t1: "T1w.nii.gz"}, split: {column: split}}',
        'dataset: {layout: dicom, labels: {a: "segmentations"}}',
        'dataset: {layout: nifti, points: {a: "points.json"}, split: {}, table: split.csv}',
    ],
)
def test_what_a_layout_takes_is_no_mistake(load: Callable[[str], Recipe], text: str) -> None:
    recipe = load(f"{START}{text}\n")
    assert f"layout: {recipe.dataset.layout}," in text
    assert only_for_bids(recipe) == []


def test_what_may_be_meant_for_bids_is_a_warning_where_no_layout_is_named(load: Callable[[str], Recipe]) -> None:
    recipe = load(f'{START}dataset: {{images: {{t1: "T1w", t2: "{{case}}_t2.nii"}}, split: {{}}}}\n')
    assert [text.partition(":")[0] for text in only_for_bids(recipe)] == ["dataset.images.t1", "dataset.split"]
    assert only_for_bids(load(f"{START}dataset: {{layout: bids, split: {{}}}}\n")) == []


def test_mistakes_between_keys_are_told_beside_those_of_other_keys(refusal: Callable[[str], str]) -> None:
    text = refusal(
        "version: 1\n"
        "seed: -1\n"
        "steps: [gamma]\n"
        'dataset: {layuot: nifti, labels: {a: "{case}_a.nii.gz"}, soft_labels: [b]}\n'
        "privacy: {deidentify: basic, phi_in_paths: no, options: [retain_full_dates, retain_modified_dates]}\n"
        "output: {originals: copy, dtype: float64}\n"
    )
    assert places(text) == [(2, 7), (4, 11), (4, 71), (5, 44), (5, 57), (6, 21), (6, 34)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [{flip: {axes: [XX]}}]", "2:24: axes.0: allowed: 'LR'"),
        ("steps: [gamma]\ndataset: [a]", "3:10: dataset: needs `key: value` pairs, found a list"),
        ("steps: [gamma]\nlimits: 4", "3:9: limits: needs `key: value` pairs, found 4"),
        ("steps: [gamma]\nprivacy: {options: [retain_device]}", "3:20: options and id_map need deidentify: basic"),
        ('steps: [gamma]\ndataset: {labels: {a: "{case}_a"}, soft_labels: [b]}', "3:49: soft_labels names b, which"),
    ],
)
def test_a_mistake_counts_once_and_is_told_in_words_of_recipes(
    refusal: Callable[[str], str], text: str, said: str
) -> None:
    told = refusal(f"version: 1\n{text}\n")
    assert told.startswith("the recipe is invalid, 1 mistake:\n")
    assert mistake(told).startswith(f"recipe.yaml:{said}")


def test_a_recipe_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read: No such file.*medaug init"):
        load_recipe(tmp_path / "none.yaml")


def test_thousands_of_mistakes_are_counted_not_all_shown(refusal: Callable[[str], str]) -> None:
    text = refusal("version: 1\nsteps:\n" + "  - gama\n" * 2000)
    assert text.startswith("the recipe is invalid, 2000 mistakes:")
    assert text.endswith("and 1900 more")


def test_a_channel_that_the_recipe_does_not_name_is_told_where_it_stands(refusal: Callable[[str], str]) -> None:
    text = refusal(
        "version: 1\n"
        'dataset: {layout: nifti, images: {t1: "{case}_t1.nii.gz", t2: "{case}_t2.nii.gz"}}\n'
        "steps:\n"
        "  - sequence: [{gamma: {by_channel: {t2: {gamma: 2}, flair: {gamma: 1.5}}}}]\n"
    )
    told = "recipe.yaml:4:54: by_channel names flair, which dataset.images does not; allowed: t1, t2"
    assert mistake(text) == told


def test_every_mistake_in_what_by_channel_gives_is_told_where_it_stands(refusal: Callable[[str], str]) -> None:
    text = refusal(
        "version: 1\nsteps:\n  - gaussian_noise: {by_channel: {t1: {sgma: 2}, t2: {sigma: -1, relative_to: sd}}}\n"
    )
    assert "3 mistakes" in text
    assert "recipe.yaml:3:40: unknown key sgma; did you mean sigma?" in text
    assert "recipe.yaml:3:62: by_channel.t2.sigma: -1 is out of range; allowed: ≥ 0" in text
    assert "recipe.yaml:3:79: by_channel.t2.relative_to: allowed: 'none'" in text


@pytest.mark.parametrize(
    ("text", "meant"),
    [("dataset: {modality: mr}\nsteps: [gamma]", "MR"), ("steps: [Gamma]", "gamma"), ("steps: [{flip: {P: 1}}]", "p")],
)
def test_what_differs_in_capitals_alone_is_suggested(refusal: Callable[[str], str], text: str, meant: str) -> None:
    assert f"; did you mean {meant}?" in refusal(f"version: 1\n{text}\n")
