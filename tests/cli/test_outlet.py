"""Outlet: streams that take every word, whatever became of what they lead to."""

from __future__ import annotations

import os
import select

import pytest

from medaug_cli.cli.outlet import guarded


@pytest.mark.skipif(os.name != "posix", reason="pipes block otherwise elsewhere")
def test_a_full_pipe_that_does_not_block_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    taken: list[bytes] = []
    monkeypatch.setattr(select, "select", lambda *_: taken.append(os.read(reading, 1 << 20)))
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        said = guarded(stream)
        said.write("word " * 100_000)
        said.flush()
    with os.fdopen(reading, "rb") as rest:
        assert b"".join([*taken, rest.read()]) == b"word " * 100_000
    assert taken
