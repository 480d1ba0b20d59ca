"""The manifest: one record an output, sorted, written whole; and the hash list beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medaug_cli.core.errors import RootError
from medaug_cli.core.marks import LEAST_BOX_SHARE, MarkRules
from medaug_cli.core.sample import FileEntry, PointsSpace, TransferSyntax

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MANIFEST_NAME = "medaug-manifest.jsonl"
SUMS_NAME = "SHA256SUMS"
NOT_CANONICAL = ("versions", "timing", "run")
"""Fields that differ between equal runs and are left out of hashes and diffs."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class GeometryEntry(_Entry):
    """The grid of the first image of a copy."""

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[float, ...]
    frame: Literal["LPS"] = "LPS"


class SeedEntry(_Entry):
    """What keys the generators of this copy: root, words, and the bit generator they feed."""

    root: int
    words: tuple[str | int, ...]
    bit_generator: str


class StepEntry(_Entry):
    """One step as drawn: numbers, not ranges; they validate back into the step."""

    path: str
    name: str
    applied: bool
    values: dict[str, Any] = Field(default_factory=dict)
    chosen: tuple[int, ...] | None = None
    redraws: int = 0


class PrivacyEntry(_Entry):
    """How patients are hidden; `key_check` tells one key from another and betrays neither."""

    deidentify: Literal["basic"]
    options: tuple[str, ...] = ()
    key_env: str = "MEDAUG_KEY"
    key_check: str = ""


class Settings(_Entry):
    """What else of the recipe decides an output's bytes."""

    recipe_sha256: str
    dtype: Literal["preserve", "float32"]
    compression: Literal["none", "fast", "small"]
    transfer_syntax: TransferSyntax = "explicit"
    dicom: Literal["same", "classic"] = "same"
    resampler: Literal["kernel", "simpleitk"] = "kernel"
    label_names: dict[int, str] = Field(default_factory=dict)
    privacy: PrivacyEntry | None = None
    repair: bool = Field(default=False, description="Whether UIDs that are blank in a source were made.")
    soft_labels: tuple[str, ...] = ()
    points_space: PointsSpace = "auto"
    points_outside: Literal["drop", "keep"] = "drop"
    min_box_share: float = LEAST_BOX_SHARE

    @property
    def mark_rules(self) -> MarkRules:
        """What becomes of points and boxes that leave the field of view."""
        return MarkRules(self.points_outside, self.min_box_share)


class Record(_Entry):
    """What came of one copy of one sample."""

    schema_: Literal["medaug.manifest/1"] = Field(default="medaug.manifest/1", alias="schema")
    output_id: str
    sample_id: str
    patient_key: str = ""
    split: str = ""
    category: str = Field(default="", alias="class")
    modality: str = ""
    copy_: int = Field(alias="copy")
    status: Literal["ok", "failed", "rejected"]
    reason: str = ""
    message: str = ""
    source: tuple[FileEntry, ...] = ()
    output: tuple[FileEntry, ...] = ()
    geometry: GeometryEntry | None = None
    seed: SeedEntry
    settings: Settings
    steps: tuple[StepEntry, ...] = ()
    labels: dict[str, dict[str, tuple[int, int]]] = Field(
        default_factory=dict,
        description="What there was and is, by label map and value in voxels, by structure set and region in contours.",
    )
    label_names: dict[str, dict[int, str]] = Field(
        default_factory=dict,
        description="What a label file calls its values, by label, where the format of its copy holds no names.",
    )
    qc: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    timing: dict[str, float] = Field(default_factory=dict)
    run: dict[str, str] = Field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        """Sample and copy, by which the manifest is sorted."""
        return self.sample_id, self.copy_

    def line(self) -> str:
        """Return the record as the manifest keeps it: one line of JSON, keys sorted."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False)

    def canonical(self) -> str:
        """Return the line without what differs between equal runs."""
        return json.dumps(
            self.model_dump(mode="json", by_alias=True, exclude=set(NOT_CANONICAL)), sort_keys=True, ensure_ascii=False
        )


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of the manifest at `path`.

    Raises RootError for a missing manifest or a damaged line, with its number.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RootError(f"{path}: no readable manifest; name the folder that `medaug run` wrote to") from error
    # Not splitlines: a name may hold what Unicode takes for the end of a line.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        try:
            yield Record.model_validate_json(line)
        except ValidationError as error:
            raise RootError(f"{path}:{number}: not a manifest record; run again to rebuild the manifest") from error


def sums_text(records: Iterable[Record]) -> str:
    """Return the list that `sha256sum -c` reads, of every output file in the order of `records`."""
    return "".join(
        sum_line(file.path, file.sha256) for record in records for file in record.output if record.status == "ok"
    )


def sum_line(path: str, digest: str) -> str:
    """Return one line; sha256sum marks a name with a backslash or a line break by a leading backslash."""
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != path else ""
    return f"{mark}{digest}  {escaped}\n"
