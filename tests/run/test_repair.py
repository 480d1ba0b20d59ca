"""Repair: a run over files with blank UIDs, from the command line to the replay of its records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pydicom
from datasets_for_runs import medaug, records_of, run_here, save_recipe

from medaug_cli.replay import compare, replay_record
from medaug_cli.root import dataset_of
from tests.formats.dicom.datasets import ramp, save_series

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = "version: 1\ncopies: 1\nsteps: [{flip: {axes: [AP]}}, gamma]\n"


def save_blanked(folder: Path) -> Path:
    save_series(folder, [ramp(k) for k in range(3)])
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        header.SOPInstanceUID = header.StudyInstanceUID = header.SeriesInstanceUID = ""
        pydicom.dcmwrite(path, header, enforce_file_format=False)
    return folder


def test_a_series_with_blank_uids_fails_without_repair_and_is_done_and_replayed_with_it(tmp_path: Path) -> None:
    dataset, recipe = save_blanked(tmp_path / "dataset"), save_recipe(tmp_path / "recipe.yaml", RECIPE)
    run_here(recipe, dataset, tmp_path / "root")
    (failed,) = records_of(tmp_path / "root")
    assert (failed.status, failed.reason) == ("failed", "blank_uid")
    assert "--repair" in failed.message
    tally, events = run_here(recipe, dataset, tmp_path / "root", repair=True)
    (record,) = records_of(tmp_path / "root")
    assert (tally.exit_code(), record.status, record.settings.repair) == (0, "ok", True)
    assert any("made from file meta and content" in event.message for event in events if event.message)
    compare(record, replay_record(record, dataset_of(tmp_path / "root", None)))


def test_every_command_that_looks_at_a_dataset_takes_repair(tmp_path: Path) -> None:
    dataset, recipe = save_blanked(tmp_path / "dataset"), save_recipe(tmp_path / "recipe.yaml", RECIPE)
    (problem,) = (one["problem"] for one in json.loads(medaug("scan", dataset, "--json").stdout)["samples"])
    assert problem[0] == "blank_uid"
    scanned = medaug("scan", dataset, "--json", "--deep", "--repair")
    assert scanned.returncode == 0, scanned.stderr
    planned = json.loads(medaug("plan", recipe, dataset, "--json", MEDAUG_REPAIR="1").stdout)
    assert planned["problems"] == []
    drawn = medaug("preview", recipe, dataset, "-o", tmp_path / "sheet.png", "--copies", "1", "--repair")
    assert drawn.returncode == 0, drawn.stderr
