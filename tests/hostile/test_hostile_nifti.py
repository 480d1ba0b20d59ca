"""P4, NIfTI: each of the bad inputs gets its stable reason, the sound ones are done, and nothing is half written."""

from __future__ import annotations

import json

import pytest
from datasets_for_runs import copies_below, leftovers, save_recipe, voxel_hashes
from hostile.nifti_files import CASES, HEALTHY, RECIPE, save_corpus
from hostile.surveys import Survey, survey

from medaug_cli.verify import verify_root

BAD = {name: reason for _, name, _, reason in CASES if reason}
SOUND = {name for _, name, _, reason in CASES if not reason} | set(HEALTHY)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    folder = tmp_path_factory.mktemp("hostile_nifti")
    return survey(folder, save_corpus(folder / "dataset"), save_recipe(folder / "recipe.yaml", RECIPE))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_fails_its_sample_with_a_stable_reason_and_its_name(found: Survey, name: str) -> None:
    record = found.records[name]
    assert (record.status, record.reason) == ("failed", BAD[name]), record.message
    assert name in record.message
    assert str(found.root) not in record.message


@pytest.mark.parametrize("name", sorted(SOUND))
def test_what_is_odd_but_readable_is_done(found: Survey, name: str) -> None:
    assert (found.records[name].status, found.records[name].message) == ("ok", "")


def test_the_run_ends_with_3_and_every_copy_that_stands_is_whole(found: Survey) -> None:
    assert (found.run.code, found.events[-1]["exit_code"]) == (3, 3), found.run.stderr
    assert found.events[-1]["done"] == len(SOUND)
    assert copies_below(found.root) == set(voxel_hashes(found.root))
    assert verify_root(found.root, None, None) == (2 * len(SOUND), [])
    assert leftovers(found.root) == []


def test_nobody_shows_a_traceback_or_unpacks_a_bomb(found: Survey) -> None:
    for told in (found.run, found.scan, found.validate):
        assert "Traceback" not in told.stdout + told.stderr
        assert told.peak_mib < 700  # the bombs hold 200 and 216 MB, the declared volumes up to 10 ** 31 bytes


def test_scan_finds_deeply_what_a_run_finds(found: Survey) -> None:
    assert found.scan.code == 3
    problems = {sample["id"]: sample["problem"] for sample in json.loads(found.scan.stdout)["samples"]}
    assert {name: problem[0] for name, problem in problems.items() if problem} == BAD


def test_validate_tells_of_what_the_headers_show(found: Survey) -> None:
    assert found.validate.code == 0
    assert "claims 1e12 voxels: too_large: " in found.validate.stderr


def test_what_was_odd_is_warned_of(found: Survey) -> None:
    warnings = [event["message"] for event in found.events if event["event"] == "warning"]
    assert any("sform and qform differ" in text and "qform and sform apart" in text for text in warnings)
    assert any("orientation unknown" in text and "no orientation" in text for text in warnings)


def test_a_slope_of_zero_nan_or_infinity_scales_nothing(found: Survey) -> None:
    hashes = {found.records[f"slope {kind}"].source[0].voxel_sha256 for kind in ("0", "NaN", "infinite")}
    assert len(hashes) == 1
