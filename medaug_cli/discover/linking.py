"""Linking: which image a DICOM label object belongs to, by the UIDs that it names, else by its frame of reference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from medaug_cli.discover.cases import Problem, name_some

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medaug_cli.discover.cases import Case
    from medaug_cli.discover.inventory import LeftAlone
    from medaug_cli.formats import FoundVolume


@dataclass
class Linked:
    """Cases with the labels that belong to them, what belongs to none, and what to say of it."""

    cases: list[Case]
    left_alone: list[LeftAlone] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def link_labels(
    cases: Sequence[Case], labels: Sequence[FoundVolume], folders: Mapping[str, str] | None = None
) -> Linked:
    """Give each of `cases` the `labels` that belong to it.

    `folders` names the labels to take, each by a folder or a pattern of paths (`*` is any text); every case must then
    have every one of them. Without it all are taken, named by their files.
    """
    index, linked = _Index(cases), Linked(list(cases))
    found: dict[int, list[tuple[str, FoundVolume]]] = {}
    for label in labels:
        channel = "" if folders is None else _channel_of(label.files[0], folders)
        if channel is None:
            message = "matches no folder of dataset.labels"
            linked.left_alone += [(path, "not_in_template", message) for path in label.files]
            continue
        owners, by_frame = index.owners_of(label)
        if len(owners) == 1:
            found.setdefault(owners[0], []).append((channel, label))
            if by_frame:
                linked.warnings.append(_warn_of_frame(label, cases[owners[0]]))
        elif owners:
            problem = _describe_shared(label, [cases[owner] for owner in owners])
            for owner in owners:
                linked.cases[owner] = replace(linked.cases[owner], problem=problem)
        else:
            message = f"a {label.modality} that names no image that is here, and shares no frame of reference with one"
            linked.left_alone += [(path, "label_without_image", message) for path in label.files]
    for owner, case in enumerate(linked.cases):
        own = _by_channel(found.get(owner, []), folders)
        looked_for = {**case.looked_for, **(folders or {})}
        linked.cases[owner] = replace(case, labels={**case.labels, **own}, looked_for=looked_for)
    return linked


def _channel_of(path: str, folders: Mapping[str, str]) -> str | None:
    """Return the name of the first of `folders` in which `path` lies, or whose pattern it fits."""
    for channel, text in folders.items():
        wanted = text.removeprefix("./").rstrip("/")
        if path.startswith(f"{wanted}/") or fnmatchcase(path, wanted) or wanted == ".":
            return channel
    return None


def _by_channel(
    found: Sequence[tuple[str, FoundVolume]], folders: Mapping[str, str] | None
) -> dict[str, tuple[FoundVolume, ...]]:
    """Return the labels of one case by channel; where none are asked for, each has its file's name, or its path."""
    if folders is not None:
        return {name: tuple(label for channel, label in found if channel == name) for name in folders}
    short = Counter(label.name.rpartition("/")[2] for _, label in found)
    names = [label.name.rpartition("/")[2] for _, label in found]
    return {name if short[name] == 1 else label.name: (label,) for name, (_, label) in zip(names, found, strict=True)}


class _Index:
    """The cases by the UIDs of their images."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._images = [(number, image) for number, case in enumerate(cases) for image in _images_of(case)]
        self._by_instance = {uid: number for number, image in self._images for uid in image.instances}

    def owners_of(self, label: FoundVolume) -> tuple[list[int], bool]:
        """Return the numbers of the cases that `label` belongs to, and whether its frame of reference alone says so."""
        named = set(label.refers)
        owners = {self._by_instance[uid] for uid in named if uid in self._by_instance}
        owners = owners or {number for number, image in self._images if image.series in named}
        if owners or not label.frame_of_reference:
            return sorted(owners), False
        return sorted({number for number, image in self._images if _shares_frame(label, image)}), True


def _images_of(case: Case) -> Iterator[FoundVolume]:
    return (image for images in case.images.values() for image in images)


def _shares_frame(label: FoundVolume, image: FoundVolume) -> bool:
    """Say whether both lie in one frame of reference, of one patient and one study where both say which."""
    both = ((label.patient, image.patient), (label.study, image.study))
    known = all(one == other or not one or not other for one, other in both)
    return label.frame_of_reference == image.frame_of_reference and known


def _warn_of_frame(label: FoundVolume, case: Case) -> str:
    return f"{label.files[0]}: names no image that is here; taken for {case.id} by its frame of reference"


def _describe_shared(label: FoundVolume, cases: Sequence[Case]) -> Problem:
    message = (
        f"label {label.files[0]} belongs to several samples alike: {name_some(case.id for case in cases)}; write "
        "group: frame_of_reference to move them together, or leave it out with dataset.labels"
    )
    return "ambiguous_image", message
