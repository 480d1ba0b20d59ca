"""Swapping: paired labels change places where a reflection has exchanged left and right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.sample import LabelMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.sample import Labels


def swap_labels(
    labels: dict[str, Labels], swaps: Sequence[tuple[str, str]], names: dict[int, str], known: Sequence[str] = ()
) -> dict[str, Labels]:
    """Exchange paired labels: values within the maps, parts of stacks, or whole maps where the pair names those.

    `names` are the recipe's, by value; `known` are all names of the sample, points' too. A map in which a pair has no
    place stays as it is if something else of the sample has it, else SampleError `unknown_label` is raised.
    """
    for first, second in swaps if labels else ():
        if first in labels and second in labels:
            one_map, other_map = labels[first], labels[second]
            if not one_map.geometry.same_grid(other_map.geometry) or one_map.array.dtype != other_map.array.dtype:
                raise SampleError("geometry_mismatch", f"swap_labels: {first} and {second} differ in grid or type")
            labels = {**labels, first: labels[second], second: labels[first]}
            continue
        labels = {key: _swap_within(label, (first, second), names, known) for key, label in labels.items()}
    return labels


def _swap_within(label: Labels, pair: tuple[str, str], names: dict[int, str], known: Sequence[str]) -> Labels:
    """Exchange two values of a map, or two parts of a stack where it has both."""
    if isinstance(label, LabelMap):
        one, other = (_label_value(name, {**label.names, **names}) for name in pair)
        if one is not None and other is not None:
            return replace(label, array=_exchange(label.array, one, other))
        unknown = [name for name, value in zip(pair, (one, other), strict=True) if value is None and name not in known]
        if unknown:
            raise SampleError("unknown_label", f"swap_labels names {unknown[0]}, which dataset.label_names does not")
        return label
    own = label.names or tuple(names.get(number, str(number)) for number in range(1, len(label.array) + 1))
    if not set(pair) <= set(own):
        return label
    renamed = dict(zip(pair, reversed(pair), strict=True))
    return replace(label, array=label.array[[own.index(renamed.get(name, name)) for name in own]])


def _exchange(array: Any, one: int, other: int) -> Any:
    swapped = array.copy()
    for old, new in ((one, other), (other, one)):
        found = array == old
        if not found.any():
            continue
        if array.dtype.kind in "iu" and not np.iinfo(array.dtype).min <= new <= np.iinfo(array.dtype).max:
            raise SampleError("unknown_label", f"swap_labels: a label map of {array.dtype} cannot hold the value {new}")
        swapped[found] = new
    return swapped


def _label_value(name: str, names: dict[int, str]) -> int | None:
    found = [value for value, text in names.items() if text == name]
    if found:
        return found[0]
    return int(name) if name.lstrip("-").isdigit() else None
