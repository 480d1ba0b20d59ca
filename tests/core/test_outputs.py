"""Outputs: which paths are slices of a stack, whatever number and suffix they have."""

from __future__ import annotations

import pytest

from medaug_cli.core.outputs import Outputs

FILES = ("a.dcm", "IM0001", "1.2.840.1234", "a.b_1234", "a_0001.dcm", "a\nb.dcm", "脑.dcm")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("part", ["_slice", "_"])
def test_slices_of_a_stack_are_in_it_whatever_they_are_called(file: str, part: str) -> None:
    stem, dot, suffix = file.rpartition(".") if "." in file else (file, "", "")
    stack = (f"CT_aug0001/{stem}{part}", dot + suffix)
    for number in ("0001", "9999", "10000"):
        assert f"{stack[0]}{number}{stack[1]}" in Outputs(stacks=frozenset({stack}))


@pytest.mark.parametrize(
    "path",
    [
        "c/a.dcm",
        "c/a_slice001.dcm",
        "c/a_slice0001.ima",
        "c/b_slice0001.dcm",
        "a_slice0001.dcm",
        "c/a_slice20260101.dcm",
    ],
)
def test_other_files_are_not_in_a_stack(path: str) -> None:
    assert path not in Outputs(stacks=frozenset({("c/a_slice", ".dcm")}))


def test_what_lies_in_a_folder_is_told_relative_to_it() -> None:
    both = Outputs(frozenset({"s/a.nii", "t/b.nii"}), frozenset({("s/CT/1_slice", ".dcm"), ("st/1_slice", ".dcm")}))
    assert both.below("s") == Outputs(frozenset({"a.nii"}), frozenset({("CT/1_slice", ".dcm")}))
