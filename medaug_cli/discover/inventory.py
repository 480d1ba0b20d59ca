"""Inventory: what discovery is asked and what it answers; values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from pathlib import Path

    from medaug_cli.core.sample import PointsSpace, Sample

LeftAlone: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True)
class DatasetQuery:
    """What the recipe says of a dataset (its `dataset:` keys), and which folders and files are no sources.

    `images`, `labels` and `points` map a channel to a template with `{case}` (in BIDS also to entities and suffix, as
    `acq-iso_T1w`). `soft_labels` are channels of `labels`. `table` is relative to the dataset or absolute. `augment`
    None stands for the training split where a table has splits. `exclude` are folders, `known_outputs` copies of
    earlier runs relative to the dataset. `repair` makes UIDs that are blank, `force_read` takes DICOM files
    without a preamble.
    """

    layout: str = "auto"
    modality: str = "auto"
    images: Mapping[str, str] | None = None
    labels: Mapping[str, str] | None = None
    points: Mapping[str, str] | None = None
    group: Literal["series", "frame_of_reference"] = "series"
    label_names: Mapping[int, str] = field(default_factory=dict)
    soft_labels: tuple[str, ...] = ()
    points_space: PointsSpace = "auto"
    table: str | None = None
    split_column: str | None = None
    augment: tuple[str, ...] | None = None
    exclude: tuple[Path, ...] = ()
    known_outputs: Container[str] = frozenset()
    repair: bool = False
    force_read: bool = False


@dataclass(frozen=True)
class Arrangement:
    """What one layout makes of a folder, before the table is read.

    `table` is the table that the layout brings along, relative to the dataset; empty where it has none.
    """

    samples: tuple[Sample, ...]
    left_alone: tuple[LeftAlone, ...] = ()
    warnings: tuple[str, ...] = ()
    label_names: Mapping[int, str] = field(default_factory=dict)
    table: str = ""


@dataclass(frozen=True)
class Inventory:
    """What a dataset holds.

    `samples` are sorted by id and include those with a problem. `left_alone` are (path, reason, message) of what is
    no source; `skipped` are (sample id, reason, message) of samples that the table keeps out. `table_rows` holds, by
    sample id, the columns class, sex, age and site where the table has them.
    """

    layout: str
    samples: tuple[Sample, ...]
    left_alone: tuple[LeftAlone, ...] = ()
    skipped: tuple[tuple[str, str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    label_names: Mapping[int, str] = field(default_factory=dict)
    table_rows: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
