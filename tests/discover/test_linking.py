"""Linking: a label object goes to the image whose instances it names, else to that of its frame of reference."""

from __future__ import annotations

from typing import Any

import pytest

from medaug_cli.discover.cases import Case, to_sample
from medaug_cli.discover.inventory import DatasetQuery
from medaug_cli.discover.linking import link_labels
from medaug_cli.formats import FoundVolume


def image(name: str, **told: Any) -> Case:
    """Return a case of one image whose series is `<name>.s` and whose instances are `<name>.1` and `<name>.2`."""
    known = {"series": f"{name}.s", "instances": (f"{name}.1", f"{name}.2"), "patient": "p", "study": "st"}
    volume = FoundVolume("dicom", name, (f"{name}/1.dcm", f"{name}/2.dcm"), ((1, 1), (1, 1)), **{**known, **told})
    return Case(name, {"image": (volume,)})


def label(path: str, **told: Any) -> FoundVolume:
    """Return a label object at `path`."""
    known = {"role": "label", "modality": "SEG", "patient": "p", "study": "st"}
    return FoundVolume("dicom", path.removesuffix(".dcm"), (path,), ((1, 1),), **{**known, **told})


def test_a_label_goes_to_the_image_whose_instances_it_names() -> None:
    linked = link_labels([image("a"), image("b")], [label("seg.dcm", refers=("a.s", "b.s", "b.2"))])
    assert [list(case.labels) for case in linked.cases] == [[], ["seg"]]
    assert (linked.left_alone, linked.warnings) == ([], [])


def test_a_label_that_names_a_series_alone_goes_to_it() -> None:
    linked = link_labels([image("a"), image("b")], [label("seg.dcm", refers=("a.s", "gone.1"))])
    assert [list(case.labels) for case in linked.cases] == [["seg"], []]


def test_a_frame_of_reference_is_taken_with_a_warning_where_no_image_is_named() -> None:
    cases = [image("a", frame_of_reference="f"), image("b", frame_of_reference="g")]
    linked = link_labels(cases, [label("RS.dcm", refers=("gone",), frame_of_reference="g")])
    assert [list(case.labels) for case in linked.cases] == [[], ["RS"]]
    assert linked.warnings == ["RS.dcm: names no image that is here; taken for b by its frame of reference"]


@pytest.mark.parametrize("other", [{"patient": "q"}, {"study": "other"}, {"frame_of_reference": "h"}])
def test_a_frame_of_reference_counts_for_one_patient_and_study(other: dict[str, str]) -> None:
    seg = label("seg.dcm", **{"frame_of_reference": "f", **other})
    linked = link_labels([image("a", frame_of_reference="f")], [seg])
    assert [entry[:2] for entry in linked.left_alone] == [("seg.dcm", "label_without_image")]


def test_a_label_of_two_samples_is_a_problem_of_both() -> None:
    linked = link_labels([image("a"), image("b"), image("c")], [label("seg.dcm", refers=("a.1", "b.1"))])
    problems = [case.problem for case in linked.cases]
    assert problems[2] is None
    assert all(problem is not None and problem[0] == "ambiguous_image" for problem in problems[:2])
    assert all(problem is not None and "seg.dcm" in problem[1] and "a, b" in problem[1] for problem in problems[:2])


def test_labels_of_one_file_name_are_told_apart_by_their_folders() -> None:
    labels = [label("x/RS.dcm", refers=("a.1",)), label("y/RS.dcm", refers=("a.1",)), label("z.dcm", refers=("a.1",))]
    (case,) = link_labels([image("a")], labels).cases
    assert sorted(case.labels) == ["x/RS", "y/RS", "z"]


@pytest.mark.parametrize("pattern", ["seg", "./seg/", "seg/*.dcm", "*/liver*"])
def test_labels_that_the_recipe_names_are_taken_and_no_others(pattern: str) -> None:
    labels = [label("seg/liver.dcm", refers=("a.1",)), label("other/spleen.dcm", refers=("a.1",))]
    linked = link_labels([image("a")], labels, {"organ": pattern})
    assert [(name, [one.files[0] for one in found]) for name, found in linked.cases[0].labels.items()] == [
        ("organ", ["seg/liver.dcm"])
    ]
    assert [entry[:2] for entry in linked.left_alone] == [("other/spleen.dcm", "not_in_template")]


def test_no_label_is_taken_where_the_recipe_names_none_of_them() -> None:
    linked = link_labels([image("a")], [label("seg.dcm", refers=("a.1",))], {})
    assert linked.cases[0].labels == {}


def test_a_label_that_the_recipe_names_must_be_there() -> None:
    (case,) = link_labels([image("a")], [], {"organ": "seg"}).cases
    assert to_sample(case, "dicom", DatasetQuery()).problem == (
        "missing_label",
        "a: no file for label 'organ'; looked for seg",
    )
