"""The table says which samples are augmented, and no patient is in two splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medaug_cli.core.errors import DatasetError
from medaug_cli.core.sample import Sample, Source
from medaug_cli.discover.splits import assign_rows
from medaug_cli.discover.table import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.discover.splits import Assigned


def make_sample(sample_id: str, patient: str = "") -> Sample:
    return Sample(sample_id, "nifti", (Source("image", "image", "nifti", (f"{sample_id}_img.nii.gz",)),), patient)


def assign(
    root: Path, text: str, samples: list[Sample], augment: tuple[str, ...] | None = None, name: str = "t.csv"
) -> Assigned:
    (root / name).write_text(text, encoding="utf-8")
    return assign_rows(samples, read_table(root, name), augment)


def test_training_is_augmented_where_the_recipe_names_no_split(tmp_path: Path) -> None:
    text = "case,split,class\np1,Training,benign\np2,val,benign\np3,TEST,malignant\np4,,\n"
    assigned = assign(tmp_path, text, [make_sample(f"p{n}") for n in range(1, 6)])
    assert [(sample.id, sample.split, sample.category) for sample in assigned.samples] == [("p1", "Training", "benign")]
    assert [entry[:2] for entry in assigned.skipped] == [
        ("p2", "split_not_augmented"),
        ("p3", "split_not_augmented"),
        ("p4", "no_split"),
        ("p5", "not_in_table"),
    ]
    assert assigned.warnings == ("t.csv: 1 samples have no row and are not augmented, the first p5",)


def test_the_splits_that_the_recipe_names_are_augmented(tmp_path: Path) -> None:
    text = "case,split\np1,fold0\np2,fold1\np3,fold2\n"
    assigned = assign(tmp_path, text, [make_sample(f"p{n}") for n in (1, 2, 3)], augment=("fold0", "fold2"))
    assert [sample.id for sample in assigned.samples] == ["p1", "p3"]


@pytest.mark.parametrize(
    ("header", "key", "sample"),
    [
        ("case", "a/p1", make_sample("a/p1")),
        ("Sample", "p1", make_sample("a/p1")),
        ("image", "a/p1_img.nii.gz", make_sample("a/p1")),
        ("image", "p1_img.nii.gz", make_sample("a/p1")),
        ("id", "p1_img", make_sample("a/p1")),
        ("participant_id", "sub-01", make_sample("sub-01/anat/x", "01")),
        ("subject", "01", make_sample("sub-01/anat/x", "01")),
        ("PATIENT", "a", make_sample("a/p1")),
    ],
)
def test_a_row_names_its_sample_by_id_file_or_patient(tmp_path: Path, header: str, key: str, sample: Sample) -> None:
    assigned = assign(tmp_path, f"{header},class\n{key},benign\n", [sample])
    assert assigned.samples[0].category == "benign"


def test_facts_are_kept_by_sample(tmp_path: Path) -> None:
    text = "participant_id\tsex\tage\tsite\tdiagnosis\nsub-01\tF\tn/a\tX\tnone\n"
    assigned = assign(tmp_path, text, [make_sample("sub-01/x", "01")], name="participants.tsv")
    assert assigned.facts == {"sub-01/x": {"sex": "F", "age": "", "site": "X"}}


def test_semicolons_quotes_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    assigned = assign(tmp_path, '\ufeffcase;class\n"p1";"a, b"\n\n', [make_sample("p1")])
    assert assigned.samples[0].category == "a, b"


def test_one_row_for_two_samples_of_one_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"t\.csv:2: fits two samples, a/p1 and b/p1"):
        assign(tmp_path, "case,class\np1,x\n", [make_sample("a/p1"), make_sample("b/p1")])


def test_a_patient_in_two_splits_is_refused_by_line_and_not_by_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"lines 2 and 4 put one patient in the splits 'train' and 'test'") as caught:
        assign(tmp_path, "case,patient,split\np1,Jane,train\np2,Joe,val\np3,Jane,test\n", [make_sample("p1")])
    assert "Jane" not in str(caught.value)


def test_a_patient_whom_only_the_headers_tell_in_two_splits_is_refused(tmp_path: Path) -> None:
    samples = [make_sample("p1", "Jane"), make_sample("p2", "Jane")]
    with pytest.raises(DatasetError, match="lines 2 and 3 put one patient") as caught:
        assign(tmp_path, "case,split\np1,train\np2,val\n", samples)
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv: no column names the cases; found none"),
        ("name,split\nx,train\n", "no column names the cases; found name, split; needs one of case, sample, id, image"),
        ("case,split\np1,train,x\n", r"t\.csv:2: 3 fields where the header has 2"),
        ("case,split\np1,train\np2,val\np1,train\n", "lines 2 and 4 hold the same case"),
        ("case,Case\np1,x\n", "two columns are named 'Case'"),
        ("case,split\n,train\n", r"t\.csv:2: column 'case' is empty"),
        ('case,split\np1,"train\n', r"t\.csv:2: unexpected end of data"),
        ("case,split\np1,dev\n", "no row is in a split named train; found dev"),
        ("case,split\np2,train\n", r"none of 1 samples is to be augmented \(1 not_in_table\)"),
    ],
)
def test_a_wrong_table_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        assign(tmp_path, text, [make_sample("p1")])


def test_a_split_that_no_row_has_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no row is in split trian; found train, val"):
        assign(tmp_path, "case,split\np1,train\np2,val\n", [make_sample("p1")], augment=("trian",))


def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("case,fold\np1,1\n")
    with pytest.raises(DatasetError, match="no column 'split5'; found case, fold"):
        read_table(tmp_path, "t.csv", "split5")
    with pytest.raises(DatasetError, match="needs a column with the splits; found case, fold"):
        assign_rows([make_sample("p1")], read_table(tmp_path, "t.csv"), ("train",))


def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.csv: cannot be read"):
        read_table(tmp_path, "none.csv")
    with pytest.raises(DatasetError, match=r"a table is a \.csv or a \.tsv file"):
        read_table(tmp_path, "t.xlsx")
    (tmp_path / "t.csv").write_bytes(b"case,class\np1,\xe9\n")
    with pytest.raises(DatasetError, match="not UTF-8 text"):
        read_table(tmp_path, "t.csv")
