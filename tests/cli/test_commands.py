"""The other commands: help, init, validate, scan, status, transforms, schema."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
from datasets_for_runs import RECIPE, copies_below, damage, here, medaug, run_here, save_dataset, save_recipe, state_of
from typer.main import get_command

from medaug_cli import __version__
from medaug_cli.cli import app
from medaug_cli.core.files import obstacles

if TYPE_CHECKING:
    from pathlib import Path

ARGUMENTS = {
    "init": ["[DIR]", "--preset"],
    "validate": ["RECIPE", "[DATASET]"],
    "scan": ["DATASET", "--json", "--deep", "--recipe", "--repair", "--force-read"],
    "plan": ["RECIPE", "DATASET", "--output", "--only", "--limit", "--overwrite", "--repair", "--json"],
    "preview": ["RECIPE", "DATASET", "--sample", "--copies", "--seed", "--repair", "-o", "MEDAUG_SEED"],
    "run": [
        *("RECIPE", "DATASET", "-o", "--workers", "--engine", "--seed", "--copies", "--only", "--limit"),
        *("--max-duration", "--max-failures", "--fail-fast", "--overwrite", "--memory", "--lock-timeout"),
        *("--progress", "--json", "--log-file", "-q", "-v", "--dry-run", "--repair", "MEDAUG_WORKERS"),
        *("--force-read", "MEDAUG_OUTPUT", "MEDAUG_COPIES"),
    ],
    "status": ["ROOT", "--json"],
    "verify": ["ROOT", "--subset", "--source"],
    "replay": ["ROOT", "--id", "--check", "-o", "--source"],
    "transforms": ["[NAME]", "--json"],
    "schema": ["recipe", "manifest", "events"],
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_help_of_a_command_names_its_arguments_and_flags(name: str) -> None:
    code, text, _ = here(name, "--help")
    assert code == 0
    assert [argument for argument in ARGUMENTS[name] if argument not in text] == []


def test_the_help_lists_every_command_with_a_line() -> None:
    code, text, _ = here("--help")
    group = get_command(app)
    names = list(getattr(group, "commands", {}))
    assert code == 0
    assert set(ARGUMENTS) <= set(names)
    assert [name for name in names if f"  {name} " not in text] == []


def test_every_flag_has_a_line_of_help() -> None:
    commands = getattr(get_command(app), "commands", {})
    bare = [
        (name, parameter.name)
        for name, one in commands.items()
        for parameter in one.params
        if not getattr(parameter, "help", None)
    ]
    assert [item for item in bare if item[1] != "help"] == []


def options_of(*commands: str) -> dict[tuple[str, str], Any]:
    """Return every option of `commands`, or of all commands, by command and longest flag."""
    known = getattr(get_command(app), "commands", {})
    return {
        (name, max(parameter.opts, key=len)): parameter
        for name in commands or known
        for parameter in known[name].params
        if parameter.param_type_name == "option" and parameter.name != "help"
    }


# MEDAUG_OUTPUT is where runs write to, and MEDAUG_COPIES how many they make.
WITHOUT_VARIABLE = {("preview", "--output"), ("replay", "--output"), ("preview", "--copies")}


def test_every_flag_has_its_variable_but_for_those_that_mean_something_else_in_a_run() -> None:
    named = {key: option.envvar for key, option in options_of().items()}
    expected = {(name, flag): f"MEDAUG_{flag[2:].upper().replace('-', '_')}" for name, flag in named}
    assert named == {**expected, **dict.fromkeys(WITHOUT_VARIABLE)}


INTERFACE = {  # interface.md, section 1
    "init": "--preset",
    "scan": "--json --deep",
    "plan": "-o --workers --engine --seed --copies --only --limit --timeout --max-duration --retries --max-failures "
    "--fail-fast --overwrite --memory --json",
    "preview": "--sample --copies -o",
    "run": "-o --workers --engine --seed --copies --only --limit --timeout --max-duration --retries --max-failures "
    "--fail-fast --overwrite --memory --lock-timeout --progress --json --log-file -q -v --dry-run",
    "verify": "--subset --source",
    "replay": "--id --check -o --source",
    "transforms": "--json",
}
NOT_YET = {"--address", "--shard"}  # of runs on several machines


@pytest.mark.parametrize("name", INTERFACE)
def test_a_command_has_the_flags_of_the_interface(name: str) -> None:
    flags = {flag for option in options_of(name).values() for flag in option.opts}
    assert set(INTERFACE[name].split()) - flags == set()
    assert NOT_YET & flags == set()  # one that is there belongs into the list above


def test_the_copies_of_runs_are_not_those_of_a_sheet(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    recipe = save_recipe(tmp_path / "recipe.yaml")
    done = medaug("preview", recipe, dataset, "-o", tmp_path / "sheet.png", MEDAUG_COPIES="200")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/sheet.png: case01 and 8 copies\n"), done.stderr


def test_the_version_is_told_by_the_real_command() -> None:
    done = medaug("--version")
    assert (done.returncode, done.stdout) == (0, f"medaug {__version__}\n")


def test_a_command_that_does_not_exist_is_wrong_usage() -> None:
    assert here("augment")[0] == 2


def test_init_writes_a_recipe_that_is_valid_and_never_over_one(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    code, said, _ = here("init", folder, "--preset", "abdomen-ct")
    assert (code, "next: medaug validate" in said) == (0, True)
    assert here("validate", folder / "recipe.yaml")[0] == 0
    assert json.loads((folder / "recipe.schema.json").read_text(encoding="utf-8"))["title"] == "Recipe"
    code, _, said = here("init", folder)
    assert (code, "exists already" in said) == (5, True)


@pytest.mark.parametrize("name", ["recipe.yaml", "recipe.schema.json"])
def test_init_leaves_a_file_that_stands_there_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    code, _, said = here("init", tmp_path)
    assert (code, said) == (5, f"{tmp_path / name}: exists already; remove it or name another folder")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_init_says_which_presets_there_are(tmp_path: Path) -> None:
    code, _, said = here("init", tmp_path, "--preset", "knee")
    assert (code, "no such preset; allowed: abdomen-ct, brain-mr-lesion" in said) == (2, True)


def test_validate_tells_waste_and_what_the_dataset_holds(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    (dataset / "case02.nii.gz").write_bytes(b"no nifti")
    recipe = save_recipe(
        tmp_path / "recipe.yaml", "version: 1\nsteps: [rotate, gamma, elastic]\noutput: {originals: copy}\n"
    )
    before = state_of(tmp_path)
    code, said, warned = here("validate", recipe, dataset)
    assert code == 0
    assert "warning: steps[2] elastic follows an intensity step" in warned
    assert "case02: " in warned
    assert said.splitlines() == [
        f"{dataset}: layout nifti, 1 of 2 samples usable",
        f"{recipe}: valid, 3 steps, 1 copies of each sample",
    ]
    assert state_of(tmp_path) == before


def test_validate_tells_a_channel_that_samples_lack(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    steps = "steps: [{gamma: {by_channel: {image: {gamma: 2}, flair: {gamma: 2}}}}]"
    recipe = save_recipe(tmp_path / "recipe.yaml", f"version: 1\n{steps}\n")
    code, _, warned = here("validate", recipe, dataset)
    assert code == 0
    told = "by_channel of gamma names flair, which 2 of 2 samples lack; known: image; copies that draw it fail"
    assert told in warned
    assert "names image" not in warned


def test_validate_tells_every_mistake_by_the_real_command(tmp_path: Path) -> None:
    recipe = save_recipe(tmp_path / "recipe.yaml", "version: 1\ncopes: 3\nsteps: [gama]\n")
    done = medaug("validate", recipe)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("medaug: the recipe is invalid, 2 mistakes:\n")


def test_scan_tells_samples_labels_grid_and_what_is_left_alone(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    (dataset / "notes.txt").write_text("no image", encoding="utf-8")
    code, said, _ = here("scan", dataset)
    assert code == 0
    assert said.splitlines() == [
        "case01: unknown modality, 14x12x6 at 0.9x1.1x2.5 mm, images image (1 files), labels label",
        "case02: unknown modality, 14x12x6 at 0.9x1.1x2.5 mm, images image (1 files), labels label",
        "left alone: 1 other_file, such as notes.txt",
        "layout nifti: 2 samples, 2 usable, 0 patients",
    ]


def test_scan_in_json_holds_the_same(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    code, said, _ = here("scan", dataset, "--json")
    (sample,) = json.loads(said)["samples"]
    assert code == 0
    assert (sample["id"], sample["size"], sample["problem"]) == ("case01", [14, 12, 6], None)
    assert sample["spacing_mm"] == pytest.approx([0.9, 1.1, 2.5], abs=1e-4)
    assert (sample["images"], sample["labels"]) == (
        {"image": ["case01.nii.gz"]},
        {"label": ["case01_seg.nii.gz"]},
    )


def test_a_deep_scan_finds_the_damage_that_headers_do_not_show(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    noise = np.random.default_rng(1).integers(0, 1000, (40, 40, 40)).astype(np.int16)
    nib.save(nib.nifti1.Nifti1Image(noise, np.eye(4)), dataset / "case02.nii.gz")
    raw = bytearray((dataset / "case02.nii.gz").read_bytes())
    raw[-6] ^= 1  # of the CRC-32 at the end of the gzip stream
    (dataset / "case02.nii.gz").write_bytes(raw)
    assert here("scan", dataset)[0] == 0
    code, said, _ = here("scan", dataset, "--deep")
    assert code == 3
    assert "case02: crc_mismatch: case02.nii.gz" in said
    assert "2 samples, 1 usable" in said


def test_scan_looks_as_the_recipe_says(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    recipe = save_recipe(
        tmp_path / "recipe.yaml",
        RECIPE + 'dataset: {images: {t1: "{case}.nii.gz"}, labels: {organ: "{case}_seg.nii.gz"}}\n',
    )
    assert "images t1 (1 files), labels organ" in here("scan", dataset, "--recipe", recipe)[1]


def test_scan_of_a_dataset_with_copies_shows_the_originals_only(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    run_here(save_recipe(tmp_path / "recipe.yaml"), dataset, dataset)
    assert len(copies_below(dataset)) == 8
    assert len(json.loads(here("scan", dataset, "--json")[1])["samples"]) == 2


def test_status_counts_copies_and_reasons(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    damage(dataset / "case02.nii.gz")
    run_here(save_recipe(tmp_path / "recipe.yaml"), dataset, tmp_path / "root")
    code, said, _ = here("status", tmp_path / "root")
    assert (code, said) == (3, "truncated: 2 copies\nfinished: 2 copies valid, 2 failed\n")
    code, said, _ = here("status", tmp_path / "root", "--json")
    document = json.loads(said)
    assert (document["ok"], document["failed"], document["reasons"]) == (2, 2, {"truncated": 2})
    assert (document["running"], document["finished"], document["last_run"]["exit_code"]) == ("", True, 3)
    assert document["state"] == "finished"


def test_status_tells_that_a_run_is_not_finished(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    run_here(save_recipe(tmp_path / "recipe.yaml"), dataset, tmp_path / "root", max_duration_s=0.0)
    assert here("status", tmp_path / "root")[:2] == (8, "not finished, run again: 2 copies valid, 0 failed\n")
    assert json.loads(here("status", tmp_path / "root", "--json")[1])["state"] == "unfinished"


def test_plan_warns_of_a_folder_that_cannot_take_the_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = SimpleNamespace(f_files=9, f_favail=3)
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode == os.W_OK and str(path) == str(tmp_path)))
    monkeypatch.setattr(os, "statvfs", lambda _: few)
    found = obstacles(tmp_path / "root", files=4)
    assert found == [
        f"{tmp_path}: may not be written to; choose another folder with -o",
        f"{tmp_path}: 3 more files may be made there, 4 are needed",
    ]


@pytest.mark.parametrize("name", ["status", "verify"])
def test_a_folder_that_medaug_never_wrote_to_is_no_root(tmp_path: Path, name: str) -> None:
    assert here(name, tmp_path)[0] == 5


def test_every_step_is_described() -> None:
    code, said, _ = here("transforms", "--json")
    steps = json.loads(said)
    assert code == 0
    assert {"flip", "affine", "elastic", "gamma", "gaussian_noise", "one_of"} <= {step["name"] for step in steps}
    assert [step["name"] for step in steps if not step["summary"]] == []
    bare = [(step["name"], item["name"]) for step in steps for item in step["parameters"] if not item["help"]]
    assert bare == []


def test_one_step_is_described_with_its_bounds() -> None:
    code, said, _ = here("transforms", "gamma")
    assert (code, "log_gamma [≥ -2 and ≤ 2]" in said) == (0, True)
    code, _, said = here("transforms", "gama")
    assert (code, "no step is called gama; allowed: affine" in said) == (2, True)


@pytest.mark.parametrize("what", ["recipe", "manifest", "events"])
def test_a_schema_is_printed_as_json(what: str) -> None:
    code, said, _ = here("schema", what)
    assert (code, json.loads(said)["$schema"]) == (0, "https://json-schema.org/draft/2020-12/schema")
