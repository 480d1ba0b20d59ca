"""Replay: every output again from its record alone, bit for bit, and a plain word where that cannot be."""

from __future__ import annotations

import gzip
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import nibabel as nib
import pytest
from datasets_for_runs import (
    OBLIQUE,
    PROJECT,
    medaug,
    records_of,
    run_here,
    save_case,
    save_dataset,
    save_image,
    save_label,
    save_recipe,
)

from medaug_cli.core.errors import DatasetError, MismatchError, RootError
from medaug_cli.replay import compare, find_record, replay_record, write_files
from medaug_cli.root import dataset_of
from tests.formats.dicom.datasets import save
from tests.formats.dicom.framed import enhanced, frame

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """\
version: 1
seed: 11
copies: 3
steps:
  - flip: {axes: [LR, AP], p: 0.5}
  - one_of:
      p: 0.9
      steps:
        - affine: {rotation_deg: [-10, 10], scale: [0.9, 1.1]}
        - elastic: {control_points: 5, displacement_mm: [0, 2]}
  - some_of:
      count: [1, 2]
      steps:
        - gaussian_noise: {sigma: [0.01, 0.05], relative_to: percentile}
        - gamma
        - random_order: [blur, brightness, contrast]
"""
FLOAT_RECIPE = "version: 1\ncopies: 2\nsteps: [affine]\noutput: {dtype: float32}\n"
PLANE_RECIPE = "version: 1\ncopies: 2\nsteps: [{flip: {axes: [horizontal]}}, rotate, gamma, gaussian_noise]\n"
VOLUME_RECIPE = "version: 1\ncopies: 2\nsteps: [{affine: {fill: air}}, gaussian_noise]\n"


def replay_all(root: Path) -> int:
    """Replay and compare every record of ROOT; return how many there are."""
    records = records_of(root)
    for record in records:
        compare(record, replay_record(record, dataset_of(root, None)))
    return len(records)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with dataset/ and root/, which a run of two cases made."""
    save_dataset(tmp_path / "dataset", cases=2)
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), tmp_path / "dataset", tmp_path / "root")
    return tmp_path


@pytest.mark.parametrize(
    ("sample", "recipe"),
    [
        ("brain-mr", RECIPE),
        ("brain-mr", FLOAT_RECIPE),
        ("ct", VOLUME_RECIPE),
        ("xray", PLANE_RECIPE),
        ("mammo", PLANE_RECIPE),
    ],
)
def test_every_record_of_a_run_replays_in_every_format(tmp_path: Path, sample: str, recipe: str) -> None:
    dataset = PROJECT / "sample_data" / sample
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe), dataset, tmp_path / "root")
    assert replay_all(tmp_path / "root") == (3 if recipe is RECIPE else 2)


@pytest.mark.parametrize("count", [1, 2])
def test_a_classic_copy_of_as_many_frames_replays(tmp_path: Path, count: int) -> None:
    save(enhanced([frame(5.0 * k) for k in range(count)]), tmp_path / "data" / "CT" / "scan.dcm")
    recipe = save_recipe(tmp_path / "r.yaml", "version: 1\nsteps: [gamma]\noutput: {dicom: classic}\n")
    run_here(recipe, tmp_path / "data", tmp_path / "root")
    names = {1: ["scan.dcm"], 2: ["scan_0001.dcm", "scan_0002.dcm"]}
    assert sorted(path.name for path in (tmp_path / "root").rglob("*.dcm")) == names[count]
    assert replay_all(tmp_path / "root") == 1


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".img"])
def test_every_container_of_nifti_replays(tmp_path: Path, suffix: str) -> None:
    save_image(tmp_path / "dataset" / "case.nii")
    image = nib.load(tmp_path / "dataset" / "case.nii")
    if suffix == ".img":
        nib.save(nib.Nifti1Pair(image.dataobj, OBLIQUE), tmp_path / "dataset" / "pair.img")
        (tmp_path / "dataset" / "case.nii").unlink()
    elif suffix == ".nii.gz":
        raw = (tmp_path / "dataset" / "case.nii").read_bytes()
        (tmp_path / "dataset" / "case.nii").unlink()
        (tmp_path / "dataset" / "case.nii.gz").write_bytes(gzip.compress(raw))
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), tmp_path / "dataset", tmp_path / "root")
    assert replay_all(tmp_path / "root") == 3


def test_a_run_alongside_replays(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, dataset)
    assert replay_all(dataset) == 6


def test_replay_draws_nothing_so_another_recipe_in_root_changes_nothing(place: Path) -> None:
    (place / "root" / ".medaug" / "recipe.json").write_text("{}", encoding="utf-8")
    (place / "recipe.yaml").unlink()
    assert replay_all(place / "root") == 6


def test_the_real_command_checks_in_a_fresh_process(place: Path) -> None:
    record = records_of(place / "root")[3]
    done = medaug("replay", place / "root", "--id", record.output_id[:12], "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 files equal to the record, bit for bit" in done.stdout


def test_the_files_that_replay_writes_are_equal_to_those_of_the_run(place: Path) -> None:
    record = records_of(place / "root")[0]
    done = medaug("replay", place / "root", "--id", record.output_id, "-o", place / "again")
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(str(path) for path in (place / "again").iterdir())
    for file in record.output:
        assert (place / "again" / file.path).read_bytes() == (place / "root" / file.path).read_bytes()
    done = medaug("replay", place / "root", "--id", record.output_id, "-o", place / "again")
    assert (done.returncode, "exists already" in done.stderr) == (5, True)


def test_one_file_is_written_under_the_name_that_is_asked_for(tmp_path: Path) -> None:
    save_image(tmp_path / "dataset" / "case.nii.gz")
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), tmp_path / "dataset", tmp_path / "root")
    record = records_of(tmp_path / "root")[0]
    assert write_files(replay_record(record, tmp_path / "dataset"), tmp_path / "x.nii.gz") == [tmp_path / "x.nii.gz"]
    assert (tmp_path / "x.nii.gz").read_bytes() == (tmp_path / "root" / record.output[0].path).read_bytes()


def test_files_of_one_name_are_written_below_their_folders(tmp_path: Path) -> None:
    save_image(tmp_path / "dataset" / "images" / "c1.nii.gz")
    save_label(tmp_path / "dataset" / "labels" / "c1.nii.gz")
    text = RECIPE + 'dataset: {images: {t1: "images/{case}.nii.gz"}, labels: {seg: "labels/{case}.nii.gz"}}\n'
    run_here(save_recipe(tmp_path / "recipe.yaml", text), tmp_path / "dataset", tmp_path / "root")
    record = records_of(tmp_path / "root")[0]
    write_files(replay_record(record, tmp_path / "dataset"), tmp_path / "out")
    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.nii.gz")}
    assert files == {"images/c1_aug0001.nii.gz", "labels/c1_aug0001.nii.gz"}
    assert all((tmp_path / "out" / name).read_bytes() == (tmp_path / "root" / name).read_bytes() for name in files)


@pytest.mark.parametrize(
    ("wrong", "said"), [("0000", "no record has an id"), ("zz", "no record has an id"), ("", "ids")]
)
def test_an_id_that_no_record_or_more_than_one_has_is_refused(place: Path, wrong: str, said: str) -> None:
    with pytest.raises(RootError, match=f"{said} beginning with '{wrong}'; give an output_id in full"):
        find_record(place / "root", wrong)


def test_a_copy_that_failed_cannot_be_replayed_and_says_why(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    (dataset / "case01.nii.gz").write_bytes((dataset / "case01.nii.gz").read_bytes()[:-9])
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE), dataset, tmp_path / "root")
    with pytest.raises(RootError, match="was not written: truncated: case01"):
        find_record(tmp_path / "root", records_of(tmp_path / "root")[0].output_id)


def test_a_source_that_changed_is_named_with_exit_code_3(place: Path) -> None:
    save_case(place / "dataset", "case01", seed=77)
    record = records_of(place / "root")[0]
    done = medaug("replay", place / "root", "--id", record.output_id, "--check")
    assert (done.returncode, done.stdout) == (3, "")
    assert "source_changed: case01.nii.gz: not the file that the copy was made from" in done.stderr


def test_a_record_that_was_tampered_with_is_a_mismatch_with_exit_code_7(place: Path) -> None:
    record = records_of(place / "root")[0]
    manifest = place / "root" / "medaug-manifest.jsonl"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace(record.output[0].voxel_sha256, "0" * 64), encoding="utf-8")
    done = medaug("replay", place / "root", "--id", record.output_id, "--check")
    assert (done.returncode, "the voxels differ from those recorded" in done.stderr) == (7, True)


def test_other_bytes_around_equal_voxels_are_a_mismatch_too(place: Path) -> None:
    record = records_of(place / "root")[0]
    files = replay_record(record, place / "dataset")
    changed = record.model_copy(update={"output": tuple(replace(file, sha256="0" * 64) for file in record.output)})
    with pytest.raises(MismatchError, match="the voxels are equal, the bytes of the file are not"):
        compare(changed, files)


def test_a_file_more_or_less_than_recorded_is_a_mismatch_too(place: Path) -> None:
    record = records_of(place / "root")[0]
    files = replay_record(record, place / "dataset")
    assert len(files) == len(record.output) == 2
    with pytest.raises(MismatchError, match=rf"{files[1].path}: is recorded and was not made again"):
        compare(record, files[:1])
    with pytest.raises(MismatchError, match=rf"{files[1].path}: was made and is not recorded"):
        compare(record.model_copy(update={"output": record.output[:1]}), files)


def test_after_a_move_of_both_root_finds_its_dataset_by_itself(place: Path) -> None:
    (place / "moved").mkdir()
    for name in ("dataset", "root"):
        shutil.move(place / name, place / "moved" / name)
    assert replay_all(place / "moved" / "root") == 6


def test_after_a_move_of_the_dataset_source_says_where_it_lies(place: Path) -> None:
    shutil.move(place / "dataset", place / "archive")
    record = records_of(place / "root")[0]
    with pytest.raises(DatasetError, match="say with --source"):
        dataset_of(place / "root", None)
    done = medaug("replay", place / "root", "--id", record.output_id, "--check", "--source", place / "archive")
    assert done.returncode == 0, done.stderr
    done = medaug("verify", place / "root", "--source", place / "archive")
    assert (done.returncode, "16 files checked, 0 do not match" in done.stdout) == (0, True)


def test_replay_needs_to_know_what_for(place: Path) -> None:
    done = medaug("replay", place / "root", "--id", "0")
    assert (done.returncode, "replay needs --check, -o FILE, or both" in done.stderr) == (2, True)
