"""docs/from-*.md: no class of a peer is missing, and every step and parameter that a table names exists."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from medaug_cli.catalogue import describe_step
from medaug_cli.transforms import load_step, step_names

DOCS = Path(__file__).parents[1] / "docs"
PEERS = json.loads((Path(__file__).parent / "data" / "peers.json").read_text(encoding="utf-8"))
PAGES = {
    "MONAI": ("monai", "from-monai.md"),
    "TorchIO": ("torchio", "from-torchio.md"),
    "batchgeneratorsv2": ("batchgeneratorsv2", "from-nnunet.md"),
    "TorchVision": ("torchvision", "from-torchvision-keras.md"),
    "Keras": ("keras", "from-torchvision-keras.md"),
}


@dataclass(frozen=True)
class Row:
    """One row of a table: the peer's classes, what medaug says to them, and the parameters that an arrow leads to."""

    classes: tuple[str, ...]
    answer: str
    parameters: tuple[str, ...]
    differences: str

    @property
    def names(self) -> list[str]:
        return re.findall(r"`(\w+)`", self.answer)


def rows_of(peer: str) -> list[Row]:
    """Return the rows of the table of `peer`."""
    text = (DOCS / PAGES[peer][1]).read_text(encoding="utf-8")
    body = text.split(f"| {peer} | medaug | parameters | differences |\n| --- | --- | --- | --- |\n")[1].split("\n\n")[
        0
    ]
    rows = []
    for line in body.splitlines():
        classes, answer, parameters, differences = (cell.strip() for cell in line.strip("|").split("|"))
        arrows = re.findall(r"→ `(\w+)`", parameters)
        rows.append(Row(tuple(re.findall(r"`(\w+)`", classes)), answer, tuple(arrows), differences))
    return rows


ROWS = [(peer, row) for peer in PAGES for row in rows_of(peer)]
MAPPED = [
    pytest.param(row, id=f"{peer}.{row.classes[0]}")
    for peer, row in ROWS
    if not row.answer.startswith(("planned", "out of scope"))
]


@pytest.mark.parametrize("peer", PAGES)
def test_every_class_of_the_peer_is_in_the_table_once(peer: str) -> None:
    listed = [name for row in rows_of(peer) for name in row.classes]
    assert sorted(listed) == PEERS[PAGES[peer][0]]["classes"]


@pytest.mark.parametrize("peer", PAGES)
def test_the_page_names_the_version_that_was_listed(peer: str) -> None:
    name, page = PAGES[peer]
    assert PEERS[name]["version"] in (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("row", MAPPED)
def test_a_row_names_steps_and_parameters_that_exist(row: Row) -> None:
    assert row.names
    missing = [name for name in row.names if name not in step_names()]
    assert missing == []
    known = {field for name in row.names for field in load_step(name).model_fields}
    assert [name for name in row.parameters if name not in known] == []


def test_what_is_planned_is_not_there_yet() -> None:
    planned = {name for _, row in ROWS if row.answer.startswith("planned") for name in row.names}
    assert planned == {"mixup", "cutmix", "labels_to_image"}
    assert planned & set(step_names()) == set()


def test_what_is_out_of_scope_says_why() -> None:
    silent = [row.classes for _, row in ROWS if row.answer.startswith("out of scope") and len(row.differences) < 30]
    assert silent == []


@pytest.mark.parametrize("row", MAPPED)
def test_a_word_that_a_row_sets_is_one_that_the_step_takes(row: Row) -> None:
    choices = {
        one["name"]: one["allowed"].split(" | ")
        for name in row.names
        if name in step_names()
        for one in describe_step(name)["parameters"]
        if " | " in one["allowed"]
    }
    said = re.findall(r"`(\w+): (\w+)`", row.differences)
    assert [(key, word) for key, word in said if not word.isdigit() and word not in choices.get(key, [word])] == []


def test_a_step_that_names_a_peer_stands_in_the_row_of_that_peer() -> None:
    rows = {(PAGES[peer][0], name): row.names for peer, row in ROWS for name in row.classes}
    named = [
        (step, found)
        for step in step_names()
        for found in re.findall(r"\b(\w+)\.(\w+)", load_step(step).peer)
        if found in rows
    ]
    assert len(named) > len(step_names()) / 2
    assert [(step, found) for step, found in named if step not in rows[found]] == []
