"""P5: sources are never written to, and copies are never taken for sources."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from datasets_for_runs import (
    PROJECT,
    RECIPE,
    clean_environment,
    copies_below,
    here,
    leftovers,
    medaug,
    records_of,
    run_here,
    save_case,
    save_dataset,
    save_recipe,
    state_of,
)

from medaug_cli.core.errors import DatasetError, ResourceError, UsageError
from medaug_cli.preview import load_previewed
from medaug_cli.recipe import load_recipe


def test_a_run_alongside_leaves_every_source_as_it_was(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=3)
    before = state_of(dataset)
    done = medaug("run", save_recipe(tmp_path / "recipe.yaml"), dataset, "--workers", "2")
    after = state_of(dataset)
    assert done.returncode == 0
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 12 + 2  # the copies, the manifest, the hash list


@pytest.mark.parametrize("sample", ["brain-mr", "ct", "xray", "mammo"])
def test_the_samples_stay_as_they_are_in_every_format(tmp_path: Path, sample: str) -> None:
    dataset = shutil.copytree(PROJECT / "sample_data" / sample, tmp_path / "dataset")
    before = state_of(dataset)
    recipe = save_recipe(tmp_path / "recipe.yaml", "version: 1\nsteps: [gamma]\n")
    tally, _ = run_here(recipe, dataset, dataset)
    after = state_of(dataset)
    assert tally.done == 1
    assert {path: after[path] for path in before} == before
    assert len(after) > len(before)


WATCH = """
import json, os, sys
dataset, touched = os.path.realpath(sys.argv.pop(1)), []
sources = {os.path.join(folder, name) for folder, _, names in os.walk(dataset) for name in names}
CHANGES = {"os.remove", "os.rename", "os.truncate", "os.utime", "os.chmod", "os.chown", "os.link", "shutil.copyfile"}
def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND)
    elif event in CHANGES:
        path, writes = arguments[0], True
        if event == "os.rename":
            path = next((one for one in arguments[:2] if os.path.realpath(one) in sources), path)
    else:
        return
    if writes and isinstance(path, (str, os.PathLike)) and os.path.realpath(path) in sources:
        touched.append([event, os.fspath(path)])
sys.addaudithook(watch)
from medaug_cli.cli import main
try:
    main()
finally:
    print(json.dumps({"sources": len(sources), "touched": touched}), file=sys.stderr)
"""


@pytest.mark.parametrize("sample", ["brain-mr", "ct"])
def test_no_source_is_ever_opened_for_writing(tmp_path: Path, sample: str) -> None:
    dataset = shutil.copytree(PROJECT / "sample_data" / sample, tmp_path / "dataset")
    recipe = save_recipe(tmp_path / "recipe.yaml", "version: 1\nsteps: [gamma]\n")
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(dataset), "run", str(recipe), str(dataset), "--engine", "serial"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stderr.splitlines()[-1])
    sources = [path for path in (PROJECT / "sample_data" / sample).rglob("*") if path.is_file()]
    assert seen == {"sources": len(sources), "touched": []}


def test_a_second_run_alongside_never_takes_a_copy_for_a_source(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    recipe = save_recipe(tmp_path / "recipe.yaml")
    run_here(recipe, dataset, dataset)
    copies = copies_below(dataset)
    tally, _ = run_here(recipe, dataset, dataset)
    assert (tally.total, tally.kept, copies_below(dataset)) == (0, 4, copies)


def test_a_folder_of_a_dataset_with_copies_alongside_is_taken_without_them(tmp_path: Path) -> None:
    dataset, recipe = tmp_path / "dataset", save_recipe(tmp_path / "recipe.yaml")
    site = save_dataset(dataset / "site", cases=2)
    run_here(recipe, dataset, dataset)
    tally, _ = run_here(recipe, site, tmp_path / "root")
    assert (tally.done, tally.failed) == (4, 0)
    assert "2 samples, 2 usable" in here("scan", site)[1]
    assert "2 of 2 samples usable" in here("validate", recipe, site)[1]
    with pytest.raises(DatasetError, match="no sample is called case01_aug0001; the nearest of 2"):
        load_previewed(load_recipe(recipe), site, "case01_aug0001")


def test_a_run_to_another_folder_does_not_take_copies_alongside_for_sources(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    recipe = save_recipe(tmp_path / "recipe.yaml")
    run_here(recipe, dataset, dataset)
    tally, _ = run_here(recipe, dataset, dataset / "more")
    assert tally.done == 4
    assert {record.sample_id for record in records_of(dataset / "more")} == {"case01", "case02"}


CLASH = r"copies of case01 would be written to case01_aug0001\.nii\.gz, a source's name; rename one"


def test_a_source_that_is_called_like_a_copy_stays_a_source(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    save_case(dataset, "case01_aug0001", seed=5)
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE.replace("copies: 2", "copies: 1"))
    for _ in range(2):
        with pytest.raises(DatasetError, match=CLASH):
            run_here(recipe, dataset, tmp_path / "root")


def test_output_inside_the_dataset_is_no_source_later(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    recipe = save_recipe(tmp_path / "recipe.yaml")
    run_here(recipe, dataset, dataset / "augmented")
    tally, _ = run_here(recipe, dataset, tmp_path / "root")
    assert tally.done == 4


@pytest.mark.parametrize("wanted", ["link", "copy"])
def test_originals_stand_beside_their_copies_on_request(tmp_path: Path, wanted: str) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=2), tmp_path / "root"
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE + f"output: {{originals: {wanted}}}\n")
    before = state_of(dataset)
    for _ in range(2):
        run_here(recipe, dataset, root)
    assert state_of(dataset) == before
    assert {path: state_of(root)[path] for path in before} == before
    inodes = [(dataset / path).stat().st_ino == (root / path).stat().st_ino for path in before]
    assert inodes == [wanted == "link"] * 4


@pytest.mark.parametrize("wanted", ["link", "copy"])
def test_the_folders_of_originals_are_on_the_disk_too(
    wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """POSIX: a name that was given or changed lasts once its folder has been synchronised after it."""
    dataset, root = save_dataset(tmp_path / "dataset" / "below", cases=2).parent, tmp_path / "root"
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE + f"output: {{originals: {wanted}}}\n")
    settled: list[set[str]] = []
    plain = os.fsync

    def note(descriptor: int) -> None:
        plain(descriptor)
        if (root / "below").is_dir() and os.path.samestat(os.fstat(descriptor), (root / "below").stat()):
            settled.append({path.name for path in (root / "below").iterdir()})

    monkeypatch.setattr(os, "fsync", note)
    run_here(recipe, dataset, root)
    originals = {path.name for path in (dataset / "below").iterdir()}
    assert settled[0] == originals  # before the first copy is published


def save_with_originals(folder: Path, wanted: str) -> Path:
    return save_recipe(folder / "recipe.yaml", RECIPE + f"output: {{originals: {wanted}}}\n")


@pytest.mark.parametrize("wanted", ["link", "copy"])
def test_originals_that_are_links_stand_in_output_as_what_they_lead_to(tmp_path: Path, wanted: str) -> None:
    dataset, root = tmp_path / "dataset", tmp_path / "root"
    save_case(dataset / ".annex", "case01")
    for name in ("case01.nii.gz", "case01_seg.nii.gz"):
        (dataset / name).symlink_to(f".annex/{name}")
    for _ in range(2):
        run_here(save_with_originals(tmp_path, wanted), dataset, root)
    assert not (root / "case01.nii.gz").is_symlink()
    assert (root / "case01.nii.gz").read_bytes() == (dataset / "case01.nii.gz").read_bytes()


def test_a_dead_link_where_an_original_would_go_is_left_alone(tmp_path: Path) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=1), tmp_path / "root"
    run_here(save_recipe(tmp_path / "plain.yaml"), dataset, root)
    (root / "case01.nii.gz").symlink_to("nowhere")
    assert run_here(save_with_originals(tmp_path, "link"), dataset, root)[0].kept == 2


def test_a_full_disk_leaves_no_part_of_an_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(_: Path, beside: Path) -> None:
        assert beside.stat().st_size > 0
        raise OSError(errno.ENOSPC, "No space left on device", str(beside))

    monkeypatch.setattr("medaug_cli.originals.shutil.copystat", fill)
    with pytest.raises(ResourceError):
        run_here(save_with_originals(tmp_path, "copy"), save_dataset(tmp_path / "dataset", cases=1), tmp_path / "root")
    assert leftovers(tmp_path / "root") == []


def test_originals_of_the_chosen_samples_alone_stand_in_output(tmp_path: Path) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=2), tmp_path / "root"
    run_here(save_with_originals(tmp_path, "copy"), dataset, root, only="case02")
    assert {path.name for path in root.glob("case0?.nii.gz")} == {"case02.nii.gz"}


def test_originals_beside_the_originals_make_no_sense(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE + "output: {originals: copy}\n")
    with pytest.raises(UsageError, match="name OUTPUT by -o"):
        run_here(recipe, dataset, dataset)


def test_an_original_that_cannot_be_read_is_told_and_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=3), tmp_path / "root"
    plain = Path.open
    refused: list[Path] = []

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if path == dataset / "case02.nii.gz" and not refused:
            refused.append(path)
            raise OSError(errno.EIO, "Input/output error", str(path))
        return plain(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    tally, events = run_here(save_with_originals(tmp_path, "copy"), dataset, root)
    assert (tally.done, tally.failed, tally.exit_code()) == (6, 0, 3)
    assert "1 originals could not be read" in tally.finished(root).message
    told = [event.message for event in events if event.event == "warning"]
    assert told == [f"case02.nii.gz: Input/output error; no original of it stands in {root}"]
    assert {path.name for path in dataset.iterdir()} - {path.name for path in root.iterdir()} == {"case02.nii.gz"}
    assert list(root.glob(".medaug-*.tmp")) == []
    assert (root / "case03_aug0002.nii.gz").is_file()
    assert run_here(save_with_originals(tmp_path, "copy"), dataset, root)[0].exit_code() == 0
    assert (root / "case02.nii.gz").read_bytes() == (dataset / "case02.nii.gz").read_bytes()
