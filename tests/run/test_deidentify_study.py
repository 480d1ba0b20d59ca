"""A study of classic and enhanced series, a SEG and an RTSTRUCT that move together: the graph of its UIDs is closed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pydicom
import pytest
from datasets_for_runs import medaug, records_of, run_here, save_recipe
from formats.dicom.datasets import SERIES, ramp, save, save_series
from formats.dicom.framed import enhanced, frame
from formats.dicom.structures import FRAME
from run.canaries import CANARY, KEY, signs_in, told_by
from run.test_deidentify_graph import save_seg, save_structures, uids_in

from medaug_cli.core.privacy import Privacy

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

    from medaug_cli.manifest import Record

RECIPE = """\
version: 1
seed: 3
dataset: {group: GROUP}
steps: [{affine: {translation_mm: [-1, 1], fill: air}}, gamma]
privacy: {deidentify: KIND, phi_in_paths: allow}
"""
NAMES_OF_NOTHING_ELSE = {"TrackingUID", "IrradiationEventUID", "SynchronizationFrameOfReferenceUID"}


@pytest.fixture(name="dataset")
def make_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write two classic series and an enhanced object in one frame of reference, with a SEG and an RTSTRUCT."""
    monkeypatch.setenv("MEDAUG_KEY", KEY)
    folder = tmp_path / "dataset" / CANARY
    told = {"PatientID": CANARY, "PatientName": CANARY, "StudyDescription": CANARY}
    save_series(folder / "ct", [ramp(k, 40, 50) for k in range(6)], **told)
    save_series(folder / "ct2", [ramp(k, 40, 50) for k in range(6)], **told)
    for k, path in enumerate(sorted((folder / "ct2").iterdir())):
        header = pydicom.dcmread(path)
        header.SeriesInstanceUID, header.SOPInstanceUID = f"{SERIES}.5", f"{SERIES}.5.{k + 1}"
        save(header, path)
    whole = enhanced([frame(30 + 2.5 * k) for k in range(3)])
    whole.update(told)
    whole.StudyInstanceUID, whole.FrameOfReferenceUID = f"{SERIES}.0.1", FRAME
    whole.SeriesInstanceUID, whole.SOPInstanceUID = f"{SERIES}.6", f"{SERIES}.6.1"
    save(whole, folder / "enhanced.dcm")
    save_seg(folder)
    save_structures(folder)
    return tmp_path / "dataset"


def run(
    dataset: Path, root: Path, workers: int, group: str = "frame_of_reference", kind: str = "basic"
) -> list[Record]:
    recipe = save_recipe(root.with_suffix(".yaml"), RECIPE.replace("GROUP", group).replace("KIND", kind))
    if workers == 1:
        run_here(recipe, dataset, root)
    else:
        done = medaug("run", recipe, dataset, "-o", root, "--workers", workers, "-q", MEDAUG_KEY=KEY)
        assert done.returncode == 0, done.stderr
    records = records_of(root)
    assert {record.status for record in records} == {"ok"}, [record.message for record in records]
    return records


def headers(root: Path) -> list[Dataset]:
    return [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(root.rglob("*.dcm"))]


def names(made: list[Dataset]) -> set[str]:
    """Return what the objects, their series, studies and frames of reference are called."""
    keywords = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")
    return {str(one.get(keyword)) for one in made for keyword in keywords}


@pytest.mark.parametrize(("kind", "workers"), [("basic", 1), ("basic", 2), ("null", 1)])
def test_every_uid_names_an_output_or_a_source_under_its_keyed_uid(
    dataset: Path, tmp_path: Path, kind: str, workers: int
) -> None:
    """Where nobody is hidden, sources are named as they are."""
    root, hidden = tmp_path / "root", kind == "basic"
    records = run(dataset, root, workers, kind=kind)
    assert not hidden or signs_in(told_by(root)) == []
    made = headers(root)
    assert sorted(one.Modality for one in made) == ["CT"] * 13 + ["RTSTRUCT", "SEG"]
    sources = names(headers(dataset))
    mapped = {Privacy(KEY).uid(uid) if hidden else uid for uid in sources}
    assert not hidden or not names(made) & sources
    told = {(keyword, uid) for one in made for keyword, uid in uids_in(one)}
    assert len(told) > 40
    assert {uid for keyword, uid in told if keyword not in NAMES_OF_NOTHING_ELSE} <= names(made) | mapped
    assert {one.StudyInstanceUID for one in made} <= mapped
    (moved,) = {one.FrameOfReferenceUID for one in made}  # all moved alike, to where no source lies
    assert moved not in mapped
    entries = [file for record in records for file in (*record.source, *record.output)]
    assert {uid for file in entries for uid in file.uids.values()} <= names(made) | mapped


def test_uids_are_the_same_whoever_makes_them_and_whatever_is_there(dataset: Path, tmp_path: Path) -> None:
    """Two runs, one of two workers, and one over a part of the dataset under other names."""
    part = tmp_path / "part"
    shutil.copytree(dataset / CANARY / "ct", part / "ct")
    for name, where, workers in (("one", dataset, 1), ("two", dataset, 2), ("part", part, 1)):
        run(where, tmp_path / f"root{name}", workers, "series" if name == "part" else "frame_of_reference")
    one, two, few = (headers(tmp_path / f"root{name}") for name in ("one", "two", "part"))
    assert names(one) == names(two)
    referred = [
        {uid for header in made for keyword, uid in uids_in(header) if keyword == "ReferencedSOPInstanceUID"}
        for made in (one, few)
    ]
    assert len(referred[1]) == 6
    assert referred[1] < referred[0]
    assert {header.StudyInstanceUID for header in few} == {header.StudyInstanceUID for header in one}
    assert {header.PatientID for header in few} == {header.PatientID for header in one}
