"""Series: instances grouped into volumes by what their headers say, never by folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.formats.dicom.grid import repeats_a_position, same_plane_grid
from medaug_cli.formats.dicom.instance import SPLITTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.formats.dicom.instance import Instance


def group_instances(instances: Sequence[Instance]) -> list[list[Instance]]:
    """Return the volumes among `instances`: slices that can be stacked, and 2-D images one by one."""
    groups: list[list[Instance]] = []
    for candidates in _by_series(instances):
        if not candidates[0].in_patient:
            groups.extend([instance] for instance in candidates)
            continue
        for parallel in _by_plane(candidates):
            groups.extend(_by_time(parallel))
    return groups


def group_key(group: Sequence[Instance]) -> str:
    """Return the words that tell `group` from the other groups of a dataset, whatever the order of its files."""
    first = min(group, key=lambda instance: instance.sop_instance)
    plane = [f"{value:.3f}" for value in (*(first.orientation or ()), *(first.spacing_mm or ()))]
    shared = [
        found.pop()
        for values in zip(*(one.split_values for one in group), strict=True)
        if len(found := set(values)) == 1
    ]
    single = [first.sop_instance] if len(group) == 1 else []
    return "\\".join((first.series, *_series_words(first), *plane, *shared, *single))


def _series_words(instance: Instance) -> tuple[str, ...]:
    """Return what tells the series of `instance`, and its kind of picture within it, from all others."""
    words = (instance.patient, instance.study, instance.series, instance.sop_class, instance.modality)
    return (*words, str(instance.rows), str(instance.columns), str(instance.in_patient), *instance.series_key)


def _by_series(instances: Sequence[Instance]) -> list[list[Instance]]:
    found: dict[tuple[str, ...], list[Instance]] = {}
    for instance in instances:
        found.setdefault(_series_words(instance), []).append(instance)
    return list(found.values())


def _by_plane(instances: Sequence[Instance]) -> list[list[Instance]]:
    """Split where orientation or pixel spacing differ by more than what rounding leaves."""
    groups: list[list[Instance]] = []
    for instance in instances:
        for group in groups:
            if same_plane_grid(group[0], instance):
                group.append(instance)
                break
        else:
            groups.append([instance])
    return groups


def _by_time(instances: list[Instance]) -> list[list[Instance]]:
    """Split a stack that passes the same positions several times by the attribute that makes each pass a volume.

    AcquisitionNumber and the times belong to no group key, for some scanners count them up from slice to slice.
    """
    if not repeats_a_position(instances):
        return [instances]
    for index in range(len(SPLITTERS)):
        parts: dict[str, list[Instance]] = {}
        for instance in instances:
            parts.setdefault(instance.split_values[index], []).append(instance)
        if all(len(part) > 1 and not repeats_a_position(part) for part in parts.values()):
            return list(parts.values())
    return [instances]
