"""Sessions: the images of a BIDS dataset with the label maps whose names share their entities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import RecipeError
from medaug_cli.discover.cases import Case, Problem, stem
from medaug_cli.discover.entities import LABEL_SUFFIXES, SOFT_SUFFIX, BidsName, NamePattern, parse_pattern
from medaug_cli.discover.pairing import Pairing, Slot, describe_shared, gather

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medaug_cli.discover.inventory import DatasetQuery, LeftAlone
    from medaug_cli.formats import FoundVolume


@dataclass(frozen=True)
class Sessions:
    """The volumes of a dataset, to be paired by their entities."""

    volumes: Sequence[FoundVolume]
    names: Mapping[str, BidsName]
    query: DatasetQuery

    def pair(self) -> Pairing:
        """Return the cases, and the files that are part of none."""
        images = [volume for volume in self.volumes if not self._name(volume).is_label]
        cases, left_alone = self._by_channel(images) if self.query.images else (self._one_each(images), [])
        placed = list(self._place_labels(cases))
        left_alone += [_leave(volume, channel) for volume, channel, owners in placed if not owners]
        shared = [(volume, owners) for volume, _, owners in placed if len(owners) > 1]
        problems = {owner: describe_shared(volume, owners) for volume, owners in shared for owner in owners}
        labels = gather(
            (Slot("label", channel, owners[0]), volume) for volume, channel, owners in placed if len(owners) == 1
        )
        finished = (self._finish(case, labels.get(case.id, {}), problems.get(case.id)) for case in cases)
        return Pairing(tuple(finished), tuple(left_alone))

    def _place_labels(self, cases: Iterable[Case]) -> Iterator[tuple[FoundVolume, str, list[str]]]:
        """Yield each label map with its channel and the ids of the cases it may belong to."""
        patterns = _parse_patterns(self.query.labels, "labels", self.query.soft_labels)
        near = _index(cases, self.names)
        for volume in self.volumes:
            if self._name(volume).is_label:
                channel = self._label_channel(volume, patterns)
                yield volume, channel, self._owners(volume, near) if channel else []

    def _name(self, volume: FoundVolume) -> BidsName:
        return self.names[volume.files[0]]

    def _one_each(self, images: Iterable[FoundVolume]) -> list[Case]:
        """Return one case an image; files that differ in nothing but `.nii` and `.nii.gz` are candidates of one."""
        gathered: dict[str, list[FoundVolume]] = {}
        for volume in images:
            gathered.setdefault(stem(volume.files[0]), []).append(volume)
        return [Case(key, {self._name(found[0]).suffix: tuple(found)}) for key, found in sorted(gathered.items())]

    def _by_channel(self, images: Iterable[FoundVolume]) -> tuple[list[Case], list[LeftAlone]]:
        """Return one case a session, with the channels that `dataset.images` names."""
        patterns = _parse_patterns(self.query.images, "images")
        sessions: dict[str, dict[str, list[FoundVolume]]] = {}
        left_alone: list[LeftAlone] = []
        for volume in images:
            name = self._name(volume)
            channel = next((channel for channel, pattern in patterns.items() if pattern.fits(name)), None)
            if channel is None:
                left_alone.append((name.path, "not_in_template", "fits no entry of dataset.images"))
            else:
                sessions.setdefault(name.subject, {}).setdefault(channel, []).append(volume)
        looked_for = {channel: f"{text} in one session" for channel, text in (self.query.images or {}).items()}
        cases = [
            Case(subject, {channel: tuple(found.get(channel, ())) for channel in patterns}, looked_for=looked_for)
            for subject, found in sorted(sessions.items())
        ]
        return cases, left_alone

    def _label_channel(self, volume: FoundVolume, patterns: Mapping[str, NamePattern]) -> str:
        """Return what the label map is called; empty where `dataset.labels` names others."""
        name = self._name(volume)
        if self.query.labels:
            return next((channel for channel, pattern in patterns.items() if pattern.fits(name)), "")
        parts = (name.entities.get("label"), name.entities.get("desc"), name.suffix)
        return "_".join(filter(None, parts))

    def _owners(self, volume: FoundVolume, near: Mapping[str, list[Case]]) -> list[str]:
        """Return the cases whose image the label map is named after; of several those that share its grid."""
        name = self._name(volume)
        named = [
            case
            for case in near.get(name.subject, [])
            if any(name.is_label_of(self._name(image)) for image in _images(case))
        ]
        if len(named) > 1:
            named = [case for case in named if any(_share_grid(volume, image) for image in _images(case))]
        return sorted(case.id for case in named)

    def _finish(self, case: Case, labels: Mapping[str, list[FoundVolume]], problem: Problem | None) -> Case:
        wanted = self.query.labels or {}
        channels = {channel: tuple(labels.get(channel, ())) for channel in wanted or sorted(labels)}
        return replace(case, labels=channels, looked_for={**case.looked_for, **wanted}, problem=problem)


def _leave(volume: FoundVolume, channel: str) -> LeftAlone:
    """Return why a label map belongs to no case."""
    if not channel:
        return volume.files[0], "not_in_template", "fits no entry of dataset.labels"
    return volume.files[0], "label_without_image", "no image shares its entities, its space and its grid"


def _parse_patterns(texts: Mapping[str, str] | None, role: str, soft: Sequence[str] = ()) -> dict[str, NamePattern]:
    patterns = {channel: parse_pattern(text, f"dataset.{role}.{channel}") for channel, text in (texts or {}).items()}
    for channel, pattern in patterns.items():
        allowed = LABEL_SUFFIXES | ({SOFT_SUFFIX} if role == "images" or channel in soft else set())
        if (pattern.suffix in allowed) != (role == "labels"):
            raise RecipeError(
                f"dataset.{role}.{channel}: labels end in {' or '.join(sorted(LABEL_SUFFIXES))}, those of "
                f"dataset.soft_labels also in {SOFT_SUFFIX}, images do not"
            )
    return patterns


def _index(cases: Iterable[Case], names: Mapping[str, BidsName]) -> dict[str, list[Case]]:
    """Return the cases by subject and session."""
    index: dict[str, list[Case]] = {}
    for case in cases:
        index.setdefault(names[_images(case)[0].files[0]].subject, []).append(case)
    return index


def _images(case: Case) -> list[FoundVolume]:
    return [volume for volumes in case.images.values() for volume in volumes]


def _share_grid(first: FoundVolume, second: FoundVolume) -> bool:
    return first.geometry is not None and second.geometry is not None and first.geometry.same_grid(second.geometry)
