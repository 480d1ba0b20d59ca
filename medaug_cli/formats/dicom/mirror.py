"""Mirror: left and right in a header when the picture is turned round (DICOM PS3.3 C.7.6.1.1.1, C.8.11.4.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.classes import MODALITIES
from medaug_cli.formats.dicom.header import numbers, text, values
from medaug_cli.formats.dicom.sides import SIDES, counterpart, names_one_side, other_view, other_words
from medaug_cli.formats.dicom.template import shallow_copy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.sample import Derivation, IndexMap
    from medaug_cli.formats.dicom.instance import Instance

_GRADIENT, _GRADIENT_ITEMS = "DiffusionGradientOrientation", "DiffusionGradientDirectionSequence"
_B_ITEMS = "DiffusionBMatrixSequence"
_B_VALUES = tuple(f"DiffusionBValue{axes}" for axes in ("XX", "XY", "XZ", "YY", "YZ", "ZZ"))
_TAGS_OF_GRADIENTS = frozenset(Tag(keyword) for keyword in (_GRADIENT, *_B_VALUES))
_B_PLACES = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
_DIRECTIONALITY, _DIRECTED = "DiffusionDirectionality", frozenset({"DIRECTIONAL", "BMATRIX"})
_PHASES = "InPlanePhaseEncodingDirection"
_OBLIQUE = 1e-6
_UNROTATED = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_UNTURNED = ((0, 1), (1, 1), (2, 1))
_OPPOSITE = str.maketrans("LRAPHF", "RLPAFH")
_OTHER_SIDE = str.maketrans("LR", "RL")
_SIDE_KEYWORDS = ("Laterality", "ImageLaterality", "FrameLaterality")
REGION_CODES = ("RTROIIdentificationCodeSequence", "SegmentedPropertyTypeCodeSequence")
_REGIONS = ("AnatomicRegionSequence", "PrimaryAnatomicStructureSequence")
_ANATOMY_REQUIRED = frozenset({"MG", "IO", "OP"})  # type 1 (PS3.3 C.8.11.7, C.8.11.9, C.8.17.5)
_MODIFIERS = (
    *("AnatomicRegionModifierSequence", "PrimaryAnatomicStructureModifierSequence"),
    "SegmentedPropertyTypeModifierCodeSequence",
)
_DETECTORS = "DetectorInformationSequence"
_DETECTOR = (
    "FieldOfViewHorizontalFlip",
    "FieldOfViewRotation",
    "FieldOfViewOrigin",
)  # about a detector that never saw this picture


def turn_header(header: Dataset, instance: Instance, derivation: Derivation) -> None:
    """Make the sides that `header` names those of the copy.

    A picture placed in the patient keeps its PatientOrientation, which says how its grid lies and not what it shows.
    """
    if derivation.swap_laterality:
        swap_sides(header, instance.file)
        _swap_views(header, instance.file)
    if derivation.moved:
        turn_directions(header, derivation, instance.file, column="COL")
    if derivation.swap_laterality or derivation.turn != _UNTURNED:
        for keyword in _DETECTOR:
            if keyword in header:
                del header[keyword]
        if not instance.in_patient and any(instance.letters):
            header.PatientOrientation = list(turn_letters(instance.letters, derivation))


def turn_directions(header: Dataset, derivation: Derivation, file: str, column: str) -> None:
    """Let what `header`, or an item of it, says of directions in the picture follow it, or go (PS3.3 C.8.3.1).

    Rows and columns (a `column` is COL in classic images, COLUMN in enhanced ones) change places with a quarter turn,
    and phases are encoded along neither after any other rotation. A diffusion gradient, which is told in the patient's
    coordinates, turns with the anatomy (C.8.13.5.9); where that is stretched, sheared or bent it goes.
    """
    linear = None if derivation.index_map is None else [row[:3] for row in derivation.index_map]
    if derivation.rotation != _UNROTATED:
        _turn_gradients(header, derivation.rotation, file)
    if _PHASES not in header:
        return
    axes = [axis for axis, _ in derivation.turn[:2]]
    if linear is None or any(sum(abs(factor) > _OBLIQUE for factor in row) != 1 for row in linear) or 2 in axes:  # noqa: PLR2004  along the slices
        del header[_PHASES]
    elif axes == [1, 0]:
        said = text(header, _PHASES, file)
        setattr(header, _PHASES, {"ROW": column, column: "ROW"}.get(said, said))


def _turn_gradients(header: Dataset, rotation: IndexMap | None, file: str) -> None:
    """Turn the diffusion gradient and the b-matrix of `header` by `rotation`, or drop what cannot be turned."""
    turned: dict[str, Any] = {} if rotation is None else _turn_vectors(header, np.array(rotation), file)
    for keyword in (_GRADIENT_ITEMS, _B_ITEMS):
        items = [shallow_copy(item) for item in values(header, keyword, file)]
        for item in items:
            _turn_gradients(item, rotation, file)
        if items and all(item.keys() & _TAGS_OF_GRADIENTS for item in items):
            turned[keyword] = Items(items)
    for keyword in (_GRADIENT, *_B_VALUES, _GRADIENT_ITEMS, _B_ITEMS):
        if keyword in turned:
            setattr(header, keyword, turned[keyword])
        elif keyword in header:
            del header[keyword]
    if text(header, _DIRECTIONALITY, file) in _DIRECTED and not turned.keys() & {_GRADIENT, _GRADIENT_ITEMS, _B_ITEMS}:
        del header[_DIRECTIONALITY]


def _turn_vectors(header: Dataset, rotation: Array64, file: str) -> dict[str, Any]:
    """Return gradient g and b-matrix B of `header` as R g and R B Rᵀ; without what is damaged."""
    turned: dict[str, Any] = {}
    gradient = _undamaged(header, _GRADIENT, file, 3)
    if gradient is not None:
        turned[_GRADIENT] = [float(value) + 0.0 for value in rotation @ gradient]
    parts = [_undamaged(header, keyword, file, 1) for keyword in _B_VALUES]
    told = [part[0] for part in parts if part is not None]
    if len(told) == len(parts):
        matrix = np.empty((3, 3))
        for (i, j), value in zip(_B_PLACES, told, strict=True):
            matrix[i, j] = matrix[j, i] = value
        matrix = rotation @ matrix @ rotation.T
        turned |= {keyword: float(matrix[at]) + 0.0 for keyword, at in zip(_B_VALUES, _B_PLACES, strict=True)}
    return turned


def _undamaged(header: Dataset, keyword: str, file: str, count: int) -> tuple[float, ...] | None:
    """Return the `count` numbers of `keyword`; None where they are not that."""
    try:
        return numbers(header, keyword, file, count)
    except SampleError:
        return None


def turn_letters(letters: tuple[str, str], derivation: Derivation) -> tuple[str, str]:
    """Return PatientOrientation (row, column) of the copy: `P`, `FL` mirrored along its rows is `A`, `FR`."""
    turned = []
    for axis, sign in derivation.turn[:2]:
        named = letters[axis] if axis < len(letters) else ""
        named = named if sign > 0 else named.translate(_OPPOSITE)
        turned.append(named.translate(_OTHER_SIDE) if derivation.swap_laterality else named)
    return turned[0], turned[1]


def swap_sides(header: Dataset, file: str, *, required: bool = False) -> None:
    """Exchange left and right in what `header`, or an item of it, says of the part that it shows.

    A code that holds the side itself ("Left breast") becomes its counterpart; where none is known it goes, or where its
    sequence is `required` SampleError is raised.
    """
    for keyword in _SIDE_KEYWORDS:
        side = text(header, keyword, file)
        if side in {"L", "R"}:
            setattr(header, keyword, side.translate(_OTHER_SIDE))
    view = text(header, "ViewPosition", file)
    if other_view(view) != view:
        header.ViewPosition = other_view(view)
    required = required or MODALITIES.get(text(header, "SOPClassUID", file)) in _ANATOMY_REQUIRED
    for keyword in _REGIONS:
        _swap_codes(header, keyword, file, may_go=not required or keyword == _REGIONS[1])
    _swap_codes(header, "ViewCodeSequence", file, may_go=not required)


def _swap_views(header: Dataset, file: str) -> None:
    """Exchange left and right in what `header` says of the view that each NM detector had (PS3.3 C.8.4.11)."""
    detectors = [shallow_copy(detector) for detector in values(header, _DETECTORS, file)]
    for detector in detectors:
        swap_sides(detector, file)
    if detectors:
        setattr(header, _DETECTORS, Items(detectors))


def swap_region(item: Dataset, file: str, may_go: Sequence[str] = ()) -> None:
    """Exchange left and right in what `item` says of a region or segment (PS3.3 C.8.8.5, C.8.20.2).

    A code that holds the side itself ("Left kidney") becomes its counterpart; where none is known it goes if its
    sequence `may_go`, else SampleError is raised.
    """
    swap_sides(item, file)
    for keyword in REGION_CODES:
        _swap_codes(item, keyword, file, may_go=keyword in may_go)


def _swap_codes(header: Dataset, keyword: str, file: str, *, may_go: bool) -> None:
    """Put the codes of the other side into code sequence `keyword`, and into the modifiers of its items."""
    codes = values(header, keyword, file)
    if not codes:
        return
    made = [_swap_code(shallow_copy(code), file) for code in codes]
    kept = [code for code in made if code is not None]
    if len(kept) < len(made) and not may_go:
        found = f"{keyword} names a side by a code without a known counterpart"
        raise SampleError("not_supported", f"{file}: {found}; use a laterality modifier, or flip with laterality: keep")
    if kept:
        setattr(header, keyword, Items(kept))
    else:
        del header[keyword]


def _swap_code(code: Dataset, file: str) -> Dataset | None:
    """Return `code`, a copy, for the other side; None where it names a side whose counterpart nobody knows."""
    for keyword in _MODIFIERS:
        _swap_codes(code, keyword, file, may_go=True)
    own = _code_of(code, file)
    if own in SIDES:
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = SIDES[own]
        return code
    meaning = text(code, "CodeMeaning", file)
    other = counterpart(own)
    if not other:
        return None if names_one_side(meaning) else code
    words = other_words(meaning)
    # A meaning in another language names no side that could be exchanged.
    code.CodeValue, code.CodeMeaning = other[0], other[1] if words == meaning else words
    return code


def _code_of(item: Dataset, file: str) -> tuple[str, str]:
    return text(item, "CodeValue", file), text(item, "CodingSchemeDesignator", file)
