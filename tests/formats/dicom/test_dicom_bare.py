"""Bare datasets, without preamble and file meta information: passed by, and read on request."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from datasets_for_runs import records_of, run_here, save_recipe

from medaug_cli.core.errors import DatasetError
from medaug_cli.discover import DatasetQuery, discover
from medaug_cli.formats.dicom import FORMAT
from medaug_cli.replay import compare, replay_record
from medaug_cli.root import dataset_of
from tests.formats.dicom.datasets import image, placed, ramp, save_series

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.sample import Sample


def save_bare(folder: Path, *, implicit: bool = True, **attributes: Any) -> None:
    """Write a CT series of three slices as its elements alone."""
    folder.mkdir(parents=True)
    for k in range(3):
        header, raw = image(ramp(k), number=k + 1, **placed(k, **attributes)), io.BytesIO()
        pydicom.dcmwrite(raw, header, enforce_file_format=False, implicit_vr=implicit, little_endian=True)
        (folder / f"{k}.ima").write_bytes(raw.getvalue())


def samples(root: Path) -> tuple[Sample, ...]:
    return discover(root, DatasetQuery(layout="dicom", force_read=True)).samples


def test_bare_files_are_passed_by_unless_asked_for(tmp_path: Path) -> None:
    save_bare(tmp_path / "bare")
    with pytest.raises(DatasetError):
        discover(tmp_path, DatasetQuery(layout="dicom"))
    save_series(tmp_path / "ct", [ramp(k) for k in range(2)], SeriesInstanceUID="1.2.3")
    found = discover(tmp_path, DatasetQuery())
    assert [sample.id for sample in found.samples] == ["ct"]
    assert [reason for _, reason, _ in found.left_alone] == ["other_file"] * 3


@pytest.mark.parametrize("implicit", [True, False])
def test_a_bare_series_is_augmented_and_replayed_when_asked_for(tmp_path: Path, implicit: bool) -> None:
    save_bare(tmp_path / "dataset" / "a", implicit=implicit)
    recipe = save_recipe(tmp_path / "recipe.yaml", "version: 1\nsteps: [{flip: {axes: [AP]}}]\n")
    tally, events = run_here(recipe, tmp_path / "dataset", tmp_path / "root", force_read=True)
    assert (tally.done, tally.failed) == (1, 0), events
    (record,) = records_of(tmp_path / "root")
    assert [file.path.rpartition("/")[2] for file in record.output] == ["0.ima", "1.ima", "2.ima"]
    made = pydicom.dcmread(tmp_path / "root" / record.output[1].path)
    assert np.array_equal(made.pixel_array, ramp(1)[::-1])
    compare(record, replay_record(record, dataset_of(tmp_path / "root", None)))


def test_a_bare_file_needs_its_class(tmp_path: Path) -> None:
    """ACR-NEMA 2.0, which came before DICOM, has none."""
    save_bare(tmp_path / "a", SOPClassUID="")
    (sample,) = samples(tmp_path)
    assert sample.problem is not None
    assert sample.problem[0] == "blank_uid"


@pytest.mark.parametrize(
    "data", [b"just a text\n", b"", b"\x89PNG\r\n\x1a\n" + bytes(64), b"<!DOCTYPE html>", bytes(200), b"\x08\0"]
)
def test_what_is_no_dataset_is_never_taken(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.dcm").write_bytes(data)
    assert not FORMAT.claims(tmp_path / "a.dcm", bare=True)


def test_what_only_begins_like_a_dataset_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"\x08\0\x05\0" + b"\xff" * 300)
    (sample,) = samples(tmp_path)
    assert sample.problem is not None
    assert sample.problem[0] in {"bad_header", "truncated"}
