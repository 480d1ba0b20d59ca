"""nnU-Net raw (and its forerunner, the Decathlon): imagesTr, labelsTr and dataset.json say what belongs together."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import DatasetError, RecipeError
from medaug_cli.discover.cases import Case, name_some, to_sample
from medaug_cli.discover.companions import Wanted, attach
from medaug_cli.discover.dataset_json import Description, read_description
from medaug_cli.discover.inventory import Arrangement
from medaug_cli.discover.pairing import Pairing
from medaug_cli.formats import load_format

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from medaug_cli.discover.inventory import DatasetQuery, LeftAlone
    from medaug_cli.discover.walk import Tree
    from medaug_cli.formats import FoundVolume

_NUMBERED = re.compile(r".+_(\d{4})")


class NnunetLayout:
    """Only training cases are augmented; one dataset, or a folder of datasets, may be given."""

    name = "nnunet"
    format = "nifti"
    told_by_name = True
    plain = False

    def marker(self, tree: Tree) -> str:
        """Return imagesTr, at the top or one folder below it beside a dataset.json."""
        files = set(tree.files)
        for folder in _folders(tree):
            if not folder or f"{folder}/dataset.json" in files:
                return f"{folder}/imagesTr".lstrip("/")
        return ""

    def arrange(self, tree: Tree, query: DatasetQuery) -> Arrangement:
        """Put the training cases of every dataset in `tree` together; raises DatasetError for a bad dataset.json."""
        if query.images or query.labels:
            raise RecipeError("dataset.images, dataset.labels: nnU-Net's dataset.json names them; leave both out")
        folders = _folders(tree)
        if not folders:
            raise DatasetError(f"{tree.root}: layout nnunet needs a folder imagesTr; found {tree.count_by_suffix()}")
        described = [read_description(tree, folder) for folder in folders]
        parts = [_arrange_one(tree, dataset) for dataset in described]
        claimed = {path for part in parts for path in part.taken}
        left_alone = [entry for part in parts for entry in part.left_alone]
        left_alone += [_explain(path) for path in tree.claimed_by(self.format) if path not in claimed]
        pairing = Pairing(tuple(case for part in parts for case in part.cases), tuple(left_alone))
        pairing = attach(pairing, tree, Wanted("points", query.points, "points"))
        return Arrangement(
            tuple(to_sample(case, self.name, query) for case in pairing.cases),
            pairing.left_alone,
            tuple(warning for part in parts for warning in part.warnings),
            _merge_names(described),
        )


@dataclass(frozen=True)
class _Part:
    """What one dataset gave."""

    cases: tuple[Case, ...]
    taken: frozenset[str]
    left_alone: tuple[LeftAlone, ...]
    warnings: tuple[str, ...]


def _folders(tree: Tree) -> list[str]:
    """Return the folders, at the top or one below, that hold an imagesTr."""
    split = (path.split("/", 2) for path in tree.files if "imagesTr/" in path)
    return sorted({"" if parts[0] == "imagesTr" else parts[0] for parts in split if "imagesTr" in parts[:2]})


def _explain(path: str) -> LeftAlone:
    """Return why the NIfTI file at `path` is no training case."""
    if any(part in {"imagesTs", "labelsTs"} for part in path.split("/")):
        return path, "test_set", "test cases are never augmented"
    return path, "not_raw", "only imagesTr and labelsTr hold training cases, with the file_ending of dataset.json"


def _merge_names(described: Sequence[Description]) -> dict[int, str]:
    """Return the label names that all datasets agree on: names of one value that differ say nothing of a sample."""
    merged: dict[int, set[str]] = {}
    for dataset in described:
        for value, text in dataset.label_names.items():
            merged.setdefault(value, set()).add(text)
    return {value: min(texts) for value, texts in sorted(merged.items()) if value and len(texts) == 1}


def _arrange_one(tree: Tree, dataset: Description) -> _Part:
    """Put the cases of one dataset together."""
    images, labels = (tuple(_files(tree, dataset, part)) for part in ("imagesTr", "labelsTr"))
    found = load_format("nifti").find(tree.root, sorted((*images, *labels)))
    volumes = {volume.files[0]: volume for volume in found.volumes}
    placed = {_case_of(path, dataset): volumes[path] for path in labels if path in volumes}
    numbers = {path: _number(path, dataset, placed) for path in images if path in volumes}
    if not dataset.channels:
        dataset = replace(dataset, channels={number: number for number in sorted(set(numbers.values())) if number})
    by_case: dict[str, dict[str, FoundVolume]] = {}
    for path, number in numbers.items():
        case = _case_of(path, dataset).removesuffix(f"_{number}") if number else _case_of(path, dataset)
        by_case.setdefault(case, {})[number] = volumes[path]
    cases = tuple(_make_case(case, by_case[case], placed, dataset) for case in sorted(by_case))
    left_alone = [
        (volume.files[0], "label_without_image", "no image in imagesTr has this name")
        for case, volume in placed.items()
        if case not in by_case
    ]
    warnings = [warning for volume in found.volumes for warning in volume.warnings]
    if not placed:
        warnings.append(f"{dataset.path('labelsTr')}: no labels; the images are augmented alone")
    return _Part(cases, frozenset((*images, *labels)), (*found.left_alone, *left_alone), tuple(warnings))


def _files(tree: Tree, dataset: Description, part: str) -> Iterator[str]:
    prefix = dataset.path(part, "")
    for path in tree.claimed_by("nifti"):
        if path.startswith(prefix) and path.endswith(dataset.ending) and "/" not in path[len(prefix) :]:
            yield path


def _case_of(path: str, dataset: Description) -> str:
    return path.rpartition("/")[2].removesuffix(dataset.ending)


def _number(path: str, dataset: Description, labels: Container[str]) -> str:
    """Return the number of an image's channel; empty for Decathlon files, which are named as their label."""
    name = _case_of(path, dataset)
    numbered = _NUMBERED.fullmatch(name)
    return "" if numbered is None or name in labels else numbered[1]


def _make_case(
    name: str, found: Mapping[str, FoundVolume], placed: Mapping[str, FoundVolume], dataset: Description
) -> Case:
    """Return the case called `name` with all the channels it should have; `found` is by channel number."""
    unknown = sorted(found[number].files[0] for number in found if number and number not in dataset.channels)
    looked_for = {"label": dataset.path("labelsTr", name + dataset.ending)}
    images: dict[str, tuple[FoundVolume, ...]] = {"image": tuple(found.values())}
    if "" not in found and not unknown:
        images = {channel: (found[n],) if n in found else () for n, channel in dataset.channels.items()}
        looked_for |= {
            channel: dataset.path("imagesTr", f"{name}_{number}{dataset.ending}")
            for number, channel in dataset.channels.items()
        }
    return Case(
        id=dataset.path(name),
        images=images,
        labels={"label": (placed[name],) if name in placed else ()} if placed else {},
        looked_for=looked_for,
        modality=dataset.modality,
        problem=("unknown_channel", f"{name_some(unknown)}: dataset.json has no such channel") if unknown else None,
    )


LAYOUT = NnunetLayout()
