"""Sources: the instances that a copy's slice was made from (SourceImageSequence, DICOM PS3.3 C.7.6.1.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.codes import SOURCE_FOR_PROCESSING, purpose_element
from medaug_cli.formats.dicom.elements import encode_item, encoded_element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.privacy import Privacy
    from medaug_cli.core.sample import Derivation, IndexMap
    from medaug_cli.formats.dicom.instance import Instance
    from medaug_cli.formats.dicom.regrid import Slice

# A bent slice may take from the whole stack, but n items in each of n slices grow with n²: 500 slices would carry 90 kB
# each. A mapping mild enough to augment with takes from the nearest slices, so that these are named.
_MOST_SOURCES = 64
_ON_A_SLICE = 0.01  # of the distance between slices


class SourceImages:
    """The items that name the source slices of a volume, encoded once for all slices of its copy."""

    def __init__(
        self, instances: Sequence[Instance], *, derivation: Derivation, size: tuple[int, int, int], same_grid: bool
    ) -> None:
        """Encode one item for each of `instances`, named as `derivation` says: by mapped UIDs where it hides them.

        The copy has `size` (x, y, z); `same_grid`: it lies on the grid that they form.
        """
        self._moved = derivation.moved
        self._size, self._map = size, derivation.index_map
        unmoved = same_grid and not self._moved
        self._items = [
            _encode_item(one, derivation.privacy, "YES" if unmoved else _preserved(one, derivation, size))
            for one in instances
        ]

    def name_in(self, header: Dataset, made: Slice, index: int) -> None:
        """Set SourceImageSequence in the `header` of slice `index` to what it lies on or between.

        Where it moved: to the slices that an affine map takes it from, else to those about it.
        """
        if not self._moved:
            self._set(header, [self._items[neighbour] for neighbour in made.neighbours])
            return
        low, high, middle = 0, len(self._items) - 1, made.nearest
        if self._map is not None:
            low, high = self._reach(self._map, index)
            middle = (low + high + 1) // 2
        first = min(max(low, middle - _MOST_SOURCES // 2), max(low, high + 1 - _MOST_SOURCES))
        self._set(header, self._items[first : min(high + 1, first + _MOST_SOURCES)])

    def _reach(self, index_map: IndexMap, index: int) -> tuple[int, int]:
        """Return the first and the last source slice that slice `index` of the copy was interpolated from."""
        back = np.linalg.inv(np.vstack([index_map, (0, 0, 0, 1)]))[2]
        x, y = (extent - 1 for extent in self._size[:2])
        seen = np.array([(0, 0, index, 1), (x, 0, index, 1), (0, y, index, 1), (x, y, index, 1)]) @ back
        ends = np.floor(seen.min() + _ON_A_SLICE), np.ceil(seen.max() - _ON_A_SLICE)
        low, high = (int(np.clip(end, 0, len(self._items) - 1)) for end in ends)
        return low, high

    def name_all(self, item: Dataset) -> None:
        """Set SourceImageSequence in `item` to all of them."""
        self._set(item, self._items)

    @staticmethod
    def _set(header: Dataset, items: Sequence[bytes]) -> None:
        element = encoded_element("SourceImageSequence", "SQ", items)
        header[element.tag] = element


def _preserved(instance: Instance, derivation: Derivation, size: tuple[int, int, int]) -> str:
    """Return whether a moved projection was but flipped and turned by quarters: it still shows the same places.

    A mirrored one that is said to show the other side of the body does not.
    """
    if instance.in_patient or derivation.swap_laterality or derivation.index_map is None or not any(instance.letters):
        return "NO"  # the last: a reoriented picture must say how its source lay
    lengths = (instance.columns, instance.rows)
    for row, length in zip(derivation.index_map[:2], size, strict=False):
        if sorted(map(abs, row[:2])) != [0.0, 1.0]:
            return "NO"
        source = 0 if row[0] else 1
        if length != lengths[source] or row[3] != (0.0 if row[source] > 0 else length - 1):
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
