"""JSON sidecars of NIfTI images: copies keep how an image was acquired, and not one word of a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from datasets_for_runs import medaug, records_of, run_here, save_case, save_image, save_recipe

from medaug_cli.formats.nifti.sidecar import NUMBERS, WORDS, read_kept
from medaug_cli.formats.points.identifying import _profile_keywords
from medaug_cli.replay import compare, replay_record
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a key that is long enough"
CANARY = "XYZZYCANARY"
RECIPE = "version: 1\ncopies: 2\nsteps: [flip, gamma]\n"
KEPT: dict[str, Any] = {
    "EchoTime": 0.03,
    "FrameTimesStart": [0, 2.5],
    "MRAcquisitionType": "3D",
    "Manufacturer": "Siemens",
    "NonlinearGradientCorrection": True,
}
GONE: dict[str, Any] = {
    "PatientName": CANARY,
    "PatientWeight": 70,
    "AcquisitionTime": "23:59:59.424242",
    "DeviceSerialNumber": "424242",
    "Modality": CANARY,  # a word of its own for a key that is kept
    "FlipAngle": CANARY,
    "RepetitionTime": [1, CANARY],
    "InversionTime": float("nan"),
    "EchoTrainLength": {"a": 1},
    "SliceTiming": [0.0, 0.5],
    "PhaseEncodingDirection": "j-",
    CANARY: {"EchoTime": 0.03},
}


def save_sidecar(path: Path) -> None:
    path.write_text(json.dumps({**KEPT, **GONE}), encoding="utf-8")


def test_no_key_that_is_kept_is_one_that_the_profile_takes_away() -> None:
    assert not {*NUMBERS, *WORDS} & _profile_keywords()


@pytest.mark.parametrize("raw", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000, b" " * (1 << 20) + b'{"EchoTime": 1}'])
def test_nothing_is_kept_of_what_is_no_sidecar(raw: bytes) -> None:
    assert read_kept(raw) == {}


@pytest.mark.parametrize("huge", ["9" * 400, f"[1, {'9' * 400}]", "-" + "9" * 400, "9" * 9000, "1e999"])
def test_a_number_that_no_float_holds_is_dropped(huge: str) -> None:
    kept = read_kept(f'{{"EchoTime": {huge}, "FlipAngle": 9}}'.encode())
    assert kept == ({} if len(huge) > 4300 else {"FlipAngle": 9})  # Python reads no more than 4300 digits


@pytest.mark.parametrize("privacy", ["", "privacy: {deidentify: basic}\n"])
def test_copies_have_sidecars_that_replay_verify_and_resume_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, privacy: str
) -> None:
    monkeypatch.setenv("MEDAUG_KEY", KEY)
    dataset, root, recipe = tmp_path / "dataset", tmp_path / "root", save_recipe(tmp_path / "a.yaml", RECIPE + privacy)
    save_case(dataset, "case01")
    save_sidecar(dataset / "case01.json")
    run_here(recipe, dataset, root)
    made = sorted(root.glob("*.json"))
    assert [json.loads(path.read_text(encoding="utf-8")) for path in made] == [KEPT, KEPT]
    images = {path.name.removesuffix(".nii.gz") for path in root.glob("*.nii.gz")}
    assert {path.stem for path in made} < images
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    for record in records_of(root):
        compare(record, replay_record(record, dataset))
    checked, problems = verify_root(root, None, dataset)
    assert (checked, problems) == (9, [])
    assert run_here(recipe, dataset, root)[0].kept == 2
    save_sidecar(dataset / "case01.json")
    assert run_here(recipe, dataset, root)[0].kept == 2
    (dataset / "case01.json").write_text("{}", encoding="utf-8")
    assert run_here(recipe, dataset, root)[0].done == 2


def test_a_sidecar_changes_no_voxels_and_no_id(tmp_path: Path) -> None:
    recipe = save_recipe(tmp_path / "a.yaml", RECIPE)
    for name in ("with", "without"):
        save_case(tmp_path / name, "case01")
    save_sidecar(tmp_path / "with" / "case01.json")
    for name in ("with", "without"):
        run_here(recipe, tmp_path / name, tmp_path / f"root {name}")
    ids = [[record.output_id for record in records_of(tmp_path / f"root {name}")] for name in ("with", "without")]
    assert ids[0] == ids[1]


def test_in_bids_they_stand_beside_their_copies(tmp_path: Path) -> None:
    dataset, root = tmp_path / "dataset", tmp_path / "root"
    save_image(dataset / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    save_sidecar(dataset / "sub-01" / "anat" / "sub-01_T1w.json")
    (dataset / "dataset_description.json").write_text('{"Name": "a", "BIDSVersion": "1.9.0"}', encoding="utf-8")
    run_here(save_recipe(tmp_path / "a.yaml", RECIPE), dataset, root)
    made = sorted(path.name for path in (root / "derivatives" / "medaug" / "sub-01" / "anat").iterdir())
    assert made == [f"sub-01_desc-aug000{n}_T1w{suffix}" for n in (1, 2) for suffix in (".json", ".nii.gz")]


def test_an_analyze_pair_has_one_and_a_file_of_points_is_none(tmp_path: Path) -> None:
    dataset, root = tmp_path / "dataset", tmp_path / "root"
    save_image(dataset / "pair.img")
    save_sidecar(dataset / "pair.json")
    save_image(dataset / "marked.nii.gz")
    control = {"controlPoints": [{"id": "1", "label": "a", "position": [1.0, 2.0, 3.0]}]}
    document = {"markups": [{"type": "Fiducial", "coordinateSystem": "LPS", **control}]}
    (dataset / "marked.json").write_text(json.dumps(document), encoding="utf-8")
    recipe = save_recipe(tmp_path / "a.yaml", RECIPE + 'dataset: {points: {marks: "{case}.json"}}\n')
    run_here(recipe, dataset, root, only="marked")
    roles = {file.path.rpartition(".")[2]: file.role for file in records_of(root)[0].output}
    assert roles == {"gz": "image", "json": "points"}
    plain = save_recipe(tmp_path / "b.yaml", RECIPE)
    run_here(plain, dataset, tmp_path / "root2", only="pair")
    made = sorted(path.name for path in (tmp_path / "root2").iterdir() if "aug0001" in path.name)
    assert made == ["pair_aug0001.hdr", "pair_aug0001.img", "pair_aug0001.json"]


def test_a_run_of_the_command_tells_of_them(tmp_path: Path) -> None:
    save_case(tmp_path / "dataset", "case01")
    save_sidecar(tmp_path / "dataset" / "case01.json")
    done = medaug("scan", tmp_path / "dataset", "--json")
    (sample,) = json.loads(done.stdout)["samples"]
    assert sample["images"] == {"image": ["case01.nii.gz", "case01.json"]}


def test_a_sidecar_of_two_images_is_of_neither(tmp_path: Path) -> None:
    for suffix in (".nii", ".nii.gz"):
        save_image(tmp_path / "dataset" / f"case01{suffix}")
    save_case(tmp_path / "dataset", "case02")
    save_sidecar(tmp_path / "dataset" / "case01.json")
    save_sidecar(tmp_path / "dataset" / "case02.json")
    root = tmp_path / "root"
    run_here(save_recipe(tmp_path / "a.yaml", RECIPE), tmp_path / "dataset", root)
    assert sorted(path.name for path in root.glob("*.json")) == ["case02_aug0001.json", "case02_aug0002.json"]
    assert {record.sample_id: record.reason for record in records_of(root)} == {
        "case01": "ambiguous_image",
        "case02": "",
    }
