"""Swapping: paired labels change places where a reflection has exchanged left and right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import LabelMap, LabelStack, label_value
from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.label_maps import Labels


def swap_labels(
    labels: dict[str, Labels], swaps: Sequence[tuple[str, str]], names: dict[int, str], known: Sequence[str] = ()
) -> dict[str, Labels]:
    """Exchange paired labels: values within the maps, parts of stacks, or whole maps where the pair names those.

    `names` are the recipe's, by value; `known` are all names of the sample, points' too. What a file calls by one name
    of a pair, and has no counterpart of, takes the other name. A map in which a pair has no place stays as it is if
    something else of the sample has it, else SampleError `unknown_label` is raised.
    """
    for pair in swaps if labels else ():
        whole = _exchange_maps(labels, pair) if set(pair) <= labels.keys() else {}
        others = (*known, *whole)
        labels = {key: whole.get(key) or _swap_within(label, pair, names, others) for key, label in labels.items()}
    return labels


def _exchange_maps(labels: dict[str, Labels], pair: tuple[str, str]) -> dict[str, Labels]:
    """Return the two maps that `pair` names with each other's voxels; what their files call their values stays."""
    one, other = (labels[name] for name in pair)
    alike = one.array.dtype == other.array.dtype and one.array.shape == other.array.shape
    if type(one) is not type(other) or not alike or not one.geometry.same_grid(other.geometry):
        message = f"swap_labels: {pair[0]} and {pair[1]} differ in grid, type or number of parts"
        raise SampleError("geometry_mismatch", message)
    return {pair[0]: _with_voxels(one, other), pair[1]: _with_voxels(other, one)}


def _with_voxels(label: Labels, voxels: Labels) -> Labels:
    if isinstance(label, LabelMap):
        return replace(label, array=voxels.array, exchanged=label.exchanged ^ frozenset(label.names))
    parts, partition = frozenset(range(1, len(label.array) + 1)), isinstance(voxels, LabelStack) and voxels.partition
    return replace(label, array=voxels.array, partition=partition, exchanged=label.exchanged ^ parts)


def _swap_within(label: Labels, pair: tuple[str, str], names: dict[int, str], known: Sequence[str]) -> Labels:
    """Exchange two values of a map, or two parts of a stack where it has both."""
    return _swap_values(label, pair, names, known) if isinstance(label, LabelMap) else _swap_parts(label, pair, names)


def _swap_values(label: LabelMap, pair: tuple[str, str], names: dict[int, str], known: Sequence[str]) -> LabelMap:
    one, other = (label_value(name, {**label.names, **names}, label.names) for name in pair)
    if one is not None and other is not None:
        return replace(label, array=_exchange(label.array, one, other), exchanged=label.exchanged ^ {one, other})
    unknown = [name for name, value in zip(pair, (one, other), strict=True) if value is None and name not in known]
    if unknown:
        raise SampleError("unknown_label", f"swap_labels names {unknown[0]}, which dataset.label_names does not")
    value, missing = (one, pair[1]) if other is None else (other, pair[0])
    if value is None:
        return label
    if value in label.names:
        return replace(label, names={**label.names, value: missing})
    if (label.array == value).any():
        raise SampleError("unknown_label", f"swap_labels: the value {value} is mirrored, and none is called {missing}")
    return label


def _swap_parts(label: LabelStack, pair: tuple[str, str], names: dict[int, str]) -> LabelStack:
    one, other = (_part_index(name, label, names) for name in pair)
    if one is not None and other is not None:
        order = list(range(len(label.array)))
        order[one], order[other] = other, one
        return replace(label, array=label.array[order], exchanged=label.exchanged ^ {one + 1, other + 1})
    index, missing = (one, pair[1]) if other is None else (other, pair[0])
    if index is None or not label.names:
        return label
    return replace(label, names=(*label.names[:index], missing, *label.names[index + 1 :]))


def _part_index(name: str, label: LabelStack, names: dict[int, str]) -> int | None:
    """Return which component `name` is: by the file's own names, else by its number from 1 on."""
    if label.names:
        return label.names.index(name) if name in label.names else None
    number = label_value(name, names)
    return number - 1 if number is not None and 1 <= number <= len(label.array) else None


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
