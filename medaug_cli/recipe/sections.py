"""Sections: what keys of a recipe say of each other, checked also where another of their keys is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medaug_cli.core.template_text import fault_of
from medaug_cli.recipe.model import (
    DATES,
    IDENTIFIED_ORIGINALS,
    NEEDS_DEIDENTIFY,
    TWO_KINDS_OF_DATES,
    fault_of_soft_labels,
)
from medaug_cli.recipe.yaml_text import Document, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medaug_cli.recipe.model import Recipe
    from medaug_cli.recipe.yaml_text import Path

    Fault = tuple[Path, str]

NO_TABLE = "dataset.split: needs dataset.table, the file that says which case is in which split"


def check_sections(document: Document, data: Mapping[str, Any]) -> None:
    """Tell every mistake that takes more than one key to see; values of a wrong kind are left to the model."""
    dataset, privacy, output = (_mapping(data.get(key)) for key in ("dataset", "privacy", "output"))
    for path, message in (*_of_dataset(dataset), *_of_privacy(privacy, output)):
        document.problems.append(Problem(document.place_of(path), message))


def only_for_bids(recipe: Recipe) -> list[str]:
    """Return a warning for each key of `dataset` that means something in BIDS only, where no layout is named."""
    section = recipe.dataset
    if section.layout != "auto":
        return []
    found = [
        f"dataset.images.{channel}: {fault}; as it stands it fits BIDS names only"
        for channel, text in (section.images or {}).items()
        if (fault := fault_of(text, needs_case=True))
    ]
    if section.split and not section.table:
        found.append(f"{NO_TABLE}; only BIDS datasets have one of their own, participants.tsv")
    return found


def _of_dataset(section: Mapping[Any, Any]) -> Iterator[Fault]:
    layout = section.get("layout", "auto")
    for role in ("images", "labels", "points"):
        # Without {case} a text may be a BIDS name, a folder of DICOM labels, or a file of points of every case.
        needs_case = layout == "nifti" and role != "points"
        for channel, text in _mapping(section.get(role)).items():
            if isinstance(text, str) and (fault := fault_of(text, needs_case=needs_case)):
                yield ("dataset", role, channel), f"dataset.{role}.{channel}: {fault}"
    if section.get("split") is not None and section.get("table") is None and layout in ("nifti", "nnunet", "dicom"):
        yield ("dataset", "split"), NO_TABLE
    if fault := fault_of_soft_labels(_texts(section.get("soft_labels")), _mapping(section.get("labels"))):
        yield ("dataset", "soft_labels"), fault


def _of_privacy(privacy: Mapping[Any, Any], output: Mapping[Any, Any]) -> Iterator[Fault]:
    given = [key for key in ("options", "id_map") if privacy.get(key)]
    if given and privacy.get("deidentify") is None:
        yield ("privacy", given[0]), NEEDS_DEIDENTIFY
    if set(_texts(privacy.get("options"))) >= DATES and privacy.get("deidentify") is not None:
        yield ("privacy", "options"), TWO_KINDS_OF_DATES
    if privacy.get("deidentify") == "basic" and output.get("originals") in ("link", "copy"):
        yield ("output", "originals"), IDENTIFIED_ORIGINALS


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
