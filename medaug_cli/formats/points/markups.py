"""Slicer's .mrk.json: point lists, lines, angles, curves, and box regions (ROI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Boxes, Points
from medaug_cli.formats.points.json_text import dump_json
from medaug_cli.formats.points.numbers import in_numbers, to_number
from medaug_cli.formats.points.spaces import from_memory, to_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.formats.points.kinds import CopiedImage

_LISTS = "Fiducial"
_SHAPES = frozenset({"Line", "Angle", "Curve", "ClosedCurve"})
_REGION = "ROI"
# vtkMRMLStorageNode counts the systems, too.
_SYSTEMS = {"LPS": "lps", "1": "lps", "RAS": "ras", "0": "ras"}
_ALONG_AXES = 1e-6
_DECIMALS = 9
_POSITION, _AXES = 3, 9  # so many numbers


@dataclass(frozen=True, eq=False)
class Markups:
    """A file as read; `places` are (markup, control point) of each mark, the control point -1 of a region."""

    raw: bytes
    document: dict[str, Any]
    places: tuple[tuple[int, int], ...]
    space: str
    content: Points | Boxes

    def write(self, content: Points | Boxes, image: CopiedImage) -> str:
        """Return the file with the marks where they are now; measurements and turned axes are left out once moved.

        Slicer measures again when it loads the file.
        """
        numbers = from_memory(content, self.space)
        now = {
            self.places[row]: (numbers[place].tolist(), content.names[place]) for place, row in enumerate(content.rows)
        }
        marked = set(self.places)
        markups = []
        for number, markup in enumerate(self.document["markups"]):
            if (number, -1) in marked and (number, -1) not in now:
                continue
            changed = dict(markup)
            if "controlPoints" in markup:
                changed["controlPoints"] = [
                    _moved_point(point, now.get((number, index)), moved=image.moved)
                    for index, point in enumerate(markup["controlPoints"])
                    if (number, index) not in marked or (number, index) in now
                ]
            if (number, -1) in now:
                changed = _moved_region(changed, now[number, -1][0])
            if image.moved and "measurements" in markup:
                changed["measurements"] = []
            markups.append(changed)
        return dump_json({**self.document, "markups": markups}, self.raw)


def read_markups(name: str, raw: bytes, document: dict[str, Any]) -> Markups:
    """Return the marks of a file by the Markups schema (Slicer 4.11 and newer); raises SampleError `bad_points`.

    Positions are mm, in LPS where the file does not say, as the schema has it. A file holds points or regions.
    """
    markups = document["markups"]
    if not isinstance(markups, list) or not all(isinstance(one, dict) for one in markups):
        raise SampleError("bad_points", f"{name}: markups must be a list of objects")
    spaces = {_space(name, markup, number) for number, markup in enumerate(markups)} or {"lps"}
    regions = {markup.get("type") == _REGION for markup in markups}
    if len(spaces) > 1 or len(regions) > 1:
        raise SampleError("bad_points", f"{name}: markups of several spaces, or points beside ROIs; split the file")
    space, boxes = spaces.pop(), True in regions
    found = [one for number, markup in enumerate(markups) for one in _marks(name, markup, number, boxes=boxes)]
    numbers = np.array([values for _, values, _ in found], np.float64).reshape(-1, 6 if boxes else 3)
    content = to_memory(numbers, space, tuple(label for _, _, label in found), boxes=boxes)
    if isinstance(content, Points) and any(markup.get("type") in _SHAPES for markup in markups):
        content = Points(content.positions, content.names, content.rows, whole=True)
    places = tuple(place for place, _, _ in found)
    marked = frozenset(places)
    parsed = {**document, "markups": [_in_numbers(markup, number, marked) for number, markup in enumerate(markups)]}
    return Markups(raw, parsed, places, space, content)


def _space(name: str, markup: dict[str, Any], number: int) -> str:
    kind = markup.get("type", _LISTS)
    if not isinstance(kind, str) or kind not in {_LISTS, _REGION, *_SHAPES}:
        allowed = ", ".join((_LISTS, *sorted(_SHAPES), _REGION))
        raise SampleError("bad_points", f"{name}: markups[{number}].type: allowed: {allowed}")
    space = _SYSTEMS.get(str(markup.get("coordinateSystem", "LPS")).upper())
    if space is None or markup.get("coordinateUnits", "mm") != "mm":
        raise SampleError("bad_points", f"{name}: markups[{number}]: coordinateSystem LPS or RAS in mm is allowed")
    return space


def _marks(
    name: str, markup: dict[str, Any], number: int, *, boxes: bool
) -> list[tuple[tuple[int, int], list[float], str]]:
    """Return (place, numbers, label) of each mark of one markup; a point whose position is not defined is none."""
    place = f"{name}: markups[{number}]"
    points = markup.get("controlPoints", [])
    if not isinstance(points, list) or not all(isinstance(one, dict) for one in points):
        raise SampleError("bad_points", f"{place}.controlPoints must be a list of objects")
    if boxes:
        return [((number, -1), _region(place, markup), str(markup.get("name", "")))]
    return [
        ((number, index), _point(f"{place}.controlPoints[{index}]", point), str(point.get("label", "")))
        for index, point in enumerate(points)
        if point.get("positionStatus", "defined") == "defined"
    ]


def _point(place: str, point: dict[str, Any]) -> list[float]:
    """Return the position of a control point, whose axes must be numbers if it has any."""
    if point.get("orientation") is not None:
        _numbers(f"{place}.orientation", point["orientation"], _AXES)
    return _numbers(f"{place}.position", point.get("position"), _POSITION)


def _region(place: str, markup: dict[str, Any]) -> list[float]:
    """Return the corners of a box region whose sides run along the patient's axes."""
    axes = _numbers(f"{place}.orientation", markup.get("orientation", [1, 0, 0, 0, 1, 0, 0, 0, 1]), _AXES)
    if markup.get("roiType", "Box") != "Box" or not _along_axes(axes):
        raise SampleError("bad_points", f"{place}: an ROI must be a Box along the patient's axes")
    center = _numbers(f"{place}.center", markup.get("center"), _POSITION)
    size = _numbers(f"{place}.size", markup.get("size"), _POSITION)
    ends = [abs(length) / 2 for length in size]
    return [mid - end for mid, end in zip(center, ends, strict=True)] + [
        mid + end for mid, end in zip(center, ends, strict=True)
    ]


def _along_axes(axes: Sequence[float]) -> bool:
    return all(abs(abs(one) - (number % 4 == 0)) < _ALONG_AXES for number, one in enumerate(axes))


def _numbers(place: str, values: object, count: int) -> list[float]:
    if not isinstance(values, list) or len(values) != count:
        raise SampleError("bad_points", f"{place}: {'three' if count == _POSITION else 'nine'} numbers are allowed")
    return [to_number(one, f"{place}[{axis}]") for axis, one in enumerate(values)]


def _in_numbers(markup: dict[str, Any], number: int, marked: frozenset[tuple[int, int]]) -> dict[str, Any]:
    """Return a markup with numbers where its marks have them as text."""
    if (number, -1) in marked:
        return {**markup, **_parsed(markup, ("center", "size", "orientation"))}
    points = enumerate(markup.get("controlPoints", []))
    parsed = [
        {**point, **_parsed(point, ("position", "orientation"))} if (number, index) in marked else point
        for index, point in points
    ]
    return {**markup, "controlPoints": parsed} if parsed else markup


def _parsed(entry: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: in_numbers(entry[key]) for key in keys if entry.get(key) is not None}


def _moved_point(point: dict[str, Any], now: tuple[list[float], str] | None, *, moved: bool) -> dict[str, Any]:
    """Return a control point where it is now; axes of its own, which would have to turn, are left out."""
    if now is None:
        return point
    changed = {**point, "position": _rounded(now[0], point["position"])}
    if now[1] != str(point.get("label", "")):
        changed["label"] = now[1]
    axes = point.get("orientation")
    if moved and axes is not None and not _along_axes(axes):
        del changed["orientation"]
    return changed


def _moved_region(markup: dict[str, Any], corners: Sequence[float]) -> dict[str, Any]:
    low, high = np.array(corners[:3]), np.array(corners[3:])
    center = _rounded(((low + high) / 2).tolist(), markup["center"])
    points = [{**point, "position": center} for point in markup.get("controlPoints", [])]
    changed = {**markup, "center": center, "size": _rounded((high - low).tolist(), markup["size"])}
    return {**changed, "controlPoints": points} if points else changed


def _rounded(now: Sequence[float], before: Sequence[float]) -> list[float]:
    """Return new numbers, or the old ones where nothing moved."""
    return [
        old if abs(new - old) < _ALONG_AXES else round(new, _DECIMALS) + 0.0
        for new, old in zip(now, before, strict=True)
    ]
