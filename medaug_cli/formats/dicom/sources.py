"""Sources: the instances that a copy's slice was made from (SourceImageSequence, DICOM PS3.3 C.7.6.1.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.formats.dicom.codes import SOURCE_FOR_PROCESSING, purpose_element
from medaug_cli.formats.dicom.elements import encode_item, encoded_element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.privacy import Privacy
    from medaug_cli.core.sample import Derivation
    from medaug_cli.formats.dicom.instance import Instance
    from medaug_cli.formats.dicom.regrid import Slice

# A moved slice takes from the whole stack, but n items in each of n slices grow with n²: 500 slices would carry 90 kB
# each. A mapping mild enough to augment with takes from the nearest slices, so that these are named.
_MOST_SOURCES = 64


class SourceImages:
    """The items that name the source slices of a volume, encoded once for all slices of its copy."""

    def __init__(self, instances: Sequence[Instance], *, derivation: Derivation, same_grid: bool) -> None:
        """Encode one item for each of `instances`, named as `derivation` says: by mapped UIDs where it hides them.

        `same_grid`: the copy lies on the grid that they form.
        """
        self._moved = derivation.moved
        unmoved = same_grid and not self._moved
        self._items = [
            _encode_item(one, derivation.privacy, "YES" if unmoved else _preserved(one, derivation))
            for one in instances
        ]

    def name_in(self, header: Dataset, made: Slice) -> None:
        """Set SourceImageSequence in the `header` of a slice: what it lies on or between, where moved all about it."""
        first = min(max(0, made.nearest - _MOST_SOURCES // 2), max(0, len(self._items) - _MOST_SOURCES))
        everything = self._items[first : first + _MOST_SOURCES]
        chosen = everything if self._moved else [self._items[index] for index in made.neighbours]
        self._set(header, chosen)

    def name_all(self, item: Dataset) -> None:
        """Set SourceImageSequence in `item` to all of them."""
        self._set(item, self._items)

    @staticmethod
    def _set(header: Dataset, items: Sequence[bytes]) -> None:
        element = encoded_element("SourceImageSequence", "SQ", items)
        header[element.tag] = element


def _preserved(instance: Instance, derivation: Derivation) -> str:
    """Return whether a moved projection was but flipped and turned by quarters: it still shows the same places.

    A mirrored one that is said to show the other side of the body does not.
    """
    if instance.in_patient or derivation.swap_laterality or derivation.index_map is None or not any(instance.letters):
        return "NO"  # the last: a reoriented picture must say how its source lay
    lengths = (instance.columns, instance.rows)
    for row in derivation.index_map[:2]:
        if sorted(map(abs, row[:2])) != [0.0, 1.0]:
            return "NO"
        source = 0 if row[0] else 1
        if row[3] != (0.0 if row[source] > 0 else lengths[source] - 1):
            return "NO"
    return "REORIENTED_ONLY"


def _encode_item(instance: Instance, privacy: Privacy | None, preserved: str) -> bytes:
    name = privacy.uid(instance.sop_instance) if privacy else instance.sop_instance
    told = [
        ("ReferencedSOPClassUID", "UI", instance.sop_class),
        ("ReferencedSOPInstanceUID", "UI", name),
        ("SpatialLocationsPreserved", "CS", preserved),
    ]
    if instance.frame_number:
        told.append(("ReferencedFrameNumber", "IS", str(instance.frame_number)))
    if preserved == "REORIENTED_ONLY":
        told.append(("PatientOrientation", "CS", "\\".join(instance.letters)))
    elements = [encoded_element(keyword, vr, (words.encode(),)) for keyword, vr, words in told]
    elements.append(purpose_element(SOURCE_FOR_PROCESSING))
    return encode_item(elements)
