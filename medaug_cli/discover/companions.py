"""Companions: files that go with a case by a template of the recipe, points and labels of other formats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medaug_cli.discover.cases import KEYS
from medaug_cli.discover.pairing import Owners, Pairing, describe_shared, fit
from medaug_cli.discover.templates import parse_template
from medaug_cli.formats import load_format

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medaug_cli.core.sample import Role
    from medaug_cli.discover.cases import Case, Problem
    from medaug_cli.discover.inventory import LeftAlone
    from medaug_cli.discover.templates import Template
    from medaug_cli.discover.walk import Tree
    from medaug_cli.formats import FoundVolume


@dataclass(frozen=True)
class Wanted:
    """Which files are to be given to cases: those of `role` and `format` that the recipe's templates, `texts`, name."""

    role: Role
    texts: Mapping[str, str] | None
    format: str


def attach(pairing: Pairing, tree: Tree, wanted: Wanted, *, by_prefix: bool = False) -> Pairing:
    """Return `pairing` with the `wanted` files given to their cases.

    `{case}` is the id of a case, what else it is called, or the last part of its id where one case alone has that; by
    prefix also what an id begins with. A template of points without `{case}` names one file that tells of every case.
    A case without its file has a problem. Raises RecipeError and DatasetError for templates.
    """
    role = wanted.role
    key = f"dataset.{KEYS[role]}"
    templates = {
        channel: parse_template(text, f"{key}.{channel}", shared=role == "points")
        for channel, text in (wanted.texts or {}).items()
    }
    if not templates:
        return pairing
    named = [path for path in tree.files if any(template.fits(path) for template in templates.values())]
    reader = load_format(wanted.format)
    found = reader.find(tree.root, [path for path in named if reader.claims(tree.root / path)])
    owners = Owners((case.id for case in pairing.cases), by_prefix=by_prefix, also=_names_of(pairing.cases))
    cases, without_image = _give(pairing.cases, found.volumes, {role: templates}, owners)
    return Pairing(cases, (*pairing.left_alone, *found.left_alone, *without_image))


def segmentations(labels: Mapping[str, str] | None) -> Wanted:
    """Return what asks for the DICOM label objects among the templates `labels`: those that end in `.dcm`."""
    texts = {channel: text for channel, text in (labels or {}).items() if text.lower().endswith(".dcm")}
    return Wanted("label", texts, "dicom")


def _give(
    cases: Sequence[Case], volumes: Iterable[FoundVolume], roles: Mapping[Role, Mapping[str, Template]], owners: Owners
) -> tuple[tuple[Case, ...], list[LeftAlone]]:
    """Return the cases with their companions, and the files that belong to none."""
    ((role, templates),) = roles.items()
    given: dict[str, dict[str, list[FoundVolume]]] = {case.id: {} for case in cases}
    problems: dict[str, Problem] = {}
    left_alone: list[LeftAlone] = []
    for volume in volumes:
        slot = fit(roles, volume.files)
        if slot is None:
            continue
        shared = templates[slot.channel].shared
        found = list(given) if shared else owners.of(slot.case)
        if not found:
            left_alone += [(path, f"{role}_without_image", "no image has this file's name") for path in volume.files]
        elif len(found) > 1 and not shared:
            problems |= dict.fromkeys(found, describe_shared(volume, found))
        else:
            for owner in found:
                given[owner].setdefault(slot.channel, []).append(replace(volume, role=role, shared=shared))
    return tuple(_complete(case, role, templates, given[case.id], problems.get(case.id)) for case in cases), left_alone


def _names_of(cases: Iterable[Case]) -> dict[str, list[str]]:
    """Return by the names that a case has beside its id the ids of the cases that have them."""
    named: dict[str, list[str]] = {}
    for case in cases:
        for name in {*case.also_called, case.id.rpartition("/")[2]}:
            named.setdefault(name, []).append(case.id)
    return named


def _complete(
    case: Case,
    role: Role,
    templates: Mapping[str, Template],
    given: Mapping[str, list[FoundVolume]],
    problem: Problem | None,
) -> Case:
    """Return `case` with every channel that the templates name, found or not."""
    channels = {channel: tuple(given.get(channel, ())) for channel in templates}
    looked_for = {channel: template.fill(case.id) for channel, template in templates.items()}
    case = replace(case, looked_for={**case.looked_for, **looked_for}, problem=case.problem or problem)
    if role == "points":
        return replace(case, points=channels)
    return replace(case, labels={**case.labels, **channels})
