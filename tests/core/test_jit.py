"""The cache of compiled loops: never in a folder that somebody else could have filled."""

from __future__ import annotations

import getpass
import tempfile
from typing import TYPE_CHECKING

import pytest

from medaug_cli.core.jit import _own_temporary_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that is taken where nothing speaks against it, below a temporary folder of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"medaug-{getpass.getuser()}"


def test_the_folder_is_made_for_its_owner_only_and_found_again(usual: Path) -> None:
    assert _own_temporary_folder() == usual
    assert usual.stat().st_mode & 0o777 == 0o700
    assert _own_temporary_folder() == usual


def test_a_folder_that_others_can_write_is_not_used(usual: Path) -> None:
    usual.mkdir()
    usual.chmod(0o777)
    assert _own_temporary_folder() != usual


def test_a_link_that_somebody_laid_is_not_followed(usual: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    usual.symlink_to(tmp_path / "elsewhere")
    assert _own_temporary_folder() != usual
