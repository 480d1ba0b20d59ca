"""The lock of a ROOT: a file that is gone by the time it is locked holds nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from medaug_cli.core.errors import LockedError
from medaug_cli.holding import hold_root

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(sys.platform == "win32", reason="files are locked otherwise there")
def test_a_lock_file_that_goes_while_it_is_taken_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends before it began takes the file along, which the next has opened by then."""
    import fcntl  # noqa: PLC0415  not on Windows

    lock, take = tmp_path / ".medaug" / "lock", fcntl.flock
    gone: list[None] = []

    def take_late(*arguments: Any) -> None:
        if not gone:
            gone.append(lock.unlink())
        take(*arguments)

    monkeypatch.setattr(fcntl, "flock", take_late)
    with hold_root(tmp_path, 5.0), pytest.raises(LockedError), hold_root(tmp_path, 0.0):
        pass
    assert gone
