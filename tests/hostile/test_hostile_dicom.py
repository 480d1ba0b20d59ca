"""P4, DICOM: each of the bad inputs gets its stable reason, the sound ones are done, and nothing is half written."""

from __future__ import annotations

import json

import pydicom
import pytest
from datasets_for_runs import leftovers, records_of, save_recipe
from hostile.dicom_files import CASES, HEALTHY, NO_DICOM, RECIPE, save_corpus
from hostile.surveys import Survey, survey

from medaug_cli.verify import verify_root

BAD = {name: reason for _, name, _, reason in CASES if reason not in {"", "ignored"}}
SOUND = {name for _, name, _, reason in CASES if not reason} | set(HEALTHY)
IRREGULAR = {"missing_slices", "duplicate_position", "gantry_tilt"}
IGNORED = [name for _, name, _, reason in CASES if reason == "ignored"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    folder = tmp_path_factory.mktemp("hostile_dicom")
    return survey(folder, save_corpus(folder / "dataset"), save_recipe(folder / "recipe.yaml", RECIPE))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_fails_its_series_with_a_stable_reason_and_its_name(found: Survey, name: str) -> None:
    failed = [one for one in records_of(found.root) if one.sample_id.startswith(name) and one.status == "failed"]
    (record,) = (one for one in failed if one.reason == BAD[name])
    assert name in record.message or record.reason in IRREGULAR
    assert all(str(found.root) not in one.message for one in failed)
    # Where one slice cannot be used, the rest of its series is a stack with a gap, and no step that resamples takes it.
    assert {one.reason for one in failed} <= {BAD[name], "missing_slices"}


@pytest.mark.parametrize("name", sorted(SOUND))
def test_what_is_odd_but_readable_is_done(found: Survey, name: str) -> None:
    assert (found.records[name].status, found.records[name].message) == ("ok", "")
    assert len(found.records[name].output) == 4


@pytest.mark.parametrize("name", IGNORED)
def test_what_is_no_image_is_left_alone_and_counted(found: Survey, name: str) -> None:
    assert sum(path.startswith(f"{name}/") for path in found.left_alone) == 4
    assert not any(sample.startswith(name) for sample in found.records)


def test_what_is_only_called_dicom_is_left_alone(found: Survey) -> None:
    assert {path for path, reason in found.left_alone.items() if reason == "other_file"} >= set(NO_DICOM)


def test_the_run_ends_with_3_and_every_copy_that_stands_is_whole(found: Survey) -> None:
    assert (found.run.code, found.events[-1]["exit_code"]) == (3, 3), found.run.stderr
    recorded = {file.path for record in records_of(found.root) for file in record.output}
    standing = {path.relative_to(found.root).as_posix() for path in found.root.rglob("*.dcm")}
    assert standing == recorded
    assert all(pydicom.dcmread(found.root / path).Rows == 16 for path in recorded)
    assert verify_root(found.root, None, None) == (len(recorded), [])
    assert leftovers(found.root) == []


def test_nobody_shows_a_traceback_or_unpacks_a_bomb(found: Survey) -> None:
    for told in (found.run, found.scan, found.validate):
        assert "Traceback" not in told.stdout + told.stderr
        assert told.peak_mib < 500  # the declared pixels are 14 GB, the bomb holds 300 MB


def test_scan_finds_deeply_what_a_run_finds(found: Survey) -> None:
    assert found.scan.code == 3
    problems = {one["id"]: one["problem"][0] for one in json.loads(found.scan.stdout)["samples"] if one["problem"]}
    failed = {one.sample_id: one.reason for one in records_of(found.root) if one.status == "failed"}
    # A stack that is no regular grid can be used by steps that do not resample.
    assert problems == {name: reason for name, reason in failed.items() if reason not in IRREGULAR}


def test_a_message_never_quotes_a_header(found: Survey) -> None:
    told = "".join(one.stdout + one.stderr for one in (found.run, found.scan, found.validate))
    assert "Phantom" not in told
    assert "1A" not in told
