"""`privacy:` and names: of files, folders, samples and labels, identifiers in paths, and the map back."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import (
    medaug,
    records_of,
    run_here,
    save_dataset,
    save_image,
    save_label,
    save_recipe,
    state_of,
    voxel_hashes,
)
from formats.dicom.datasets import image, placed, ramp, save
from run.canaries import CANARY, RECIPE, save_dicom, signs_in, told_by

from medaug_cli.core.errors import DatasetError, RootError, UsageError
from medaug_cli.recipe import load_recipe
from medaug_cli.replay import compare, replay_record
from medaug_cli.run import Options, preview_run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("own_key")


@pytest.mark.parametrize("kind", ["allow", "warn", "refuse"])
def test_identifiers_in_paths_are_counted_and_never_shown(tmp_path: Path, kind: str) -> None:
    dataset = save_dicom(tmp_path / "dataset")
    text = RECIPE.replace("deidentify: basic", f"phi_in_paths: {kind}")
    recipe = save_recipe(tmp_path / "recipe.yaml", text)
    if kind == "refuse":
        with pytest.raises(DatasetError, match="3 paths contain") as refused:
            run_here(recipe, dataset, tmp_path / "root")
        assert CANARY not in str(refused.value)
        assert "3 paths contain" in medaug("validate", recipe, dataset).stderr
        return
    _, events = run_here(recipe, dataset, tmp_path / "root")
    warnings = [event.message for event in events if event.event == "warning"]
    assert [CANARY in text for text in warnings] == ([False] if kind == "warn" else [])


def test_paths_without_identifiers_are_not_refused(tmp_path: Path) -> None:
    for k in range(3):
        save(image(ramp(k), number=k + 1, PatientID="4711042", **placed(k)), tmp_path / "dataset" / "ct" / f"{k}.dcm")
    text = RECIPE.replace("basic}", "basic, phi_in_paths: refuse}")
    assert run_here(save_recipe(tmp_path / "recipe.yaml", text), tmp_path / "dataset", tmp_path / "root")[0].done == 2


def test_the_map_back_is_private_complete_and_made_on_request_alone(tmp_path: Path) -> None:
    dataset, root, secret = save_dicom(tmp_path / "dataset"), tmp_path / "root", tmp_path / "secret" / "map.jsonl"
    secret.parent.mkdir()
    text = RECIPE.replace("basic}", f"basic, id_map: {secret}}}")
    run_here(save_recipe(tmp_path / "recipe.yaml", text), dataset, root)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    (line,) = [json.loads(line) for line in secret.read_text(encoding="utf-8").splitlines()]
    record = records_of(root)[0]
    assert (line["sample_id"], line["patient_key"]) == (record.sample_id, record.patient_key)
    assert line["patient"] == CANARY
    assert {file.path for file in record.source} == set(line["files"])
    assert all((dataset / path).is_file() for path in line["files"].values())
    inside = save_recipe(tmp_path / "inside.yaml", RECIPE.replace("basic}", f"basic, id_map: {root}/map.jsonl}}"))
    with pytest.raises(UsageError, match="handed on"):
        run_here(inside, dataset, root, overwrite="all")


def test_a_map_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    dataset, secret = save_dicom(tmp_path / "dataset"), tmp_path / "secret" / "map.jsonl"
    secret.mkdir(parents=True)
    text = RECIPE.replace("basic}", f"basic, id_map: {secret}}}")
    with pytest.raises(RootError, match="cannot be written"):
        run_here(save_recipe(tmp_path / "recipe.yaml", text), dataset, tmp_path / "root")
    assert list(secret.parent.iterdir()) == [secret]


def test_a_map_replaces_one_that_others_could_read(tmp_path: Path) -> None:
    dataset, secret = save_dicom(tmp_path / "dataset"), tmp_path / "map.jsonl"
    secret.write_text("old", encoding="utf-8")
    secret.chmod(0o644)
    text = RECIPE.replace("basic}", f"basic, id_map: {secret}}}")
    run_here(save_recipe(tmp_path / "recipe.yaml", text), dataset, tmp_path / "root")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert CANARY in secret.read_text(encoding="utf-8")


@pytest.mark.parametrize(("place", "error"), [("root", UsageError), ("nowhere", RootError)])
def test_a_map_that_cannot_be_written_is_told_before_anything_is_replaced(
    tmp_path: Path, place: str, error: type[Exception]
) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=1), tmp_path / "root"
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root)
    before = state_of(root)
    text = RECIPE.replace("basic}", f"basic, id_map: {tmp_path / place}/map.jsonl}}").replace("seed: 3", "seed: 4")
    other = save_recipe(tmp_path / "other.yaml", text)
    with pytest.raises(error, match=r"id_map"):
        run_here(other, dataset, root, overwrite="stale")
    assert state_of(root) == before
    with pytest.raises(error, match=r"id_map"):
        preview_run(load_recipe(other), dataset, root, Options(overwrite="stale"))


def test_samples_are_chosen_by_the_names_that_their_owner_knows(tmp_path: Path) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=2), tmp_path / "root"
    tally, _ = run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root, only="case02")
    assert tally.done == 2
    assert not any("case" in path for path in voxel_hashes(root))


def test_names_keep_what_a_layout_needs(tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    (dataset / "imagesTr").mkdir(parents=True)
    document = {"channel_names": {"0": "T1"}, "labels": {"background": 0, "a": 1, "b": 2}, "file_ending": ".nii.gz"}
    (dataset / "dataset.json").write_text(json.dumps({**document, "numTraining": 1}), encoding="utf-8")
    save_image(dataset / "imagesTr" / "Doe_John_0000.nii.gz")
    save_label(dataset / "labelsTr" / "Doe_John.nii.gz")
    root = tmp_path / "root"
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, root)
    names = sorted(voxel_hashes(root))
    hidden = names[0].removeprefix("imagesTr/").partition("_")[0]
    assert names == sorted(
        f"{folder}/{hidden}_aug000{copy}{channel}.nii.gz"
        for copy in (1, 2)
        for folder, channel in (("imagesTr", "_0000"), ("labelsTr", ""))
    )


def test_names_in_a_dataset_json_go_but_for_those_that_the_recipe_speaks_of(tmp_path: Path) -> None:
    dataset, root = tmp_path / "dataset", tmp_path / "root"
    labels = {"background": 0, "stoma_left": 1, "stoma_right": 2, CANARY: 3}
    document = {"channel_names": {"0": CANARY}, "labels": labels, "numTraining": 1, "file_ending": ".nii.gz"}
    save_image(dataset / "imagesTr" / "a_0000.nii.gz")
    save_label(dataset / "labelsTr" / "a.nii.gz")
    (dataset / "dataset.json").write_text(json.dumps(document), encoding="utf-8")
    steps = "[{flip: {axes: [LR], p: 1, swap_labels: [[stoma_left, stoma_right]]}}]"
    recipe = f"version: 1\nsteps: {steps}\nprivacy: {{deidentify: basic}}\n"
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe), dataset, root)
    (record,) = records_of(root)
    assert record.status == "ok", record.message
    assert signs_in(told_by(root)) == []
    names = record.settings.label_names
    assert (names[1], names[2]) == ("stoma_left", "stoma_right")
    compare(record, replay_record(record, dataset))
