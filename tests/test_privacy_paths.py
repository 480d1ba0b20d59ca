"""Identifiers in paths: found however they are written, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from medaug_cli.core.names import tells


@pytest.mark.parametrize(
    ("path", "identifier"),
    [
        ("a/Doe_John/1.dcm", "Doe^John"),
        ("a/john/1.dcm", "Doe^John"),
        ("wu-li.nii", "Li^Wu"),
        ("a/1950-01-02/1.dcm", "19500102"),
        ("a/02.01.1950.nii", "19500102"),
        ("a/01021950.nii", "19500102"),
        ("Mu\u0308ller.nii", "M\u00fcller^Hans"),
        ("x471104y.nii", "471104"),
        ("47-11-04.nii", "471104"),
    ],
)
def test_an_identifier_is_found_however_it_is_written(path: str, identifier: str) -> None:
    assert tells(path, [identifier])


@pytest.mark.parametrize(
    ("path", "identifier"),
    [
        ("li/ct/1.nii", "Li^Wu"),  # half of a short name
        ("johnson.nii", "Doe^John"),
        ("sub-01_T1w.nii.gz", "01"),
        ("1.2.3/4.dcm", "Doe^John"),
        ("a/1951-01-02/1.dcm", "19500102"),
        ("a.nii", ""),
    ],
)
def test_what_is_none_is_not_taken_for_one(path: str, identifier: str) -> None:
    assert not tells(path, [identifier])
