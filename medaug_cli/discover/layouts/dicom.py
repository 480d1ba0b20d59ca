"""DICOM: series told apart by what their headers say, never by folder."""

from __future__ import annotations

import hashlib
import posixpath
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import RecipeError
from medaug_cli.discover.cases import Case, to_sample
from medaug_cli.discover.companions import Wanted, attach
from medaug_cli.discover.inventory import Arrangement
from medaug_cli.discover.linking import link_labels
from medaug_cli.discover.pairing import Pairing
from medaug_cli.formats import load_format

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medaug_cli.discover.inventory import DatasetQuery
    from medaug_cli.discover.walk import Tree
    from medaug_cli.formats import FoundVolume

_WHOLE_DATASET = "dataset"


class DicomLayout:
    """A sample is a series (`group: series`), or all co-registered series of a study (`frame_of_reference`)."""

    name = "dicom"
    format = "dicom"
    told_by_name = False
    plain = True

    def marker(self, tree: Tree) -> str:
        """Return nothing: DICOM objects say by themselves where they belong."""
        del tree
        return ""

    def arrange(self, tree: Tree, query: DatasetQuery) -> Arrangement:
        """Make samples of the volumes in `tree`, with their label objects, and masks and points that templates name.

        Raises RecipeError for templates of images, which series do not have, and for folders outside the dataset.
        """
        _refuse_templates(query)
        templates, folders = _split_labels(query.labels)
        found = load_format(self.format).find(tree.root, tree.claimed_by(self.format), repair=query.repair)
        images = [volume for volume in found.volumes if volume.role == "image"]
        labels = [volume for volume in found.volumes if volume.role == "label"]
        cases = _group(images) if query.group == "frame_of_reference" else map(_single, images)
        linked = link_labels(_tell_apart(cases), labels, folders)
        pairing = Pairing(tuple(linked.cases), (*found.left_alone, *linked.left_alone))
        pairing = attach(pairing, tree, Wanted("label", templates, "nifti"))
        pairing = attach(pairing, tree, Wanted("points", query.points, "points"))
        warnings = (warning for volume in found.volumes for warning in volume.warnings)
        return Arrangement(
            tuple(to_sample(case, self.name, query) for case in pairing.cases),
            pairing.left_alone,
            (*warnings, *linked.warnings),
        )


def _refuse_templates(query: DatasetQuery) -> None:
    if query.images:
        raise RecipeError(
            "dataset.images: DICOM series are told apart by their headers; leave it out, and for channels that "
            "move together write group: frame_of_reference"
        )


def _split_labels(labels: Mapping[str, str] | None) -> tuple[dict[str, str], dict[str, str] | None]:
    """Return the templates of NIfTI masks among `labels`, and the folders of label objects: None where all are taken.

    Raises RecipeError for a folder outside the dataset.
    """
    if labels is None:
        return {}, None
    templates = {name: text for name, text in labels.items() if "{" in text}
    folders = {name: text for name, text in labels.items() if name not in templates}
    for name, text in folders.items():
        if text.startswith("/") or ".." in text.split("/"):
            raise RecipeError(
                f"dataset.labels.{name}: {text!r} leaves the dataset; write a folder of SEG or RTSTRUCT files relative "
                "to it, or a pattern such as seg/*.dcm"
            )
    return templates, folders


def _single(volume: FoundVolume) -> Case:
    name = volume.name or _WHOLE_DATASET
    return Case(name, {"image": (volume,)}, also_called=_other_names(name, volume), patient=volume.patient)


def _other_names(name: str, volume: FoundVolume) -> tuple[str, ...]:
    """Return what else `{case}` may stand for: each folder above the series, by name and by path, and the patient."""
    folders = name.partition("#")[0].split("/")
    paths = ["/".join(folders[: end + 1]) for end in range(len(folders))]
    return tuple(filter(None, (*folders, *paths, volume.patient)))


def _group(volumes: Iterable[FoundVolume]) -> list[Case]:
    """Return one case for all usable volumes of a study and a frame of reference, and one for each other volume."""
    cases: list[Case] = []
    groups: dict[tuple[str, str, str], list[FoundVolume]] = {}
    for volume in volumes:
        if volume.problem is None and volume.study and volume.frame_of_reference:
            groups.setdefault((volume.patient, volume.study, volume.frame_of_reference), []).append(volume)
        else:
            cases.append(_single(volume))
    return cases + [_co_registered(group) if len(group) > 1 else _single(group[0]) for group in groups.values()]


def _co_registered(volumes: Sequence[FoundVolume]) -> Case:
    """Return one case whose channels are named by modality and a running number, as CT1, PT1, PT2."""
    ordered = sorted(volumes, key=lambda volume: (volume.modality, volume.name, volume.files))
    counts: Counter[str] = Counter()
    images: dict[str, tuple[FoundVolume, ...]] = {}
    for volume in ordered:
        kind = volume.modality or "image"
        counts[kind] += 1
        images[f"{kind}{counts[kind]}"] = (volume,)
    common = posixpath.commonpath([posixpath.dirname(path) for volume in ordered for path in volume.files])
    name = common or _WHOLE_DATASET
    names = _other_names(name, ordered[0])
    return Case(name, images, also_called=names, patient=ordered[0].patient, one_grid=False)


def _tell_apart(cases: Iterable[Case]) -> list[Case]:
    """Return `cases` with a hash of their first file's path added to ids that several of them have."""
    cases = list(cases)
    counts = Counter(case.id for case in cases)
    return [case if counts[case.id] == 1 else replace(case, id=f"{case.id}#{_digest(case)}") for case in cases]


def _digest(case: Case) -> str:
    first = min(path for volumes in case.images.values() for volume in volumes for path in volume.files)
    return hashlib.sha256(first.encode()).hexdigest()[:8]


LAYOUT = DicomLayout()
