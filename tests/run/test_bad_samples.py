"""P4: one bad sample never costs another; each is recorded with a stable reason and a message that names its file."""

from __future__ import annotations

import gzip
import os
import struct
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from datasets_for_runs import (
    OBLIQUE,
    RECIPE,
    copies_below,
    here,
    leftovers,
    medaug,
    records_of,
    run_here,
    save_case,
    save_dataset,
    save_image,
    save_label,
    save_recipe,
)

from medaug_cli import worker
from medaug_cli.core.errors import SampleError
from medaug_cli.recipe import load_recipe
from medaug_cli.run import Options, run
from medaug_cli.verify import verify_root
from medaug_cli.worker import explain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from medaug_cli.events import Event


def truncate(folder: Path) -> None:
    image = folder / "case02.nii.gz"
    image.write_bytes(image.read_bytes()[:-20])


def flip_a_bit_of_the_crc(folder: Path) -> None:
    image = folder / "case02.nii.gz"
    raw = bytearray(image.read_bytes())
    raw[-8] ^= 1
    image.write_bytes(raw)


def put_nan_into_the_affine(folder: Path) -> None:
    image = folder / "case02.nii.gz"
    raw = bytearray(gzip.decompress(image.read_bytes()))
    struct.pack_into("<h", raw, 252, 0)  # qform_code
    struct.pack_into("<h", raw, 254, 1)  # sform_code
    struct.pack_into("<f", raw, 280, float("nan"))  # srow_x[0]
    image.write_bytes(gzip.compress(bytes(raw)))


def give_the_mask_another_shape(folder: Path) -> None:
    save_label(folder / "case02_seg.nii.gz", size=(13, 12, 6))


def move_the_mask_by_2_mm(folder: Path) -> None:
    moved = OBLIQUE.copy()
    moved[0, 3] += 2
    save_label(folder / "case02_seg.nii.gz", affine=moved)


def make_it_no_image(folder: Path) -> None:
    (folder / "case02.nii.gz").write_bytes(b"PK\3\4 this is no gzip file")


def make_it_empty(folder: Path) -> None:
    (folder / "case02.nii.gz").write_bytes(b"")


def put_fractions_into_the_mask(folder: Path) -> None:
    array = np.full((14, 12, 6), 0.5, np.float32)
    nib.save(nib.nifti1.Nifti1Image(array, OBLIQUE), folder / "case02_seg.nii.gz")


def damage_the_mask_only(folder: Path) -> None:
    mask = folder / "case02_seg.nii.gz"
    mask.write_bytes(mask.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("spoil", "reason", "named"),
    [
        (truncate, "truncated", "case02.nii.gz"),
        (flip_a_bit_of_the_crc, "crc_mismatch", "case02.nii.gz"),
        (put_nan_into_the_affine, "bad_affine", "case02.nii.gz"),
        (give_the_mask_another_shape, "geometry_mismatch", "case02_seg.nii.gz"),
        (move_the_mask_by_2_mm, "geometry_mismatch", "case02_seg.nii.gz"),
        (make_it_no_image, "bad_header", "case02.nii.gz"),
        (make_it_empty, "truncated", "case02.nii.gz"),
        (put_fractions_into_the_mask, "label_not_integer", "case02_seg.nii.gz"),
        (damage_the_mask_only, "truncated", "case02_seg.nii.gz"),
    ],
)
def test_a_bad_case_is_recorded_and_the_others_are_done(
    tmp_path: Path, spoil: Callable[[Path], None], reason: str, named: str
) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=3)
    spoil(dataset)
    tally, events = run_here(save_recipe(tmp_path / "recipe.yaml"), dataset, tmp_path / "root")
    assert (tally.done, tally.failed, int(tally.exit_code())) == (4, 2, 3)
    failed = [record for record in records_of(tmp_path / "root") if record.status == "failed"]
    assert [(record.sample_id, record.copy_, record.reason) for record in failed] == [
        ("case02", 1, reason),
        ("case02", 2, reason),
    ]
    assert all(named in record.message and str(tmp_path) not in record.message for record in failed)
    assert {event.reason for event in events if event.sample_id == "case02"} == {reason}
    assert {path[:6] for path in copies_below(tmp_path / "root")} == {"case01", "case03"}
    assert leftovers(tmp_path / "root") == []


def test_a_bad_case_whose_copies_would_share_a_name_costs_no_other(tmp_path: Path) -> None:
    """Two pipelines name one label of sub-01, so that neither is taken; their copies would have one path."""
    dataset, root = tmp_path / "dataset", tmp_path / "root"
    for subject in ("sub-01", "sub-02"):
        save_image(dataset / subject / "anat" / f"{subject}_T1w.nii.gz")
    for pipeline in ("a", "b"):
        save_label(dataset / "derivatives" / pipeline / "sub-01" / "anat" / "sub-01_dseg.nii.gz")
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE + "dataset: {layout: bids}\n")
    tally, _ = run_here(recipe, dataset, root)
    assert (tally.done, tally.failed) == (2, 2)
    reasons = {record.sample_id: record.reason for record in records_of(root)}
    assert sorted(reasons.values()) == ["", "ambiguous_label"]


def test_a_mended_case_is_done_by_the_next_run(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=3)
    recipe = save_recipe(tmp_path / "recipe.yaml")
    truncate(dataset)
    run_here(recipe, dataset, tmp_path / "root")
    save_case(dataset, "case02", seed=2)
    tally, _ = run_here(recipe, dataset, tmp_path / "root")
    assert (tally.done, tally.kept, tally.failed) == (2, 4, 0)
    assert {record.status for record in records_of(tmp_path / "root")} == {"ok"}


def test_failures_of_what_is_not_asked_for_any_more_are_forgotten_by_a_run_over_all_samples(tmp_path: Path) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=3), tmp_path / "root"
    recipe = save_recipe(tmp_path / "recipe.yaml")
    truncate(dataset)
    run_here(recipe, dataset, root)
    for path in dataset.glob("case02*"):
        path.unlink()
    run_here(recipe, dataset, root, only="case01")
    assert here("status", root)[0] == 3
    run_here(recipe, dataset, root)
    assert here("status", root)[:2] == (0, "finished: 4 copies valid, 0 failed\n")
    assert {record.sample_id for record in records_of(root)} == {"case01", "case03"}


def test_failures_of_copies_that_are_not_asked_for_any_more_are_forgotten(tmp_path: Path) -> None:
    dataset, root = save_dataset(tmp_path / "dataset", cases=3), tmp_path / "root"
    truncate(dataset)
    run_here(save_recipe(tmp_path / "recipe.yaml"), dataset, root)
    fewer = save_recipe(tmp_path / "fewer.yaml", RECIPE.replace("copies: 2", "copies: 1"))
    run_here(fewer, dataset, root)
    assert [record.copy_ for record in records_of(root) if record.status == "failed"] == [1]


def test_a_case_that_went_bad_loses_its_copies_and_keeps_none_without_a_record(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    recipe = save_recipe(tmp_path / "recipe.yaml")
    run_here(recipe, dataset, tmp_path / "root")
    truncate(dataset)
    tally, _ = run_here(recipe, dataset, tmp_path / "root")
    assert (tally.kept, tally.failed) == (2, 2)
    written = {file.path for record in records_of(tmp_path / "root") for file in record.output}
    assert copies_below(tmp_path / "root") == written
    assert {path[:6] for path in written} == {"case01"}


def run_while(recipe: Path, dataset: Path, root: Path, act: Callable[[], None]) -> None:
    """Run, and call `act` between planning and work."""

    def listen(event: Event) -> None:
        if event.event == "started":
            act()

    run(load_recipe(recipe), dataset, root, Options(engine="serial"), listen)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda folder: save_case(folder, "case02", seed=99), "source_changed"),
        (lambda folder: os.utime(folder / "case02.nii.gz", (1, 1)), "source_changed"),
        (lambda folder: (folder / "case02.nii.gz").unlink(), "unreadable"),
        (lambda folder: (folder / "case02_seg.nii.gz").unlink(), "unreadable"),
    ],
    ids=["other voxels", "other time", "image gone", "mask gone"],
)
def test_a_source_that_changes_between_plan_and_work_is_not_used(
    tmp_path: Path, act: Callable[[Path], None], reason: str
) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    run_while(save_recipe(tmp_path / "recipe.yaml"), dataset, tmp_path / "root", lambda: act(dataset))
    records = records_of(tmp_path / "root")
    assert [(record.sample_id, record.status, record.reason) for record in records] == [
        *[("case01", "ok", "")] * 2,
        *[("case02", "failed", reason)] * 2,
    ]
    assert {path[:6] for path in copies_below(tmp_path / "root")} == {"case01"}


def test_a_case_larger_than_the_limit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE + "limits: {max_voxels: 1000}\n")
    run_here(recipe, dataset, tmp_path / "root")
    (first, _) = records_of(tmp_path / "root")
    assert (first.reason, "1008 voxels; limits.max_voxels is 1000" in first.message) == ("too_large", True)


def test_a_step_that_cannot_be_done_on_a_sample_is_that_samples_failure(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    flip = "flip: {axes: [LR], p: 1, swap_labels: [[left, right]]}"
    text = f"version: 1\nsteps: [{{{flip}}}]\ndataset: {{label_names: {{1: left}}}}\n"
    tally, _ = run_here(save_recipe(tmp_path / "recipe.yaml", text), dataset, tmp_path / "root")
    (record,) = records_of(tmp_path / "root")
    assert (int(tally.exit_code()), record.reason) == (3, "unknown_label")


def test_an_unforeseen_error_is_told_by_type_and_place_without_its_text() -> None:
    def fail() -> None:
        raise ValueError("Doe^Jane")

    with pytest.raises(ValueError, match="Doe") as caught:
        fail()
    reason, message = explain(caught.value)
    assert reason == "internal_error"
    assert "ValueError in test_bad_samples.py:" in message
    assert "Doe" not in message


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out_of_memory"),
        (PermissionError(13, "Permission denied", "/secret/path"), "unreadable"),
        (SampleError("truncated", "x"), "truncated"),
    ],
)
def test_every_failure_has_a_stable_reason(error: Exception, reason: str) -> None:
    assert explain(error)[0] == reason
    assert "/secret" not in explain(error)[1]


def test_a_fault_without_a_cause_is_told_by_its_kind() -> None:
    told = explain(gzip.BadGzipFile("Not a gzipped file (b'Do')"))
    assert told == ("unreadable", "cannot be read: BadGzipFile")


def test_what_itk_finds_no_memory_for_is_no_bug() -> None:
    with pytest.raises(RuntimeError) as caught:
        SimpleITK.Image(60_000, 60_000, 60_000, SimpleITK.sitkFloat64)
    assert explain(caught.value)[0] == "out_of_memory"


def test_two_workers_record_a_bad_case_as_one_does(tmp_path: Path) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=3)
    truncate(dataset)
    recipe = save_recipe(tmp_path / "recipe.yaml")
    done = medaug("run", recipe, dataset, "-o", tmp_path / "root", "--workers", "2")
    assert done.returncode == 3
    run_here(recipe, dataset, tmp_path / "serial")
    assert [record.canonical() for record in records_of(tmp_path / "root")] == [
        record.canonical() for record in records_of(tmp_path / "serial")
    ]


def test_a_record_of_a_failure_names_the_files_that_were_to_be_read(tmp_path: Path) -> None:
    dataset, recipe = save_dataset(tmp_path / "dataset", cases=2), save_recipe(tmp_path / "recipe.yaml")
    truncate(dataset)
    run_here(recipe, dataset, tmp_path / "root")
    failed = [record for record in records_of(tmp_path / "root") if record.status == "failed"]
    assert {record.sample_id for record in failed} == {"case02"}
    for record in failed:
        named = {(file.role, file.path, file.bytes) for file in record.source}
        sizes = {name: (dataset / name).stat().st_size for name in ("case02.nii.gz", "case02_seg.nii.gz")}
        assert named == {
            ("image", "case02.nii.gz", sizes["case02.nii.gz"]),
            ("label", "case02_seg.nii.gz", sizes["case02_seg.nii.gz"]),
        }
        assert {file.sha256 for file in record.source} == {""}
    assert verify_root(tmp_path / "root", None, dataset)[1] == []


def test_a_record_of_a_copy_that_failed_has_its_sources_as_they_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, recipe = save_dataset(tmp_path / "dataset", cases=2), save_recipe(tmp_path / "recipe.yaml")
    run_here(recipe, dataset, tmp_path / "sound")

    def refuse(*_: object) -> None:
        raise SampleError("not_supported", "refused here")

    monkeypatch.setattr(worker, "draw_and_apply", refuse)
    run_here(recipe, dataset, tmp_path / "root")
    made, failed = ([record.source for record in records_of(tmp_path / name)] for name in ("sound", "root"))
    assert failed == made
    assert [one.output_id for one in records_of(tmp_path / "root")] == [
        one.output_id for one in records_of(tmp_path / "sound")
    ]
