"""Slicer's .mrk.json: point lists, lines, angles, curves, and box regions (ROI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Boxes, Points
from medaug_cli.formats.points.json_text import dump_json
from medaug_cli.formats.points.numbers import to_number
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
    return Markups(raw, document, tuple(place for place, _, _ in found), space, content)


def _space(name: str, markup: dict[str, Any], number: int) -> str:
    kind = markup.get("type", _LISTS)
    if kind not in {_LISTS, _REGION, *_SHAPES}:
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
    if boxes:
        return [((number, -1), _region(place, markup), str(markup.get("name", "")))]
    points = markup.get("controlPoints", [])
    if not isinstance(points, list) or not all(isinstance(one, dict) for one in points):
        raise SampleError("bad_points", f"{place}.controlPoints must be a list of objects")
    return [
        (
            (number, index),
            _three(f"{place}.controlPoints[{index}].position", point.get("position")),
            str(point.get("label", "")),
        )
        for index, point in enumerate(points)
        if point.get("positionStatus", "defined") == "defined"
    ]


def _region(place: str, markup: dict[str, Any]) -> list[float]:
    """Return the corners of a box region whose sides run along the patient's axes."""
    axes = markup.get("orientation", [1, 0, 0, 0, 1, 0, 0, 0, 1])
    along = isinstance(axes, list) and len(axes) == 9 and _along_axes([to_number(one, place) for one in axes])  # noqa: PLR2004
    if markup.get("roiType", "Box") != "Box" or not along:
        raise SampleError("bad_points", f"{place}: an ROI must be a Box along the patient's axes")
    center = _three(f"{place}.center", markup.get("center"))
    size = _three(f"{place}.size", markup.get("size"))
    ends = [abs(length) / 2 for length in size]
    return [mid - end for mid, end in zip(center, ends, strict=True)] + [
        mid + end for mid, end in zip(center, ends, strict=True)
    ]


def _along_axes(axes: Sequence[float]) -> bool:
    return all(abs(abs(one) - (number % 4 == 0)) < _ALONG_AXES for number, one in enumerate(axes))


def _three(place: str, values: object) -> list[float]:
    if not isinstance(values, list) or len(values) != 3:  # noqa: PLR2004
        raise SampleError("bad_points", f"{place}: three numbers are allowed")
    return [to_number(one, f"{place}[{axis}]") for axis, one in enumerate(values)]


def _moved_point(point: dict[str, Any], now: tuple[list[float], str] | None, *, moved: bool) -> dict[str, Any]:
    """Return a control point where it is now; axes of its own, which would have to turn, are left out."""
    if now is None:
        return point
    changed = {**point, "position": _rounded(now[0], point["position"])}
    if now[1] != str(point.get("label", "")):
        changed["label"] = now[1]
    axes = point.get("orientation")
    if moved and axes is not None and not (isinstance(axes, list) and _along_axes(axes)):
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
