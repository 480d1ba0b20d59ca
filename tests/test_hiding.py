"""Hiding: of names that people give nothing stays but words of the field, keys of BIDS and small numbers."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import here, records_of, run_here, save_case, save_dataset, save_image, save_label, save_recipe
from formats.dicom.datasets import ramp, save_series
from segmentations import corner, make_seg

from medaug_cli.core.errors import RootError, SampleError
from medaug_cli.core.names import is_plain_path
from medaug_cli.core.privacy import Privacy
from medaug_cli.core.sample import Sample, Source
from medaug_cli.discover.inventory import Inventory
from medaug_cli.hiding import hidden_errors, hide_inventory, hide_text
from medaug_cli.replay import compare, replay_record
from medaug_cli.root import dataset_of

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a key that is long enough"
CANARY = "XYZZYCANARY"
RECIPE = "version: 1\nsteps: [gamma]\nprivacy: {deidentify: basic}\n"
HASH = re.compile(r"[0-9a-f]{16}")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUG_KEY", KEY)


def hidden_folder(name: str, layout: str = "nifti") -> str:
    """Return the folder that the copy of an image in the folder `name` gets, each hash as a #."""
    source = Source("image", "image", "nifti", (f"{name}/a.nii.gz",))
    inventory = Inventory(layout, (Sample(f"{name}/a", layout, (source,)),))
    (sample,) = hide_inventory(inventory, Privacy(KEY)).samples
    return HASH.sub("#", sample.sources[0].names[0].rpartition("/")[0])


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("Doe_John", "#_#"),
        ("doe-john", "#-#"),  # no entity of BIDS
        ("Müller", "#"),
        ("Mu\u0308ller", "#"),
        ("山田太郎", "#"),
        ("a😀b", "#"),
        ("2019-03-07", "#"),
        ("2019_03_07", "#"),
        ("07.03.2019 Doe", "# #"),
        ("20190307", "#"),
        ("1.2.826.0.1.7", "#"),
        ("0415 555 2671", "#"),
        ("sub-01", "sub-#"),
        ("ses-20190307", "ses-#"),
        ("acq-Doe", "acq-#"),
        ("run-2", "run-2"),
        ("left kidney", "left kidney"),
        ("imagesTr", "imagesTr"),
        ("T1w", "T1w"),
        ("2019", "2019"),
    ],
)
def test_of_a_name_only_what_tells_nothing_stays(name: str, hidden: str) -> None:
    assert hidden_folder(name) == hidden


def test_a_text_is_hidden_at_once_and_the_longest_name_first() -> None:
    names = {"doe/doe.0.dcm": "a/0004.dcm", "4.dcm": "b", "doe": "c"}
    assert hide_text("doe/doe.0.dcm: as 4.dcm of doe", names) == "a/0004.dcm: as b of c"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Doe_John/ct/1.dcm: cut", "P: cut"),
        ("Doe_John/ct: 3 files", "Q/ct: 3 files"),
        ("looked for 4711042T1.nii.gz", "looked for RT1.nii.gz"),
        ("of doe (Smith), 4711042", "of doe (Smith), R"),
        ("4711042/4711042/4711042", "R/R/R"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_names_are_found_wherever_they_start_a_word(text: str, hidden: str) -> None:
    assert hide_text(text, {"Doe_John/ct/1.dcm": "P", "Doe_John": "Q", "4711042": "R", "oe": "S"}) == hidden


def test_many_names_take_no_longer_than_few() -> None:
    """A hundred thousand names and messages: as many look-ups, not ten thousand million."""
    names = {f"case{number}": "#" for number in range(100_000)}
    hidden = {hide_text(f"case{number}: no image", names) for number in range(100_000)}
    assert hidden == {"#: no image"}


def test_an_error_keeps_its_kind_and_reason() -> None:
    with pytest.raises(SampleError) as hidden, hidden_errors(lambda: {"doe": "#"}):
        raise SampleError("truncated", "doe.nii: cut")
    assert (hidden.value.reason, hidden.value.message) == ("truncated", "#.nii: cut")


@pytest.mark.parametrize(("path", "plain"), [("../dataset", True), (".", True), ("../doe/ct", False), ("../李", False)])
def test_a_path_of_words_of_the_field_is_plain(path: str, plain: bool) -> None:
    assert is_plain_path(path) is plain


def test_a_root_does_not_keep_where_a_dataset_lies_whose_folders_have_names(tmp_path: Path) -> None:
    dataset, root = save_dataset(tmp_path / CANARY / "dataset", cases=1), tmp_path / "root"
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE)
    run_here(recipe, dataset, root)
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    with pytest.raises(RootError, match="give --source"):
        dataset_of(root, None)
    (record,) = records_of(root)
    compare(record, replay_record(record, dataset_of(root, dataset)))
    assert run_here(recipe, dataset, root)[0].kept == 1
    save_case(tmp_path / "other", "case01", seed=9)
    with pytest.raises(RootError, match="another dataset, not"):
        run_here(recipe, tmp_path / "other", root)


def test_the_place_of_key_and_map_is_not_kept(tmp_path: Path) -> None:
    dataset, root, key = save_dataset(tmp_path / "dataset", cases=1), tmp_path / "root", tmp_path / f"{CANARY}.key"
    key.write_text(KEY, encoding="utf-8")
    more = f"key_file: {key}, id_map: {tmp_path}/{CANARY}.map"
    run_here(save_recipe(tmp_path / "recipe.yaml", RECIPE.replace("basic", f"basic, {more}")), dataset, root)
    assert CANARY not in (root / ".medaug" / "recipe.json").read_text(encoding="utf-8")


def broken(dataset: Path) -> Path:
    """Write a case whose label fits no image, and one whose file is cut."""
    save_image(dataset / f"{CANARY}1.nii.gz")
    save_label(dataset / f"{CANARY}1_seg.nii.gz", size=(14, 12, 5))
    save_image(dataset / f"{CANARY}2.nii.gz")
    cut = dataset / f"{CANARY}2.nii.gz"
    cut.write_bytes(cut.read_bytes()[:-9])
    return dataset


@pytest.mark.parametrize("number", [1, 2])
def test_preview_and_validate_show_samples_under_their_pseudonyms(tmp_path: Path, number: int) -> None:
    dataset, recipe = broken(tmp_path / CANARY), save_recipe(tmp_path / "recipe.yaml", RECIPE)
    code, out, err = here("preview", recipe, dataset, "-o", tmp_path / "a.html", "--sample", f"{CANARY}{number}")
    assert code == 3
    assert CANARY not in out + err
    assert Privacy(KEY).name(f"{CANARY}{number}") in err or "nii" in err
    code, out, err = here("validate", recipe, dataset)
    assert code == 0
    assert CANARY not in out + err
    assert "1 of 2 samples usable" in out


def test_an_error_in_looking_for_samples_names_none(tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    for folder in ("images", "img"):
        save_case(dataset / folder, CANARY)
    (dataset / "table.csv").write_text(f"case,split\n{CANARY},train\n", encoding="utf-8")
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE + "dataset: {table: table.csv}\n")
    code, out, err = here("validate", recipe, dataset)
    assert code == 4
    assert "fits two samples" in err
    assert CANARY not in out + err


def test_no_name_of_a_dropped_copy_is_told(tmp_path: Path) -> None:
    """A file that holds what another holds is part of no sample: of slices as of segmentations."""
    dataset, recipe = tmp_path / "dataset", save_recipe(tmp_path / "recipe.yaml", RECIPE)
    save_series(dataset / "ct", [ramp(k) for k in range(5)])
    make_seg(dataset, corner())
    for folder in ("ct", "seg"):
        for file in (dataset / folder).iterdir():
            again = dataset / f"z{CANARY}-Anna" / folder / f"{CANARY}_{file.name}"
            again.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, again)
    for command in ("plan", "run"):
        code, out, err = here(command, recipe, dataset, "-o", tmp_path / "root")
        assert code == 0
        assert err.count("dropped, a copy of") == 6
        assert CANARY not in out + err
        assert "Anna" not in out + err
