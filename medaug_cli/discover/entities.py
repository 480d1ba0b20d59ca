"""Entities: the keys, values and suffix that a BIDS file name is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medaug_cli.core.errors import RecipeError
from medaug_cli.discover.cases import stem

if TYPE_CHECKING:
    from collections.abc import Mapping

# Entities that a derivative adds to the name of its source (BIDS, "Derivatives: common data types").
_DERIVED = frozenset({"space", "desc", "label", "res", "den", "atlas", "seg", "hemi", "cohort"})
LABEL_SUFFIXES = frozenset({"dseg", "mask"})
SOFT_SUFFIX = "probseg"
_NATIVE_SPACES = frozenset({"", "orig", "individual", "native"})
_MODALITIES = {"pet": "PT", "ct": "CT", "anat": "MR", "func": "MR", "perf": "MR"}
_PART = re.compile(r"([A-Za-z0-9]+)-(.+)")
_SUFFIX = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class BidsName:
    """One file: `subject` is its folder down to the session, `datatype` the folder it lies in (anat, func, …)."""

    path: str
    subject: str
    datatype: str
    suffix: str
    entities: Mapping[str, str] = field(default_factory=dict)

    @property
    def source_entities(self) -> dict[str, str]:
        """The entities that a derivative shares with its source."""
        return {key: value for key, value in self.entities.items() if key not in _DERIVED}

    @property
    def participant(self) -> str:
        """The label of the subject, without `sub-`."""
        return self.entities.get("sub", "")

    @property
    def is_label(self) -> bool:
        """Whether the suffix is that of labels, also of soft ones."""
        return self.suffix in LABEL_SUFFIXES | {SOFT_SUFFIX}

    @property
    def modality(self) -> str:
        """The modality that suffix and data type tell; empty where they do not."""
        return "CT" if self.suffix == "ct" else _MODALITIES.get(self.datatype, "")

    def is_label_of(self, image: BidsName) -> bool:
        """Say whether this label map is named after `image`: the same source entities, data type and space."""
        space, wanted = self.entities.get("space", ""), image.entities.get("space", "")
        native = wanted in _NATIVE_SPACES and (space in _NATIVE_SPACES or space == image.suffix)
        return (
            self.subject == image.subject
            and self.datatype == image.datatype
            and self.source_entities == image.source_entities
            and (native or space == wanted)
        )


def parse_name(path: str, start: int = 0) -> BidsName | None:
    """Return the parts of `path`, whose folders from `start` on are sub-…/[ses-…/]datatype; None if they are not."""
    *folders, name = path.split("/")
    folders = folders[start:]
    levels = 2 if len(folders) > 1 and folders[1].startswith("ses-") else 1
    if not folders or not folders[0].startswith("sub-") or len(folders) != levels + 1:
        return None
    *parts, suffix = stem(name).split("_")
    matched = [_PART.fullmatch(part) for part in parts]
    entities = {part[1]: part[2] for part in matched if part is not None}
    if len(entities) != len(parts) or f"sub-{entities.get('sub')}" != folders[0] or not _SUFFIX.fullmatch(suffix):
        return None
    return BidsName(path, "/".join(folders[:levels]), folders[levels], suffix, entities)


@dataclass(frozen=True)
class NamePattern:
    """What `dataset.images` and `dataset.labels` say in BIDS terms: a suffix, and entities that must be there."""

    suffix: str
    entities: Mapping[str, str]

    def fits(self, name: BidsName) -> bool:
        """Say whether `name` has the suffix and all the entities."""
        return name.suffix == self.suffix and self.entities.items() <= name.entities.items()


def parse_pattern(text: str, key: str) -> NamePattern:
    """Return a text such as `acq-iso_T1w`; raises RecipeError, naming the recipe's `key`, where it is none."""
    *parts, suffix = stem(text).split("_")
    matched = [_PART.fullmatch(part) for part in parts]
    if not _SUFFIX.fullmatch(suffix) or None in matched:
        raise RecipeError(
            f"{key}: {text!r} is neither a BIDS suffix, as T1w or acq-iso_T1w, nor a template with {{case}}"
        )
    return NamePattern(suffix, {part[1]: part[2] for part in matched if part is not None})
