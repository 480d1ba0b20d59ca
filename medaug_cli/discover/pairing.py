"""Pairing: which label belongs to which image, by templates or by the names that the field uses."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from medaug_cli.core.errors import DatasetError
from medaug_cli.discover.cases import KEYS, Case, Problem, name_some, stem
from medaug_cli.discover.templates import Template, parse_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medaug_cli.core.sample import Role
    from medaug_cli.discover.inventory import LeftAlone
    from medaug_cli.formats import FoundVolume

_IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs"})
_LABEL_FOLDERS = frozenset({"label", "labels", "mask", "masks", "seg", "segmentation", "segmentations"})
_SEPARATORS = "_-."
_IMAGE_WORD = re.compile(r"(?:^|[_.-])(?:image|img)$", re.IGNORECASE)
_LABEL_WORD = re.compile(r"(?:^|[_.-])(labels?|d?seg|segmentation|mask|gt|lesion)$", re.IGNORECASE)


class Slot(NamedTuple):
    """What one volume is: its role, its channel, and the case that its name speaks of."""

    role: Role
    channel: str
    case: str


@dataclass(frozen=True)
class Pairing:
    """Cases sorted by id, and what belongs to none."""

    cases: tuple[Case, ...]
    left_alone: tuple[LeftAlone, ...] = ()


@dataclass(frozen=True)
class Templates:
    """The templates of `dataset.images` and `dataset.labels`; empty where the recipe names none."""

    images: Mapping[str, Template]
    labels: Mapping[str, Template]

    def place(self, volume: FoundVolume) -> Slot | None:
        """Return what `volume` is by the template that describes its name most closely.

        Raises DatasetError where two templates describe it equally well.
        """
        return fit({"image": self.images, "label": self.labels}, volume.files)


def fit(roles: Mapping[Role, Mapping[str, Template]], files: Sequence[str]) -> Slot | None:
    """Return what the volume in `files` is by the template of `roles` that describes its name most closely.

    Raises DatasetError where two templates describe it equally well.
    """
    found: list[tuple[int, Slot]] = []
    for role, templates in roles.items():
        for channel, template in templates.items():
            case = next((case for case in map(template.match, files) if case is not None), None)
            if case is not None:
                found.append((template.literals, Slot(role, channel, case)))
    most = max((literals for literals, _ in found), default=0)
    best = [slot for literals, slot in found if literals == most]
    if len(best) > 1:
        keys = " and ".join(f"dataset.{KEYS[slot.role]}.{slot.channel}" for slot in best)
        raise DatasetError(f"{files[0]}: matches {keys} alike; make one of the templates more specific")
    return best[0] if best else None


def parse_templates(images: Mapping[str, str] | None, labels: Mapping[str, str] | None) -> Templates:
    """Return the recipe's templates; raises RecipeError."""
    return Templates(
        {channel: parse_template(text, f"dataset.images.{channel}") for channel, text in (images or {}).items()},
        {channel: parse_template(text, f"dataset.labels.{channel}") for channel, text in (labels or {}).items()},
    )


def place_by_name(volume: FoundVolume) -> Slot:
    """Return what `volume` is by the words that images and labels are commonly named with."""
    folder, slash, name = stem(volume.files[0]).rpartition("/")
    label = _LABEL_WORD.search(name)
    if label is not None:
        channel = "lesion" if label[1].lower() == "lesion" else "label"
        return Slot("label", channel, folder + slash + name[: label.start()])
    if any(part.lower() in _LABEL_FOLDERS for part in folder.split("/")):
        return Slot("label", "label", folder + slash + name)
    image = _IMAGE_WORD.search(name)
    base = name[: image.start()] if image is not None else name
    return Slot("image", "image", folder + slash + base if base else folder or name)


def pair(volumes: Sequence[FoundVolume], templates: Templates) -> Pairing:
    """Put the `volumes` together to cases; raises DatasetError where two templates fit one file alike.

    A role without templates goes by names, and a file that could be either goes by the templates first.
    """
    slots: list[tuple[Slot, FoundVolume]] = []
    left_alone: list[LeftAlone] = []
    for volume in volumes:
        slot = templates.place(volume)
        if slot is None:
            slot = place_by_name(volume)
            if templates.images if slot.role == "image" else templates.labels:
                message = f"matches no template of dataset.{slot.role}s"
                left_alone.extend((path, "not_in_template", message) for path in volume.files)
                continue
        slots.append((slot, volume))
    cases, without_image = _build_cases(slots, templates)
    return Pairing(cases, tuple(sorted([*left_alone, *without_image])))


def _build_cases(
    slots: Sequence[tuple[Slot, FoundVolume]], templates: Templates
) -> tuple[tuple[Case, ...], list[LeftAlone]]:
    """Return the cases that the image slots make, each with its labels, and the labels that have no image."""
    images = gather((slot, volume) for slot, volume in slots if slot.role == "image")
    owners = Owners(images, by_prefix=not templates.images)
    placed = [(slot, volume, owners.of(slot.case)) for slot, volume in slots if slot.role == "label"]
    shared = [(volume, found) for _, volume, found in placed if len(found) > 1]
    problems = {case: describe_shared(volume, found) for volume, found in shared for case in found}
    labels = gather((slot._replace(case=found[0]), volume) for slot, volume, found in placed if len(found) == 1)
    # Taken out one by one, so that a large dataset is never held twice.
    cases = (_make_case(case, images.pop(case), labels.get(case, {}), templates) for case in sorted(images))
    left_alone = [
        (path, "label_without_image", "no image has this label's name")
        for _, volume, found in placed
        if not found
        for path in volume.files
    ]
    marked = (replace(case, problem=problems[case.id]) if case.id in problems else case for case in cases)
    return tuple(marked), left_alone


def describe_shared(volume: FoundVolume, cases: Iterable[str]) -> Problem:
    """Return the problem of `cases` that one label fits alike."""
    message = (
        f"label {volume.files[0]} fits several images alike: {name_some(cases)}; "
        'name what belongs together with dataset.images and dataset.labels, as {t1: "{case}_T1w.nii.gz"}'
    )
    return "ambiguous_image", message


def gather(slots: Iterable[tuple[Slot, FoundVolume]]) -> dict[str, dict[str, list[FoundVolume]]]:
    """Return volumes by case and channel."""
    gathered: dict[str, dict[str, list[FoundVolume]]] = {}
    for slot, volume in slots:
        gathered.setdefault(slot.case, {}).setdefault(slot.channel, []).append(volume)
    return gathered


def _make_case(
    case: str,
    images: Mapping[str, list[FoundVolume]],
    labels: Mapping[str, list[FoundVolume]],
    templates: Templates,
) -> Case:
    """Return the case with every channel that the templates name, in their order, found or not."""
    wanted = {**templates.images, **templates.labels}
    return Case(
        id=case,
        images={channel: tuple(images.get(channel, ())) for channel in templates.images or images},
        labels={channel: tuple(labels.get(channel, ())) for channel in templates.labels or sorted(labels)},
        looked_for={channel: template.fill(case) for channel, template in wanted.items()},
    )


class Owners:
    """The cases that have an image, to be asked which of them a label's name speaks of."""

    def __init__(
        self, cases: Iterable[str], *, by_prefix: bool, also: Mapping[str, list[str]] = MappingProxyType({})
    ) -> None:
        """Know `cases`; `by_prefix` also takes an image whose name goes on where the label's case ends.

        `also` are the cases by other names, to be asked where nothing else fits.
        """
        self._also = also
        self._cases = frozenset(cases)
        self._by_prefix = by_prefix

    def of(self, case: str) -> list[str]:
        """Return the cases that own the label of `case`: none, one, or several where that cannot be told."""
        return self._by_id(case) or self._also.get(case) or self._also.get(case.rpartition("/")[2], [])

    # Made when the first label asks that is not called as its image: most datasets never need these.
    @cached_property
    def _by_key(self) -> dict[str, list[str]]:
        by_key: dict[str, list[str]] = {}
        for case in sorted(self._cases):
            by_key.setdefault(_key(case), []).append(case)
        return by_key

    @cached_property
    def _keys(self) -> list[str]:
        return sorted(self._by_key)

    def _by_id(self, case: str) -> list[str]:
        if case in self._cases:
            return [case]
        key = _key(case)
        if key == "" or key.endswith("/"):
            return self._only_image_in(case.rpartition("/")[0], key)
        if key in self._by_key or not self._by_prefix:
            return self._by_key.get(key, [])
        keys = (found for separator in _SEPARATORS for found in self._within(key + separator))
        return [owner for found in keys for owner in self._by_key[found]]

    def _only_image_in(self, folder: str, key: str) -> list[str]:
        """Return the image beside a label that is named just `mask` or `seg`, if there is but one."""
        if folder in self._cases:
            return [folder]
        found = [owner for within in self._within(key) for owner in self._by_key[within]]
        return found if len(found) == 1 else []

    def _within(self, prefix: str) -> list[str]:
        """Return the keys that start with `prefix` and go on within the same folder."""
        start = bisect_left(self._keys, prefix)
        end = bisect_left(self._keys, prefix + "\U0010ffff")
        return [key for key in self._keys[start:end] if "/" not in key[len(prefix) :]]


def _key(case: str) -> str:
    """Return `case` without the folders that only tell images from labels."""
    *folders, name = case.split("/")
    return "/".join([*(part for part in folders if part.lower() not in _IMAGE_FOLDERS | _LABEL_FOLDERS), name])
