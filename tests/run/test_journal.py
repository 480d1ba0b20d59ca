"""The journal: read line by line, kept in little memory, told in the order of the manifest."""

from __future__ import annotations

import json
import os
import tracemalloc
from typing import TYPE_CHECKING

from datasets_for_runs import records_of, run_here, save_dataset, save_recipe

from medaug_cli.journal import (
    Entry,
    cut_torn_line,
    in_order,
    place_of,
    read_entry,
    read_line,
    read_standings,
    record_bytes,
    whole_bytes,
)
from medaug_cli.root import read_root

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def journal_of(root: Path) -> Path:
    return root / ".medaug" / "journal.jsonl"


def made(tmp_path: Path, cases: int = 3) -> Path:
    dataset = save_dataset(tmp_path / "dataset", cases=cases)
    run_here(save_recipe(tmp_path / "recipe.yaml"), dataset, tmp_path / "root")
    return tmp_path / "root"


def test_the_order_is_by_sample_and_copy_and_the_last_line_of_a_copy_counts(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    keys = [("b", 1), ("a", 10), ("a", 2), ("a b", 1), ("aé", 1), ("a", 2)]
    lines = [json.dumps({"record": {"sample_id": name, "copy": copy, "output": []}}) + "\n" for name, copy in keys]
    journal.write_text("".join(lines), encoding="utf-8")
    told = [json.loads(read_line(journal, place_of(key)))["record"] for key in in_order(journal, {}, 0)]
    assert [(record["sample_id"], record["copy"]) for record in told] == sorted(set(keys))
    last = in_order(journal, {}, 0)[0]
    assert place_of(last) == journal.stat().st_size - len(lines[-1].encode())


def test_an_empty_journal_has_nothing_in_order(tmp_path: Path) -> None:
    assert in_order(tmp_path / "journal", {}, 0) == []


def test_a_line_holds_the_record_as_the_manifest_has_it(tmp_path: Path) -> None:
    root = made(tmp_path)
    lines = journal_of(root).read_bytes().splitlines(keepends=True)
    manifest = (root / "medaug-manifest.jsonl").read_bytes().splitlines(keepends=True)
    assert sorted(map(record_bytes, lines)) == sorted(manifest)


def test_an_entry_is_read_again_from_its_place(tmp_path: Path) -> None:
    root = made(tmp_path)
    standings = read_standings(journal_of(root))
    records = {record.key: record for record in records_of(root)}
    assert standings.keys() == records.keys()
    for key, standing in standings.items():
        assert read_entry(journal_of(root), standing.place).record == records[key]
        assert standing.outputs == tuple(file.path for file in records[key].output)


def test_a_torn_line_is_cut_however_long_it_is(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    for whole, torn in [(b"", b""), (b"one\n", b""), (b"one\ntwo\n", b"x" * 200_000), (b"", b"x" * 200_000)]:
        journal.write_bytes(whole + torn)
        assert whole_bytes(journal) == len(whole)
        cut_torn_line(journal)
        assert journal.read_bytes() == whole


def test_a_run_holds_nothing_of_the_copies_it_has_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made(tmp_path, cases=1)
    entry = read_entry(journal_of(root), 0)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    state = read_root(root)
    tracemalloc.start()
    try:
        for number in range(1000):
            state.add([Entry(entry.record.model_copy(update={"sample_id": f"case{number}"}), entry.stamps)])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / 1000 < 200
    assert len(read_root(root).standings) == 1000 + 2
